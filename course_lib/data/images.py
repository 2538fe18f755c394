"""Read any picture as RGB, and label pictures as ids.

A picture shows colours, a label picture holds one class id a pixel. Both may come
as a palette picture: of a picture we want the colours, of labels the indices.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor
from torchvision import tv_tensors

from course_lib.data.classes import VOID, VOID_COLOUR, ClassTable
from course_lib.errors import InputError

SIXTEEN_BIT = ("I", "I;16", "I;16B", "I;16L")
# Pillow spreads the ids of 2- and 4-bit grey PNGs over 0 to 255, by these steps
SPREAD = {"L;2": 85, "L;4": 17}
SIDEWAYS = (5, 6, 7, 8)  # EXIF orientations that swap width and height


def read_image(path: str | Path) -> tv_tensors.Image:
    """Read a picture of any kind as 8-bit RGB, upright.

    Grey, palette and CMYK become RGB, 16-bit grey is divided by 257, what is
    transparent is laid over white, and a camera's EXIF rotation is carried out.

    Returns:
        (3, H, W) uint8.

    Raises:
        InputError: for a missing, empty, truncated or unreadable file.

    Taught in chapters/01_pixels_and_labels.
    """
    with _opened(path) as picture:
        rgb = _as_rgb(ImageOps.exif_transpose(picture), path)
    pixels = torch.from_numpy(np.array(rgb))  # (H, W, 3)
    return tv_tensors.Image(pixels.permute(2, 0, 1).contiguous())


def read_labels(path: str | Path) -> tv_tensors.Mask:
    """Read the ids of a label picture as they stand in the file.

    Returns:
        (H, W) int64; of a palette picture the indices, never the colours.

    Raises:
        InputError: for a picture in colours, and for what ``read_image`` refuses.

    Taught in chapters/01_pixels_and_labels.
    """
    with _opened(path) as picture:
        if picture.mode not in ("1", "L", "P", *SIXTEEN_BIT):
            raise InputError(_colours_for_ids(picture, path))
        ids = np.array(picture).astype(np.int64) // picture.info["spread"]
    return tv_tensors.Mask(torch.from_numpy(ids))


def write_labels(path: str | Path, mask: Tensor, classes: ClassTable) -> None:
    """Write ids as a palette PNG, the way PASCAL VOC does.

    Args:
        path: ends in ``.png``.
        mask: (H, W) integer, ids of ``classes`` or 255.
        classes: gives the palette.

    Raises:
        InputError: for an id that is no class.

    Taught in chapters/01_pixels_and_labels.
    """
    wrong = mask[((mask < 0) | (mask >= classes.num_classes)) & (mask != VOID)]
    if wrong.numel():
        raise InputError(
            f"{path}: {int(wrong[0])} is no id of {classes.name}; ids are 0 to "
            f"{classes.num_classes - 1}, and {VOID} for void"
        )
    picture = Image.fromarray(mask.to("cpu", torch.uint8).numpy())
    picture.putpalette(classes.colour_map().flatten().tolist())
    picture.save(path, "PNG")


def colour_to_index(image: Tensor, classes: ClassTable) -> tv_tensors.Mask:
    """Turn a label picture in colours into ids.

    Args:
        image: (3, H, W) uint8, every pixel in a colour of ``classes``, or in that of
            void: (224, 224, 192), or black where no class is black.
        classes: gives the colour of every id.

    Returns:
        (H, W) int64, 255 = void.

    Raises:
        InputError: for a colour of no class, and where two classes share a colour.

    Taught in chapters/01_pixels_and_labels.
    """
    ids = {(0, 0, 0): VOID, VOID_COLOUR: VOID}
    ids |= {colour: i for i, colour in enumerate(classes.palette)}
    if len(set(classes.palette)) < classes.num_classes:
        raise InputError(f"{classes.name} gives two classes one colour; use ids")
    colours, place = image.flatten(1).unique(dim=1, return_inverse=True)  # (3, K)
    for colour in map(tuple, colours.T.tolist()):
        if colour not in ids:
            raise InputError(
                f"the colour {colour} belongs to no class of {classes.name}; give the "
                "class table these labels were drawn with, and save them as PNG"
            )
    table = torch.tensor([ids[tuple(c)] for c in colours.T.tolist()])  # (K,)
    return tv_tensors.Mask(table[place].view(image.shape[-2:]))


def picture_size(path: str | Path) -> tuple[int, int]:
    """Height and width of a picture, upright, from its header alone (quick)."""
    with _opened(path, load=False) as picture:
        width, height = picture.size
        sideways = picture.getexif().get(0x0112) in SIDEWAYS
    return (width, height) if sideways else (height, width)


@contextmanager
def _opened(path: str | Path, load: bool = True) -> Iterator[Image.Image]:
    """A picture whose faults end in one sentence."""
    if not hasattr(path, "read"):  # else a file in memory, see records/codec.py
        _check_file(Path(path))
    try:
        with Image.open(path) as picture:
            picture.info["spread"] = _spread(picture)
            if load:
                picture.load()
            yield picture
    except UnidentifiedImageError:
        raise InputError(
            f"{path} is not a picture; give a PNG, JPEG, TIFF, BMP, GIF or WebP file"
        ) from None
    except Image.DecompressionBombError:
        raise InputError(
            f"{path} has more than {2 * Image.MAX_IMAGE_PIXELS:,} pixels; cut it into "
            "smaller pictures"
        ) from None
    except (OSError, SyntaxError, EOFError) as error:
        raise InputError(
            f"{path} is damaged or breaks off before its end ({error}); copy or "
            "download it again"
        ) from None


def _spread(picture: Image.Image) -> int:
    layout = picture.tile[0][3] if picture.tile else ""  # such as "L;4"
    return SPREAD.get(str(layout), 1)


def _check_file(path: Path) -> None:
    if path.is_dir():
        raise InputError(f"{path} is a folder; give one picture")
    if not path.is_file():
        raise InputError(f"there is no file {path}; check the name and the folder")
    if path.stat().st_size == 0:
        raise InputError(f"{path} is empty (0 bytes); copy or download it again")


def _as_rgb(picture: Image.Image, path: str | Path) -> Image.Image:
    if picture.mode in SIXTEEN_BIT:
        return _from_16_bit(np.array(picture), path).convert("RGB")
    if picture.mode == "F":
        raise InputError(
            f"{path} holds floating-point values, whose range nobody can know; save "
            "it with 8 or 16 bits"
        )
    if picture.has_transparency_data:
        over = picture.convert("RGBA")
        white = Image.new("RGBA", over.size, "white")
        return Image.alpha_composite(white, over).convert("RGB")
    return picture.convert("RGB")


def _from_16_bit(values: np.ndarray, path: str | Path) -> Image.Image:
    """8-bit grey: 65535 becomes 255, so the divisor is 257."""
    if values.min() < 0 or values.max() > 65535:
        raise InputError(
            f"{path} holds values from {values.min()} to {values.max()}; save it with "
            "8 or 16 bits, 0 to 65535"
        )
    return Image.fromarray((values / 257).round().astype(np.uint8))


def _colours_for_ids(picture: Image.Image, path: str | Path) -> str:
    pixels = np.array(picture.convert("RGB"))
    if (pixels == pixels[..., :1]).all():
        fix = "its channels are equal, so save one of them as 8-bit grey"
    else:
        fix = "turn its colours into ids with colour_to_index, or read the folder "
        fix += "with LabelFolder(..., colours=True)"
    return f"{path} is {picture.mode}, but labels are one id a pixel (L or P); {fix}"
