"""The pocket set, against pycocotools, scikit-image and what one sees."""

import json

import numpy as np
import pytest
import torch
from pycocotools.coco import COCO
from scipy import ndimage
from skimage import data, draw
from torchvision import tv_tensors
from torchvision.models._meta import _IMAGENET_CATEGORIES as IMAGENET

from course_lib.data import pocket
from course_lib.data.pocket import POCKET, Pocket, pocket_photo
from course_lib.errors import InputError

pytestmark = pytest.mark.filterwarnings("ignore:__array__ impl:DeprecationWarning")

# what stands at pixel (x, y), told by looking at the photographs
SEEN = {
    "astronaut": {
        (220, 100): "person", (400, 450): "helmet", (390, 150): "space shuttle",
        (20, 60): "flag", (450, 320): "table", (340, 60): "background",
    },
    "camera": {
        (60, 300): "person", (290, 160): "camera", (293, 400): "tripod",
        (400, 60): "sky", (420, 300): "grass", (422, 160): "building",
    },
    "cell": {(430, 370): "cell", (100, 100): "background"},
    "chelsea": {(150, 150): "cat", (430, 60): "background"},
    "clock": {(210, 155): "clock", (40, 40): "background"},
    "coffee": {
        (290, 150): "coffee", (290, 60): "cup", (110, 200): "saucer",
        (360, 290): "spoon", (560, 200): "table", (20, 20): "background",
    },
    "coins": {(335, 45): "coin", (20, 15): "background"},
    "grace_hopper": {
        (260, 260): "person", (260, 110): "hat", (30, 200): "flag",
        (450, 200): "background",
    },
    "horse": {(180, 130): "horse", (180, 260): "background"},
    "motorcycle": {
        (400, 200): "motorbike", (15, 215): "bicycle", (120, 118): "bench",
        (200, 460): "floor", (540, 240): "background", (640, 60): "background",
    },
    "retina": {(230, 640): "optic disc", (900, 700): "retina", (20, 20): "background"},
    "rocket": {
        (322, 250): "rocket", (60, 100): "tower", (500, 60): "sky",
        (300, 420): "building",
    },
}  # fmt: skip


def entry(name):
    return next(e for e in pocket.annotations()["images"] if e["name"] == name)


def bright_patches(picture):
    """What is 60 brighter than the darkest of 75 x 75 pixels, whole and smooth."""
    ground = ndimage.minimum_filter(ndimage.gaussian_filter(picture, 1), size=75)
    patches = ndimage.binary_fill_holes(picture - ground.astype(int) > 60)
    return ndimage.binary_opening(patches, iterations=2)


@pytest.fixture(scope="module")
def maps():
    """Class map of every photograph, without the band of void."""
    return {name: pocket.class_map(entry(name), void=0) for name in pocket.names()}


def test_twelve_photographs_and_every_class_is_shown(maps):
    assert pocket.names() == tuple(SEEN)
    ids = torch.cat([mask.unique() for mask in maps.values()]).unique()
    assert set(ids.tolist()) == {*range(POCKET.num_classes), 255}
    assert len(set(POCKET.palette)) == POCKET.num_classes


@pytest.mark.parametrize("name", SEEN)
def test_the_map_says_what_one_sees(name, maps):
    for (x, y), what in SEEN[name].items():
        assert POCKET.names[maps[name][y, x]] == what, (x, y)


def test_pycocotools_loads_it_and_agrees_on_area_and_box(capsys):
    judge = COCO(str(pocket.ANNOTATIONS))
    for annotation in judge.anns.values():
        mask = judge.annToMask(annotation)
        rows, columns = np.nonzero(mask)
        assert annotation["area"] == mask.sum()
        x, y, width, height = annotation["bbox"]
        box = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
        assert (x, y, x + width, y + height) == pytest.approx(box, abs=1)


def test_polygons_lie_within_their_pictures():
    sizes = {e["id"]: (e["width"], e["height"]) for e in pocket.annotations()["images"]}
    for annotation in pocket.annotations()["annotations"]:
        for polygon in annotation["segmentation"]:
            points = np.array(polygon).reshape(-1, 2)
            assert len(points) >= 3 and (points >= 0).all()
            assert (points <= sizes[annotation["image_id"]]).all()


def test_maps_agree_with_painting_the_polygons_by_scikit_image(maps):
    for name in ("coffee", "rocket"):
        painted = np.zeros(maps[name].shape, dtype=np.int64)
        for annotation in pocket.annotations()["annotations"]:
            if annotation["image_id"] == entry(name)["id"]:
                for polygon in annotation["segmentation"]:
                    x, y = np.array(polygon[0::2]), np.array(polygon[1::2])
                    # here (0, 0) is the middle of the first pixel, not its corner
                    where = draw.polygon(y - 0.5, x - 0.5, painted.shape)
                    painted[where] = annotation["category_id"]
        assert (painted == maps[name].numpy()).mean() > 0.995


@pytest.mark.parametrize(
    ("name", "reference", "agreement"),
    [
        ("horse", lambda: ~data.horse(), 0.99),
        ("cell", lambda: data.cell() > 105, 0.96),
        ("coins", lambda: bright_patches(data.coins()), 0.93),
        ("retina", lambda: data.retina().max(axis=2) > 40, 0.99),
    ],
)
def test_objects_agree_with_a_threshold_where_one_is_enough(
    name, reference, agreement, maps
):
    ours, theirs = maps[name].numpy() > 0, reference()
    assert (ours & theirs).sum() / (ours | theirs).sum() > agreement


def test_a_segmentation_sample_keeps_the_contract():
    dataset = Pocket(names=["coffee", "coins"])
    assert len(dataset) == 2 and dataset.classes is POCKET
    image, mask = dataset[1]
    assert isinstance(image, tv_tensors.Image) and image.dtype == torch.uint8
    assert isinstance(mask, tv_tensors.Mask) and mask.dtype == torch.int64
    assert image.shape == (3, 303, 384) and mask.shape == (303, 384)
    assert torch.equal(image[0], image[2])  # a grey picture
    assert dataset.file(1) == "data/coins.png of scikit-image"


def test_a_detection_sample_keeps_the_contract():
    image, target = Pocket("detection", names=["coins"])[0]
    assert len(target["boxes"]) == 24 and set(target["labels"].tolist()) == {17}
    assert isinstance(target["boxes"], tv_tensors.BoundingBoxes)
    assert target["masks"].shape == (24, *image.shape[-2:])
    assert torch.equal(target["area"], target["masks"].sum(dim=(1, 2)).float())
    assert target["iscrowd"].sum() == 0


def test_every_photograph_has_objects_and_no_stuff_among_them():
    stuff = {"sky", "table", "coffee", "grass", "building", "floor", "retina"}
    for _, target in Pocket("detection"):
        named = {POCKET.names[label] for label in target["labels"]}
        assert named and not named & stuff


@pytest.mark.parametrize("void", [0, 1, 2, 3])
def test_the_band_of_void_is_as_wide_as_told(void):
    mask = torch.zeros(9, 20, dtype=torch.int64)
    mask[:, 8:] = 3
    expected = torch.zeros(20, dtype=torch.bool)
    expected[8 - (void + 1) // 2 + void % 2 : 8 + (void + 1) // 2] = True
    assert expected.sum() == void
    assert (pocket._borders(mask, void) == expected).all()


def test_void_is_two_pixels_unless_told(maps):
    mask = Pocket(names=["clock"])[0][1]
    assert (mask == 255).any(dim=1).sum() > 100 and not (maps["clock"] == 255).any()


def test_the_transform_gets_image_and_labels():
    image, mask = Pocket(names=["cell"], transform=lambda i, m: (i[:, :9], m[:9]))[0]
    assert image.shape[-2:] == mask.shape == (9, 550)


def test_shareable_is_public_domain_or_cc0_and_nothing_else():
    for name in pocket.names():
        free = pocket.licence(name).startswith(("public domain;", "CC0"))
        assert pocket.shareable(name) == free
    assert {n for n in SEEN if not pocket.shareable(n)} == {"coins", "motorcycle"}


def test_imagenet_indices_mean_what_we_say():
    words = {
        name: {IMAGENET[i] for i in pocket.imagenet_classes(name)} for name in SEEN
    }
    assert words["chelsea"] == {"tabby", "tiger cat", "Egyptian cat"}
    assert words["coffee"] == {"espresso", "coffee mug", "cup"}
    assert words["rocket"] == {"missile", "projectile", "space shuttle"}
    assert words["motorcycle"] == {"moped", "motor scooter"}
    for name in SEEN:
        shown = {POCKET.index(what) for what in pocket.imagenet_classes(name).values()}
        assert shown <= set(pocket.class_map(entry(name), void=0).unique().tolist())


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (lambda: pocket_photo("lena"), "no photograph 'lena' .*: astronaut, camera"),
        (lambda: Pocket(names=["lena"]), "no photograph 'lena'"),
        (lambda: Pocket("boxes"), "no task 'boxes'"),
        (lambda: Pocket(void=-1), "-1 is none"),
    ],
)
def test_wrong_names_end_in_one_sentence(wrong, sentence):
    with pytest.raises(InputError, match=sentence):
        wrong()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"file_name": "data/gone.png"}, r"gone.png is missing in scikit-image \d"),
        ({"package": "no-such-package"}, r"no-such-package \(not installed\)"),
        ({"width": 7}, r"camera.png of scikit-image \d.* 512 x 512 .* 7 x 512; ins"),
    ],
)
def test_another_version_of_the_package_is_named(change, sentence, monkeypatch):
    other = json.loads(pocket.ANNOTATIONS.read_text(encoding="utf-8"))
    next(e for e in other["images"] if e["name"] == "camera").update(change)
    monkeypatch.setattr(pocket, "annotations", lambda: other)
    monkeypatch.setitem(pocket.MODULES, "no-such-package", "no_such_package")
    with pytest.raises(InputError, match=sentence):
        pocket_photo("camera")
