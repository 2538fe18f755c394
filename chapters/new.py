"""Begin a chapter: ``python chapters/new.py 08_unet "U-Net: a promise"``.

Writes the four files a chapter consists of, from ``chapters/template``: its twin, the
twin of its solutions, the checks of its exercises, and the test of those checks. They
run as they are; ``python chapters/make.py 08`` makes the notebooks.
"""

import argparse
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FILES = {  # in chapters/template -> where it goes
    "chapter.txt": "chapters/text/{name}.py",
    "solutions.txt": "chapters/solutions/text/{name}.py",
    "checks.txt": "course_lib/teaching/checks/ch{number}.py",
    "test_checks.txt": "tests/test_checks_ch{number}.py",
}


def begin(name: str, title: str, root: Path = ROOT) -> list[Path]:
    """Write the four files; refuses a name that is no chapter's, and what is there."""
    if not re.fullmatch(r"\d\d_[a-z0-9_]+", name):
        sys.exit(f"{name!r} is no name of a chapter; write it like 08_unet")
    number = name[:2]
    targets = {
        source: root / target.format(name=name, number=number)
        for source, target in FILES.items()
    }
    taken = list((root / "chapters" / "text").glob(f"{number}_*.py"))
    taken += [path for path in targets.values() if path.exists()]
    if taken:
        sys.exit(f"{taken[0].relative_to(root)} is there already; choose another")
    for source, target in targets.items():
        text = (root / "chapters" / "template" / source).read_text(encoding="utf-8")
        for word, value in (("NAME", name), ("NN", number), ("TITLE", title)):
            text = text.replace(word, value)
        target.write_text(text, encoding="utf-8", newline="\n")
    return list(targets.values())


def main() -> None:
    """Begin the chapter that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", help="two digits and words, such as 08_unet")
    parser.add_argument("title", help="what follows the number in the heading")
    args = parser.parse_args()
    for path in begin(args.name, args.title):
        print(path.relative_to(ROOT))


if __name__ == "__main__":
    main()
