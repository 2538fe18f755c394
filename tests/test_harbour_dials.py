"""Every dial of the harbour does what its row in the table says, and is measured."""

import numpy as np
import pytest

from course_lib.data.harbour import Harbour
from course_lib.data.harbour.difficulty import hidden_shares
from course_lib.data.harbour.light import void_band

MAST, LAMP, BUOY, BOAT, CAR, PERSON = 9, 10, 11, 6, 7, 8


def scenes(count=12, **dials):
    harbour = Harbour(count=count, **dials)
    return [harbour.scene(i) for i in range(count)]


def runs(row: np.ndarray) -> np.ndarray:
    """Lengths of the runs of True in a row."""
    edges = np.flatnonzero(np.diff(np.r_[0, row.astype(int), 0]))
    return edges[1::2] - edges[::2]


@pytest.mark.parametrize("thin", range(1, 9))
@pytest.mark.parametrize("size", [(96, 128), (192, 256)])
def test_masts_are_exactly_thin_pixels_wide(thin, size):
    whole, cut = 0, 0
    for scene in scenes(6, thin=thin, size=size, texture=0):
        for number in scene.ids[scene.labels == MAST]:
            mask = scene.instance_map == number
            columns = np.flatnonzero(mask.any(axis=0))
            assert columns[-1] - columns[0] < thin  # never wider, however hidden
            if columns[0] > 0 and columns[-1] < size[1] - 1:
                found = np.concatenate([runs(row) for row in mask if row.any()])
                whole, cut = whole + (found == thin).sum(), cut + (found < thin).sum()
    assert whole > 100 and whole > 3 * cut  # others stand before some


@pytest.mark.parametrize("thin", [1, 2, 5])
def test_lamp_posts_are_thin_in_their_lower_half(thin):
    harbour = Harbour(count=20, thin=thin, occlusion=0)
    found = []
    for i in range(20):
        scene = harbour.scene(i)
        for thing in harbour.plan(i)[1]:
            if thing.kind == "lamp" and 10 < thing.x < 118:
                rows = scene.instance_map[
                    round(thing.y - thing.tall / 2) : round(thing.y)
                ]
                found += [n for row in rows for n in runs(row == thing.instance)]
    assert np.mean(np.array(found) == thin) > 0.9 and max(found) == thin


def test_masts_are_seen_at_the_usual_size():
    """A mast differs from what is beside it by 30 grey levels in most rows."""
    gaps = []
    for scene in scenes(20, texture=0):
        mast = scene.class_map == MAST
        grey = scene.image.astype(float)
        for y, x in np.argwhere(mast[:, 2:-2] & ~mast[:, :-4]):
            gaps.append(np.abs(grey[y, x + 2] - grey[y, x]).max())
    assert np.median(gaps) > 30


def neighbour_distance(scene) -> float:
    """Mean colour distance across the borders of the class map."""
    kinds, image = scene.class_map, scene.image.astype(float)
    border = kinds[:, 1:] != kinds[:, :-1]
    return np.linalg.norm(image[:, 1:] - image[:, :-1], axis=-1)[border].mean()


def test_contrast_scales_the_distance_of_neighbours():
    full, half, none = (
        np.mean([neighbour_distance(s) for s in scenes(6, contrast=c, texture=0)])
        for c in (1.0, 0.5, 0.0)
    )
    assert half == pytest.approx(full / 2, rel=0.06) and none == 0


def test_texture_is_the_strength_of_the_grain():
    flat = scenes(4, texture=0)
    noise = [
        np.mean([np.abs(a.image - b.image.astype(float)).mean() for a, b in
                 zip(scenes(4, texture=t), flat, strict=True)])
        for t in (0.2, 0.4, 0.8)
    ]  # fmt: skip
    assert noise[0] > 1.5 and noise[0] < noise[1] < noise[2]
    lawn = flat[0].image[flat[0].class_map == 4]
    assert len(np.unique(lawn, axis=0)) < 120  # flat paint, its shadows and edges


def looks(context: float):
    """Size, mean colour and spread of the inside of whole boats and cars."""
    rows, labels = [], []
    for scene in scenes(80, context=context, texture=0, occlusion=0, contact=0):
        for box, label, number in zip(
            scene.boxes, scene.labels, scene.ids, strict=True
        ):
            mask = scene.instance_map == number
            if label in (BOAT, CAR) and box[0] > 0 and box[2] < 128 and mask.sum() > 30:
                pixels = scene.image[mask] / 255
                size = [(box[2] - box[0]) / 30, (box[3] - box[1]) / 15]
                share = mask.sum() / np.prod(box[2:] - box[:2])
                rows.append([*size, share, *pixels.mean(0), *pixels.std(0)])
                labels.append(label)
    return np.array(rows), np.array(labels)


def told_apart(context: float) -> float:
    """Share of boats and cars that the nearest of the others names rightly."""
    rows, labels = looks(context)
    distance = ((rows[:, None] - rows) ** 2).sum(-1) + 1e9 * np.eye(len(rows))
    right = labels[distance.argmin(1)] == labels
    return (right[labels == BOAT].mean() + right[labels == CAR].mean()) / 2


def test_context_0_looks_tell_and_context_1_only_surroundings_do():
    assert told_apart(0.0) > 0.93
    assert told_apart(1.0) < 0.65


def test_at_context_1_boat_and_car_are_the_same_pixels():
    crops = {BOAT: set(), CAR: set()}
    for scene in scenes(300, context=1, texture=0, void=0):
        for box, label, number in zip(
            scene.boxes, scene.labels, scene.ids, strict=True
        ):
            x1, y1, x2, y2 = box.astype(int)
            mask = scene.instance_map[y1:y2, x1:x2] == number
            if label in crops and x1 > 0 and x2 < 128:
                inside = mask.copy()  # borders are mixed with what lies behind
                inside[1:] &= mask[:-1]
                inside[:-1] &= mask[1:]
                inside[:, 1:] &= mask[:, :-1]
                inside[:, :-1] &= mask[:, 1:]
                inside[[0, -1]] = inside[:, [0, -1]] = False
                pixels = scene.image[y1:y2, x1:x2][inside]
                crops[label].add((mask.tobytes(), mask.shape, pixels.tobytes()))
    assert len(crops[BOAT] & crops[CAR]) >= 10


def test_scale_is_the_ratio_of_near_to_far():
    for ratio in (1.0, 4.0):
        land = Harbour(scale=ratio).plan(0)[0]
        assert land.grow(96) / land.grow(land.shore) == pytest.approx(ratio)
    spread = [
        np.std([np.log(t.size) for i in range(20) for t in Harbour(scale=r).plan(i)[1]
                if t.kind == "person"])
        for r in (1.0, 3.0, 8.0)
    ]  # fmt: skip
    assert spread[0] < spread[1] < spread[2]


def touching(scene) -> int:
    """Pairs of people or boats that share a border."""
    n, k = scene.instance_map.astype(int), scene.class_map
    pairs = set()
    for a, b in ((n[:, 1:], n[:, :-1]), (n[1:], n[:-1])):
        ka, kb = (k[:, 1:], k[:, :-1]) if a.shape[1] < n.shape[1] else (k[1:], k[:-1])
        here = (a != b) & (ka == kb) & np.isin(ka, (BOAT, PERSON))
        pairs |= {tuple(sorted(p)) for p in zip(a[here], b[here], strict=True)}
    return len(pairs)


def test_contact_makes_neighbours_touch():
    counts = [
        sum(touching(s) for s in scenes(20, contact=c, occlusion=0))
        for c in (0, 0.5, 1)
    ]
    assert counts[0] < counts[1] < counts[2] and counts[2] > 2 * counts[0]


def test_occlusion_hides_neighbours():
    hidden = []
    for occlusion in (0.0, 0.4, 0.8):
        harbour = Harbour(count=20, occlusion=occlusion, contact=1)
        things = np.concatenate([
            hidden_shares(harbour, i)[np.isin(harbour.scene(i).labels, (BOAT, PERSON))]
            for i in range(20)
        ])  # fmt: skip
        hidden.append(things.mean())
    assert hidden[1] > hidden[0] + 0.05 and hidden[2] > hidden[1] + 0.1


def test_rarity_is_the_share_of_buoys():
    counts = [
        np.mean([(s.labels == BUOY).sum() for s in scenes(40, rarity=r)])
        for r in (0, 0.1, 0.5)
    ]
    pixels = np.mean([(s.class_map == BUOY).mean() for s in scenes(40)])
    assert counts[0] == 0 and 0.3 < counts[1] < 1.3 and 2.5 < counts[2] < 4.2
    assert 0 < pixels < 0.002


@pytest.mark.parametrize("width", [0, 1, 3])
def test_the_void_band_lies_outside_things(width):
    for clean, banded in zip(scenes(6, void=0), scenes(6, void=width), strict=True):
        np.testing.assert_array_equal(clean.instance_map, banded.instance_map)
        void = banded.class_map == 255
        np.testing.assert_array_equal(void, void_band(clean.class_map, width))
        assert not (void & (clean.instance_map > 0)).any()
        np.testing.assert_array_equal(clean.class_map[~void], banded.class_map[~void])
        near = np.isin(clean.class_map, (BOAT, CAR, PERSON))
        for y, x in np.argwhere(void)[::50]:
            window = near[
                max(0, y - width) : y + width + 1, max(0, x - width) : x + width + 1
            ]
            assert window.any()


def test_photographs_change_quay_road_and_lawn_and_nothing_else():
    for paint, photo in zip(scenes(4), scenes(4, materials="photo"), strict=True):
        np.testing.assert_array_equal(paint.class_map, photo.class_map)
        changed = (paint.image != photo.image).any(axis=-1)
        assert changed[np.isin(paint.class_map, (3, 4))].mean() > 0.6
        assert not changed[~np.isin(paint.class_map, (3, 4, 255))].any()


def test_a_dial_moves_nothing_else():
    plain = Harbour().plan(7)[1]
    for dials in ({"texture": 1}, {"contrast": 0.2}, {"void": 5}, {"thin": 7}):
        where = [
            (t.kind, t.x, t.y, t.size, t.colour) for t in Harbour(**dials).plan(7)[1]
        ]
        assert where == [(t.kind, t.x, t.y, t.size, t.colour) for t in plain]
    kept = [t for t in Harbour(rarity=1.0).plan(7)[1] if t.kind != "buoy"]
    assert kept == [t for t in plain if t.kind != "buoy"]
