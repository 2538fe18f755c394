"""What can be fetched: where from, how large, on which terms, how to cite it.

One file ``NAME.toml`` for each set; ``Source`` and ``File`` say what its keys mean.
"""

import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from course_lib.data.tree import check_tree, tree
from course_lib.errors import InputError

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class File:
    """One archive, or plain file, of a set.

    Attributes:
        url: its address.
        megabytes: about its size; 0 where it is not known.
        mirrors: other addresses of the same file, tried in this order.
        name: of the file, where the address does not end in it.
        bytes: its exact size, None where it is not known.
        checksum: "sha1:..." or "sha256:..." (the first digits will do), None where
            none is known.
        inside: the folder in the archive that is kept, "" for all of it; None for a
            plain file.
        to: the folder inside the set's folder where it goes, "" for that itself.
        nested: archives within it, by their path in ``to``, unpacked where they stand.
    """

    url: str
    megabytes: int
    mirrors: list[str] = field(default_factory=list)
    name: str = ""
    bytes: int | None = None
    checksum: str | None = None
    inside: str | None = None
    to: str = ""
    nested: list[str] = field(default_factory=list)

    def __post_init__(self):
        last = PurePosixPath(urlsplit(self.url).path).name
        object.__setattr__(self, "name", self.name or last)

    def about(self) -> str:
        """Address, mirrors, size and checksum, a line each."""
        size = f"about {self.megabytes:,} MB" if self.megabytes else "not known"
        exact = f", {self.bytes:,} bytes" if self.bytes else ""
        lines = [f"  {self.name}"]
        for address in (self.url, *self.mirrors):
            lines.append(f"    address   {address} (not fetched from here)")
        lines.append(f"    size      {size}{exact}")
        lines.append(f"    checksum  {self.checksum or 'none known'}")
        return "\n".join(lines)


@dataclass(frozen=True)
class Source:
    """One set to fetch.

    Attributes:
        name: of the folder it becomes; of the file, where ``tree`` is empty.
        title: short name, comma, what it is.
        terms: licence and conditions, as far as they are stated.
        citation: what to cite.
        files: what it consists of.
        reader: the file in ``course_lib/data/readers`` that reads it, "" for none.
        tried: what the reader was tried on: "real sample" or "generated data only".
        registration: where to register and what to put where; "" where no account is
            needed.
        tree: path inside the folder -> what it is; ``*`` stands for any name.
    """

    name: str
    title: str
    terms: str
    citation: str
    files: tuple[File, ...]
    reader: str = ""
    tried: str = ""
    registration: str = ""
    tree: dict[str, str] = field(default_factory=dict)

    @property
    def short(self) -> str:
        """The name in words."""
        return self.title.split(",")[0]

    @property
    def fix(self) -> str:
        """What to do where the set is not there or not whole."""
        return (
            f"run `python -m course_lib data fetch {self.name}`, or give the folder "
            "that holds it"
        )

    def about(self) -> str:
        """Everything a reader should know before fetching it."""
        lines = [
            f"{self.name}: {self.title}",
            f"  terms     {self.terms}",
            f"  cite      {self.citation}",
        ]
        if self.tried:
            lines.append(f"  reader    tried on {self.tried}")
        if self.registration:
            lines.append(f"  register  {self.registration}")
        lines += [file.about() for file in self.files]
        if self.tree:
            lines.append("  expected tree\n" + tree(self.tree))
        return "\n".join(lines)


class Catalogue(Mapping[str, Source]):
    """The sets by name; a file is read when it is asked for."""

    def __getitem__(self, name: str) -> Source:
        if name not in set(self):
            raise KeyError(name)
        return _read(FOLDER / f"{name}.toml")

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(p.name.removesuffix(".toml") for p in FOLDER.glob("*.toml")))

    def __len__(self) -> int:
        return len(list(iter(self)))


@cache
def _read(path: Path) -> Source:
    keys = tomllib.loads(path.read_text(encoding="utf-8"))
    files = tuple(File(**file) for file in keys.pop("files", []))
    return Source(name=path.name.removesuffix(".toml"), files=files, **keys)


CATALOGUE = Catalogue()


def source(name: str) -> Source:
    """An entry of the catalogue; an unknown name lists the known."""
    if name not in CATALOGUE:
        raise InputError(
            f"{name!r} is not in the catalogue; it has {', '.join(CATALOGUE)}"
        )
    return CATALOGUE[name]


def check_folder(root: str | Path, name: str, only: tuple[str, ...] = ()) -> None:
    """Refuse a folder that lacks something of a set.

    Args:
        root: the folder.
        name: of the set in the catalogue.
        only: the entries of its tree that are needed; all where none is given.

    Raises:
        InputError: with the expected tree, what is there of it and what is missing.
    """
    entry = source(name)
    needed = {path: entry.tree[path] for path in only or entry.tree}
    check_tree(Path(root), entry.short, needed, entry.fix)


def cache_dir() -> Path:
    """Where fetched data lie: ``COURSE_CACHE``, or the system's cache folder."""
    import pooch

    folder = os.environ.get("COURSE_CACHE", "")
    cache = Path(folder).expanduser() if folder else pooch.os_cache("pixels-and-boxes")
    return Path(cache).resolve()
