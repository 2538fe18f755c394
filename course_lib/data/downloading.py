"""Download one file of the catalogue: continued when broken off, checked when there."""

import hashlib
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import pooch
import requests
import urllib3
from tqdm import tqdm

from course_lib.data.catalogue import File
from course_lib.errors import InputError

RETRIES = 3  # pooch waits 1, 2, 3 s before them
TIMEOUT = 60  # seconds without a byte
BLOCK = 2**18


class Again(requests.ConnectionError):
    """Something went wrong that another try may mend."""


class Unfit(Exception):
    """What an address offers is not the file; another try will not help."""


def download(file: File, addresses: list[str], folder: Path) -> Path:
    """The file in a folder, whole and checked, from the first address that has it.

    A part of it that an earlier run left in the folder is continued, if the server
    says that the file is still the same.

    Raises:
        InputError: where no address gives the file.
        OSError: where the disk is full or cannot be written.
    """
    pooch.get_logger().setLevel("WARNING")
    reasons = []
    for address in addresses:
        try:
            return _from(address, file, folder)
        except (requests.RequestException, Unfit) as error:
            own = isinstance(error, Again | Unfit)
            short = str(error) if own else type(error).__name__
            reasons.append(f"{address} did not give it ({short})")
    raise InputError(
        f"{file.name} did not come: {'; '.join(reasons)}; run it again to go on, name "
        "another source with --mirror, or download it with a browser and give it with "
        "--archive FILE"
    )


def _from(address: str, file: File, folder: Path) -> Path:
    store = pooch.create(
        folder,
        base_url="",
        registry={file.name: None},
        urls={file.name: address},
        retry_if_failed=RETRIES,
    )
    path = Path(store.fetch(file.name, downloader=Resumed(file)))
    if wrong := fault(path, file):
        path.unlink()
        raise Unfit(wrong)
    return path


def fault(path: Path, file: File) -> str:
    """Why a file is not the one the catalogue means; "" if it is."""
    size = path.stat().st_size
    if file.bytes not in (None, size):
        return f"it has {size:,} bytes, not {file.bytes:,}"
    if not file.checksum:
        return ""
    kind, _, digits = file.checksum.partition(":")
    found = pooch.file_hash(str(path), alg=kind)
    if found.startswith(digits):
        return ""
    return f"its {kind} begins with {found[:8]}, not {digits[:8]}"


@dataclass
class Resumed:
    """A downloader for pooch that keeps what has come and asks for the rest.

    Beside the part of a file stands the version the server gave to the file (its ETag
    or date); nothing is added to a part of another version, or of none.
    """

    file: File

    def __call__(self, url: str, output_file: str, store: object) -> None:
        """Download to ``output_file``; pooch calls this, again after an error."""
        name = f"{self.file.name}-{hashlib.sha256(url.encode()).hexdigest()[:8]}"
        part = Path(output_file).parent / f"{name}.part"
        label = part.with_suffix(".version")
        version = label.read_text() if label.exists() else ""
        have = part.stat().st_size if part.exists() and version else 0
        headers = {"Accept-Encoding": "identity"}
        if have:
            headers |= {"Range": f"bytes={have}-", "If-Range": version}
        with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as answer:
            have = have if _goes_on(answer, have, version) else 0
            if answer.status_code in (206, 416) and not have:
                part.unlink(missing_ok=True)
                raise Again("the file has changed")
            self._check(answer, have)
            if not have:
                part.unlink(missing_ok=True)
                label.write_text(_version(answer))
            try:
                self._write(answer, part, have)
            except Unfit:
                part.unlink()
                label.unlink()
                raise
        os.replace(part, output_file)
        label.unlink()

    @property
    def _largest(self) -> int:
        if not self.file.megabytes:
            return sys.maxsize
        return self.file.bytes or 10**8 + 3 * 10**6 * self.file.megabytes

    def _check(self, answer: requests.Response, have: int) -> None:
        status, total = answer.status_code, _total(answer, have)
        if status >= 400:
            raise (Unfit if status < 500 else Again)(f"status {status}")
        if total > self._largest or self.file.bytes and 0 < total != self.file.bytes:
            raise Unfit(f"it offers {total:,} bytes, not {self._largest:,}")

    def _write(self, answer: requests.Response, part: Path, have: int) -> None:
        total = _total(answer, have)
        bar = tqdm(
            desc=self.file.name,
            total=total or None,
            initial=have,
            unit="B",
            unit_scale=True,
        )
        with part.open("ab") as file, bar:
            try:
                for block in answer.raw.stream(BLOCK, decode_content=False):
                    have += len(block)
                    if have > self._largest:
                        raise Unfit(f"it goes on after {self._largest:,} bytes")
                    file.write(block)
                    bar.update(len(block))
            except urllib3.exceptions.HTTPError:
                raise Again("it broke off") from None
        if have < total:
            raise Again("it broke off")


def _total(answer: requests.Response, have: int) -> int:
    """Bytes of the whole file; 0 where the server does not say."""
    length = int(answer.headers.get("Content-Length", 0))
    return have + length if length else 0


def _version(answer: requests.Response) -> str:
    tag = answer.headers.get("ETag", "W/")
    return answer.headers.get("Last-Modified", "") if tag.startswith("W/") else tag


def _goes_on(answer: requests.Response, have: int, version: str) -> bool:
    start = answer.headers.get("Content-Range", "").startswith(f"bytes {have}-")
    return answer.status_code == 206 and start and _version(answer) == version
