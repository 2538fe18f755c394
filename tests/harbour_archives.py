"""Harbour pictures in the layouts of real sets, packed as those are."""

import io
import tarfile
import zipfile
from dataclasses import replace
from functools import cache
from hashlib import sha1
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image

from course_lib.data.catalogue import Source, source
from course_lib.data.harbour import Harbour, export
from course_lib.data.readers.camvid import CamVid
from course_lib.data.readers.penn_fudan import PennFudan
from course_lib.data.readers.voc import VOCSegmentation

SPLITS = ("train", "val", "test")
SIZE = (48, 64)


def harbour(split: str) -> Harbour:
    """Two pictures of a split; the first has people in it."""
    return Harbour(split, 2, SIZE)


def camvid(folder: Path) -> None:
    """The layout of CamVid."""
    for split in SPLITS:
        export(harbour(split), folder, "camvid")


def voc2012(folder: Path) -> None:
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
        ids = np.unique(scene.instance_map, return_inverse=True)[1]
        masks = ids.reshape(SIZE).astype(np.uint8)
        Image.fromarray(masks).save(folder / f"PedMasks/Quay{i}_mask.png")
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


@cache
def archive(name: str) -> bytes:
    """The archive of a set, harbour pictures in it."""
    inside = source(name).files[0].inside
    with TemporaryDirectory() as folder:
        WRITE[name](Path(folder))
        return (tarred if name == "voc2012" else zipped)(Path(folder), inside)


WRITE = {"camvid": camvid, "penn_fudan": penn_fudan, "voc2012": voc2012}
READ = {"camvid": CamVid, "voc2012": VOCSegmentation}


def is_the_harbour(name: str, folder: Path) -> bool:
    """Whether the set's reader gives what the harbour knows of its pictures."""
    scenes = [harbour("train").scene(i) for i in range(2)]
    if name == "penn_fudan":
        found = PennFudan(folder)
        return len(found) == 2 and all(
            sorted(found[i][1]["boxes"].tolist()) == sorted(scenes[i].boxes.tolist())
            for i in range(2)
        )
    found = READ[name](folder, "train")
    return len(found) == 2 and all(
        np.array_equal(found.labels(i) == k, scenes[i].class_map == k)
        for i in range(2)
        for k in range(11)  # 11, the buoy, is CamVid's void
    )


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
