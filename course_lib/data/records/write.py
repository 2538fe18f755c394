"""Write a data set as shards."""

import json
import zlib
from dataclasses import asdict
from functools import partial
from pathlib import Path

from torch.utils.data import Dataset

from course_lib.data.readers.pairs import PICTURES
from course_lib.data.records.codec import KINDS, encode
from course_lib.data.records.index import (
    ABOUT,
    FORMAT,
    INDEX,
    make_index,
    sample_rows,
    write_index,
)
from course_lib.errors import InputError
from course_lib.whole import whole_folder


def write_shards(
    dataset: Dataset,
    folder: str | Path,
    kind: str = "file",
    *,
    samples: int = 1000,
    megabytes: float = 100,
) -> Path:
    """Write every sample of a data set, beside ``folder`` first, then renamed.

    Args:
        dataset: any reader; what its transform does is written with it, so it should
            not be a random one.
        folder: must not be there yet.
        kind: how pictures are kept, see ``codec.encode``.
        samples: a shard is full at this many samples ...
        megabytes: ... or when it is larger than this.

    Returns:
        The folder: shards, ``index.npy`` and ``about.json``.

    Raises:
        InputError: for a folder that exists, an empty data set, an unknown kind, and
            what the reader refuses.

    Taught in chapters/01_pixels_and_labels.
    """
    folder = Path(folder)
    _check(dataset, folder, kind, samples, megabytes)
    with whole_folder(folder) as root:
        _write_members(dataset, root, kind, samples, megabytes * 1e6)
        about = _describe(dataset, root, kind)
        write_index(root / INDEX, make_index(root, about))
        (root / ABOUT).write_text(json.dumps(about, indent=1), encoding="utf-8")
    return folder


def _check(dataset, folder: Path, kind: str, samples: int, megabytes: float) -> None:
    if folder.exists():
        raise InputError(f"{folder} is there already; delete it or give another")
    if kind not in KINDS:
        raise InputError(f"no kind {kind!r} of records; choose {', '.join(KINDS)}")
    if len(dataset) == 0:
        raise InputError(f"{dataset.name} holds no pictures; check folder and split")
    if samples < 1 or not megabytes > 0:
        raise InputError(
            f"a shard of {samples} samples or {megabytes} MB holds nothing; give more"
        )


def _write_members(dataset, folder: Path, kind: str, samples: int, size: float) -> None:
    from webdataset import ShardWriter

    options = {"encoder": False, "mtime": 0, "verbose": 0}
    options["opener"] = partial(open, mode="wb", buffering=0)
    pattern = str(folder).replace("%", "%%") + "/%06d.tar"
    with ShardWriter(pattern, maxcount=samples, maxsize=size, **options) as shards:
        for i in range(len(dataset)):
            parts = encode(dataset[i], kind, _picture(dataset, i))
            shards.write({"__key__": f"{i:08d}", **parts})


def _picture(dataset, i: int) -> Path | None:
    """The file that should hold the picture; ``encode`` sees whether it does."""
    if hasattr(dataset, "pairs"):
        path = Path(dataset.pairs[i][0])
    elif hasattr(dataset, "pictures") and hasattr(dataset, "folder"):  # COCO
        path = Path(dataset.folder, dataset.pictures[i].file)
    else:
        path = Path(dataset.file(i))
    return path if path.suffix.lower() in PICTURES and path.is_file() else None


def _describe(dataset, folder: Path, kind: str) -> dict:
    shards = [
        {
            "file": path.name,
            "samples": len(sample_rows(path)),
            "bytes": path.stat().st_size,
            "crc32": zlib.crc32(path.read_bytes()),
        }
        for path in sorted(folder.glob("*.tar"))
    ]
    return {
        "format": FORMAT,
        "name": dataset.name,
        "split": getattr(dataset, "split", None),
        "kind": kind,
        "classes": asdict(dataset.classes),
        "shards": shards,
        "files": [Path(dataset.file(i)).name for i in range(len(dataset))],
    }
