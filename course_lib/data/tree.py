"""Say what a folder should hold, and what of it is there."""

from pathlib import Path

from course_lib.errors import InputError


def check_tree(root: Path, name: str, entries: dict[str, str], fix: str) -> None:
    """Refuse a folder that lacks something, with the expected tree.

    Args:
        root: the folder.
        name: of the data set, for the sentence.
        entries: path inside ``root`` -> what it is; ``*`` stands for any name.
        fix: what to do when something is missing.

    Raises:
        InputError: one sentence, and under it every entry, there or missing.
    """
    missing = [entry for entry in entries if not is_there(root, entry)]
    if missing:
        raise InputError(
            f"{root} is not a whole {name} folder, {len(missing)} of {len(entries)} "
            f"entries are missing; {fix}. Expected:\n{tree(entries, root)}"
        )


def tree(entries: dict[str, str], root: Path | None = None) -> str:
    """The expected tree, one line an entry; with ``root``, what is there of it."""
    width = max(map(len, entries))
    lines = []
    for entry, meaning in entries.items():
        mark = ""
        if root is not None:
            mark = "there    " if is_there(root, entry) else "MISSING  "
        lines.append(f"  {mark}{entry:{width}}  {meaning}")
    return "\n".join(lines)


def is_there(root: Path, entry: str) -> bool:
    """Whether a path, which may hold ``*``, is in a folder."""
    return next(Path(root).glob(entry.rstrip("/")), None) is not None
