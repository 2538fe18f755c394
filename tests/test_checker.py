"""The label checker: what it counts, and one sentence for every fault."""

import pytest
import torch
from torchvision import tv_tensors

from course_lib.data.checker import check_labels
from course_lib.data.classes import VOC
from course_lib.data.readers.camvid import CamVid
from course_lib.data.readers.penn_fudan import PennFudan
from course_lib.data.readers.voc import VOCSegmentation
from course_lib.errors import InputError


class Held:
    """A data set of masks held in memory."""

    name, classes, transform = "held", VOC, None

    def __init__(self, *masks, image_size=None):
        self.masks, self.image_size = masks, image_size

    def __len__(self):
        return len(self.masks)

    def __getitem__(self, i):
        mask = self.masks[i]
        size = self.image_size or tuple(mask.shape[-2:])
        image = tv_tensors.Image(torch.zeros(3, *size, dtype=torch.uint8))
        return self.transform(image, mask) if self.transform else (image, mask)

    def file(self, i):
        return f"held/{i}.png"


def told(dataset, num_classes=3) -> str:
    with pytest.raises(InputError) as error:
        check_labels(dataset, num_classes)
    return str(error.value)


def test_it_counts_by_hand():
    report = check_labels(
        Held(torch.tensor([[0, 0], [2, 255]]), torch.tensor([[2, 2, 2]])), 4
    )
    assert report.counts.tolist() == [2, 0, 4, 0] and report.ids == [0, 2]
    assert report.void == 1 and report.void_share == 1 / 7
    assert report.sizes == {(2, 2): 1, (1, 3): 1}
    assert str(report) == (
        "2 label pictures (1 of 2x2, 1 of 3x1), 2 of 4 classes occur, 14.3% of pixels "
        "void"
    )


def test_a_limit_is_spread_over_the_set():
    dataset = Held(*[torch.full((1, 1), i) for i in range(10)])
    assert check_labels(dataset, 10, limit=3).ids == [0, 4, 8]


def test_transforms_are_left_out():
    dataset = Held(torch.zeros(2, 2, dtype=torch.int64))
    dataset.transform = lambda image, mask: (image.float(), "nothing")
    assert check_labels(dataset, 1).pictures == 1 and dataset.transform


@pytest.mark.parametrize(
    ("ids", "sentence"),
    [
        (
            [0, -1],
            "held/0.png holds the id -1, but classes are 0 to 2 and void is 255; "
            "write 255 where nothing is labelled",
        ),
        (
            [1, 3],
            "held/0.png holds the id 3, but classes are 0 to 2 and void is 255; ids "
            "seem to start at 1, so subtract 1 and let 0 become 255",
        ),
        (
            [0, 3],
            "held/0.png holds the id 3, but classes are 0 to 2 and void is 255; if 3 "
            "means void write 255, if it is a class give more",
        ),
        (
            [0, 10, 20, 30, 255],
            "held/0.png holds the id 10, 20, 30, but classes are 0 to 2 and void is "
            "255; these look like grey values or colours, so map each to its id",
        ),
        (
            [0, 1, 7],
            "held/0.png holds the id 7, but classes are 0 to 2 and void is 255; check "
            "the number of classes, or map this id to a class or to void",
        ),
        (
            [300, 0],
            "held/0.png holds the id 300, but classes are 0 to 2 and void is 255; "
            "check the number of classes, or map this id to a class or to void",
        ),
    ],
)
def test_wrong_ids(ids, sentence):
    assert told(Held(torch.tensor([ids]))) == sentence


def test_many_wrong_ids_are_shortened():
    assert "the id 3, 4, 5, 6, 7, ..., but" in told(Held(torch.arange(20).view(4, 5)))


def test_wrong_kinds():
    wrong = Held(torch.zeros(1, 4, 4, dtype=torch.int64))
    assert told(wrong) == (
        "held/0.png: labels are torch.int64 (1, 4, 4); give int64 (H, W), one id a "
        "pixel"
    )
    assert "labels are torch.float32 (4, 4); give" in told(Held(torch.zeros(4, 4)))
    assert told(Held()) == "held holds no pictures; check folder and split"
    assert told(Held(torch.full((4, 4), 255))) == (
        "held has nothing but void (255) in 1 label pictures; check how its ids are "
        "mapped"
    )


def test_wrong_size():
    mask = torch.zeros(4, 6, dtype=torch.int64)
    assert told(Held(mask, image_size=(6, 4))) == (
        "held/0.png is 6x4 but its picture itself is 4x6 (width x height); resize the "
        "labels by nearest neighbour, or find the right pair"
    )


@pytest.mark.real
def test_real_label_pictures_pass(real_data):
    for split, count in (("train", 367), ("val", 101), ("test", 233)):
        report = check_labels(CamVid(real_data / "camvid", split), 11)
        assert report.pictures == count and report.ids == [*range(11)]
        assert report.sizes == {(360, 480): count}
        assert 0.01 < report.void_share < 0.05
    voc = VOCSegmentation(real_data / "voc_sample" / "VOC2012", "val")
    assert check_labels(voc, 21).pictures == 10


@pytest.mark.real
def test_detection_targets_are_refused(real_data):
    assert told(PennFudan(real_data / "PennFudanPed")).endswith(
        "labels are dict, not a mask; give a data set for segmentation"
    )
