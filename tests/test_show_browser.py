"""The data-set browser: what is read, what is drawn, what the widgets do."""

import base64
import io
import subprocess
import sys
from pathlib import Path

import nbformat
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.patches import Rectangle
from nbformat import v4
from PIL import Image

from course_lib import show
from course_lib.data.classes import HARBOUR
from course_lib.data.harbour import Harbour, export
from course_lib.data.readers.camvid import CamVid
from course_lib.data.readers.nyuv2 import NYUv2
from course_lib.data.readers.penn_fudan import PennFudan
from course_lib.data.readers.voc import VOCSegmentation
from course_lib.data.readers.yolo import YoloFolder
from course_lib.errors import InputError
from course_lib.show import browser as room
from course_lib.show import figures
from course_lib.show.browser import Browser
from course_lib.show.page_figure import enlarged, hatched, laid_over, page_figure
from course_lib.show.pages import Pages, Shown, in_words

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def coarse(monkeypatch):
    """Fewer dots an inch: drawing is what takes the time here."""
    monkeypatch.setattr(figures, "DRAWN_DPI", 50)


class Counted:
    """A small data set that remembers what was read of it."""

    name, classes, transform = "counted", HARBOUR, None

    def __init__(self, rows):
        self.rows, self.images_read, self.labels_read = rows, [], []

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, i):
        self.images_read.append(i)
        mask = torch.tensor(self.rows[i])[None].repeat(4, 1)
        image = torch.full((3, *mask.shape), 10 * i, dtype=torch.uint8)
        return self.transform(image, mask) if self.transform else (image, mask)

    def labels(self, i):
        self.labels_read.append(i)
        return torch.tensor(self.rows[i])[None]

    def file(self, i):
        return f"/somewhere/else/p{i}.png"


def twenty() -> Counted:
    """Twenty pictures; water in all, a boat in every third, a buoy in the last."""
    rows = [[2, 6 if i % 3 == 0 else 2, 255] for i in range(20)]
    rows[19][0] = 11
    return Counted(rows)


def pixels(browser) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(bytes(browser.picture.value))))


# what is read


def test_only_the_pictures_of_the_page_are_read():
    data = twenty()
    browser = Browser(data, columns=3, rows=1)
    assert data.images_read == [0, 1, 2] and data.labels_read == []
    browser.on.click()
    assert data.images_read == [0, 1, 2, 3, 4, 5] and data.labels_read == []


def test_a_search_reads_labels_up_to_what_it_shows_and_none_twice():
    data = twenty()
    browser = Browser(data, only="boat", columns=2, rows=1)
    assert data.labels_read == [0, 1, 2, 3] and data.images_read == [0, 3]
    browser.on.click()
    assert data.labels_read == list(range(10)) and data.images_read == [0, 3, 6, 9]
    assert "(10 of 20 looked through)" in browser.said
    browser.page.value = 4
    assert data.labels_read == list(range(20)) and data.images_read[4:] == [18]
    assert browser.said.startswith("Picture 18 that shows boat (7): boat ")


@given(st.lists(st.lists(st.sampled_from([0, 1, 9, 255]), min_size=2, max_size=2),
                min_size=1, max_size=12), st.integers(1, 5))  # fmt: skip
def test_pages_against_brute_force(rows, size):
    for wanted in (None, 0, 9, 255):
        pages = Pages(Counted(rows), size)
        wanted_ones = [i for i, row in enumerate(rows) if wanted in (None, *row)]
        for page in range(3):
            here = wanted_ones[page * size : (page + 1) * size]
            assert pages.numbers(page, wanted) == here
        if wanted is None or len(pages.known) == len(rows):
            assert pages.count(wanted) == len(wanted_ones)
        else:
            assert pages.count(wanted) is None


def test_a_search_breaks_off_and_goes_on():
    pages = Pages(twenty(), 4)
    assert pages.numbers(0, 11, seconds=-1) == [] and not pages.known
    assert pages.numbers(0, 11) == [19] and pages.count(11) == 1
    assert pages.numbers(0, 11, seconds=-1) == [19]


def test_the_transform_is_left_out():
    data = twenty()
    data.transform = lambda image, mask: (image[:, :1, :1].float(), mask[:1, :1])
    assert Pages(data, 4).read(1).target.shape == (4, 3)
    assert data.transform is not None


# what is drawn


def test_stripes_by_hand():
    picture = np.full((4, 4, 3), 77, np.uint8)
    where = np.zeros((4, 4), bool)
    where[:2] = True
    made = hatched(picture, where)
    assert made[0, :, 0].tolist() == [0, 255, 0, 255]
    assert made[1, :, 2].tolist() == [255, 0, 255, 0]
    assert (made[2:] == 77).all()
    wide = hatched(np.zeros((2, 512, 3), np.uint8), np.ones((2, 512), bool))
    assert wide[0, :9, 1].tolist() == [0] * 4 + [255] * 4 + [0]


def test_void_is_black_and_white_whatever_lies_below():
    image = torch.randint(0, 256, (3, 32, 40), dtype=torch.uint8)
    mask = torch.randint(0, 12, (32, 40))
    mask[10:20, 10:30] = 255
    one = Shown(0, "", show.as_picture(image), mask.numpy())
    made = laid_over(one, HARBOUR, None, 0.5)
    void = enlarged(mask.numpy() == 255)
    inside = made[void]
    assert set(np.unique(inside)) == {0, 255}
    assert 0.4 < (inside == 255).mean() < 0.6
    below = show.overlay(image, mask, HARBOUR).permute(1, 2, 0).numpy()
    assert np.array_equal(made[~void], enlarged(below)[~void])
    for alpha, wanted in ((0, None), (0.5, 3)):  # no labels shown, or another class
        assert len(np.unique(laid_over(one, HARBOUR, wanted, alpha)[void])) > 2


def test_one_class_alone_keeps_its_colour():
    mask = np.array([[6, 6, 7, 255]])
    one = Shown(0, "", np.full((1, 4, 3), (200, 100, 0), np.uint8), mask)
    made = laid_over(one, HARBOUR, 6, 0.5)[0, ::128]  # (4, 3)
    boat = np.array(HARBOUR.palette[6])
    assert np.abs(made[0] - (0.15 * one.image[0, 0] + 0.85 * boat)).max() <= 1
    assert (made[0] == made[1]).all() and (made[2] == made[3]).all()
    assert np.ptp(made[2].astype(int)) < 0.25 * np.ptp([200, 100, 0])  # nearly grey


def legend_of(fig) -> list[str]:
    return [text.get_text() for text in fig.legends[0].get_texts()]


def test_the_legend_names_what_the_page_shows():
    page = [Pages(twenty(), 4).read(i) for i in range(2)]
    fig = page_figure(page, HARBOUR)
    assert legend_of(fig) == ["water", "boat", "void"]
    patches = fig.legends[0].legend_handles
    assert [bool(p.get_hatch()) for p in patches] == [False, False, True]
    assert legend_of(page_figure(page, HARBOUR, wanted=6)) == ["boat"]
    titles = [ax.get_title(loc="left") or ax.get_title() for ax in fig.axes]
    assert titles == ["0  p0", "1  p1"]


def test_boxes_and_crowds():
    target = {
        "boxes": np.array([[1.0, 2, 5, 9], [3, 3, 9, 9]]),
        "labels": np.array([6, 7]),
        "iscrowd": np.array([0, 1]),
    }
    one = Shown(0, "", np.zeros((12, 12, 3), np.uint8), target)

    def boxes(wanted):
        ax = page_figure([one], HARBOUR, wanted).axes[0]
        assert all(isinstance(patch, Rectangle) for patch in ax.patches)
        return [
            (p.get_bbox().extents.tolist(), bool(p.get_hatch())) for p in ax.patches
        ]

    plain, crowd = [1, 2, 5, 9], [3, 3, 9, 9]
    assert boxes(6) == [(plain, False)] * 2  # white below, colour above
    assert boxes(None) == [(plain, False)] * 2 + [(crowd, False)] * 2 + [(crowd, True)]
    masks = np.zeros((2, 12, 12))
    masks[1, 3:9, 3:9] = 1
    one.target = target | {"masks": masks}
    made = laid_over(one, HARBOUR, None, 0.5)
    assert set(np.unique(made[3:9, 3:9])) == {0, 255} and not made[:3].any()
    assert not any(hatch for _, hatch in boxes(None))


def test_the_words_by_hand():
    data = Counted([[2, 6, 255, 255], [2, 2, 2, 2]])
    pages = Pages(data, 2)
    page = [pages.read(i) for i in range(2)]
    assert in_words(page, pages) == (
        "Pictures 0 to 1 of 2: water 62.5%, void 25.0%, boat 12.5%."
    )
    things = {"boxes": torch.zeros(3, 4), "labels": torch.tensor([7, 6, 7])}
    page = [Shown(4, "", np.zeros((2, 2, 3)), things), Shown(5, "", trouble="no")]
    assert in_words(page, pages) == (
        "Pictures 4 to 5 of 2: 2 car, 1 boat, 1 cannot be read."
    )
    page[0].target = things | {"labels": torch.arange(12).repeat(2)}
    assert in_words(page[:1], pages).endswith(", 2 boat, 2 car, 4 more.")


# what the widgets do


def test_turning_pages_and_back():
    browser = Browser(twenty(), columns=4, rows=2)
    first = pixels(browser)
    assert browser.back.disabled and not browser.on.disabled
    browser.page.value = 99  # the widget keeps it within the pages
    assert browser.page.value == 3 == browser.page.max and browser.on.disabled
    assert "Pictures 16 to 19 of 20" in browser.status.value
    assert 'role="status" aria-live="polite"' in browser.status.value
    browser.back.click()
    assert "Pictures 8 to 15 of 20" in browser.status.value
    browser.page.value = 1
    assert np.array_equal(pixels(browser), first)


def test_choosing_a_class_begins_anew_and_void_is_one():
    browser = Browser(twenty(), columns=2, rows=1)
    browser.page.value = 9
    browser.shows.value = HARBOUR.index("buoy")
    assert browser.page.value == 1 == browser.page.max
    assert browser.said == "Picture 19 that shows buoy (1): buoy 33.3%."
    assert browser.on.disabled and browser.back.disabled
    browser.shows.value = HARBOUR.index("lawn")
    assert browser.said == "No pictures that show lawn (0)."
    assert browser.picture.layout.display == "none"
    browser.shows.value = 255
    assert browser.page.max == 10 and "that show void" in browser.said
    assert browser.picture.layout.display != "none"
    browser.shows.value = room.ANY
    assert browser.page.max == 10 and browser.said.startswith("Pictures 0 to 1 of 20")


def test_next_goes_on_with_a_search_that_was_broken_off(monkeypatch):
    data = twenty()
    browser = Browser(data, columns=2, rows=1)
    monkeypatch.setattr(room, "PATIENCE", -1)
    browser.shows.value = HARBOUR.index("buoy")
    assert browser.said == "No pictures that show buoy (0 of 20 looked through)."
    assert not browser.on.disabled
    monkeypatch.setattr(room, "PATIENCE", 60)
    browser.on.click()
    assert browser.page.value == 1
    assert browser.said.startswith("Picture 19 that shows buoy (1)")


def test_the_strength_of_the_labels():
    browser = Browser(twenty(), columns=1, rows=1)
    strong = pixels(browser)
    browser.strength.value = 0.0
    assert not np.array_equal(pixels(browser), strong)
    middle = pixels(browser)[pixels(browser).shape[0] // 2]
    assert (middle[10:-10] == 0).all()  # picture 0 is black


def test_an_error_is_told_and_the_next_turn_goes_on(monkeypatch):
    browser = Browser(twenty(), columns=2, rows=1)

    def broken(*_):
        raise RuntimeError("the <disk> is gone")

    monkeypatch.setattr(browser.pages, "read", broken)
    browser.on.click()
    assert "RuntimeError: the &lt;disk&gt; is gone" in browser.status.value
    assert browser.picture.layout.display == "none"
    monkeypatch.undo()
    browser.on.click()
    assert browser.picture.layout.display == ""


def test_what_cannot_be_shown():
    with pytest.raises(InputError, match="counted holds no pictures"):
        Browser(Counted([]))
    with pytest.raises(InputError, match="no class 'ship' in harbour"):
        Browser(twenty(), only="ship")


def test_a_damaged_picture_has_a_card_and_the_others_stand(tmp_path):
    for split in ("train", "test"):
        export(Harbour(split, count=3, size=(24, 32)), tmp_path, "nyuv2")
    (tmp_path / "train/images/nyu_rgb_0002.png").write_text("no picture")
    labels = tmp_path / "train/annotations/new_nyu_class13_0003.png"
    Image.new("L", (32, 24), 77).save(labels)
    data = NYUv2(tmp_path)
    browser = Browser(data, columns=3, rows=1)
    assert browser.said.endswith(", 2 cannot be read.")
    page = [browser.pages.read(i) for i in range(3)]
    fig = page_figure(page, data.classes)
    cards = [" ".join(ax.texts[0].get_text().split()) for ax in fig.axes[1:]]
    assert cards[0].startswith("nyu_rgb_0002.png is not a picture; give a PNG")
    assert cards[1].startswith("the labels hold id 76, but nyuv2 has ids 0 to 12")
    assert not fig.axes[0].texts


def coloured(browser) -> bool:
    return np.ptp(pixels(browser).astype(int), axis=2).max() > 60


@pytest.mark.parametrize("layout", ["camvid", "penn_fudan", "yolo", "voc", "none"])
def test_readers_of_every_kind(layout, tmp_path):
    if layout == "none":
        data = Harbour("val", count=4, task="detection")
    else:
        for split in ("train", "val", "test"):
            export(Harbour(split, count=2), tmp_path, layout)
        data = {
            "camvid": lambda: CamVid(tmp_path, "val"),
            "penn_fudan": lambda: PennFudan(tmp_path),
            "yolo": lambda: YoloFolder(tmp_path / "data.yaml", "val"),
            "voc": lambda: VOCSegmentation(tmp_path, "val"),
        }[layout]()
    browser = Browser(data, columns=2, rows=1)
    assert coloured(browser) and "Pictures 0 to 1 of" in browser.said
    some = next(iter(browser.pages.present(0) - {255, 0}))
    browser.shows.value = some
    assert data.classes.names[some] in browser.said and coloured(browser)


def test_a_set_for_detection_is_searched_by_its_boxes():
    data = twenty()  # its labels() are of label pictures, as those of Cityscapes
    data.task = "detection"
    data.rows = data.rows[:2]
    target = {"boxes": torch.tensor([[0.0, 0, 2, 2]]), "labels": torch.tensor([7])}
    Two = type("Two", (Counted,), {"__getitem__": lambda self, i: (
        torch.zeros(3, 4, 4, dtype=torch.uint8), target)})  # fmt: skip
    data.__class__ = Two
    assert Pages(data, 2).numbers(0, 7) == [0, 1] and data.labels_read == []


@pytest.mark.real
def test_real_pictures(real_data):
    browser = Browser(CamVid(real_data / "camvid", "test"), only="bicyclist")
    assert browser.said.count("bicyclist") == 2 and coloured(browser)
    data = VOCSegmentation(real_data / "voc_sample" / "VOC2012", "val")
    assert "void" in Browser(data).said


# on the page


def shown(monkeypatch, *args, **how) -> list[tuple]:
    import IPython.display

    out = []
    monkeypatch.setattr(
        IPython.display, "display",
        lambda bundle, raw=True, metadata=None: out.append((bundle, metadata or {})),
    )  # fmt: skip
    show.browse(*args, **how)
    return out


def test_the_static_page_its_words_and_the_widget(monkeypatch):
    sheet, words, live = shown(monkeypatch, twenty(), only="buoy")
    [mime] = [key for key in sheet[0] if key.startswith("image/")]
    assert words[0]["text/plain"] == "Picture 19 that shows buoy (1): buoy 33.3%."
    assert (
        sheet[1][mime]["alt"] == "Labels laid over pictures. " + words[0]["text/plain"]
    )
    assert len(base64.b64decode(sheet[0][mime])) <= 100_000
    assert "model_id" in live[0]["application/vnd.jupyter.widget-view+json"]
    again = shown(monkeypatch, twenty(), only="buoy", alt="One buoy on the water")
    assert again[0][0][mime] == sheet[0][mime] and again[1] == words
    assert again[0][1][mime]["alt"] == "One buoy on the water"


def test_strict_nbval_accepts_it_and_sees_other_labels(tmp_path, monkeypatch):
    monkeypatch.undo()  # the other process draws at full size too
    made = shown(monkeypatch, Harbour("val", count=2, size=(24, 32)), rows=1)
    assert len(made) == 3
    made[2][0].pop("application/vnd.jupyter.widget-view+json")
    first = (
        f"import sys\nsys.path.insert(0, {str(ROOT)!r})\n"
        "from course_lib.data.harbour import Harbour\n"
        "from course_lib.show import browse\n"
    )
    call = "browse(Harbour('val', count=2, size=(24, 32)), rows=1)"
    cells = [v4.new_code_cell(first + call), v4.new_code_cell(call)]
    for number, cell in enumerate(cells, 1):
        cell.execution_count = number  # nbval wants to see that it has run
        cell.outputs = [
            v4.new_output("display_data", dict(bundle), metadata=metadata)
            for bundle, metadata in made
        ]
    words = cells[1].outputs[1].data
    words["text/plain"] = words["text/plain"].replace("sky", "sea")
    nbformat.write(v4.new_notebook(cells=cells), tmp_path / "page.ipynb")
    command = [sys.executable, "-m", "pytest", "-q", "--nbval", "--nbval-current-env",
               "-p", "no:cacheprovider", "page.ipynb"]  # fmt: skip
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert "FAILED page.ipynb::Cell 1" in run.stdout, run.stdout
    assert "1 failed, 1 passed" in run.stdout
