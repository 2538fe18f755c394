"""A committed notebook as a page of the book: outputs kept, links led elsewhere."""

import base64
import json
import re
from pathlib import Path

import words

PICTURES = {"image/png": "png", "image/jpeg": "jpg"}


def page_of(source: Path, target: Path, more: "Links") -> None:
    """Write the page of one notebook, and its pictures beside it."""
    notebook = json.loads(source.read_text(encoding="utf-8"))
    seen: set[str] = set()
    for number, cell in enumerate(notebook["cells"]):
        text = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            if number == 0:
                text = more.begin(text, source)
            text = words.cite_titles(more.lead(text, source), more.keys)
            cell["source"] = words.link_terms(text, more.terms, seen)
        else:
            stem = f"{target.stem}_{number:02d}"
            cell["outputs"] = [
                described(output, target.parent / "pictures", f"{stem}_{k}")
                for k, output in enumerate(cell["outputs"])
            ]
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(notebook), encoding="utf-8")


def described(output: dict, folder: Path, stem: str) -> dict:
    """A picture as a file with its alt text; everything else as it is."""
    kind = next((k for k in PICTURES if k in output.get("data", {})), None)
    if kind is None:
        return output
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{stem}.{PICTURES[kind]}"
    file.write_bytes(base64.b64decode("".join(output["data"][kind])))
    about = output.get("metadata", {}).get(kind, {})
    alt = re.sub(r"([\[\]])", r"\\\1", about.get("alt", ""))
    width = f"{{width={about['width']}px}}" if "width" in about else ""
    text = f"![{alt}]({folder.name}/{file.name}){width}"
    return {**output, "data": {"text/markdown": text}, "metadata": {}}


class Links:
    """What a page needs to know of the others.

    Args:
        pages: folder of the repository -> folder of the book, for links between pages.
        repository: address of the repository, for files that are no page.
        terms: small letters of a term or a form of it -> the term.
        keys: titles -> keys of the bibliography.
    """

    def __init__(self, root: Path, repository: str, terms: dict, keys: dict):
        self.root, self.repository = root, repository
        self.terms, self.keys = terms, keys

    def begin(self, text: str, source: Path) -> str:
        """The line of badge and links gives way to the ways to run the page."""
        title, _, rest = text.partition("\n\n")
        rest = rest.partition("\n\n")[2]
        inside = source.relative_to(self.root).as_posix()
        owner = self.repository.removeprefix("https://github.com/")
        colab = f"https://colab.research.google.com/github/{owner}/blob/main/{inside}"
        run = f"**Run it**: [on Colab]({colab}), or [on your machine]"
        if source.parent.name == "solutions":
            back = f"Back to the [chapter](../{source.name})."
            return f"{title}\n\n{back}\n\n{rest}"
        here = f"http://localhost:8888/lab/tree/my/{source.name}"
        return f"{title}\n\n{run}({here}) once `make lab` runs there.\n\n{rest}"

    def lead(self, text: str, source: Path) -> str:
        """Relative links to pages stay, those to other files go to the repository."""

        def led(match: re.Match) -> str:
            address, anchor = match[2], match[3] or ""
            path = (source.parent / address).resolve()
            if address.startswith(("http", "#", "mailto:")) or not path.exists():
                return match[0]
            if is_page(path, self.root):
                return f"[{match[1]}]({between(source, path, self.root)}{anchor})"
            inside = path.relative_to(self.root).as_posix()
            return f"[{match[1]}]({self.repository}/blob/main/{inside})"

        return re.sub(r"\[([^\]]*)\]\(([^)#\s]+)(#[^)\s]*)?\)", led, text)


def is_page(path: Path, root: Path) -> bool:
    """Whether a file of the repository is a page of the book."""
    return place(path, root) is not None


def place(path: Path, root: Path) -> Path | None:
    """Where a file of the repository stands in the book; None if nowhere."""
    inside = path.relative_to(root)
    if path.suffix == ".ipynb" and inside.parts[0] == "chapters":
        return Path(*inside.parts[1:])
    if inside.parts[:2] == ("chapters", "figures"):
        return Path(*inside.parts[1:])
    if path.suffix == ".md" and inside.parts[0] == "literature":
        name = "reading_list.md" if inside.name == "README.md" else inside.name
        return inside.with_name(name)
    if inside.as_posix() == "CONTRIBUTING.md":
        return Path("contributing.md")
    return None


def between(source: Path, path: Path, root: Path) -> str:
    """The relative address from one page to another."""
    here = place(source, root) or Path("index.md")
    return "../" * (len(here.parts) - 1) + place(path, root).as_posix()
