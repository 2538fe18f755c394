"""Label pictures, overlays and legends, against the palette pixel by pixel."""

import numpy as np
import pytest
import torch

from course_lib import show
from course_lib.data.classes import class_table
from course_lib.errors import InputError

HARBOUR, VOC = class_table("harbour"), class_table("voc")


def some_mask(num_classes: int = 12, size: tuple = (17, 23)) -> torch.Tensor:
    mask = torch.randint(0, num_classes, size, generator=torch.manual_seed(0))
    mask[3, 4] = 255
    return mask


def names_in(fig) -> list[str]:
    [legend] = fig.legends
    return [text.get_text() for text in legend.get_texts()]


@pytest.mark.parametrize("classes", [HARBOUR, VOC])
def test_colourise_against_the_palette_by_brute_force(classes):
    mask = some_mask(classes.num_classes)
    colours = show.colourise(mask, classes)
    assert colours.dtype == torch.uint8 and colours.shape == (3, 17, 23)
    for y in range(17):
        for x in range(23):
            i = int(mask[y, x])
            wanted = (224, 224, 192) if i == 255 else classes.palette[i]
            assert tuple(colours[:, y, x].tolist()) == tuple(wanted)


def test_arrays_and_bytes_are_coloured_alike():
    mask = some_mask()
    array = mask.numpy().astype(np.uint8)
    assert torch.equal(show.colourise(array, HARBOUR), show.colourise(mask, HARBOUR))


@pytest.mark.parametrize("wrong, words", [
    (torch.full((2, 2), 12), "id 12, but harbour has ids 0 to 11"),
    (torch.full((2, 2), -1), "id -1"),
    (torch.zeros(3, 2, 2, dtype=torch.long), r"must be \(H, W\), got \(3, 2, 2\)"),
])
def test_what_is_no_label_picture_is_refused(wrong, words):
    with pytest.raises(InputError, match=words):
        show.colourise(wrong, HARBOUR)


def test_overlay_is_the_mean_of_both_and_keeps_void_and_background():
    mask = some_mask()
    image = torch.randint(0, 256, (3, 17, 23), dtype=torch.uint8)
    mixed = show.overlay(image, mask, HARBOUR, alpha=0.5)
    half = (image.float() + show.colourise(mask, HARBOUR).float()) / 2
    kept = (mask == 255) | (mask == 0)
    assert torch.equal(mixed[:, kept], image[:, kept])
    assert ((mixed.float() - half).abs() <= 0.5)[:, ~kept].all()
    assert torch.equal(show.overlay(image, mask, HARBOUR, alpha=0), image)


def test_overlay_takes_a_float_picture_and_refuses_another_size():
    image = torch.rand(3, 17, 23)
    as_bytes = (image * 255).round().to(torch.uint8)
    assert torch.equal(show.overlay(image, some_mask(), HARBOUR),
                       show.overlay(as_bytes, some_mask(), HARBOUR))
    with pytest.raises(InputError, match=r"picture is \(8, 8\).*\(17, 23\)"):
        show.overlay(image[:, :8, :8], some_mask(), HARBOUR)


def test_one_legend_with_the_classes_that_occur():
    mask = torch.tensor([[1, 1], [9, 255]])
    prediction = torch.tensor([[1, 6], [6, 6]])
    fig = show.label_figure(torch.zeros(3, 2, 2), mask, prediction, classes=HARBOUR)
    assert names_in(fig) == ["sky", "boat", "mast", "void"]
    assert [ax.get_title(loc="left") or ax.get_title() for ax in fig.axes] == [
        "picture", "truth", "prediction"]
    fig = show.label_figure(torch.zeros(3, 2, 2), mask, classes=HARBOUR)
    assert names_in(fig) == ["sky", "mast", "void"] and len(fig.axes) == 2


def test_legend_takes_a_label_picture_too():
    fig = show.pictures([torch.zeros(3, 4, 4)])
    show.legend(fig.axes[0], HARBOUR, torch.tensor([[6, 2]]))
    texts = fig.axes[0].get_legend().get_texts()
    assert [text.get_text() for text in texts] == ["water", "boat"]


def test_boxes_are_drawn_where_they_are_and_named():
    boxes = torch.tensor([[1.0, 2, 5, 9]])
    fig = show.box_figure(torch.zeros(3, 12, 12), boxes, [6], [0.875], HARBOUR)
    [ax] = fig.axes
    assert ax.patches[0].get_bbox().extents.tolist() == [1, 2, 5, 9]
    assert ax.texts[0].get_text() == "boat 0.88"
    with pytest.raises(InputError, match=r"\(N, 4\) xyxy, got \(4,\)"):
        show.box_figure(torch.zeros(3, 12, 12), boxes[0])


def test_no_boxes_make_a_picture_without_boxes():
    fig = show.box_figure(torch.zeros(3, 12, 12), torch.zeros(0, 4))
    assert not fig.axes[0].patches


@pytest.mark.parametrize("image, pixel", [
    (torch.full((3, 2, 2), 0.5), [128, 128, 128]),
    (torch.full((1, 2, 2), 7, dtype=torch.uint8), [7, 7, 7]),
    (np.full((2, 2, 3), 9, dtype=np.uint8), [9, 9, 9]),
    (np.full((2, 2), 9, dtype=np.uint8), [9, 9, 9]),
    (torch.ones(2, 2, dtype=torch.bool), [255, 255, 255]),
])
def test_every_kind_of_picture_becomes_bytes(image, pixel):
    array = show.as_picture(image)
    assert array.shape == (2, 2, 3) and array.dtype == np.uint8
    assert array[0, 0].tolist() == pixel


@pytest.mark.parametrize("image, words", [
    (torch.zeros(1, 3, 4, 4), r"got \(1, 3, 4, 4\).*images\[0\]"),
    (torch.full((3, 4, 4), -2.1), "undo normalise"),
    (torch.full((4, 4), 300), "0 to 255"),
    (torch.full((3, 4, 4), float("nan")), "nan"),
])
def test_what_is_no_picture_is_refused(image, words):
    with pytest.raises(InputError, match=words):
        show.as_picture(image)


def test_pictures_need_a_title_each():
    with pytest.raises(InputError, match="2 pictures came with 1 titles"):
        show.pictures([torch.zeros(3, 4, 4)] * 2, ["one"])


def test_importing_the_room_loads_no_matplotlib():
    import subprocess
    import sys

    code = ("import sys, course_lib, course_lib.show; "
            "assert not {'matplotlib', 'torch', 'ipywidgets'} & set(sys.modules)")
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_tensor_three_pixels_wide_keeps_its_axes():
    image = torch.arange(3 * 5 * 3, dtype=torch.uint8).view(3, 5, 3)
    array = show.as_picture(image)  # (5, 3, 3), H W C
    assert array.shape == (5, 3, 3) and array.flags.writeable
    assert array[4, 1].tolist() == image[:, 4, 1].tolist()
