"""The page whose nets run in the browser, beside what PyTorch says."""

import base64
import json
import shutil
from pathlib import Path

import pytest
from built import BOOK
from conftest import PHONE

pytest.importorskip("playwright", reason="no Playwright here: make test-browser")
NETS = BOOK / "_static" / "nets"
ANSWERS = Path(__file__).with_name("nets_expected.json")
RUNTIME = "ort-wasm-simd-threaded.wasm"
WAIT = 120_000  # ms, for a busy machine
LISTEN = """() => {
  window.answers = [];
  document.getElementById("nets").addEventListener("answered", ({detail}) =>
    window.answers.push({...detail, labels: [...detail.labels]}));
}"""
DROP = """([name, content]) => {
  const bytes = Uint8Array.from(atob(content), c => c.charCodeAt(0));
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File([bytes], name));
  document.querySelector('#nets [data-part="drop"]').dispatchEvent(
    new DragEvent("drop", {dataTransfer, bubbles: true, cancelable: true}));
}"""


@pytest.fixture
def nets(site, window):
    """Open the page of the nets in a window of a size and scheme."""
    if not (NETS / RUNTIME).is_file():
        pytest.skip("the book was built without its runtime: npm, make book-setup book")

    def open_page(*size, **options):
        page = window(site, *size, **options)
        page.set_default_timeout(WAIT)
        page.goto(site + "nets.html")
        page.evaluate(LISTEN)
        says(page, "Ready")
        return page

    return open_page


def says(page, words):
    """Wait until the status line holds some words."""
    page.get_by_role("status").filter(has_text=words).wait_for()


def answered(page, count=1):
    """The answer to the picture of that number."""
    page.wait_for_function(f"window.answers.length >= {count}")
    return page.evaluate(f"window.answers[{count - 1}]")


def wanted(picture):
    return json.loads(ANSWERS.read_text())[picture]


def agreement(labels, runs):
    """Share of the pixels whose label is that of the runs (class, length)."""
    flat = [label for label, length in runs for _ in range(length)]
    assert len(labels) == len(flat)
    return sum(a == b for a, b in zip(labels, flat, strict=True)) / len(flat)


def iou(a, b):
    sides = [(max(a[k], b[k]), min(a[k + 2], b[k + 2])) for k in (0, 1)]
    both = max(0, sides[0][1] - sides[0][0]) * max(0, sides[1][1] - sides[1][0])
    areas = [(x2 - x1) * (y2 - y1) for x1, y1, x2, y2 in (a, b)]
    return both / (sum(areas) - both)


def test_on_the_harbour_both_nets_answer_as_in_pytorch(nets):
    page = nets()
    page.get_by_role("button", name="harbour").click()
    found, torchs = answered(page), wanted("harbour.png")
    print("milliseconds:", found["milliseconds"])
    assert agreement(found["labels"], torchs["labels"]) > 0.999
    boxes = [b for b in found["boxes"] if b["score"] > 0.5]
    assert len(boxes) == len(torchs["boxes"]) > 20
    for mine in torchs["boxes"]:
        same = [b for b in boxes if iou(b["box"], mine["box"]) >= 0.95]
        same = [b for b in same if b["name"] == mine["name"]]
        assert len(same) == 1, mine
        assert same[0]["score"] == pytest.approx(mine["score"], abs=0.02)
    says(page, "harbour.png: labels took")
    things = page.get_by_role("list", name="Things found").get_by_role("listitem")
    assert things.count() == len(boxes)
    assert "tree" in page.get_by_role("list", name="Classes").inner_text()
    assert page.get_by_role(
        "img", name="with boxes: 1 car 0.96, 2 car 0.96"
    ).is_visible()


def test_on_a_photograph_the_labels_are_those_of_pytorch(nets):
    page = nets()
    page.get_by_role("button", name="cameraman").click()
    found = answered(page)
    print("milliseconds:", found["milliseconds"])
    assert agreement(found["labels"], wanted("camera.jpg")["labels"]) > 0.99


def test_a_photograph_may_be_dropped_chosen_and_answered_twice(nets):
    page = nets()
    content = base64.b64encode((NETS / "harbour.png").read_bytes()).decode()
    page.evaluate(DROP, ["mine.png", content])
    dropped = answered(page)
    says(page, "mine.png: labels")
    page.get_by_label("Choose a photograph").set_input_files(NETS / "harbour.png")
    assert answered(page, 2)["labels"] == dropped["labels"]


def test_sliders_and_buttons_work_from_the_keyboard(nets):
    page = nets()
    page.get_by_label("Choose a photograph").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # the harbour picture
    answered(page)
    things = page.get_by_role("list", name="Things found").get_by_role("listitem")
    many, canvas = things.count(), page.locator("canvas[data-part=labels]")
    laid_over = canvas.evaluate("c => c.toDataURL()")
    page.get_by_label("Opacity").focus()
    page.keyboard.press("Home")
    assert page.get_by_text("labels: 0 %").is_visible()
    assert canvas.evaluate("c => c.toDataURL()") != laid_over
    page.get_by_label("Least score").focus()
    for _ in range(8):
        page.keyboard.press("ArrowRight")
    assert page.get_by_text("box: 0.90").is_visible()
    assert 0 < things.count() < many
    page.keyboard.press("End")
    assert page.get_by_text("0.95").is_visible()


def test_what_is_no_picture_is_told_and_the_next_one_is_answered(nets, tmp_path):
    page = nets()
    (tmp_path / "letter.jpg").write_text("no picture")
    page.get_by_label("Choose a photograph").set_input_files(tmp_path / "letter.jpg")
    says(page, "letter.jpg is no picture that this browser reads")
    page.get_by_role("button", name="harbour").click()
    answered(page)


def test_without_webassembly_and_without_the_runtime_it_says_so(site, window):
    page = window(site)
    page.add_init_script("delete window.WebAssembly")
    page.goto(site + "nets.html")
    page.get_by_role("button", name="harbour").click()
    says(page, "This browser has no WebAssembly")
    page = window(site)
    empty = {"content_type": "text/javascript", "body": "throw Error('missing')"}
    page.route("**/ort.wasm.bundle.min.mjs", lambda route: route.fulfill(**empty))
    page.goto(site + "nets.html")
    page.get_by_role("button", name="harbour").click()
    says(page, "The runtime is not in this copy of the book")


def test_opened_as_a_file_it_says_what_to_do(browser, tmp_path):
    copy = tmp_path / "nets.html"
    shutil.copy(BOOK / "nets.html", copy)
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(copy.as_uri())
        says(page, "python -m http.server")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_an_answer_on_a_phone_is_legible_and_axe_finds_nothing(nets, scheme):
    from test_book_pages import LEGIBLE, SMALL_TEXT, TOO_WIDE, findings

    page = nets(*PHONE, scheme=scheme)
    page.get_by_role("button", name="harbour").click()
    answered(page)
    says(page, "labels took")
    assert findings(page, {}) == []
    assert page.evaluate(TOO_WIDE) == []
    assert page.evaluate(SMALL_TEXT, LEGIBLE) == []
