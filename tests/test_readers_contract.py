"""Every reader on the harbour's export in its layout keeps what readers promise."""

import importlib
import inspect
import pickle
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest
import torch
from told import told
from torch.utils.data import Dataset
from torchvision import tv_tensors
from torchvision.transforms.v2 import RandomHorizontalFlip

import course_lib.data.readers as readers
from course_lib.data.checker import check_labels
from course_lib.data.classes import HARBOUR, VOID, ClassTable
from course_lib.data.harbour import Harbour, export
from course_lib.data.object_checker import check_objects
from course_lib.data.readers.pairs import PairsOnDisk

COUNT = 3
OBJECTS = {"boxes", "labels", "image_id", "area", "iscrowd"}


@dataclass(frozen=True)
class Row:
    """One way to open a reader.

    Attributes:
        file, name: of the reader.
        layout: of the export.
        splits: that are exported; the first two are opened.
        objects: gives (image, target), not (image, mask).
        options: of the reader.
    """

    file: str
    name: str
    layout: str
    splits: tuple[str, ...] = ("train", "val")
    objects: bool = False
    options: dict = field(default_factory=dict)

    def open(self, root: Path, split: str, transform=None):
        """The data set."""
        module = importlib.import_module(f"course_lib.data.readers.{self.file}")
        return getattr(module, self.name)(root, split, transform, **self.options)


boxes = partial(Row, objects=True)
three = ("train", "val", "test")
TASK = {"task": "detection"}
ROWS = {
    "ade20k": Row("ade20k", "ADE20K", "ade20k"),
    "camvid": Row("camvid", "CamVid", "camvid", three),
    "cityscapes": Row("cityscapes", "Cityscapes", "cityscapes"),
    "cityscapes boxes": boxes("cityscapes", "Cityscapes", "cityscapes", options=TASK),
    "coco": boxes("coco", "CocoInstances", "coco"),
    "coco panoptic": Row("coco_panoptic", "CocoPanoptic", "coco_panoptic"),
    "coco panoptic boxes": boxes(
        "coco_panoptic", "CocoPanoptic", "coco_panoptic", options=TASK
    ),
    "coco semantic": Row("coco_panoptic", "CocoSemantic", "coco_panoptic"),
    "coco voc": Row("coco_voc", "CocoVoc", "coco", options={"more_than": None}),
    "endovis 2015": Row("endovis2015", "EndoVis2015", "endovis2015"),
    "endovis 2017": Row("endovis2017", "EndoVis2017", "endovis2017", three),
    "lfw": Row(
        "lfw_parts", "LFWParts", "lfw_parts", options={"validation": COUNT}
    ),
    "lip": Row("lip", "LIP", "lip"),
    "nyuv2": Row("nyuv2", "NYUv2", "nyuv2", ("train", "test")),
    "penn fudan": boxes("penn_fudan", "PennFudan", "penn_fudan"),
    "person part": Row("person_part", "PersonPart", "person_part"),
    "pneumothorax": Row(
        "pneumothorax", "Pneumothorax", "pneumothorax", options={"held_out": (1, 1)}
    ),
    "sbd": Row("sbd", "SBD", "sbd"),
    "sbd boxes": boxes("sbd", "SBD", "sbd", options=TASK),
    "sbu shadow": Row("sbu_shadow", "SBUShadow", "sbu_shadow", ("train", "test")),
    "voc": Row("voc", "VOCSegmentation", "voc"),
    "voc boxes": boxes(
        "voc_detection", "VOCDetection", "voc", options={"classes": HARBOUR}
    ),
    "yolo": boxes("yolo", "YoloFolder", "yolo"),
}  # fmt: skip
# Two take two folders, Records the shards of any data set; each has tests of its own.
OTHERS = {"LabelFolder", "VOCAugmented", "Records"}
each = pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """The folder of a row's layout, exported once and left alone."""
    made = {}

    def folder(row: Row) -> Path:
        if row.layout == "pneumothorax":
            pytest.importorskip("pydicom")
        if row.layout not in made:
            made[row.layout] = tmp_path_factory.mktemp(row.layout)
            for split in row.splits:
                harbour = Harbour(split, COUNT, (60, 80), rarity=0.8)
                export(harbour, made[row.layout], row.layout)
        return made[row.layout]

    return folder


@each
def test_samples(row, exported):
    for split in row.splits[:2]:
        dataset = row.open(exported(row), split)
        assert 0 < len(dataset) <= 2 * COUNT
        for image, target in dataset:
            assert type(image) is tv_tensors.Image and image.dtype == torch.uint8
            assert image.ndim == 3 and image.shape[0] == 3
            look = look_at_target if row.objects else look_at_mask
            look(target, tuple(image.shape[1:]), dataset.classes.num_classes)
        check_the_whole(row, dataset)


def look_at_mask(mask, size, num_classes):
    assert type(mask) is tv_tensors.Mask and mask.dtype == torch.int64
    assert tuple(mask.shape) == size
    assert set(mask.unique().tolist()) <= {*range(num_classes), VOID}


def look_at_target(target, size, num_classes):
    rows, boxes = len(target["labels"]), target["boxes"]
    assert set(target) >= OBJECTS and type(target["image_id"]) is int
    assert type(boxes) is tv_tensors.BoundingBoxes and boxes.dtype == torch.float32
    assert boxes.shape == (rows, 4) and boxes.canvas_size == size
    assert boxes.format == tv_tensors.BoundingBoxFormat.XYXY
    assert (boxes[:, :2] >= 0).all() and (boxes[:, :2] < boxes[:, 2:]).all()
    assert (boxes[:, 2:] <= torch.tensor([size[1], size[0]])).all()
    for key in ("labels", "iscrowd"):
        assert target[key].dtype == torch.int64 and target[key].shape == (rows,)
    assert ((target["labels"] > 0) & (target["labels"] < num_classes)).all()
    assert target["area"].shape == (rows,) and (target["area"] > 0).all()
    if "masks" in target:
        masks = target["masks"]
        assert type(masks) is tv_tensors.Mask and masks.shape == (rows, *size)
        assert masks.dtype == torch.uint8 and set(masks.unique().tolist()) <= {0, 1}


def check_the_whole(row, dataset):
    """Something is there, and the checkers of the course find no fault."""
    if row.objects:
        assert dataset.classes.names[0] == "background"
        assert check_objects(dataset).counts.total() > 0
    else:
        assert len(check_labels(dataset, dataset.classes.num_classes).ids) > 1


@each
def test_names(row, exported):
    dataset = row.open(exported(row), row.splits[0])
    assert isinstance(dataset, Dataset) and isinstance(dataset.name, str)
    assert isinstance(dataset.classes, ClassTable)
    for i in range(len(dataset)):
        file = dataset.file(i).split(", ")[0]  # a JSON, and the picture in it
        assert Path(file).is_file(), file


@each
def test_a_transform_turns_both(row, exported):
    """torchvision turns what bears its types, and leaves a bare tensor as it is."""
    plain = row.open(exported(row), row.splits[0])
    mirrored = row.open(exported(row), row.splits[0], RandomHorizontalFlip(p=1))
    (image, target), (wanted, as_it_was) = mirrored[1], plain[1]
    assert torch.equal(image, wanted.flip(-1))
    if row.objects:
        width, (x1, x2) = image.shape[-1], as_it_was["boxes"][:, ::2].T
        torch.testing.assert_close(target["boxes"].data[:, 0], width - x2)
        torch.testing.assert_close(target["boxes"].data[:, 2], width - x1)
    else:
        assert torch.equal(target, as_it_was.flip(-1))


@each
def test_workers_can_have_it(row, exported):
    """A loader may send a data set to other processes, which then read the same."""
    dataset = row.open(exported(row), row.splits[0])
    sent = pickle.loads(pickle.dumps(dataset))
    assert torch.equal(sent[1][0], dataset[1][0])


@each
def test_an_empty_folder_shows_the_expected_tree(row, tmp_path):
    message = told(lambda: row.open(tmp_path, row.splits[0]))
    assert str(tmp_path) in message and "Expected:\n" in message, message
    assert "MISSING" in message and "there  " not in message


@each
def test_an_unknown_split(row, exported):
    assert "'tset'" in told(lambda: row.open(exported(row), "tset"))


def test_no_reader_is_left_out():
    found = set()
    for path in Path(readers.__file__).parent.glob("[a-z]*.py"):
        module = importlib.import_module(f"course_lib.data.readers.{path.stem}")
        for name, kind in inspect.getmembers(module, inspect.isclass):
            if issubclass(kind, Dataset) and kind.__module__ == module.__name__:
                found.add(name)
    assert found - {PairsOnDisk.__name__} == {r.name for r in ROWS.values()} | OTHERS
