"""The reference of ``course_lib``, from its docstrings: one page a room.

The library is read, not imported, so that no torch is needed.
"""

import logging
import re
from pathlib import Path

import griffe

CHAPTERS = Path(__file__).resolve().parent.parent
FENCE = "`" * 6
HEAD = """# Reference of course_lib

What the library offers, room by room; each page is made from the docstrings. A name
that begins with an underscore is of no concern to you, and not listed.
"""


def reference_pages(root: Path, folder: Path) -> list[str]:
    """Write a page for each package of ``course_lib``; returns their stems in order."""
    logging.getLogger("griffe").setLevel(logging.CRITICAL)
    library = griffe.load("course_lib", search_paths=[root], allow_inspection=False)
    folder.mkdir(parents=True, exist_ok=True)
    rooms = dict(sorted(packages(library)))
    for path, package in rooms.items():
        (folder / f"{path}.md").write_text(page(path, package), encoding="utf-8")
    listed = "\n".join(
        f"- [`{path}`]({path}.md): {first_line(room)}" for path, room in rooms.items()
    )
    (folder / "index.md").write_text(f"{HEAD}\n{listed}\n", encoding="utf-8")
    return list(rooms)


def packages(package: griffe.Module):
    """(path, package) of a package and of those inside it."""
    yield package.path, package
    for module in package.modules.values():
        if module.is_init_module:
            yield from packages(module)


def page(path: str, package: griffe.Module) -> str:
    """Markdown of one room: its own docstring, then file by file."""
    parts = ["---\norphan: true\n---", f"# {path}", prose(package), *members(package)]
    for name, module in sorted(package.modules.items()):
        if not module.is_init_module and not name.startswith("_"):
            parts += [f"## {name}", prose(module), *members(module)]
    return "\n\n".join(part for part in parts if part) + "\n"


def members(module: griffe.Module) -> list[str]:
    """What a file defines itself and offers."""
    own = [m for m in module.members.values() if not m.is_alias and m.is_public]
    own = [m for m in own if m.is_class or m.is_function]
    return [described(member) for member in own]


def described(member) -> str:
    """The directive of a class with its methods, or of a function."""
    kind = "class" if member.is_class else "function"
    inner = [body(member)]
    if member.is_class:
        methods = [m for m in member.functions.values() if m.is_public]
        methods = [m for m in methods if m.docstring and not m.name.startswith("_")]
        inner += [directive("method", m, body(m), FENCE) for m in methods]
    return directive(kind, member, "\n\n".join(filter(None, inner)), FENCE + "`")


def directive(kind: str, member, text: str, fence: str) -> str:
    """One entry of Sphinx' Python domain."""
    return f"{fence}{{py:{kind}}} {member.path}{signature(member)}\n\n{text}\n{fence}"


def signature(member) -> str:
    """Names, defaults and types of what it takes, and what it gives."""
    if member.is_class:
        start = member.members.get("__init__")
        fields = [a.name for a in member.attributes.values() if a.annotation]
        names = words_of(start) if start else fields * ("dataclass" in member.labels)
        return f"({', '.join(names)})"
    gives = f" -> {member.returns}" if member.returns else ""
    return f"({', '.join(words_of(member))}){gives}"


STARS = {"variadic positional": "*", "variadic keyword": "**"}


def words_of(function) -> list[str]:
    """Each argument as it is written, ``self`` left out."""
    words, star = [], False
    for argument in function.parameters:
        kind = argument.kind.value if argument.kind else ""
        if argument.name in ("self", "cls"):
            continue
        if kind == "keyword-only" and not star:
            words.append("*")
        star = star or kind in ("keyword-only", "variadic positional")
        word = STARS.get(kind, "") + argument.name.lstrip("*")
        word += f": {argument.annotation}" if argument.annotation else ""
        default = "" if kind in STARS or argument.default is None else argument.default
        words.append(f"{word} = {default}" if default else word)
    return words


def body(member) -> str:
    """A docstring as Markdown: its text, then what goes in and comes out."""
    docstring = member.docstring
    if docstring is None and not member.is_class:
        return ""
    sections = docstring.parse("google", warnings=False) if docstring else []
    start = member.members.get("__init__") if member.is_class else None
    if start is not None and start.docstring:
        sections += start.docstring.parse("google", warnings=False)
    return "\n\n".join(section(part) for part in sections)


def section(part) -> str:
    """One section of a docstring."""
    kind, value = part.kind.value, part.value
    if kind == "text":
        return plain(value)
    if kind in ("parameters", "attributes", "other parameters"):
        rows = [f"- `{item.name}`: {plain(item.description)}" for item in value]
    elif kind in ("returns", "yields"):
        rows = [f"- {plain(item.description)}" for item in value]
    elif kind == "raises":
        rows = [f"- `{item.annotation}`: {plain(item.description)}" for item in value]
    else:
        return plain(getattr(value, "description", None) or str(value))
    return f"**{(part.title or kind).capitalize()}**\n\n" + "\n".join(rows)


def prose(module: griffe.Module) -> str:
    """The docstring of a file."""
    return plain(module.docstring.value) if module.docstring else ""


def first_line(module: griffe.Module) -> str:
    """The first sentence of a room's docstring."""
    return plain(module.docstring.value.split("\n\n")[0]) if module.docstring else ""


def plain(text: str) -> str:
    """Docstring text as Markdown: stars are stars, chapters are links."""
    text = re.sub(r"(?<![`*\w])\*+(?=\w)", lambda m: m[0].replace("*", r"\*"), text)
    return re.sub(r"chapters/(\d\d_\w+)", chapter, text).strip()


def chapter(match: re.Match) -> str:
    """A link to a chapter, once it is there."""
    there = (CHAPTERS / f"{match[1]}.ipynb").is_file()
    return f"[{match[0]}](../{match[1]}.ipynb)" if there else match[0]
