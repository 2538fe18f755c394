"""Every page of the book in the browser: quiet, reachable, legible on a phone."""

import pytest
from built import pages
from conftest import PHONE

pytest.importorskip("playwright", reason="no Playwright here: make test-browser")

every_page = pytest.mark.parametrize("address", pages())
LEGIBLE = 14  # px, the smallest text on a phone
# axe takes long over text, and code has many words but few looks: one span of each
# kind is kept for its contrast, the others become plain text.
ONE_OF_EACH_KIND = """() => {
  const seen = new Set();
  for (const e of document.querySelectorAll('.highlight span, code span, .sig span')) {
    if (e.children.length) continue;
    const kind = [e.className, e.parentElement.className,
                  e.closest('a') !== null].join('|');
    if (seen.has(kind)) e.replaceWith(e.textContent); else seen.add(kind);
  }
}"""
SMALL_TEXT = """least => {
  const small = new Set();
  const walk = document.createTreeWalker(
    document.querySelector('#main-content'), NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const e = walk.currentNode.parentElement;
    if (!walk.currentNode.textContent.trim() || !e.checkVisibility()) continue;
    if (e.closest('math, sup, sub, .headerlink')) continue;  // small by their nature
    const size = parseFloat(getComputedStyle(e).fontSize);
    if (size < least) small.add(`${size} px: ${e.textContent.trim().slice(0, 40)}`);
  }
  return [...small];
}"""
TALL_HEADINGS = """() => [...document.querySelectorAll('.bd-article th')]
  .filter(e => e.offsetHeight > 160).map(e => e.innerText)"""  # words in pieces
TOO_WIDE = """() => {
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= width) return [];
  return [...document.querySelectorAll('#main-content *')]
    .filter(e => e.getBoundingClientRect().right > width + 1)
    .map(e => e.outerHTML.slice(0, 90)).slice(0, 5);
}"""

DARK_AND_STILL = """() => document.documentElement.dataset.theme === 'dark'
  && document.getAnimations().every(a => a.playState !== 'running')"""
# What scrolls sideways is reached by Tab; the theme sees to it after a resize.
IN_REACH = """() => [...document.querySelectorAll(
    'pre, .cell_output > .output, .pst-scrollable-table-container')]
  .every(e => e.scrollWidth <= e.clientWidth || e.tabIndex === 0)"""


def findings(page, *rules: str) -> list[str]:
    """What axe finds serious or critical, by all rules or by those named."""
    from axe_playwright_python.sync_playwright import Axe

    # preload fetches the style sheets anew, some from a wrong place: a false alarm.
    options = {"resultTypes": ["violations"], "preload": False}
    options |= {"runOnly": list(rules)} if rules else {}
    return [
        f"{rule['id']}: {node['target']} {node['failureSummary']}"
        for rule in Axe().run(page, options=options).response["violations"]
        if rule["impact"] in ("serious", "critical")
        for node in rule["nodes"]
    ]


@every_page
def test_a_page_is_quiet_and_good_in_light_in_the_dark_and_on_a_phone(
    address, site, window
):
    page = window(site)
    page.goto(site + address)
    page.evaluate(ONE_OF_EACH_KIND)
    assert findings(page) == []
    assert page.evaluate(TALL_HEADINGS) == []

    page.emulate_media(color_scheme="dark")
    page.wait_for_function(DARK_AND_STILL)
    assert findings(page, "color-contrast") == []

    width, height = PHONE
    page.set_viewport_size({"width": width, "height": height})
    assert page.evaluate(TOO_WIDE) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(SMALL_TEXT, LEGIBLE) == []
    page.wait_for_function(IN_REACH, timeout=30_000)
    assert findings(page, "scrollable-region-focusable") == []
