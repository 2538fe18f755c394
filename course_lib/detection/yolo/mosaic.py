"""Mosaic: four pictures in one, and the random changes that go with it.

Taught in chapters/15_training_yolo.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset
from torchvision import tv_tensors
from torchvision.transforms import v2

from course_lib.data.targets import target_of_boxes
from course_lib.detection.box_crop import RandomBoxCrop
from course_lib.errors import InputError


class Mosaic(Dataset):
    """A data set whose pictures are, with some probability, four in one.

    The four meet in a random point of the middle half; each fills its corner with a
    window cut out anywhere. So an object is seen next to what never stood beside it,
    and a batch shows four times as many.

    Args:
        dataset: of (image uint8 (3, H, W), target).
        size: (H, W) of a mosaic in pixels; None takes the size of its first picture.
        probability: of a mosaic, else the picture itself.
        share: an object stays if this share of its box is in its window.

    The chance comes from torch's global generator, which ``training.stream.Drawn``
    seeds for every sample. Bochkovskiy et al., YOLOv4, 2020, section 3.3. Taught in
    chapters/15_training_yolo.
    """

    def __init__(
        self,
        dataset: Dataset,
        size: tuple[int, int] | None = None,
        probability: float = 1.0,
        share: float = 0.3,
    ):
        if not 0 <= probability <= 1:
            raise InputError(f"the probability is {probability}; give 0 to 1")
        self.dataset, self.size = dataset, size
        self.probability, self.share = probability, share

    def __getattr__(self, name: str):  # name, classes, file ...
        return getattr(self.__dict__["dataset"], name)

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, i: int) -> tuple[Tensor, dict]:
        if torch.rand(()) >= self.probability:
            return self.dataset[i]
        others = torch.randint(len(self), (3,)).tolist()
        samples = [self.dataset[j] for j in (i, *others)]
        return mosaic(samples, self.size or tuple(samples[0][0].shape[-2:]), self.share)


def mosaic(
    samples: list[tuple[Tensor, dict]], size: tuple[int, int], share: float = 0.3
) -> tuple[Tensor, dict]:
    """Four samples in one of (H, W) pixels; masks are left out."""
    height, width = size
    y, x = (int(side * (0.25 + 0.5 * torch.rand(()).item())) for side in size)
    canvas = torch.zeros(3, height, width, dtype=torch.uint8)
    corners = ((0, 0, y, x), (0, x, y, width), (y, 0, height, x), (y, x, height, width))
    parts = []
    for (image, target), (top, left, bottom, right) in zip(
        samples, corners, strict=True
    ):
        window = RandomBoxCrop((bottom - top, right - left), share)
        image, target = window(image, without_masks(target))
        canvas[:, top:bottom, left:right] = image
        boxes = target["boxes"].as_subclass(Tensor)
        parts.append(target | {"boxes": boxes + boxes.new_tensor([left, top] * 2)})
    return tv_tensors.Image(canvas), _join(parts, size)


def without_masks(target: dict) -> dict:
    """The target without masks, which YOLO does not learn and which cost time."""
    return {name: part for name, part in target.items() if name != "masks"}


def _join(parts: list[dict], size: tuple[int, int]) -> dict:
    boxes = torch.cat([part["boxes"] for part in parts])
    labels = torch.cat([part["labels"] for part in parts])
    target = target_of_boxes(boxes, labels, parts[0]["image_id"], size)
    return target | {"iscrowd": torch.cat([part["iscrowd"] for part in parts])}


class RandomZoom(nn.Module):
    """Enlarge by a factor and cut out anywhere, at the picture's own size.

    The affine change of detectors without its turning: a turned box is no box.

    Args:
        low, high: range of the factor; below 1 the rest is black.
        share: an object stays if this share of its box is in the picture.
    """

    def __init__(self, low: float = 0.5, high: float = 1.5, share: float = 0.3):
        super().__init__()
        if not 0 < low <= high:
            raise InputError(f"zoom from {low} to {high}; give 0 < low <= high")
        self.low, self.high, self.share = low, high, share

    def forward(self, image: Tensor, target: dict) -> tuple[Tensor, dict]:
        """Draw factor and place, cut and resize both."""
        factor = self.low + (self.high - self.low) * torch.rand(()).item()
        size = tuple(image.shape[-2:])
        window = tuple(max(1, round(side / factor)) for side in size)
        image, target = RandomBoxCrop(window, self.share)(image, target)
        image, target = v2.Resize(size, antialias=True)(image, target)
        return image, target | {"area": target["area"] * factor**2}


def yolo_transform(
    *,
    flip: float = 0.5,
    zoom: tuple[float, float] | None = (0.5, 1.5),
    hue: float = 0.015,
    saturation: float = 0.7,
    brightness: float = 0.4,
) -> Callable[[Tensor, dict], tuple[Tensor, dict]]:
    """Flip, zoom and HSV colour at random; the defaults are YOLOv5's.

    Args:
        flip: probability of a mirror image.
        zoom: range of ``RandomZoom``; None leaves the size.
        hue: largest change, in turns of the colour circle, up to 0.5.
        saturation: largest relative change, up to 1.
        brightness: the same.

    Returns:
        A transform of (image uint8, target), whose chance comes from torch's global
        generator.

    Taught in chapters/15_training_yolo.
    """
    steps = [v2.RandomHorizontalFlip(flip)]
    if zoom is not None:
        steps.append(RandomZoom(*zoom))
    if hue or saturation or brightness:
        steps.append(
            v2.ColorJitter(hue=hue, saturation=saturation, brightness=brightness)
        )
    return v2.Compose(steps)
