"""EndoVis 2017 and 2015: folders of label pictures, the border, labels of a codec."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageFilter
from scipy.ndimage import binary_dilation
from skimage.draw import polygon
from told import told
from torchvision import tv_tensors

from course_lib.data.checker import check_labels
from course_lib.data.classes import ENDOVIS_TYPES
from course_lib.data.harbour import Harbour, export
from course_lib.data.harbour.layouts import endovis2015 as films
from course_lib.data.harbour.layouts import endovis2017 as sequences
from course_lib.data.images import read_labels
from course_lib.data.readers.endovis2015 import (
    EndoVis2015,
    clean_labels,
    keep_largest,
    nearest_code,
)
from course_lib.data.readers.endovis2017 import EndoVis2017, type_of
from course_lib.data.readers.endovis_border import crop_border, restore_border

SIZE = (60, 80)


def grey(path, rows, mode="L"):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.array(rows, np.uint8)).convert(mode).save(path)


def harbour(split, count=2) -> Harbour:
    return Harbour(split, count=count, size=SIZE, rarity=0.8)


# the border


@given(st.integers(1, 5), st.integers(1, 5), st.integers(0, 2**31))
def test_the_border_comes_back(height, width, seed):
    generator = torch.Generator().manual_seed(seed)
    inner = torch.randint(1, 9, (height, width), generator=generator)
    whole = restore_border(tv_tensors.Mask(inner))
    assert type(whole) is tv_tensors.Mask and whole.shape == (height + 56, width + 640)
    assert torch.equal(crop_border(whole), inner)
    assert type(crop_border(whole)) is tv_tensors.Mask
    assert whole.count_nonzero() == height * width  # zero outside


def test_the_border_of_a_frame():
    rows, columns = torch.meshgrid(
        torch.arange(1080), torch.arange(1920), indexing="ij"
    )
    frame = torch.stack([rows, columns])
    inner = crop_border(frame)
    assert inner.shape == (2, 1024, 1280)
    assert inner[:, 0, 0].tolist() == [28, 320]
    assert inner[:, -1, -1].tolist() == [1051, 1599]
    assert restore_border(inner).shape == frame.shape
    for height, width in ((1024, 1280), (56, 1920), (1080, 640)):
        message = told(lambda: crop_border(torch.zeros(height, width), "a.png"))  # noqa: B023
        assert message == (
            f"a.png is {width}x{height}, not 1920x1080 with a black border; give "
            "crop=False where the border is gone"
        )


# EndoVis 2017


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    root = tmp_path_factory.mktemp("endovis2017")
    for split in ("train", "val", "test"):
        export(harbour(split), root, "endovis2017")
    return root


def parts_by_loops(scene) -> torch.Tensor:
    parts = torch.zeros(SIZE, dtype=torch.int64)
    for number, box in zip(scene.ids, scene.boxes.astype(int).tolist(), strict=True):
        for y in range(SIZE[0]):
            for x in range(SIZE[1]):
                if scene.instance_map[y, x] == number:
                    parts[y, x] = 1 + 3 * (y - box[1]) // (box[3] - box[1])
    return parts


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_the_export_comes_back(exported, split):
    truth = harbour(split)
    readers = {
        task: EndoVis2017(exported, split, task=task)
        for task in ("binary", "parts", "type")
    }
    for i in range(2):
        scene, image = truth.scene(i), truth[i][0]
        classes = torch.from_numpy(scene.class_map).long()
        things = torch.from_numpy(scene.instance_map.astype(int)) > 0
        expected = {
            "binary": things.long(),
            "parts": parts_by_loops(scene),
            "type": torch.where(things, classes - 5, 0),
        }
        for task, reader in readers.items():
            assert len(reader) == 2 and reader.name == "endovis2017"
            assert torch.equal(reader[i][0], image)
            assert torch.equal(reader[i][1], expected[task]), task
            assert reader[i][1].dtype == torch.int64
    assert [r.classes.num_classes for r in readers.values()] == [2, 4, 7]
    for reader in readers.values():
        assert check_labels(reader, reader.classes.num_classes).void == 0


def test_no_sequence_is_in_two_splits(exported):
    def numbers(split, **how):
        reader = EndoVis2017(exported, split, **how)
        return {frame.parts[-3].rpartition("_")[2] for frame, _ in reader.pairs}

    assert [numbers(s) for s in ("train", "val", "test")] == [{"1"}, {"3"}, {"9"}]
    assert numbers("train", validation=(1,)) == {"3"}
    assert numbers("val", validation=(1, 9)) == {"1", "9"}
    message = told(lambda: EndoVis2017(exported, "val", validation=(4, 5)))
    assert message == (
        f"{exported} holds no sequence of the split val; val is 4, 5, test is 9 and "
        "10, train the others"
    )


def test_the_whole_frame(exported):
    cropped = EndoVis2017(exported, "val", task="type")
    whole = EndoVis2017(exported, "val", task="type", crop=False)
    for i in range(2):
        assert torch.equal(whole[i][0], restore_border(cropped[i][0]))
        assert torch.equal(whole[i][1], restore_border(cropped[i][1]))
    assert whole.image_size(0) == (SIZE[0] + 56, SIZE[1] + 640)


def test_225_frames_make_a_sequence(tmp_path):
    scene = harbour("train", 1).scene(0)
    for number, place in (
        (224, "1/left_frames/frame224"),
        (450, "4/left_frames/frame000"),
    ):
        sequences.write(f"harbour_train_{number:06d}", "train", scene, tmp_path)
        assert list(tmp_path.glob(f"instrument_dataset_{place}*.png"))
    message = told(lambda: sequences.write("a_001575", "train", scene, tmp_path))
    assert message == "EndoVis 2017 has 1575 frames in train; export fewer"


@pytest.mark.parametrize(
    "folder, name",
    [
        ("Maryland_Bipolar_Forceps_labels", "bipolar forceps"),
        ("Left_Bipolar_Forceps", "bipolar forceps"),
        ("Large_Needle_Driver_Left_labels", "large needle driver"),
        ("Right_Prograsp_Forceps_labels", "prograsp forceps"),
        ("Right_Vessel_Sealer", "vessel sealer"),
        ("Left_Grasping_Retractor_labels", "grasping retractor"),
        ("Monopolar_Curved_Scissors_labels", "monopolar curved scissors"),
    ],
)
def test_folders_name_instruments(folder, name):
    assert ENDOVIS_TYPES.names[type_of(folder)] == name


@pytest.fixture
def small(tmp_path):
    """Sequence 1: one frame of 6x1 inside its border, two instruments that meet."""
    folder = tmp_path / "instrument_dataset_1"
    grey(folder / "left_frames" / "frame000.png", np.zeros((57, 646)), "RGB")
    for labels, codes in (
        ("Left_Prograsp_Forceps_labels", [10, 10, 20, 30, 0, 0]),
        ("Vessel_Sealer_labels", [0, 20, 10, 0, 40, 0]),
        ("Other_labels", [0, 0, 0, 0, 0, 99]),
    ):
        rows = np.pad([codes], ((28, 28), (320, 320)))
        grey(folder / "ground_truth" / labels / "frame000.png", rows)
    return tmp_path


def test_instruments_that_meet(small):
    expected = {
        "binary": [1, 1, 1, 1, 0, 0],
        "parts": [1, 2, 2, 3, 0, 0],
        "type": [2, 4, 4, 2, 0, 0],
    }
    for task, ids in expected.items():
        assert EndoVis2017(small, task=task)[0][1].tolist() == [ids]


def test_label_pictures_of_three_channels(small):
    labels = small / "instrument_dataset_1/ground_truth/Vessel_Sealer_labels"
    path = labels / "frame000.png"
    before = EndoVis2017(small)[0][1]
    Image.open(path).convert("RGB").save(path)
    assert torch.equal(EndoVis2017(small)[0][1], before)
    Image.new("RGB", (646, 57), (10, 20, 30)).save(path)
    assert told(lambda: EndoVis2017(small)[0]) == (
        f"{path} holds a colour, but parts are 0, 10, 20, 30 or 40 in grey; save label "
        "pictures as PNG, never as JPEG"
    )
    grey(path, np.full((57, 646), 15))
    assert told(lambda: EndoVis2017(small)[0]).startswith(f"{path} holds 15, but parts")
    grey(path, np.zeros((57, 645)))
    assert told(lambda: EndoVis2017(small)[0]) == (
        f"{path} is 645x57 but its frame is 646x57; get the data set again"
    )
    path.write_bytes(path.read_bytes()[:60])
    assert f"{path} is damaged" in told(lambda: EndoVis2017(small)[0])
    path.unlink()
    assert told(lambda: EndoVis2017(small)) == (
        f"{labels} holds no picture; give a folder of PNG or JPEG"
    )
    grey(labels / "frame001.png", np.zeros((57, 646)))
    frame = small / "instrument_dataset_1/left_frames/frame000.png"
    assert told(lambda: EndoVis2017(small)) == (
        f"{frame} has no labels in {labels} (1 such of 1); get them again"
    )


def test_folders_that_are_not_whole(small):
    (small / "instrument_dataset_5_8.zip").write_bytes(b"")  # the archive itself
    assert len(EndoVis2017(small)) == 1
    truth = small / "instrument_dataset_1/ground_truth"
    (truth / "Vessel_Sealer_labels").rename(truth / "Hammer_labels")
    assert told(lambda: EndoVis2017(small)).startswith(
        "the folder Hammer_labels names no instrument; it should hold one of bipolar "
        "forceps, prograsp forceps"
    )
    (small / "instrument_dataset_1").rename(small / "instrument_dataset_one")
    assert told(lambda: EndoVis2017(small)).endswith(
        "instrument_dataset_one should end in a number, as instrument_dataset_1"
    )
    message = told(lambda: EndoVis2017(small / "gone"))
    assert "MISSING  instrument_dataset_*/left_frames/" in message
    assert told(lambda: EndoVis2017(small, "all")) == (
        "endovis2017 has no split 'all'; it has train, val, test"
    )
    assert told(lambda: EndoVis2017(small, task="types")) == (
        "endovis2017 has no task 'types'; it has binary, parts, type"
    )


def test_flat_folders(tmp_path):
    rows = np.pad([[0, 10, 20, 30, 40]], ((28, 28), (320, 320)))
    grey(tmp_path / "images" / "a.png", rows, "RGB")
    grey(tmp_path / "parts_masks" / "a.png", rows)
    dataset = EndoVis2017(tmp_path, "test", task="parts")
    assert dataset[0][1].tolist() == [[0, 1, 2, 3, 0]]
    for split, task in (("train", "parts"), ("test", "type")):
        message = told(lambda: EndoVis2017(tmp_path, split, task=task))  # noqa: B023
        assert message == (
            f"{tmp_path} holds images/ and parts_masks/, neither sequences nor types; "
            'open it as split "test" for the task "binary" or "parts"'
        )
    grey(tmp_path / "images" / "b.png", rows, "RGB")
    assert told(lambda: EndoVis2017(tmp_path, "test")) == (
        f"{tmp_path / 'images' / 'b.png'} has no labels in "
        f"{tmp_path / 'parts_masks'} (1 such of 2); get them again"
    )


@pytest.mark.real
def test_real_frames(real_data):
    root = real_data / "endovis2017"
    parts = EndoVis2017(root, "test", task="parts")
    binary = EndoVis2017(root, "test")
    assert len(parts) == 5
    counts = [0, 0, 0, 0]
    for i in range(5):
        image, mask = parts[i]
        assert image.shape == (3, 1024, 1280) and mask.shape == (1024, 1280)
        assert image.float().mean() > 90  # nothing of the border is left
        assert torch.equal(restore_border(mask) * 10, read_labels(parts.pairs[i][1]))
        assert torch.equal(binary.labels(i), mask.sign())
        counts = [n + int((mask == k).sum()) for k, n in enumerate(counts)]
    assert counts == [5_399_710, 813_725, 155_493, 184_672]
    check_labels(parts, 4)


# EndoVis 2015


def tool() -> np.ndarray:
    """A shaft (160) that comes in from the right and a manipulator (70) at its end."""
    values = np.zeros((288, 360), np.uint8)
    values[polygon([20, 60, 200, 170], [330, 350, 190, 160])] = 160
    values[polygon([172, 198, 240, 215], [162, 188, 120, 100])] = 70
    return values


def smeared(values: np.ndarray, radius: float, quality: int) -> torch.Tensor:
    picture = Image.fromarray(values).filter(ImageFilter.GaussianBlur(radius))
    through = films.through_jpeg(np.asarray(picture), quality).copy()
    return torch.from_numpy(through).float().mean(dim=-1)


def errors(cleaned: torch.Tensor, truth: torch.Tensor) -> tuple[int, int]:
    """Pixels of a wrong class, and pixels of a class that became void."""
    void = cleaned == 255
    return int(((cleaned != truth) & ~void).sum()), int(void.sum())


def test_nearest_code_by_hand():
    values = torch.tensor([[0.0, 34, 36, 70, 114, 116, 160, 255]])
    assert nearest_code(values).tolist() == [[0, 0, 1, 1, 1, 2, 2, 2]]
    assert nearest_code(values, (0, 255)).tolist() == [[0, 0, 0, 0, 0, 0, 1, 1]]


@given(st.integers(0, 2**31))
def test_noise_below_half_a_step_is_undone(seed):
    generator = np.random.default_rng(seed)
    ids = generator.integers(0, 3, (9, 11))
    noise = generator.uniform(-34.9, 34.9, ids.shape)
    values = np.array([0, 70, 160])[ids] + noise
    assert torch.equal(nearest_code(torch.from_numpy(values)), torch.from_numpy(ids))


def test_the_largest_piece_by_hand():
    ids = torch.tensor(
        [[1, 0, 0, 2, 2], [0, 1, 0, 2, 0], [0, 0, 0, 0, 1], [2, 0, 2, 0, 1]]
    )
    kept = [[1, 0, 0, 2, 2], [0, 1, 0, 2, 0], [0, 0, 0, 0, 255], [255, 0, 255, 0, 255]]
    assert keep_largest(ids).tolist() == kept  # of equal pieces the upper
    assert ids[3, 0] == 2  # not changed in place
    assert keep_largest(torch.zeros(3, 4, dtype=torch.int64)).tolist() == [[0] * 4] * 3


def test_a_rim_comes_off_what_it_touches():
    ids = torch.zeros(9, 12, dtype=torch.int64)
    ids[3:8, 1:6] = 1
    ids[3:5, 6:12] = 1  # 2 px wide
    assert torch.equal(keep_largest(ids), ids)
    expected = ids.clone()
    expected[3:5, 7:12] = 255
    assert torch.equal(keep_largest(ids, 3), expected)
    thin = torch.tensor([[0, 1, 1, 1, 0, 1]])  # nothing is 3 px wide: its pieces count
    assert keep_largest(thin, 3).tolist() == [[0, 1, 1, 1, 0, 255]]


@given(st.integers(0, 2**31), st.integers(1, 4))
def test_cleaning_only_takes_away(seed, width):
    ids = torch.from_numpy(np.random.default_rng(seed).integers(0, 3, (8, 9)))
    cleaned = keep_largest(ids, width)
    assert torch.equal(cleaned == 0, ids == 0)
    assert ((cleaned == ids) | (cleaned == 255)).all()
    for kind in set(ids[ids > 0].tolist()):
        assert (cleaned == kind).any()


def test_a_clean_film_stays_as_it_is():
    values = torch.from_numpy(tool()).float()
    cleaned = clean_labels(values)
    wrong, void = errors(cleaned, nearest_code(values))
    assert wrong == 0 and void <= 8  # corners sharper than 3 px


@pytest.mark.parametrize(
    "radius, quality, nearest_at_least, wrong_at_most",
    [(0, 30, 200, 15), (0.7, 75, 400, 15), (1, 75, 500, 25), (1.5, 50, 800, 90)],
)
def test_a_smeared_film_is_cleaned(radius, quality, nearest_at_least, wrong_at_most):
    truth = nearest_code(torch.from_numpy(tool()).float())
    values = smeared(tool(), radius, quality)
    assert errors(nearest_code(values), truth)[0] > nearest_at_least
    wrong, void = errors(clean_labels(values), truth)
    assert wrong <= wrong_at_most and void < 0.012 * truth.numel()


def test_why_the_largest_piece_alone_is_not_enough():
    truth = nearest_code(torch.from_numpy(tool()).float())
    ids = nearest_code(smeared(tool(), 1, 75))
    # the rim of the shaft touches the manipulator: nothing is taken away
    assert errors(keep_largest(ids), truth) == errors(ids, truth)
    assert errors(keep_largest(ids, 3), truth)[0] < 0.05 * errors(ids, truth)[0]


@pytest.mark.parametrize("split", ["train", "val"])
def test_films_come_back(tmp_path, split):
    size = (144, 192)
    for part in ("train", "val"):
        export(Harbour(part, count=2, size=size), tmp_path, "endovis2015")
    truth = Harbour(split, count=2, size=size)
    dataset = EndoVis2015(tmp_path, split, task="parts")
    binary = EndoVis2015(tmp_path, split)
    seen = torch.zeros(256, dtype=torch.int64)
    for i in range(2):
        image, mask = dataset[i]
        assert torch.equal(image, truth[i][0])
        clean, far = torch.zeros(size, dtype=torch.int64), np.ones(size, bool)
        for values in films.label_pictures(truth.scene(i), split).values():
            clean = clean.maximum(clean_labels(torch.from_numpy(values).float()))
            for code in (0, 70, 160):
                reach = binary_dilation(values == code, np.ones((5, 5)))
                far &= (values == code) | ~reach  # 3 px or more from every border
        assert far.mean() > 0.5 and np.array_equal(mask[far], clean[far])
        seen += mask[far].bincount(minlength=256)
        expected = torch.where(mask == 255, mask, mask.sign())
        assert torch.equal(binary[i][1], expected)
    assert len(dataset) == 2 and seen[[0, 1, 2, 255]].min() > 20
    check_labels(dataset, 3)


def film(folder, name, rows):
    for number, row in enumerate(rows, 1):
        grey(folder / name / f"{number:06d}.png", [row], "RGB")


def test_two_label_films_are_laid_together(tmp_path):
    folder = tmp_path / "Dataset1"
    film(folder, "Video", [[0] * 6])
    film(folder, "Left_Instrument_Segmentation", [[0, 68, 73, 0, 0, 0]])
    film(folder, "Right_Instrument_Segmentation", [[0, 0, 0, 0, 150, 160]])
    assert EndoVis2015(tmp_path, task="parts")[0][1].tolist() == [[0, 1, 1, 0, 2, 2]]
    assert EndoVis2015(tmp_path)[0][1].tolist() == [[0, 1, 1, 0, 1, 1]]
    film(folder, "Right_Instrument_Segmentation", [[0] * 5])
    assert "is 5x1 but its picture" in told(lambda: EndoVis2015(tmp_path)[0])


def test_films_that_are_not_whole(tmp_path):
    message = told(lambda: EndoVis2015(tmp_path))
    assert "2 of 2 entries are missing" in message and "Dataset*/Video/" in message
    folder = tmp_path / "Dataset3"
    film(folder, "Video", [[0] * 4, [0] * 4])
    film(folder, "Segmentation", [[0] * 4])
    assert told(lambda: EndoVis2015(tmp_path)) == (
        f"{folder / 'Video' / '000002.png'} has no label picture in {folder} (1 such "
        "of 2); cut every film into the same frames"
    )
    film(folder, "Segmentation", [[0] * 4, [0] * 4])
    assert len(EndoVis2015(tmp_path)) == 2
    assert told(lambda: EndoVis2015(tmp_path, "val")) == (
        f"{tmp_path} holds no film of the split val; get it again"
    )
    film(tmp_path / "Dataset4", "Video", [[0] * 4])
    assert told(lambda: EndoVis2015(tmp_path)) == (
        f"{tmp_path / 'Dataset4'} holds no folder Segmentation; cut its label film"
    )
    assert told(lambda: EndoVis2015(tmp_path, "test")) == (
        "endovis2015 has no split 'test'; it has train, val"
    )
    assert told(lambda: EndoVis2015(tmp_path, task="type")) == (
        "endovis2015 has no task 'type'; it has binary, parts"
    )
