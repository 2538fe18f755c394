"""Find damage in a folder of shards, by name."""

import zlib
from dataclasses import dataclass
from pathlib import Path

from course_lib.data.readers.records import Records
from course_lib.errors import InputError


@dataclass
class RecordsReport:
    """What ``check_records`` went through: samples, shards and bytes."""

    name: str
    samples: int
    shards: int
    bytes: int

    def __str__(self) -> str:
        return (
            f"{self.name}: {self.samples} samples in {self.shards} shards, "
            f"{self.bytes / 1e6:.1f} MB, all as written"
        )


def check_records(folder: str | Path) -> RecordsReport:
    """Read every shard and decode every sample.

    Raises:
        InputError: names every shard that is missing, cut or damaged, and in a damaged
            one the first sample that is.
    """
    records = Records(folder)
    shards = records.about["shards"]
    faults = [
        fault for number in range(len(shards)) if (fault := _fault(records, number))
    ]
    if faults:
        raise InputError(f"{'; '.join(faults)}; write or copy these shards again")
    size = sum(shard["bytes"] for shard in shards)
    return RecordsReport(records.name, len(records), len(shards), size)


def _fault(records: Records, number: int) -> str:
    """What is wrong with a shard; "" is nothing."""
    shard = records.about["shards"][number]
    path = records.folder / shard["file"]
    whole = zlib.crc32(path.read_bytes()) == shard["crc32"]
    for i in (records.index[:, 0] == number).nonzero()[0].tolist():
        try:
            records[i]
        except InputError:
            of = f"the index is not its own, or sample {i}" if whole else f"sample {i}"
            return f"{path} is damaged: {of} ({records.file(i)})"
    return "" if whole else f"{path} is damaged beside its samples"
