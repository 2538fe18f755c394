"""Transforms that move a picture and its labels together.

They are torchvision's ``transforms.v2`` where those fit, and take and give (image
uint8 (3, H, W), mask int64 (H, W)). Ids are picked (nearest), never mixed; what a
transform brings in from outside the picture is black, and void (255) in the mask.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torchvision import tv_tensors
from torchvision.transforms import InterpolationMode, v2
from torchvision.transforms.v2 import functional as F

from course_lib.data.classes import VOID
from course_lib.errors import InputError

MEAN = (0.485, 0.456, 0.406)  # of ImageNet, for RGB in [0, 1]
STD = (0.229, 0.224, 0.225)
OUTSIDE = {tv_tensors.Image: 0, tv_tensors.Mask: VOID}
Size = int | tuple[int, int]
Pair = tuple[tv_tensors.Image, tv_tensors.Mask]


def normalise(image: Tensor) -> Tensor:
    """Bring a picture to the mean 0 and spread 1 of ImageNet, channel by channel.

    Args:
        image: (..., 3, H, W) uint8, or float in [0, 1].

    Returns:
        (..., 3, H, W) float32, about -2.1 to 2.6.

    Taught in chapters/01_pixels_and_labels.
    """
    values = F.to_dtype(image.as_subclass(Tensor), torch.float32, scale=True)
    return (values - _channels(MEAN, values)) / _channels(STD, values)


def denormalise(image: Tensor) -> Tensor:
    """The picture that ``normalise`` took: (..., 3, H, W) uint8.

    Taught in chapters/01_pixels_and_labels.
    """
    values = image * _channels(STD, image) + _channels(MEAN, image)
    return (values.clamp(0, 1) * 255).round().to(torch.uint8)


def _channels(values: tuple[float, ...], like: Tensor) -> Tensor:
    return torch.tensor(values, device=like.device).view(3, 1, 1)


def resize(image: Tensor, mask: Tensor, size: tuple[int, int]) -> Pair:
    """Resize both to (H, W) pixels: the uint8 picture bilinear, the ids nearest.

    Nearest is ``nearest-exact``, which looks at the centre of the new pixel; plain
    ``nearest`` moves ids by up to half a pixel against the picture.
    """
    ids = mask.as_subclass(Tensor)[None]  # (1, H, W)
    ids = F.resize(ids, list(size), InterpolationMode.NEAREST_EXACT, antialias=False)
    if tuple(size) == (1, 1):  # torch fails at this one size, on uint8 only
        image = image.float()
    picture = F.resize(tv_tensors.Image(image), list(size), antialias=True)
    picture = picture.round().to(torch.uint8)
    return tv_tensors.Image(picture), tv_tensors.Mask(ids[0])


def crop_or_pad(image: Tensor, mask: Tensor, size: tuple[int, int]) -> Pair:
    """Cut the middle out, or add an even border, till both are (H, W) pixels.

    Taught in chapters/01_pixels_and_labels.
    """
    short = [max(0, s - now) for s, now in zip(size, mask.shape, strict=True)]
    top, left = short[0] // 2, short[1] // 2
    border = [left, top, short[1] - left, short[0] - top]
    return tuple(
        F.center_crop(F.pad(item, border, fill=OUTSIDE[kind]), list(size))
        for kind, item in (
            (tv_tensors.Image, tv_tensors.Image(image)),
            (tv_tensors.Mask, tv_tensors.Mask(mask)),
        )
    )


class Resize(nn.Module):
    """Resize to ``size``: (H, W), or a number of pixels for the shorter side."""

    def __init__(self, size: Size):
        super().__init__()
        self.size = size

    def forward(self, image: Tensor, mask: Tensor) -> Pair:
        """Resize both."""
        if isinstance(self.size, int):
            return _scale(image, mask, self.size / min(mask.shape))
        return resize(image, mask, self.size)


class RandomScaledCrop(nn.Module):
    """Enlarge by a factor drawn evenly from a range and cut a crop out anywhere.

    Cutting the window first and resizing only that gives the same crop for a
    quarter of the work. What lies outside the picture is black and void.
    """

    def __init__(self, size: Size, low: float = 0.5, high: float = 2.0):
        super().__init__()
        if not 0 < low <= high:
            raise InputError(
                f"scale goes from {low} to {high}; give two factors above 0, the "
                "smaller one first"
            )
        self.size, self.low, self.high = _pair(size), low, high

    def forward(self, image: Tensor, mask: Tensor) -> Pair:
        """Draw a factor and a place, cut and resize both."""
        factor = self.low + (self.high - self.low) * torch.rand(()).item()
        window = tuple(max(1, round(side / factor)) for side in self.size)
        image, mask = random_crop(window)(image, mask)
        return resize(image, mask, self.size)


class CropOrPad(nn.Module):
    """``crop_or_pad`` to a fixed size, so that pictures of any size make a batch."""

    def __init__(self, size: Size):
        super().__init__()
        self.size = _pair(size)

    def forward(self, image: Tensor, mask: Tensor) -> Pair:
        """Crop or pad both."""
        return crop_or_pad(image, mask, self.size)


class Normalise(nn.Module):
    """``normalise`` the picture and leave the ids alone."""

    def forward(self, image: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Normalise the picture."""
        return normalise(image), mask


def random_crop(size: Size) -> v2.RandomCrop:
    """Cut out ``size`` anywhere; a smaller picture is padded, black and void."""
    return v2.RandomCrop(_pair(size), pad_if_needed=True, fill=OUTSIDE)


def random_rotation(degrees: float) -> v2.RandomRotation:
    """Turn by up to ``degrees`` either way; corners from outside are void."""
    return v2.RandomRotation(degrees, InterpolationMode.BILINEAR, fill=OUTSIDE)


def training_transform(
    crop_size: Size | None,
    scale: tuple[float, float] = (0.5, 2.0),
    *,
    flip: float = 0.5,
    rotation: float = 0.0,
    colour: float = 0.0,
    blur: float = 0.0,
) -> Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """Scale, flip, rotate, crop, colour, blur and normalise, at random.

    Args:
        crop_size: (H, W) in pixels, or one number for a square; None keeps whole
            pictures at their size.
        scale: range of the factor of the crop's enlargement.
        flip: probability of a mirror image.
        rotation: largest angle, degrees.
        colour: 0-1, largest relative change of brightness, contrast, saturation.
        blur: probability of a Gaussian blur, sigma 0.1-2 px; crops of 3 px or more.

    Returns:
        A transform (image, mask) -> (float32 (3, h, w), int64 (h, w)), whose chance
        comes from torch's global generator.

    Taught in chapters/01_pixels_and_labels.
    """
    steps = [v2.RandomHorizontalFlip(flip)]
    if rotation:
        steps.append(random_rotation(rotation))
    if crop_size is not None:
        steps.append(RandomScaledCrop(crop_size, *scale))
    if colour:
        steps.append(v2.ColorJitter(colour, colour, colour))
    if blur:
        steps.append(v2.RandomApply([v2.GaussianBlur(5, (0.1, 2.0))], p=blur))
    return v2.Compose([*steps, Normalise()])


def evaluation_transform(crop_size: Size | None = None) -> Callable:
    """Normalise the whole picture, or its middle.

    Args:
        crop_size: None keeps every picture as it is; else the shorter side is
            brought to the smaller number and the middle is cut out.

    Taught in chapters/01_pixels_and_labels.
    """
    if crop_size is None:
        return v2.Compose([Normalise()])
    size = _pair(crop_size)
    return v2.Compose([Resize(min(size)), CropOrPad(size), Normalise()])


def _scale(image: Tensor, mask: Tensor, factor: float) -> Pair:
    height, width = mask.shape
    size = max(1, round(height * factor)), max(1, round(width * factor))
    return resize(image, mask, size)


def _pair(size: Size) -> tuple[int, int]:
    height, width = (size, size) if isinstance(size, int) else size
    if min(height, width) < 1:
        raise InputError(f"size is {size}; give (height, width) of at least 1 px")
    return height, width
