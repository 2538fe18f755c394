"""README, the landing page, the map and the animations say what the chapters say."""

import re
import shlex
import xml.etree.ElementTree as ElementTree

import pytest
from maker import CHAPTERS, ROOT, make, prose
from PIL import Image

from course_lib.__main__ import build_parser, load_commands
from course_lib.teaching.chapter_map import BOX, HIGH, depths, direct, drawing, layout
from course_lib.teaching.front_page import between, spine_hours
from course_lib.teaching.outline import (
    PARTS,
    SPINE,
    Chapter,
    chapters,
    needs,
    promise,
)
from course_lib.training.cards import read_card

THERE = chapters(CHAPTERS)
README = (ROOT / "README.md").read_text(encoding="utf-8")
LANDING = (CHAPTERS / "README.md").read_text(encoding="utf-8")
FILMS = [chapter for chapter in THERE if chapter.star]


def chapter(number, *asked):
    """A chapter as far as the map asks for it."""
    return Chapter(f"{number}_x", "Title: so", "", 60, asked, (), "")


def test_pages_and_map_are_in_step_with_the_chapters():
    for path, text in make.pages().items():
        assert path.read_text(encoding="utf-8") == text, "run: python chapters/make.py"


@pytest.mark.parametrize(
    "text, numbers",
    [
        ("You need chapters 00 to 02 and 06. About 75 minutes.", "00 01 02 06"),
        ("Chapter [00](00_start_here.ipynb). About 80 minutes.", "00"),
        ("Chapters 01-03. About 40 minutes.", "01 02 03"),
        ("You need no other chapter; loops are enough. About 15 minutes", ""),
        ("You need chapters 00, 01, 05, 12 and 14. About 80 minutes", "00 01 05 12 14"),
    ],
)
def test_what_a_chapter_asks_for_is_read(text, numbers):
    assert needs(text) == tuple(numbers.split())


def test_a_promise_is_the_sentence_that_speaks_of_the_reader():
    assert promise("Nets err. You find out why. Then rest.") == "You find out why."
    assert promise("One paragraph. And more.") == "One paragraph."


def test_every_chapter_says_what_the_pages_need():
    for each in THERE:
        assert each.minutes > 0 and each.promise[-1] in ".?" and len(each.goals) >= 3
        assert each.number == "00" or each.needs
        assert all(number < each.number for number in each.needs)


def test_arrows_leave_out_what_follows_from_others():
    four = [chapter("00"), chapter("01", "00"), chapter("02", "00", "01"),
            chapter("03", "00", "02"), chapter("12", "00", "01")]  # fmt: skip
    arrows = direct(four)
    expected = {"00": [], "01": ["00"], "02": ["01"], "03": ["02"], "12": ["01"]}
    assert arrows == expected
    levels = depths(four, arrows)
    assert levels == {"00": 0, "01": 1, "02": 2, "03": 3, "12": 2}


def test_boxes_of_the_map_lie_apart_and_inside_even_when_rows_are_full():
    many = [*THERE, *(chapter(f"{n:02}", "02") for n in (8, 9, 10, 11, 16, 17, 18))]
    many.sort(key=lambda each: each.number)
    for course in (THERE, many):
        arrows = direct(course)
        places, bends = layout(course, arrows, depths(course, arrows))
        assert len(places) == len(course)
        for number, (x, y) in places.items():
            assert BOX / 2 <= x <= 800 - BOX / 2
            for other, (x2, y2) in places.items():
                apart = abs(x - x2) >= BOX or abs(y - y2) >= HIGH
                assert number == other or apart, (number, other)
            for stops in bends.values():
                for bx, by in stops:
                    assert abs(x - bx) > BOX / 2 or abs(y - by) > HIGH / 2


def test_the_map_is_a_described_picture_on_its_own_ground():
    root = ElementTree.fromstring(drawing(THERE))
    space = "{http://www.w3.org/2000/svg}"
    words = [text.text for text in root.iter(f"{space}text")]
    for each in THERE:
        assert words.count(f"{each.number} {each.topic}") == 1
        assert f"{each.minutes} minutes {each.star}".strip() in words
    arrows = [p for p in root.iter(f"{space}path") if p.get("marker-end")]
    assert len(arrows) == sum(map(len, direct(THERE).values()))
    assert root.find(f"{space}title").text and root.find(f"{space}desc").text
    assert root.find(f"{space}rect").get("fill") == "#FFFFFF"


def test_the_parts_of_the_book_are_those_of_the_landing_page():
    source = (CHAPTERS / "book" / "stage.py").read_text(encoding="utf-8")
    for part, (first, _) in PARTS.items():
        assert f'"{part}": ({first}, ' in source


def test_a_text_is_put_between_its_marks_and_nowhere_else():
    page = "a <!-- x -->old<!-- /x --> b"
    assert between(page, "x", "new\n") == "a <!-- x -->\nnew\n<!-- /x --> b"


@pytest.mark.parametrize("film", FILMS, ids=lambda each: each.number)
def test_each_chapter_of_the_spine_has_a_small_animation_and_its_poster(film):
    path = CHAPTERS / "figures" / f"{film.number}.webp"
    moving = Image.open(path)
    assert path.stat().st_size < 300_000
    assert moving.n_frames >= 5 and moving.info["loop"] == 3
    poster = path.with_suffix(".png")
    assert poster.stat().st_size < 60_000
    assert Image.open(poster).size == moving.size and moving.width == 800
    assert len(film.alt) >= 80
    page = prose(CHAPTERS / f"{film.stem}.ipynb")
    assert f"![{film.alt}](figures/{film.number}.png)" in page
    assert f"](figures/{film.number}.webp)" in page
    assert f"![{film.alt}](figures/{film.number}.webp)" in LANDING


def test_the_figures_in_the_descriptions_are_those_of_the_cards():
    alt = {each.number: each.alt for each in FILMS}
    crf = read_card("crf_fcn32s_harbour")["crf"]
    for row in crf.values():
        assert f"{row['mean_iou']:.2f}" in alt["04"]
    for row in read_card("table_harbour")["rows"]:
        if row["net"] in ("ResNet-18-32s", "ResNet-18-16s", "ResNet-18-8s"):
            scores = [run["mean_iou"] for run in row["runs"]["equal steps"].values()]
            assert f"{sum(scores) / len(scores):.2f}" in alt["06"], row["net"]


def test_the_picture_that_moves_on_the_front_page_is_described_and_can_rest():
    alt = {each.number: each.alt for each in FILMS}
    shown = re.search(r'src="chapters/figures/(\d\d)\.webp".*? alt="([^"]*)"', README)
    assert alt[shown[1]] == shown[2]
    rest = rf'reduced-motion: reduce\)" srcset="chapters/figures/{shown[1]}\.png"'
    assert re.search(rest, README)


@pytest.mark.parametrize("page", [README, LANDING], ids=["README", "landing"])
def test_the_pages_say_how_long_the_spine_is(page):
    assert f"about {spine_hours(THERE)} hours" in page
    assert set(SPINE) <= {each.number for each in THERE}


@pytest.mark.parametrize(
    "file", ["README.md", "chapters/README.md", "chapters/results/README.md"]
)
def test_links_of_the_pages_lead_somewhere(file):
    page = ROOT / file
    text = page.read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(
        r'(?:src|set)="(.*?)"', text
    )
    for link in links:
        if not link.startswith("http"):
            address, _, anchor = link.partition("#")
            target = (page.parent / address).resolve() if address else page
            assert target.exists(), link
            if anchor:
                there = re.findall(
                    r"^#+ (.*)$", target.read_text("utf-8"), re.MULTILINE
                )
                assert anchor in [h.lower().replace(" ", "-") for h in there], link
    for alt in re.findall(r"!\[(.*?)\]\(", text):
        assert len(alt) >= 8


def test_the_commands_of_the_front_page_are_understood():
    parser = build_parser(load_commands())
    lines = re.findall(r"^python -m course_lib (.*)$", README, re.MULTILINE)
    assert len(lines) > 12
    for line in lines:
        parser.parse_args(shlex.split(line, comments=True))


def test_the_detectors_of_the_front_page_are_those_of_the_cards():
    transferred = read_card("penn_fudan_yolo_transfer")["rows"]
    seeds = [row for row in transferred if row["net"] == "transferred"]
    before = next(row for row in transferred if row["net"] == "as it comes")
    mean = {key: sum(row[key] for row in seeds) / len(seeds) for key in ("ap", "ap50")}
    rows = {
        "`yolo_harbour`": read_card("yolo_harbour"),
        "`maskrcnn_harbour`": read_card("maskrcnn_harbour"),
        "Mask R-CNN on ImageNet's": read_card("penn_fudan_maskrcnn"),
        "yolo-fastest-1.1-xl as it": before,
        "the same, one class": mean,
    }
    for name, card in rows.items():
        line = next(row for row in README.split("\n") if row.startswith(f"| {name}"))
        cells = [cell.strip(" *") for cell in line.split("|")[3:6]]
        keys = [key for key in ("ap", "ap50", "mask_ap50") if key in card]
        assert cells[: len(keys)] == [f"{100 * card[key]:.1f}" for key in keys], name


def test_the_speeds_of_the_results_page_are_those_of_the_cards():
    page = (CHAPTERS / "results" / "README.md").read_text(encoding="utf-8")
    groups = read_card("benchmarks")["groups"]
    crf = groups["mean field, 480x360, 11 classes, 10 iterations, one thread"]
    for name in ("test_ours[1]", "test_ours[2]", "test_pydensecrf"):
        assert f"{crf[name]['median_seconds']:.2f}" in page, name
