"""The habits of a chapter that people forget; CONTRIBUTING.md lists them."""

import ast
import re

import pytest
from maker import (
    CHAPTERS,
    LESSONS,
    NOTEBOOKS,
    ROOT,
    SOLUTIONS,
    calls,
    headings,
    make,
    name,
    prose,
    read,
    section,
    sources,
)

OBJECTIVES, LEARNED = "## What you will be able to do", "## What you learned"
SHORT = {"00_start_here"}  # no failure curve, no real data, few sections
# chapter 01 is both halves of what comes before any net: the data and the marks
MOST_SECTIONS = {"01_pixels_and_labels": 8}
BEFORE = [OBJECTIVES, "## Before you start", "## The question"]
MIDDLE = ["## A common mistake", "## The failure curve", "## On real data"]
AFTER = ["## Exercises", "## Quiz", LEARNED, "## Read more"]
# Cells whose output may differ: (notebook, first line of the cell) -> reason.
IGNORED_OUTPUT: dict[tuple[str, str], str] = {}
NOTEBOOK_BYTES, PICTURE_BYTES, COLUMNS = 500_000, 101_000, 79
PICTURES = {"image/png", "image/jpeg"}

lessons = pytest.mark.parametrize("path", LESSONS, ids=name)
solutions = pytest.mark.parametrize("path", SOLUTIONS, ids=name)
notebooks = pytest.mark.parametrize("path", NOTEBOOKS, ids=name)


def bullets(text):
    """Bullets of a Markdown list, each on one line."""
    items = re.split(r"^- ", text, flags=re.MULTILINE)[1:]
    return [" ".join(item.split("\n\n")[0].split()) for item in items]


def stems(text):
    """First five letters of the longer words: enough for another tense."""
    return {word[:5] for word in re.findall(r"[a-z]{4,}", text.lower())}


@notebooks
def test_the_set_up_cell_is_there_once_and_before_all_others(path):
    code = sources(path, "code")
    assert code[0] == make.SETUP
    assert sum("course_lib.teaching.setup" in source for source in code) == 1


@notebooks
def test_the_badge_and_the_links_are_those_of_this_file(path):
    lines = sources(path, "markdown")[0].split("\n")
    assert re.match(rf"# {path.name[:2]}\. \S", lines[0]), lines[0]
    assert lines[2] == make.header(path)
    assert prose(path).count("colab-badge.svg") == 1


@lessons
def test_the_sections_stand_in_order(path):
    found = headings(path)[1:]
    short = path.stem in SHORT
    numbered = [h for h in found if re.match(r"## \d+\. ", h)]
    assert (1 if short else 3) <= len(numbered) <= MOST_SECTIONS.get(path.stem, 6)
    numbers = [int(h.split()[1].rstrip(".")) for h in numbered]
    assert numbers == list(range(1, len(numbers) + 1))
    middle = MIDDLE[:1] if short else MIDDLE
    assert found == BEFORE + numbered + middle + AFTER


@lessons
def test_the_set_up_follows_before_you_start(path):
    cells = read(path).cells
    first = next(i for i, cell in enumerate(cells) if cell.cell_type == "code")
    above = "\n".join(cell.source for cell in cells[:first])
    assert "## Before you start" in above and "## The question" not in above
    assert re.search(r"\bminutes\b", section(path, "## Before you start"))
    assert re.search(r"\bseconds\b", section(path, "## Before you start"))


@lessons
def test_every_objective_is_answered_at_the_end(path):
    objectives = bullets(section(path, OBJECTIVES))
    learned = [stems(bullet) for bullet in bullets(section(path, LEARNED))]
    assert 3 <= len(objectives) <= 5
    for objective in objectives:
        best = max((len(stems(objective) & words) for words in learned), default=0)
        assert best >= 2, f"nothing in '{LEARNED}' answers: {objective}"


@lessons
def test_a_lesson_invites_to_try_something(path):
    assert "**Try it" in prose(path)


@lessons
def test_the_quiz_has_three_questions(path):
    assert len(re.findall(r"^\d\. ", section(path, "## Quiz"), re.MULTILINE)) == 3


@notebooks
def test_every_picture_is_described(path):
    for call in calls(path, "show") + calls(path, "explore"):
        alt = [k.value for k in call.keywords if k.arg == "alt"]
        assert alt, f"no alt= in: {ast.unparse(call)[:79]}"
        fixed = isinstance(alt[0], ast.Constant)
        assert not fixed or len(alt[0].value) >= 20, ast.unparse(call)[:79]
    for alt in re.findall(r"!\[(.*?)\]\(", prose(path)):
        assert len(alt) >= 8
    for cell in read(path).cells:
        for output in cell.get("outputs", []):
            for kind in PICTURES & set(output.get("data", {})):
                assert output.metadata.get(kind, {}).get("alt"), cell.source


@notebooks
def test_code_is_plain_python_of_79_columns(path):
    for source in sources(path, "code"):
        ast.parse(source)  # a magic is no Python
        for line in source.split("\n"):
            assert len(line) <= COLUMNS, line
        assert not source.rstrip().endswith(";"), source
        names = set(re.findall(r"\w+", source))
        assert not names & {"clear_output", "interact", "tqdm"}, source


@notebooks
def test_tags_are_few_and_have_their_reasons(path):
    for cell in read(path).cells:
        if tags := cell.metadata.get("tags"):
            where = (name(path), cell.source.split("\n")[0])
            assert where in IGNORED_OUTPUT, f"{where} is tagged {tags}: why?"


@notebooks
def test_notebook_and_pictures_are_small(path):
    assert path.stat().st_size < NOTEBOOK_BYTES
    for cell in read(path).cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            for kind in PICTURES & set(data):
                assert len(data[kind]) * 3 / 4 <= PICTURE_BYTES, cell.source
            assert "image/svg+xml" not in data


@notebooks
def test_links_lead_somewhere(path):
    for link in re.findall(r"\]\(([^)\s]+)", prose(path)):
        if not link.startswith(("http", "#")):
            target = (path.parent / link.split("#")[0]).resolve()
            assert target.exists(), f"{name(path)} links to {link}"
            assert target.is_relative_to(ROOT), link


@notebooks
def test_outside_addresses_stand_only_in_read_more(path):
    allowed = make.header(path) + section(path, "## Read more")
    for address in re.findall(r"https?://[^\s)>\"']+", prose(path)):
        assert address in allowed, address
    for source in sources(path, "code")[1:]:
        assert not re.search(r"https?://", source), source


def exercise_numbers(path):
    """Numbers of the exercises with a check cell, in order."""
    return [call.args[0].value for call in calls(path, "check")]


def exercise_headings(path):
    """Numbers of the exercises with a heading, in order."""
    pattern = r"^##+ Exercise (\d\d\.\d+)\b"
    return re.findall(pattern, prose(path), re.MULTILINE)


@lessons
def test_every_exercise_has_a_check_and_a_solution(path):
    numbers = exercise_numbers(path)
    number = path.name[:2]
    assert numbers == [f"{number}.{i}" for i in range(1, len(numbers) + 1)]
    assert numbers and exercise_headings(path) == numbers
    solution = CHAPTERS / "solutions" / path.name
    assert solution in SOLUTIONS
    assert exercise_numbers(solution) == exercise_headings(solution) == numbers


@lessons
def test_the_lesson_ships_unsolved(path):
    assert verdicts(path) == {"not attempted yet."}


@solutions
def test_the_solutions_are_correct_and_answer_the_quiz(path):
    assert verdicts(path) == {"correct."}
    assert "## Quiz" in headings(path)
    answers = re.findall(r"^\d\. ", section(path, "## Quiz"), re.MULTILINE)
    assert len(answers) == 3


def verdicts(path):
    """What the checks of a notebook said."""
    printed = "".join(
        output.text
        for cell in read(path).cells
        for output in cell.get("outputs", [])
        if output.output_type == "stream"
    )
    return set(re.findall(r"^Exercise \d\d\.\d+: (.*)$", printed, re.MULTILINE))


@notebooks
def test_checked_numbers_have_a_check_in_the_library(path):
    from course_lib.teaching.checks import find

    for number in exercise_numbers(path):
        assert callable(find(number))
