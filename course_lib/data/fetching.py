"""Fetch what the catalogue names: checked, continued when broken off, never half.

A set is put together in the hidden folder ``.NAME.fetching`` and moved to its place in
one step. A run that was killed leaves that folder; the next one goes on from it. The
empty file ``.NAME.lock`` keeps two runs apart.
"""

import errno
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

from course_lib.data.catalogue import File, Source, cache_dir
from course_lib.data.tree import check_tree, tree
from course_lib.data.unpacking import check_room, unpack
from course_lib.errors import InputError


def fetch(
    entry: Source,
    folder: Path | None = None,
    archives: Sequence[Path] = (),
    mirror: str | None = None,
) -> Path:
    """Fetch and unpack an entry of the catalogue, unless it is there already.

    Args:
        entry: what to fetch.
        folder: where to put it; None means ``cache_dir()``.
        archives: copies of its files that were fetched by hand.
        mirror: a folder, or a base address, that holds its files by name and is used
            instead of the catalogue's addresses.

    Returns:
        The folder or file ``folder/NAME``. It appears whole or not at all.

    Raises:
        InputError: for no connection, a full disk, a wrong checksum, an archive that
            is broken or hostile, and for files that only an account can get.
    """
    folder = Path(folder or cache_dir())
    target, work = folder / entry.name, folder / f".{entry.name}.fetching"
    if not target.exists():
        if not entry.files:
            raise InputError(
                f"{entry.name} must be fetched by hand: {entry.registration}; make "
                f"{target} of it. Expected:\n{tree(entry.tree)}"
            )
        places = _places(entry, [Path(path) for path in archives], mirror)
        with _faults_of_the_disk(entry.name, folder):
            _make(entry, places, target, work)
    shutil.rmtree(work, ignore_errors=True)  # also what a killed run has left
    _check_whole(entry, target)
    return target


@contextmanager
def _faults_of_the_disk(name: str, folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        where = f", {error.filename}" if error.filename else ""
        raise InputError(
            f"{folder} {'is too full for' if full else 'cannot take'} {name} "
            f"({error.strerror}{where}); mend that and run it again, or give another "
            "folder with --to"
        ) from None


def _check_whole(entry: Source, target: Path) -> None:
    if entry.tree:
        fix = f"remove {target.name} there and fetch it again"
        check_tree(target, entry.short, entry.tree, fix)
    else:
        _check_file(target, entry.files[0])


def _places(
    entry: Source, archives: list[Path], mirror: str | None
) -> list[Path | list[str]]:
    """Where each file is: on this machine, or its addresses."""
    names = [file.name for file in entry.files]
    if len(names) == len(archives) == 1:  # it may have another name
        return archives
    for archive in archives:
        if archive.name not in names:
            raise InputError(
                f"{archive} is no file of {entry.name}; it has {', '.join(names)}"
            )
    by_hand = {archive.name: archive for archive in archives}
    return [by_hand.get(f.name) or _place(entry, f, mirror) for f in entry.files]


def _place(entry: Source, file: File, mirror: str | None) -> Path | list[str]:
    if mirror and mirror.startswith(("http://", "https://")):
        return [f"{mirror.rstrip('/')}/{quote(file.name)}"]
    if mirror and not Path(mirror).is_dir():
        raise InputError(
            f"there is no folder {mirror}; --mirror takes a folder or an http address "
            f"that holds {', '.join(file.name for file in entry.files)}"
        )
    if mirror:
        return Path(mirror) / file.name
    if entry.registration:
        raise InputError(
            f"{file.name} of {entry.name} is not given without an account: "
            f"{entry.registration}; then give the files with --archive FILE ..."
        )
    return [file.url, *file.mirrors]


def _make(entry: Source, places: list, target: Path, work: Path) -> None:
    """Make ``target`` in one step, one run at a time."""
    from filelock import FileLock

    work.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(target.with_name(f".{target.name}.lock")):
        if target.exists():  # another run was quicker
            return
        whole = work / "whole"
        shutil.rmtree(whole, ignore_errors=True)  # of a run that was killed
        work.mkdir(exist_ok=True)
        try:
            _check_space(entry, places, work)
            pairs = zip(entry.files, places, strict=True)
            files = [_get(file, place, work) for file, place in pairs]
            _assemble(entry, files, whole)
            os.replace(whole if entry.tree else whole / entry.files[0].name, target)
        finally:
            shutil.rmtree(whole, ignore_errors=True)
            with suppress(OSError):
                work.rmdir()  # unless there is something to go on from


def _check_space(entry: Source, places: list, work: Path) -> None:
    """Refuse early what cannot fit: downloads, and as much again for archives."""
    needed = sum(
        file.megabytes * 10**6 * (1 if file.inside is None else 2)
        for file, place in zip(entry.files, places, strict=True)
        if isinstance(place, list)
    )
    came = sum(path.stat().st_size for path in work.iterdir())
    check_room(work, needed - came)


def _get(file: File, place: Path | list[str], work: Path) -> Path:
    from course_lib.data.downloading import download

    if isinstance(place, list):
        return download(file, place, work)
    _check_file(place, file)
    return place


def _check_file(path: Path, file: File) -> None:
    from course_lib.data.downloading import fault

    if not path.is_file():
        raise InputError(f"there is no file {path}; check the name")
    if wrong := fault(path, file):
        raise InputError(
            f"{path} is not the {file.name} of the catalogue: {wrong}; fetch it again"
        )


def _assemble(entry: Source, files: list[Path], whole: Path) -> None:
    """The set in the folder ``whole``; a download that is wrong is not kept."""
    try:
        for file, path in zip(entry.files, files, strict=True):
            folder = whole / file.to
            folder.mkdir(parents=True, exist_ok=True)
            if file.inside is None:
                shutil.copyfile(path, folder / file.name)
            else:
                unpack(path, folder, file.inside)
            for inner in (folder / name for name in file.nested):
                unpack(inner, inner.parent)
                inner.unlink()
        if entry.tree:
            check_tree(whole, entry.short, entry.tree, "fetch it again")
    except InputError:
        for path in files:
            if path.parent == whole.parent:
                path.unlink()
        raise
