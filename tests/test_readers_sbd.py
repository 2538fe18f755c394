"""SBD and VOC with SBD: MATLAB files, their conversion, the splits on disk."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.io import loadmat, savemat
from told import told

from course_lib.data.checker import check_labels
from course_lib.data.classes import VOC
from course_lib.data.formats import matlab
from course_lib.data.formats.matlab import read_struct
from course_lib.data.formats.sbd_mat import convert, read_classes, read_instances
from course_lib.data.harbour import Harbour, export
from course_lib.data.object_checker import check_objects
from course_lib.data.readers.sbd import SBD
from course_lib.data.readers.voc_augmented import VOCAugmented
from course_lib.data.voc_splits import leaks
from course_lib.errors import InputError

COUNT = 3
SIZE = (90, 120)


def harbour(split="train", count=COUNT, **options) -> Harbour:
    return Harbour(split, count=count, size=SIZE, rarity=0.8, **options)


@pytest.fixture(scope="module")
def sbd(tmp_path_factory):
    """An export with both lists; nobody may change it."""
    root = tmp_path_factory.mktemp("sbd")
    for split in ("train", "val"):
        export(harbour(split), root, "sbd")
    return root


def test_classes_are_the_harbour_s_own_with_void_as_background(sbd):
    for split in ("train", "val"):
        dataset, truth = SBD(sbd, split), harbour(split)
        assert len(dataset) == COUNT and dataset.classes is VOC
        for i in range(COUNT):
            image, mask = dataset[i]
            expected = truth[i][1]
            expected = torch.where(expected == 255, 0, expected)
            assert torch.equal(mask, expected) and mask.dtype == torch.int64
            assert image.shape == (3, *SIZE)
            assert (image.int() - truth[i][0].int()).abs().float().mean() < 8  # JPEG
    assert check_labels(SBD(sbd, "trainval"), 21).pictures == 2 * COUNT


def test_instances_are_the_harbour_s_own(sbd):
    dataset, truth = SBD(sbd, "val", task="detection"), harbour("val", task="detection")
    for i in range(COUNT):
        image, target = dataset[i]
        expected = truth[i][1]
        assert torch.equal(target["boxes"], expected["boxes"])
        assert torch.equal(target["labels"], expected["labels"])
        assert torch.equal(target["masks"], expected["masks"].to(torch.uint8))
        assert torch.equal(target["area"], expected["area"])
        things = dataset.labels(i)
        mask = SBD(sbd, "val").labels(i)
        assert torch.equal(things, torch.where(mask >= 6, mask, 0))
    assert check_objects(dataset).pictures == COUNT


def test_the_transform_sees_the_pair_of_the_task(sbd):
    def swap(a, b):
        return b, a

    mask, image = SBD(sbd, "val", swap)[0]
    assert mask.shape == SIZE and image.shape == (3, *SIZE)
    target, image = SBD(sbd, "val", swap, task="detection")[0]
    assert image.shape == (3, *SIZE) and "boxes" in target


def test_the_export_has_the_structure_of_the_real_files(sbd):
    stem = harbour().file(0)
    classes = loadmat(sbd / f"cls/{stem}.mat")["GTcls"]
    things = loadmat(sbd / f"inst/{stem}.mat")["GTinst"]
    assert classes.shape == things.shape == (1, 1)
    assert {*classes.dtype.names} == {"Boundaries", "Segmentation", "CategoriesPresent"}
    assert {*things.dtype.names} == {"Boundaries", "Segmentation", "Categories"}
    assert classes[0, 0]["Segmentation"].dtype == np.uint8
    outlines = classes[0, 0]["Boundaries"]
    assert outlines.shape == (20, 1) and outlines[0, 0].shape == SIZE
    for number, outline in enumerate(outlines[:, 0], start=1):
        inside = classes[0, 0]["Segmentation"] == number
        assert (outline.toarray() <= inside).all()
        assert outline.sum() > 0 or not inside.any()


def test_it_is_found_from_the_folder_around_it(tmp_path):
    root = tmp_path / "benchmark_RELEASE" / "dataset"
    for split in ("train", "val"):
        export(harbour(split, count=1), root, "sbd")
    for folder in (tmp_path, tmp_path / "benchmark_RELEASE", root):
        assert len(SBD(folder, "trainval")) == 2
    (root / "val.txt").unlink()
    message = told(lambda: SBD(tmp_path))
    assert message.startswith(f"{root} is not a whole SBD folder, 1 of 5 entries are")
    assert "MISSING  val.txt" in message and "there    cls/" in message


def test_wrong_splits_tasks_and_lists(sbd, tmp_path):
    assert told(lambda: SBD(sbd, "test")).endswith("it has train, val, trainval")
    message = told(lambda: SBD(sbd, task="boxes"))
    assert message.endswith("no task 'boxes'; it has segmentation, detection")
    for split in ("train", "val"):
        export(harbour(split, count=1), tmp_path, "sbd")
    (tmp_path / "train.txt").write_text("2008_000001\n")
    assert "train.txt names 2008_000001, which" in told(lambda: SBD(tmp_path))


# the MATLAB files


def save_classes(path, ids, **fields):
    savemat(path, {"GTcls": {"Segmentation": ids, **fields}})


def test_a_file_as_scipy_writes_it(tmp_path):
    ids = np.array([[0, 15, 20], [255, 0, 1]], np.uint8)
    save_classes(tmp_path / "a.mat", ids, CategoriesPresent=np.uint8([[1], [15], [20]]))
    mask = read_classes(tmp_path / "a.mat")
    assert mask.tolist() == ids.tolist() and mask.dtype == torch.int64


@pytest.mark.parametrize("shape", [(3, 1), (1, 3)])
def test_things_and_their_classes(tmp_path, shape):
    things = np.array([[0, 1, 1], [0, 3, 0]], np.uint8)  # the second has no pixel
    kinds = np.array([15, 7, 2], np.uint8).reshape(shape)
    path = tmp_path / "a.mat"
    savemat(path, {"GTinst": {"Segmentation": things, "Categories": kinds}})
    found, classes = read_instances(path)
    assert found.tolist() == things.tolist() and classes.tolist() == [15, 7, 2]
    savemat(path, {"GTinst": {"Segmentation": things, "Categories": kinds[:1, :1]}})
    assert told(lambda: read_instances(path)) == (
        f"{path}: thing 3 has no class, Categories names 1; get the file again"
    )
    savemat(path, {"GTinst": {"Segmentation": things}})
    assert "its GTinst has no Categories" in told(lambda: read_instances(path))


def test_a_thing_without_pixels_is_no_object(sbd, tmp_path):
    export(harbour(count=1), tmp_path, "sbd")
    (tmp_path / "val.txt").write_text("")
    stem = harbour().file(0)
    things = np.zeros(SIZE, np.uint8)
    things[2:5, 3:10], things[50:60, 70:75] = 1, 3
    kinds = np.array([[15], [7], [2]], np.uint8)
    fields = {"Segmentation": things, "Categories": kinds}
    savemat(tmp_path / f"inst/{stem}.mat", {"GTinst": fields})
    target = SBD(tmp_path, task="detection")[0][1]
    assert target["boxes"].tolist() == [[3, 2, 10, 5], [70, 50, 75, 60]]
    assert target["labels"].tolist() == [15, 2] and target["area"].tolist() == [21, 50]


def test_a_picture_of_another_size(sbd, tmp_path):
    export(harbour(count=1), tmp_path, "sbd")
    (tmp_path / "val.txt").write_text("")
    Image.new("RGB", (50, 40)).save(tmp_path / f"img/{harbour().file(0)}.jpg")
    for task in ("segmentation", "detection"):
        dataset = SBD(tmp_path, task=task)
        assert "is 120x90 but its picture" in told(lambda d=dataset: d[0])


def test_files_of_another_kind(tmp_path):
    path = tmp_path / "a.mat"
    assert told(lambda: read_classes(path)).startswith(f"there is no file {path}")
    for content in (b"", b"no MATLAB file, but words " * 20, b"\x89HDF\r\n\x1a\n" * 99):
        path.write_bytes(content)
        assert "is no MATLAB file" in told(lambda: read_classes(path))
    savemat(path, {"GTinst": {"Segmentation": np.zeros((2, 2), np.uint8)}})
    assert told(lambda: read_classes(path)) == (
        f"{path} holds no struct GTcls; is it a file of SBD?"
    )
    for array in (np.zeros((2, 2)), np.zeros((2, 2, 3), np.uint8), "word"):
        save_classes(path, array)
        assert "has no Segmentation, uint8 (H, W)" in told(lambda: read_classes(path))
    savemat(path, {"GTcls": np.zeros((3, 3))})
    assert "holds no struct GTcls" in told(lambda: read_classes(path))


@settings(deadline=None, max_examples=40)
@given(st.data(), st.booleans())
def test_arrays_agree_with_scipy(tmp_path_factory, data, compressed):
    path = tmp_path_factory.getbasetemp() / "agree.mat"
    fields = {"cell": np.array([[1.5, "x"]], object), "text": "word"}
    for name in data.draw(st.lists(st.sampled_from("abcdef"), unique=True)):
        kind = data.draw(st.sampled_from(["u1", "i1", "u2", "i4", "f4", "f8", "u8"]))
        shape = data.draw(st.tuples(st.integers(1, 5), st.integers(1, 5)))
        fields[name] = np.arange(np.prod(shape)).reshape(shape).astype(kind)
    content = {"other": np.eye(3), "s": fields}
    savemat(path, content, do_compression=compressed)
    found, expected = read_struct(path, "s"), loadmat(path)["s"][0, 0]
    assert {*found} == {*fields} - {"cell", "text"}
    for name, array in found.items():
        assert array.dtype == expected[name].dtype
        np.testing.assert_array_equal(array, expected[name])


def test_a_file_of_the_other_byte_order(tmp_path):
    save_classes(tmp_path / "a.mat", np.zeros((2, 2), np.uint8))
    content = bytearray((tmp_path / "a.mat").read_bytes())
    content[126:128] = b"MI"
    (tmp_path / "a.mat").write_bytes(content)
    assert told(lambda: read_classes(tmp_path / "a.mat")).endswith(
        "or damaged (it has another header); get it again"
    )


@pytest.mark.parametrize("compressed", [False, True])
def test_a_file_that_breaks_off_and_one_that_swells(tmp_path, monkeypatch, compressed):
    path, ids = tmp_path / "a.mat", np.zeros((100, 200), np.uint8)
    savemat(path, {"GTcls": {"Segmentation": ids}}, do_compression=compressed)
    assert read_classes(path).shape == (100, 200)
    with monkeypatch.context() as patched:
        patched.setattr(matlab, "MOST_BYTES", 10_000)  # it has 20,000, or swells to it
        message = told(lambda: read_classes(path))
        assert ("or is too large" if compressed else "more than 10,000") in message
    path.write_bytes(path.read_bytes()[:-9])
    assert "or damaged (it breaks off)" in told(lambda: read_classes(path))


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_damaged_files_end_in_one_sentence(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "damaged.mat"
    save_classes(path, np.arange(120, dtype=np.uint8).reshape(10, 12), Categories="x")
    content = bytearray(path.read_bytes())
    if data.draw(st.booleans()):
        content = content[: data.draw(st.integers(0, len(content) - 1))]
    else:
        for _ in range(data.draw(st.integers(1, 4))):
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(
                st.integers(0, 255)
            )
    path.write_bytes(content)
    try:
        assert read_classes(path).ndim == 2
    except InputError as error:
        assert str(path) in str(error)


# conversion


def test_conversion_to_palette_pngs(sbd, tmp_path):
    assert convert(sbd / "cls", tmp_path / "png") == 2 * COUNT
    files = sorted((tmp_path / "png").iterdir())
    assert [f.name for f in files] == sorted(
        f"{p.stem}.png" for p in (sbd / "cls").iterdir()
    )
    for file in files:
        picture = Image.open(file)
        ids = read_classes(sbd / "cls" / f"{file.stem}.mat").numpy()
        np.testing.assert_array_equal(picture, ids)
        assert picture.mode == "P"
        colours = VOC.colour_map().numpy()[ids]
        np.testing.assert_array_equal(picture.convert("RGB"), colours)


def test_a_broken_conversion_goes_on_where_it_stopped(sbd, tmp_path):
    to = tmp_path / "png"
    convert(sbd / "cls", to)
    first, second, *_ = sorted(to.iterdir())
    kept = first.stat().st_mtime_ns
    (to / f"{second.stem}.part").write_bytes(second.read_bytes()[:40])  # killed here
    second.unlink()
    assert convert(sbd / "cls", to) == 1
    assert first.stat().st_mtime_ns == kept
    assert not list(to.glob("*.part")) and len(list(to.iterdir())) == 2 * COUNT
    assert convert(sbd / "cls", to) == 0
    assert told(lambda: convert(tmp_path, to)) == (
        f"{tmp_path} holds no .mat file; give SBD's folder cls"
    )


# VOC with SBD


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """VOC: 4 train, 4 val. SBD: VOC's train 0-1 and val 0, and VOC's val 1 in val.

    SBD has one picture more in each list, which VOC does not have.
    """
    root = tmp_path_factory.mktemp("both")
    sets = {split: harbour(split, count=4) for split in ("train", "val", "test")}
    names = {split: [s.file(i) for i in range(4)] for split, s in sets.items()}
    for split in ("train", "val"):
        export(sets[split], root / "voc2012", "voc")
    for dataset in sets.values():
        export(dataset, root / "sbd", "sbd")
    (root / "sbd" / "test.txt").unlink()
    train = [*names["train"][:2], names["val"][0], names["test"][0]]
    val = [names["val"][1], names["test"][1]]
    (root / "sbd" / "train.txt").write_text("\n".join(train) + "\n")
    (root / "sbd" / "val.txt").write_text("\n".join(val) + "\n")
    return root, names, sets


@pytest.mark.parametrize(
    "rule, validation", [("voc", 0), ("rv-voc12", 1), ("no-sbd", 2)]
)
def test_three_splits_on_disk(both, rule, validation):
    root, names, sets = both
    val = VOCAugmented(root / "sbd", "val", rule=rule)
    train = VOCAugmented(root / "sbd", "train", voc=root / "voc2012", rule=rule)
    assert [pair[0].stem for pair in val.pairs] == names["val"][validation:]
    every = {*names["train"], *names["val"], *names["test"][:2]}
    stems = {pair[0].stem for pair in train.pairs}
    assert stems == every - {*names["val"][validation:]} and len(train) == len(stems)
    assert leaks(train, val) == leaks(train, val, by="pixels") == []
    in_sbd = {*names["train"][:2], *names["val"][:2], *names["test"][:2]}
    for dataset in (train, val):
        for i in range(len(dataset)):
            stem = dataset.pairs[i][0].stem
            truth = sets[stem.split("_")[1]][int(stem[-6:]) % 1_000_000][1]
            if dataset is train and stem in in_sbd:
                truth = torch.where(truth == 255, 0, truth)  # SBD has no void
            assert torch.equal(dataset[i][1], truth)
    assert check_labels(train, 21).pictures == len(train)


def test_the_leak_of_a_list_of_trainval(both):
    root, names, _ = both
    found = leaks(SBD(root / "sbd", "trainval"), SBD(root / "sbd", "val"))
    assert [test for _, test in found] == [
        str(root / "sbd" / "img" / f"{name}.jpg")
        for name in (names["val"][1], names["test"][1])
    ]


def test_vocaugmented_says_what_is_missing(both, tmp_path):
    root, *_ = both
    assert "has no split 'test'" in told(lambda: VOCAugmented(root / "sbd", "test"))
    assert "no rule 'all'" in told(lambda: VOCAugmented(root / "sbd", rule="all"))
    message = told(lambda: VOCAugmented(root / "sbd", voc=tmp_path))
    assert message.startswith(f"{tmp_path} is not a whole PASCAL VOC")
