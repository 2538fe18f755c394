"""The checker of boxes and masks: what it counts, and one sentence for every fault."""

import numpy as np
import pytest
import torch
from PIL import Image

from course_lib.data.harbour import THINGS, Harbour, HarbourThings, export
from course_lib.data.object_checker import check_objects
from course_lib.data.readers.penn_fudan import PennFudan
from course_lib.errors import InputError


class Held:
    """Pictures of 20x10 with boxes, held in memory."""

    name, classes = "held", THINGS

    def __init__(self, *targets):
        self.targets = targets

    def __len__(self):
        return len(self.targets)

    def __getitem__(self, i):
        return torch.zeros(3, 10, 20, dtype=torch.uint8), self.targets[i]

    def file(self, i):
        return f"held/{i}.txt"


def target(*rows, **more):
    """Rows of (label, x1, y1, x2, y2)."""
    table = torch.tensor(rows).reshape(-1, 5).float()
    return {"labels": table[:, 0].long(), "boxes": table[:, 1:], **more}


def told(*targets) -> str:
    with pytest.raises(InputError) as error:
        check_objects(Held(*targets))
    return str(error.value)


def test_it_counts_by_hand():
    crowd = torch.tensor([0, 1])
    report = check_objects(
        Held(
            target((1, 0, 0, 5, 3), (6, 2, 2, 20, 10), iscrowd=crowd),
            target(),
            target((1, 1, 1, 9, 9)),
        )
    )
    assert (report.pictures, report.empty, report.crowds) == (3, 1, 1)
    assert report.counts == {"boat": 2, "buoy": 1} and report.smallest == 3
    assert str(report) == (
        "3 pictures, 1 of them without objects, 3 objects (1 crowds) in 2 of 6 "
        "classes, the shortest side 3 px"
    )


def test_a_limit_is_spread_over_the_set():
    dataset = Held(*[target(*[(1, 0, 0, 2, 2)] * i) for i in range(10)])
    assert check_objects(dataset, limit=3).counts.total() == 0 + 4 + 8


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        (
            (0, 1, 1, 5, 5),
            "held/0.txt holds the label 0, but things are 1 to 6; 0 is the background, "
            "things count from 1",
        ),
        (
            (7, 1, 1, 5, 5),
            "held/0.txt holds the label 7, but things are 1 to 6; check the number of "
            "classes",
        ),
        (
            (1, 5, 1, 5, 5),
            "held/0.txt holds the box (5, 1, 5, 5), which has no area; give x1 < x2 "
            "and y1 < y2, x2 and y2 behind the last pixel",
        ),
        (
            (1, 5, 1, float("nan"), 5),
            "held/0.txt holds the box (5, 1, nan, 5), which has no area; give x1 < x2 "
            "and y1 < y2, x2 and y2 behind the last pixel",
        ),
        (
            (1, 5, 1, 9, 12),
            "held/0.txt holds the box (5, 1, 9, 12), but the picture is 20x10; cut it "
            "at the rim, or find the right picture",
        ),
    ],
)
def test_wrong_rows(row, sentence):
    assert told(target(row)) == sentence


def test_wrong_kinds():
    assert told() == "held holds no pictures; check folder and split"
    assert told(torch.zeros(4)) == (
        "held/0.txt: the target is Tensor, not boxes and labels; give a data set for "
        "detection"
    )
    odd = {"boxes": torch.zeros(2, 4), "labels": torch.ones(3)}
    assert "3 labels, but boxes of shape (2, 4)" in told(odd)
    masks = torch.zeros(1, 10, 19)
    assert told(target((1, 0, 0, 2, 2), masks=masks)).endswith(
        "masks of shape (1, 10, 19); give (1, 10, 20), one of the picture's size for "
        "each box"
    )


def test_the_harbour_passes():
    report = check_objects(HarbourThings("test", count=5))
    assert report.pictures == 5 and report.remarks == []
    assert set(report.counts) <= set(THINGS.names[1:])


def test_a_written_box_that_disagrees_is_remarked(tmp_path):
    harbour = Harbour("train", count=4)
    dataset = PennFudan(export(harbour, tmp_path, "penn_fudan"))
    assert check_objects(dataset).remarks == []
    counts = [len(harbour.scene(i).ids) for i in range(4)]
    assert [len(dataset[i][1]["boxes"]) for i in range(4)] == counts
    busy = int(np.argmax(counts))
    boxes = dataset.written_boxes(busy)
    np.testing.assert_array_equal(boxes, harbour.scene(busy).boxes)
    name = f"{harbour.file(busy)}"
    text = tmp_path / "Annotation" / f"{name}.txt"
    x1, y1, x2, y2 = (boxes[0] + torch.tensor([1.0, 1, 0, 0])).int().tolist()
    old, new = f"({x1}, {y1}) - ({x2}, {y2})", f"({x1}, {y1}) - ({x2 + 6}, {y2})"
    assert text.read_text().count(old) == 1
    text.write_text(text.read_text().replace(old, new))
    mask = tmp_path / "PedMasks" / f"{name}_mask.png"
    assert check_objects(dataset).remarks == [
        f"{mask}: object 1 is written as ({x1 - 1}, {y1 - 1}, {x2 + 6}, {y2}), its "
        f"mask spans ({x1 - 1}, {y1 - 1}, {x2}, {y2}): 6 px apart"
    ]
    text.write_text("")
    with pytest.raises(InputError, match="holds no box"):
        dataset.written_boxes(busy)
    Image.open(mask).point(lambda v: v % counts[busy]).save(mask)  # drop the last
    text.write_text(text.read_text() or f"{old}\n" * counts[busy])
    assert f"{counts[busy]} boxes are written" in check_objects(dataset).remarks[0]


@pytest.mark.real
def test_one_box_of_penn_fudan_disagrees(real_data):
    report = check_objects(PennFudan(real_data / "PennFudanPed"))
    assert (report.pictures, report.counts) == (170, {"person": 423})
    (remark,) = report.remarks
    assert remark.endswith(
        "PennPed00027_mask.png: object 1 is written as (125, 92, 218, 363), its mask "
        "spans (125, 92, 212, 363): 6 px apart"
    )
