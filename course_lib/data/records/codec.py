"""A sample as files in a shard and back, the same to the last bit.

``image.jpg`` (or .png, ...: the bytes of the picture's own file), ``image.png`` or
``image.npy``; ``mask.png``, ``mask.ids.npy`` (8 bits a pixel) or ``mask.npy``;
``target.npz`` of a detection sample.
"""

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torchvision import tv_tensors

from course_lib.data.images import read_image, read_labels
from course_lib.errors import InputError

KINDS = ("file", "png", "npy")
Sample = tuple[Tensor, Tensor | dict]
Parts = dict[str, bytes]  # "image.png" -> its bytes


class InMemory(io.BytesIO):
    """Bytes that messages call by a name, as they do a file."""

    def __init__(self, content: bytes, name: str):
        super().__init__(content)
        self.name = name

    def __str__(self) -> str:
        return self.name


def encode(sample: Sample, kind: str = "file", picture: Path | None = None) -> Parts:
    """The files that stand for a sample, the first of each kind that loses nothing.

    Args:
        sample: (image, mask), or (image, target) with a target of tensors and ints.
        kind: "file" keeps the bytes of ``picture`` where they give the image, and a
            PNG where not; "png" always a PNG; "npy" the plain numbers, which are
            larger and need no decoding.
        picture: the file the image was read from.

    Raises:
        InputError: for a target that holds something else.

    Taught in chapters/01_pixels_and_labels.
    """
    image, labels = sample
    parts = _exact(image, _image_files(image, kind, picture))
    if isinstance(labels, dict):
        return parts | {"target.npz": _target_file(labels, kind)}
    return parts | _exact(labels, _mask_files(labels, kind))


def decode(parts: Parts, name: str = "a sample") -> Sample:
    """The sample that ``encode`` was given; ``name`` is for messages.

    Raises:
        InputError: for parts that are no sample, and for damaged ones.

    Taught in chapters/01_pixels_and_labels.
    """
    image = tv_tensors.Image(_array(_part(parts, "image", name), name))
    part = _part(parts, ("mask", "target"), name)
    if "target.npz" in part:
        return image, _target(part["target.npz"], tuple(image.shape[-2:]), name)
    return image, tv_tensors.Mask(_array(part, name))


def _image_files(image: Tensor, kind: str, picture: Path | None) -> Iterator[Parts]:
    if kind == "file" and picture is not None:
        yield {f"image{Path(picture).suffix.lower()}": Path(picture).read_bytes()}
    if kind != "npy" and image.dtype == torch.uint8 and image.numel():
        yield {"image.png": _png(image.permute(1, 2, 0).numpy())}
    yield {"image.npy": _npy(image)}


def _mask_files(mask: Tensor, kind: str) -> Iterator[Parts]:
    ids = mask.to(torch.uint8)
    if kind == "npy":
        yield {"mask.ids.npy": _npy(ids)}
    elif ids.ndim == 2 and ids.numel():
        yield {"mask.png": _png(ids.numpy())}
    yield {"mask.npy": _npy(mask)}


def _exact(tensor: Tensor, candidates: Iterator[Parts]) -> Parts:
    """The first candidate that gives the tensor back, dtype and shape too."""
    return next(parts for parts in candidates if _gives(parts, tensor))


def _gives(parts: Parts, tensor: Tensor) -> bool:
    try:
        a, b = _array(parts, "").numpy(), tensor.numpy()
    except InputError:  # the file is no picture
        return False
    return (a.dtype, a.shape) == (b.dtype, b.shape) and a.tobytes() == b.tobytes()


def _array(parts: Parts, name: str) -> Tensor:
    """The tensor that one file holds."""
    ((file, content),) = parts.items()
    if file == "mask.png":
        return read_labels(InMemory(content, f"{file} of {name}")).as_subclass(Tensor)
    if not file.endswith(".npy"):
        return read_image(InMemory(content, f"{file} of {name}")).as_subclass(Tensor)
    try:
        tensor = torch.from_numpy(np.load(io.BytesIO(content), allow_pickle=False))
    except (ValueError, EOFError) as error:
        raise InputError(
            f"{file} of {name} is damaged ({error}); write the shards again"
        ) from None
    return tensor.to(torch.int64) if file == "mask.ids.npy" else tensor


def _part(parts: Parts, fields: str | tuple[str, ...], name: str) -> Parts:
    found = {
        file: content for file, content in parts.items() if file.startswith(fields)
    }
    if len(found) != 1:
        raise InputError(
            f"{name} holds {', '.join(sorted(parts)) or 'nothing'}, but a sample is "
            "one image and one mask or target; write the shards with write_shards"
        )
    return found


def _target_file(target: dict, kind: str) -> bytes:
    for key, value in target.items():
        if not (isinstance(value, int) or isinstance(value, Tensor) and value.ndim):
            raise InputError(
                f"the target's {key} is {value!r}; records keep whole numbers, and "
                "tensors of one dimension or more"
            )
    arrays = {key: np.asarray(value) for key, value in target.items()}
    content = io.BytesIO()
    (np.savez if kind == "npy" else np.savez_compressed)(content, **arrays)
    return content.getvalue()


def _target(content: bytes, size: tuple[int, int], name: str) -> dict:
    try:
        arrays = dict(np.load(io.BytesIO(content), allow_pickle=False))
    except Exception as error:  # zipfile, zlib and numpy have many ways to say it
        raise InputError(
            f"target.npz of {name} is damaged ({error}); write the shards again"
        ) from None
    target = {k: torch.from_numpy(a) if a.ndim else a.item() for k, a in arrays.items()}
    target["boxes"] = tv_tensors.BoundingBoxes(
        target["boxes"], format="XYXY", canvas_size=size
    )
    if "masks" in target:
        target["masks"] = tv_tensors.Mask(target["masks"])
    return target


def _png(pixels: np.ndarray) -> bytes:
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "PNG")
    return content.getvalue()


def _npy(tensor: Tensor) -> bytes:
    content = io.BytesIO()
    np.save(content, tensor.numpy())
    return content.getvalue()
