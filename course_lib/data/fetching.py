"""Fetch what the catalogue names: checked, continued when broken off, never half."""

import os
import shutil
import stat
import tarfile
import tempfile
import zipfile
from pathlib import Path, PurePosixPath

from course_lib.data.catalogue import Source, cache_dir
from course_lib.data.tree import check_tree
from course_lib.errors import InputError


def fetch(
    entry: Source, folder: Path | None = None, archive: Path | None = None
) -> Path:
    """Fetch and unpack an entry of the catalogue, unless it is there already.

    Args:
        entry: what to fetch.
        folder: where to put it; None means ``cache_dir()``.
        archive: a copy of the archive or file that was fetched by hand.

    Returns:
        The folder or file ``folder/NAME``. It appears whole or not at all.

    Raises:
        InputError: for no connection, a full disk, a wrong checksum, an archive that
            is broken or would write outside its folder.
    """
    folder = Path(folder or cache_dir())
    target = folder / entry.name
    if target.exists():
        return _checked(entry, target)
    folder.mkdir(parents=True, exist_ok=True)
    _check_space(entry, folder)
    file = Path(archive) if archive else _download(entry, folder)
    try:
        check_sum(file, entry)
        if entry.inside:
            unpack(entry, file, target)
        else:
            partial = folder / f".{entry.name}.partial"
            os.replace(shutil.copyfile(file, partial), target)
    finally:  # right or wrong, what we downloaded has served
        if not archive:
            file.unlink(missing_ok=True)
    return target


def check_sum(file: Path, entry: Source) -> None:
    """Refuse a file that is not the one the catalogue means."""
    if not file.is_file():
        raise InputError(f"there is no file {file}; check the name")
    if entry.checksum is None:
        return
    import pooch

    kind, _, digits = entry.checksum.partition(":")
    found = pooch.file_hash(str(file), alg=kind)
    if not found.startswith(digits):
        raise InputError(
            f"{file} is not the {entry.name} of the catalogue: its {kind} begins with "
            f"{found[:8]}, not {digits[:8]}; fetch it again"
        )


def unpack(entry: Source, archive: Path, target: Path) -> None:
    """Unpack the folder ``entry.inside`` of an archive to ``target``, whole."""
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".unpack-") as room:
        try:
            if zipfile.is_zipfile(archive):
                _unzip(archive, room, entry.inside)
            else:
                _untar(archive, room, entry.inside)
        except (zipfile.BadZipFile, tarfile.TarError, EOFError, OSError) as error:
            raise InputError(
                f"{archive} cannot be unpacked ({error}); fetch it again"
            ) from None
        inner = Path(room) / entry.inside
        if not inner.is_dir():
            raise InputError(
                f"{archive} holds no folder {entry.inside}; it should be {entry.url}"
            )
        check_tree(inner, entry.title, entry.tree, "fetch the archive again")
        os.replace(inner, target)


def _unzip(archive: Path, room: str, inside: str) -> None:
    with zipfile.ZipFile(archive) as file:
        for info in file.infolist():
            link = stat.S_ISLNK(info.external_attr >> 16)
            _check_member(archive, info.filename, link)
        names = [n for n in file.namelist() if n.startswith(f"{inside}/")]
        file.extractall(room, names)


def _untar(archive: Path, room: str, inside: str) -> None:
    with tarfile.open(archive) as file:
        members = []
        for member in file:
            _check_member(archive, member.name, member.issym() or member.islnk())
            if member.name.startswith(f"{inside}/"):
                members.append(member)
        file.extractall(room, members, filter="data")


def _check_member(archive: Path, name: str, link: bool) -> None:
    path = PurePosixPath(name.replace("\\", "/"))
    if link or path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
        raise InputError(
            f"{archive} holds {name!r}, which would lead outside its folder; nothing "
            "was unpacked, get the archive from its original place"
        )


def _checked(entry: Source, target: Path) -> Path:
    if entry.inside:
        fix = f"remove {target.name} there and fetch it again"
        check_tree(target, entry.title, entry.tree, fix)
    else:
        check_sum(target, entry)
    return target


def _check_space(entry: Source, folder: Path) -> None:
    free = shutil.disk_usage(folder).free // 10**6
    needed = entry.megabytes * (2 if entry.inside else 1)
    if free < needed:
        raise InputError(
            f"{folder} has {free:,} MB free, {entry.name} needs about {needed:,} MB; "
            "make room, or give another folder with --to"
        )


def _download(entry: Source, folder: Path) -> Path:
    """The archive, continued where an earlier attempt broke off."""
    import pooch
    import requests

    name = f".{entry.name}.archive"
    pooch.get_logger().setLevel("WARNING")
    try:
        return Path(pooch.retrieve(entry.url, None, name, folder, downloader=resumed))
    except (requests.RequestException, OSError) as error:
        raise InputError(
            f"{entry.url} did not come ({type(error).__name__}); run it again to go "
            "on, or download it with a browser and give it with --archive FILE"
        ) from None


def resumed(url: str, output_file: str, pooch_object) -> None:
    """A downloader for pooch that keeps what has come and asks for the rest."""
    import requests
    from tqdm import tqdm

    parts = Path(output_file).parent
    part = parts / f".{PurePosixPath(url).name}.part"
    have = part.stat().st_size if part.exists() else 0
    headers = {"Range": f"bytes={have}-"} if have else {}
    headers["Accept-Encoding"] = "identity"
    with requests.get(url, headers=headers, stream=True, timeout=60) as answer:
        if answer.status_code == 416:  # nothing beyond what we have: start anew
            part.unlink()
            return resumed(url, output_file, pooch_object)
        answer.raise_for_status()
        have = have if answer.status_code == 206 else 0
        total = have + int(answer.headers.get("Content-Length", 0))
        bar = tqdm(total=total or None, initial=have, unit="B", unit_scale=True)
        with part.open("ab" if have else "wb") as file, bar:
            for block in answer.iter_content(2**18):
                file.write(block)
                bar.update(len(block))
    if part.stat().st_size < total:
        raise requests.ConnectionError("broke off before the end")
    os.replace(part, output_file)
