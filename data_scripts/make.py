"""Write the scripts and the table in README.md from the catalogue; the test compares.

Run ``python data_scripts/make.py`` after a change in ``course_lib/data/catalogue``.
"""

from pathlib import Path

from course_lib.data.catalogue import CATALOGUE, Source

FOLDER = Path(__file__).parent
WEIGHTS = "imagenet_weights"  # one script, by hand, for single files of weights
SCRIPT = '''"""Fetch {short}: shows terms, size, citation; --help lists options."""

import sys

from course_lib.__main__ import main

if __name__ == "__main__":
    sys.exit(main(["data", "fetch", "{name}", *sys.argv[1:]]))
'''
PAGE = """# Data sets, and how to get them

```bash
python data_scripts/NAME.py                    # into the cache folder, or --to FOLDER
python data_scripts/NAME.py --about            # terms, citation, addresses, tree
python data_scripts/NAME.py --mirror FOLDER_OR_ADDRESS   # that holds the same files
python data_scripts/NAME.py --archive FILE ... # files you fetched with a browser
```

Nothing here is ours to give: read the terms first. A download that broke off goes on
where it stopped; size and checksum are looked at before anything is unpacked; a set
appears whole or not at all. `python -m course_lib data fetch NAME` does the same.

**No address has been fetched from by us**: they are those that the authors of a set or
public code name. *Checksum* says of how many of the files one is known, *tried on* what
the reader of the set was tried on. Where an account is needed, the script says where to
register and what to put where.

{table}

Made by `data_scripts/make.py` from `course_lib/data/catalogue`, one `NAME.toml` a set.
"""


def script(entry: Source) -> str:
    """The text of the script of a set."""
    return SCRIPT.format(name=entry.name, short=entry.short)


def page() -> str:
    """The text of README.md."""
    head = ("script", "set", "MB", "checksum", "terms", "tried on")
    rows = [head, ("---",) * len(head), *map(row, CATALOGUE.values())]
    return PAGE.format(table="\n".join(f"| {' | '.join(r)} |" for r in rows))


def row(entry: Source) -> tuple[str, ...]:
    """One line of the table."""
    known = sum(file.checksum is not None for file in entry.files)
    megabytes = sum(file.megabytes for file in entry.files)
    size = f"{megabytes:,}" if megabytes else "?"
    return (
        f"`{entry.name if entry.tree else f'{WEIGHTS} {entry.name}'}`",
        entry.title,
        f"{size}, account" if entry.registration else size,
        f"{known} of {len(entry.files)}",
        entry.terms,
        entry.tried or "-",
    )


def main() -> None:
    """Write all files."""
    for entry in CATALOGUE.values():
        if entry.tree:
            (FOLDER / f"{entry.name}.py").write_text(script(entry))
    (FOLDER / "README.md").write_text(page())


if __name__ == "__main__":
    main()
