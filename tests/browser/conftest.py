"""The built book and JupyterLab in a real browser: ``make test-browser``.

The browser is Debian's Chromium. No page may ask for anything outside this machine:
what is asked for is refused, and the test fails.
"""

import functools
import shutil
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from built import BOOK

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
]
PHONE = (390, 844)  # width and height, px


class Quiet(SimpleHTTPRequestHandler):
    """A file server that says nothing."""

    def log_message(self, *args):
        pass


@pytest.fixture(scope="session")
def site():
    """Address of the built book."""
    if not (BOOK / "index.html").is_file():
        pytest.skip("the book is not built: make book")
    handler = functools.partial(Quiet, directory=str(BOOK))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="session")
def browser():
    """Chromium; every test gets windows of its own."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip("no Chromium here: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def window(browser):
    """Open a window: ``window(home, width, height, scheme, badges)``.

    Whatever goes wrong in it, in the console or in a request, fails the test.
    ``badges`` is the one outside address that may be asked for; it gets no answer.
    """
    opened, trouble = [], []

    def open_window(home, width=1280, height=900, scheme="light", badges=None):
        size = {"width": width, "height": height}
        context = browser.new_context(viewport=size, color_scheme=scheme)
        opened.append(context)
        context.route(lambda url: not at_home(url, home), lambda route: route.abort())
        if badges:
            context.route(badges, lambda route: route.fulfill(status=204))
        page = context.new_page()
        watch(page, home, trouble, badges)
        return page

    yield open_window
    for context in opened:
        context.close()
    assert not trouble, trouble


def at_home(url: str, home: str) -> bool:
    """Whether an address is of this machine's server, or of no network at all."""
    sockets = home.replace("http://", "ws://")
    return url.startswith((home, sockets, "data:", "blob:", "about:"))


def watch(page, home: str, trouble: list[str], badges: str | None) -> None:
    """Note errors, failed requests, and requests that would leave this machine."""

    def asked(address: str) -> None:
        if not at_home(address, home) and address != badges:
            trouble.append(f"asks for {address}")

    def answered(response) -> None:
        if response.status >= 400:
            trouble.append(f"{response.status} for {response.url}")

    def said(message) -> None:
        if message.type == "error":
            trouble.append(f"console: {message.text}")

    page.on("request", lambda request: asked(request.url))
    page.on("websocket", lambda socket: asked(socket.url))
    page.on("response", answered)
    page.on("console", said)
    page.on("pageerror", lambda error: trouble.append(f"script: {error}"))
