"""Harbour pictures in the layouts of real sets, packed as those are."""

import io
import tarfile
import zipfile
from dataclasses import replace
from hashlib import sha1
from pathlib import Path

from PIL import Image

from course_lib.data.catalogue import Source, source
from course_lib.data.harbour import Harbour, export
from course_lib.data.harbour.layouts.files import ordered

SPLITS = ("train", "val", "test")
SIZE = (48, 64)


def harbour(split: str) -> Harbour:
    """Two pictures of a split; the first has people in it."""
    return Harbour(split, 2, SIZE)


def camvid(folder: Path) -> None:
    """The layout of CamVid."""
    for split in SPLITS:
        export(harbour(split), folder, "camvid")


def voc(folder: Path) -> None:
    """The layout of PASCAL VOC."""
    for split in SPLITS:
        export(harbour(split), folder, "voc")


def penn_fudan(folder: Path) -> None:
    """The layout of Penn-Fudan: every instance is a person."""
    for kind in ("PNGImages", "PedMasks", "Annotation"):
        (folder / kind).mkdir(parents=True)
    for i in range(2):
        scene = harbour("train").scene(i)
        Image.fromarray(scene.image).save(folder / f"PNGImages/Quay{i}.png")
        masks = Image.fromarray(ordered(scene))
        masks.save(folder / f"PedMasks/Quay{i}_mask.png")
        (folder / f"Annotation/Quay{i}.txt").write_text("")


def zipped(folder: Path, top: str) -> bytes:
    """A zip of a folder's files, as in the folder ``top``."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            file.write(path, f"{top}/{path.relative_to(folder).as_posix()}")
    return packed.getvalue()


def tarred(folder: Path, top: str, mode: str = "w") -> bytes:
    """A tar of a folder, as the folder ``top``; mode "w:gz" compresses it."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode=mode) as file:
        file.add(folder, top)
    return packed.getvalue()


def entry(name: str, *addresses: str, contents: tuple[bytes, ...] = ()) -> Source:
    """A set of the catalogue with other addresses, and checksums of ``contents``."""
    real = source(name)
    files = [
        replace(file, url=url, name="", mirrors=[], megabytes=1, checksum=None)
        for file, url in zip(real.files, addresses, strict=True)
    ]
    for i, content in enumerate(contents):
        files[i] = replace(files[i], checksum=f"sha1:{sha1(content).hexdigest()}")
    return replace(real, files=tuple(files))
