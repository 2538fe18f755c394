"""Mosaic and zoom: what is seen of an object stays boxed."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision import tv_tensors

from course_lib.detection.yolo.mosaic import (
    Mosaic,
    RandomZoom,
    mosaic,
    without_masks,
    yolo_transform,
)


def sample(seed: int, size=(48, 64), count: int = 3):
    """A black picture with filled boxes, one colour a label, apart from each other."""
    generator = torch.Generator().manual_seed(seed)
    image, boxes = torch.zeros(3, *size, dtype=torch.uint8), []
    for k in range(count):
        x, y = k * 20 + 3, int(torch.randint(2, 28, (), generator=generator))
        box = [x, y, x + 12, y + 14]
        image[k, box[1] : box[3], box[0] : box[2]] = 255
        boxes.append(box)
    boxes = torch.tensor(boxes, dtype=torch.float32).view(-1, 4)
    target = {
        "boxes": tv_tensors.BoundingBoxes(boxes, format="XYXY", canvas_size=size),
        "labels": torch.arange(1, count + 1),
        "masks": tv_tensors.Mask(torch.zeros(count, *size, dtype=torch.uint8)),
        "image_id": seed,
        "area": (boxes[:, 2:] - boxes[:, :2]).prod(dim=1),
        "iscrowd": torch.zeros(count, dtype=torch.int64),
    }
    return tv_tensors.Image(image), target


class Few(torch.utils.data.Dataset):
    classes = "the table"

    def __len__(self):
        return 5

    def __getitem__(self, i):
        return sample(i)


def filled(image, target) -> list[float]:
    """The share of every box that shows the colour of its label."""
    shares = []
    for box, label in zip(target["boxes"].tolist(), target["labels"], strict=True):
        x1, y1, x2, y2 = (round(v) for v in box)
        part = image[label - 1, y1:y2, x1:x2].float() / 255
        shares.append(part.mean().item())
    return shares


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6))
def test_boxes_of_a_mosaic_hold_their_objects(seed):
    torch.manual_seed(seed)
    image, target = mosaic([sample(seed + k) for k in range(4)], (48, 64))
    assert image.shape == (3, 48, 64) and image.dtype == torch.uint8
    assert "masks" not in target
    assert min(filled(image, target), default=1) > 0.99
    sides = target["boxes"][:, 2:] - target["boxes"][:, :2]
    torch.testing.assert_close(
        target["area"], sides.prod(dim=1).as_subclass(torch.Tensor)
    )
    assert (target["area"] >= 0.3 * 12 * 14 - 1e-3).all()


def test_a_mosaic_of_full_windows_loses_nothing():
    """With four times the size every picture fits its corner... at its own size."""
    torch.manual_seed(0)
    found = [mosaic([sample(k) for k in range(4)], (400, 500))[1] for _ in range(5)]
    assert all(len(target["labels"]) == 12 for target in found)


def test_probability_and_names():
    few = Mosaic(Few(), probability=0.0)
    assert len(few) == 5 and few.classes == "the table"
    torch.testing.assert_close(few[3][0], sample(3)[0])
    torch.manual_seed(0)
    first = Mosaic(Few())[3]
    torch.manual_seed(0)
    torch.testing.assert_close(first[0], Mosaic(Few())[3][0])


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([(0.5, 0.5), (1.0, 1.0), (1.6, 1.6)]))
def test_zoom_keeps_boxes_on_their_objects(seed, zoom):
    torch.manual_seed(seed)
    image, target = RandomZoom(*zoom)(*sample(seed))
    assert image.shape == (3, 48, 64)
    assert min(filled(image, target), default=1) > 0.8  # blurred rims
    if zoom == (1.0, 1.0):
        torch.testing.assert_close(image, sample(seed)[0])


def test_the_whole_transform_keeps_the_contract():
    torch.manual_seed(0)
    for k in range(5):
        image, target = sample(k)
        image, target = yolo_transform()(image, without_masks(target))
        assert image.dtype == torch.uint8 and image.shape == (3, 48, 64)
        assert len(target["boxes"]) == len(target["labels"]) == len(target["area"])
        assert (target["boxes"][:, 2:] > target["boxes"][:, :2]).all()
