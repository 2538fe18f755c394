"""Darknet's weights files: a header, then nothing but 32-bit floats.

Header: three int32 (major, minor, revision), then how many pictures were seen, in 8
bytes from version 0.2 on and in 4 before. Then for each [convolutional]: biases; with
batch normalisation scales, means and variances; then the kernels (out, in, height,
width). Everything little-endian, no names, no shapes: only the cfg tells what is what.
"""

import hashlib
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from course_lib.detection.darknet.layers import Convolutional
from course_lib.errors import InputError
from course_lib.whole import write_whole


@dataclass(frozen=True)
class Header:
    """Version of the file and number of training pictures seen."""

    major: int = 0
    minor: int = 2
    revision: int = 5
    seen: int = 0

    @property
    def layout(self) -> str:
        """How ``struct`` writes it: 20 bytes, or 16 before version 0.2."""
        return "<iiiq" if self.major * 10 + self.minor >= 2 else "<iiii"

    def pack(self) -> bytes:
        """The header as bytes."""
        values = (self.major, self.minor, self.revision, self.seen)
        return struct.pack(self.layout, *values)


def load_weights(
    net: nn.Module, path: str | Path, sha256: str | None = None,
    cut_off: int | None = None,
) -> Header:  # fmt: skip
    """Fill a net from a weights file; nothing is changed where the file is faulty.

    Args:
        net: a ``Darknet``, not fused.
        path: the file.
        sha256: what the file must hash to, or None. A flipped bit in a float cannot
            be found otherwise.
        cut_off: fill only the layers before this one and take no offence at what
            follows, to transfer a trunk (Darknet's "partial"); None for all, and
            then no byte may be left over.

    Returns:
        The header, also kept as ``net.header``.

    Raises:
        InputError: where header, number of floats, a value or the hash is wrong.

    Taught in chapters/14_yolov3_darknet.
    """
    path = Path(path)
    tensors = named_tensors(net, cut_off)
    wanted = sum(tensor.numel() for _, tensor in tensors)
    header, values, start = read_weights(path, wanted, sha256, exact=cut_off is None)
    parts, at = [], 0
    for name, tensor in tensors:
        part = values[at : at + tensor.numel()]
        _check_values(part, name, path, start + 4 * at)
        parts.append(part)
        at += tensor.numel()
    with torch.no_grad():
        for (_, tensor), part in zip(tensors, parts, strict=True):
            tensor.copy_(torch.from_numpy(part).view_as(tensor))
    net.header = header
    return header


def save_weights(net: nn.Module, path: str | Path, cut_off: int | None = None) -> None:
    """Write a net's weights as Darknet does, under ``net.header``.

    Args:
        net: a ``Darknet``, not fused.
        path: the file; it is there whole or not at all.
        cut_off: write only the layers before this one.

    Taught in chapters/14_yolov3_darknet.
    """
    floats = [t.detach().cpu().numpy() for _, t in named_tensors(net, cut_off)]
    content = b"".join(array.astype("<f4").tobytes() for array in floats)
    write_whole(Path(path), net.header.pack() + content)


def named_tensors(
    net: nn.Module, cut_off: int | None = None
) -> list[tuple[str, Tensor]]:
    """The tensors of a weights file in its order, each with a name for messages."""
    count = len(net.layers)
    if cut_off is not None and not 0 <= cut_off <= count:
        raise InputError(f"cut_off is {cut_off}; the net has layers 0 to {count}")
    tensors = []
    for i, layer in enumerate(net.layers[:cut_off]):
        if isinstance(layer, Convolutional):
            kind = f"layer {i} [convolutional]"
            tensors += [(f"{what} of {kind}", t) for what, t in _parts(layer)]
    return tensors


def _parts(layer: Convolutional) -> list[tuple[str, Tensor]]:
    kernel = ("kernel", layer.conv.weight)
    if layer.norm is None:
        return [("bias", layer.conv.bias), kernel]
    norm = layer.norm
    return [
        ("bias", norm.bias), ("scale", norm.weight), ("mean", norm.running_mean),
        ("variance", norm.running_var), kernel,
    ]  # fmt: skip


def read_weights(
    path: Path, wanted: int, sha256: str | None = None, exact: bool = True
) -> tuple[Header, np.ndarray, int]:
    """Header, the ``wanted`` first floats, and the byte where they begin."""
    header = check_size(path, wanted, exact)
    start = struct.calcsize(header.layout)
    with open(path, "rb") as file:
        file.seek(start)
        values = np.frombuffer(file.read(4 * wanted), "<f4").astype(np.float32)
    if sha256 is not None and (found := _hash(path)) != sha256.lower():
        raise InputError(
            f"{path} has the SHA-256 {found[:16]}..., not {sha256[:16]}...; it is "
            "damaged or another file: download it again"
        )
    return header, values, start


def check_size(path: Path, wanted: int, exact: bool = True) -> Header:
    """The header of a file that holds ``wanted`` floats (or more, if not ``exact``)."""
    if not path.is_file():
        raise InputError(f"there is no weights file {path}; check name and folder")
    with open(path, "rb") as file:
        header = read_header(file.read(20), path)
    rest = path.stat().st_size - struct.calcsize(header.layout)
    _check_count(path, rest, wanted, exact)
    return header


def read_header(content: bytes, path: Path) -> Header:
    """The header at the beginning of a file."""
    if len(content) < 16:
        raise InputError(
            f"{path} ends at byte {len(content)}, within the header; download it again"
        )
    major, minor, revision = struct.unpack("<iii", content[:12])
    if not (0 <= major < 1000 and 0 <= minor < 1000 and 0 <= revision < 1000):
        raise InputError(
            f"{path} begins with version {major}.{minor}.{revision} at byte 0, which "
            "no Darknet wrote; is it a weights file?"
        )
    layout = Header(major, minor, revision).layout
    if len(content) < struct.calcsize(layout):
        raise InputError(f"{path} ends at byte {len(content)}, within the header")
    seen = struct.unpack(layout, content[: struct.calcsize(layout)])[3]
    if seen < 0:
        raise InputError(f"{path} says at byte 12 that {seen} pictures were seen")
    return Header(major, minor, revision, seen)


def _check_count(path: Path, size: int, wanted: int, exact: bool) -> None:
    if size < 4 * wanted or (exact and size != 4 * wanted):
        found = f"{size // 4:,}" + (f" and {size % 4}/4" if size % 4 else "")
        raise InputError(
            f"{path} holds {found} floats behind its header, but the cfg wants "
            f"{wanted:,}; take the cfg of this file, or download it again"
        )


def _check_values(values: np.ndarray, name: str, path: Path, byte: int) -> None:
    wrong = ~np.isfinite(values)
    if name.startswith("variance"):
        wrong |= values < 0
    if wrong.any():
        place = int(wrong.argmax())
        raise InputError(
            f"{path} holds {values[place]} at byte {byte + 4 * place}, in the {name}; "
            "the file is damaged: download it again"
        )


def _hash(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
