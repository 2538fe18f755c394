"""Boxes, masks, names and scores on pictures."""

import numpy as np
import pytest
import torch
from matplotlib.colors import to_rgb
from matplotlib.patches import Rectangle

from course_lib.data.classes import ClassTable
from course_lib.errors import InputError
from course_lib.show import draw_detections

CLASSES = ClassTable(
    "two", ("background", "boat", "car"), ((0, 0, 0), (200, 0, 0), (0, 0, 200))
)
PICTURE = torch.full((3, 20, 30), 100, dtype=torch.uint8)


def found(scores=(0.9, 0.25)) -> dict:
    masks = torch.zeros(2, 1, 20, 30)
    masks[0, 0, 2:8, 3:9], masks[1, 0, 10:15, 12:28] = 0.9, 0.51
    boxes = torch.tensor([[3.0, 2, 9, 8], [12, 10, 28, 15]])
    return {
        "boxes": boxes,
        "labels": torch.tensor([1, 2]),
        "masks": masks,
        "scores": torch.tensor(scores),
    }


def texts(fig) -> list[str]:
    return [text.get_text() for ax in fig.axes for text in ax.texts]


def boxes(ax) -> list[tuple]:
    """(x, y, width, height, colour) of the coloured boxes, in drawing order."""
    drawn = [p for p in ax.patches if isinstance(p, Rectangle)][1::2]
    return [(*p.get_bbox().bounds, to_rgb(p.get_edgecolor())) for p in drawn]


def pixels(fig) -> np.ndarray:
    return fig.axes[0].images[0].get_array()


def test_boxes_names_and_scores_by_class_the_best_on_top():
    fig = draw_detections(PICTURE, found(), classes=CLASSES)
    assert texts(fig) == ["car 0.25", "boat 0.90"] and not fig.legends
    low, high = boxes(fig.axes[0])
    assert low[:4] == (12, 10, 16, 5) and high[:4] == (3, 2, 6, 6)
    np.testing.assert_allclose(high[4], (200 / 255, 0, 0))


def test_masks_are_tinted_inside_and_stronger_at_the_edge():
    shown = pixels(draw_detections(PICTURE, found(), classes=CLASSES, alpha=0.4))
    assert shown[0, 0].tolist() == [100, 100, 100]
    assert shown[5, 5].tolist() == [140, 60, 60]  # 100 + 0.4 (200 - 100)
    assert shown[2, 5].tolist() == [164, 36, 36]  # twice
    assert shown[12, 20].tolist() == [60, 60, 140]


def test_what_scores_too_little_is_left_out_with_its_mask():
    fig = draw_detections(PICTURE, found(), classes=CLASSES, threshold=0.3)
    assert texts(fig) == ["boat 0.90"] and len(boxes(fig.axes[0])) == 1
    assert pixels(fig)[12, 20].tolist() == [100, 100, 100]


@pytest.mark.parametrize("tags, told", [("scores", ["0.25", "0.90"]), ("none", [])])
def test_one_legend_stands_for_the_names(tags, told):
    fig = draw_detections([PICTURE] * 2, [found(), found()], classes=CLASSES, tags=tags)
    assert texts(fig) == 2 * told
    [legend] = fig.legends
    assert [text.get_text() for text in legend.get_texts()] == ["boat", "car"]


def test_a_target_without_scores_and_a_picture_without_findings():
    target = {name: found()[name] for name in ("boxes", "labels")}
    nothing = {
        "boxes": torch.zeros(0, 4),
        "labels": torch.zeros(0, dtype=int),
        "scores": torch.zeros(0),
        "masks": torch.zeros(0, 1, 20, 30),
    }
    fig = draw_detections([PICTURE] * 2, [target, nothing], classes=CLASSES)
    assert texts(fig) == ["boat", "car"] and not boxes(fig.axes[1])
    draw_detections(PICTURE, nothing, classes=CLASSES, tags="scores")


@pytest.mark.parametrize(
    "change, words",
    [
        ({"boxes": torch.zeros(4)}, r"must be \(N, 4\)"),
        ({"masks": torch.ones(2, 1, 7, 7)}, r"\(20, 30\) and its masks are \(7, 7\)"),
    ],
)
def test_what_cannot_be_drawn_is_refused(change, words):
    with pytest.raises(InputError, match=words):
        draw_detections(PICTURE, found() | change, classes=CLASSES)


def test_wrong_calls_are_refused():
    with pytest.raises(InputError, match="1 detections"):
        draw_detections([PICTURE] * 2, [found()], classes=CLASSES)
    with pytest.raises(InputError, match="choose names, scores, none"):
        draw_detections(PICTURE, found(), classes=CLASSES, tags="all")
