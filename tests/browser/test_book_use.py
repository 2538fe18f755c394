"""A reader at work in the book: search, the dark, the next page, the keyboard."""

import pytest
from built import LESSONS, page_of
from conftest import PHONE

pytest.importorskip("playwright", reason="no Playwright here: make test-browser")

CHAPTER = "01_pixels_and_labels.html"
# A page answers to keys once the theme's scripts, which come last, have run.
READY = "() => document.readyState === 'complete'"


def opened(window, address: str, **look):
    """A page in a window of its own."""
    page = window(address.rpartition("/")[0] + "/", **look)
    page.goto(address)
    page.wait_for_function(READY)
    return page


def tab_until(page, selector: str, most: int = 40) -> int:
    """Press Tab until the focus is on what a selector names; returns how often."""
    for times in range(1, most + 1):
        page.keyboard.press("Tab")
        if page.evaluate(f"document.activeElement.matches({selector!r})"):
            return times
    raise AssertionError(f"{most} times Tab did not reach {selector}")


def test_search_finds_a_word_and_leads_to_it(site, window):
    page = opened(window, site + "index.html")
    page.locator("button.search-button-field").click()
    page.keyboard.type("checkerboard")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search.html?q=checkerboard*")
    results = page.locator("#search-results li a")
    results.first.wait_for()
    names = results.all_inner_texts()
    assert any("Upsampling" in name for name in names), names
    results.first.click()
    page.wait_for_load_state()
    assert "checkerboard" in page.locator("article").inner_text().lower()


def test_a_word_that_is_nowhere_is_said_to_be_nowhere(site, window):
    page = opened(window, site + "search.html?q=zyxwvut")
    summary = page.locator("#search-results .search-summary")
    summary.wait_for()
    assert "did not match any documents" in summary.inner_text()


def test_next_and_previous_turn_the_page(site, window):
    page = opened(window, site + "index.html")
    page.locator("a.right-next").click()
    page.wait_for_url(f"**/{page_of(LESSONS[0])}")
    page.locator("a.left-prev").click()
    page.wait_for_url("**/index.html")


def test_the_dark_is_chosen_and_kept_and_figures_stay_on_white(site, window):
    page = opened(window, site + CHAPTER)
    grounds = "e => getComputedStyle(e).backgroundColor"
    assert page.locator("body").evaluate(grounds) == "rgb(255, 255, 255)"
    theme = page.locator("html")
    page.locator("button.theme-switch-button:visible").first.click()
    page.locator("button[data-mode=dark]:visible").first.click()
    assert theme.get_attribute("data-theme") == "dark"
    assert page.locator("body").evaluate(grounds) == "rgb(18, 18, 18)"
    for figure in page.locator("article img").all():
        assert figure.evaluate(grounds) == "rgb(255, 255, 255)"
        assert figure.evaluate("e => getComputedStyle(e).filter") == "none"
    page.reload()
    assert theme.get_attribute("data-theme") == "dark"


def test_figures_are_drawn(site, window):
    page = opened(window, site + CHAPTER)
    figures = page.locator("article img")
    assert figures.count() > 5
    for figure in figures.all():
        figure.scroll_into_view_if_needed()
        assert figure.evaluate("e => e.decode().then(() => e.naturalWidth)") > 100


def test_the_first_tab_skips_to_the_text(site, window):
    page = opened(window, site + CHAPTER)
    assert tab_until(page, "#pst-skip-link a") == 1
    assert page.locator("#pst-skip-link a").is_visible()
    page.keyboard.press("Enter")
    page.wait_for_url("**#main-content")
    page.keyboard.press("Tab")
    inside = "document.activeElement.closest('main, #main-content') !== null"
    assert page.evaluate(inside)


def test_search_opens_and_closes_by_keyboard(site, window):
    page = opened(window, site + CHAPTER)
    tab_until(page, "button.search-button-field")
    page.keyboard.press("Enter")
    field = page.locator("#pst-search-dialog input[type=search]")
    assert field.is_visible() and field.evaluate("e => e === document.activeElement")
    page.keyboard.press("Escape")
    assert not field.is_visible()


def test_the_menu_of_a_phone_opens_by_keyboard(site, window):
    width, height = PHONE
    page = opened(window, site + CHAPTER, width=width, height=height)
    link = page.locator("nav.bd-docs-nav a", has_text="02. A classifier").last
    assert not link.is_visible()
    tab_until(page, "button.primary-toggle")
    page.keyboard.press("Enter")
    page.locator("nav.bd-docs-nav a:visible").first.wait_for()
    tab_until(page, "nav.bd-docs-nav a[href^='02_']")
    page.keyboard.press("Enter")
    page.wait_for_url("**/02_*.html")


def test_a_hint_opens_by_keyboard(site, window):
    page = opened(window, site + CHAPTER)
    hint = page.locator("article details").first
    assert hint.get_attribute("open") is None
    hint.locator("xpath=preceding::p[1]").click()  # Tab goes on from there
    tab_until(page, "article details > summary")
    page.keyboard.press("Enter")
    assert hint.get_attribute("open") is not None
