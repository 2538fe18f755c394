"""What the tests of downloading share: two files of a size, and how to get one."""

import hashlib
import random

from course_lib.data import downloading
from course_lib.data.catalogue import File

CONTENT = random.Random(0).randbytes(1_000_000)
OTHER = random.Random(1).randbytes(1_000_000)
SHA1 = f"sha1:{hashlib.sha1(CONTENT).hexdigest()}"


def file_at(url, checksum=SHA1, **changes) -> File:
    return File(url=url, megabytes=1, checksum=checksum, **changes)


def get(file, folder, *mirrors) -> bytes:
    return downloading.download(file, [file.url, *mirrors], folder).read_bytes()


def starts(server) -> list[int]:
    return [start for _, start in server.asked]
