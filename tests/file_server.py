"""A web server of the tests' own, on this machine, that can do everything wrong."""

import re
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


@dataclass
class Offer:
    """A file on the server, and how it is served.

    Attributes:
        content: its bytes.
        cuts: after so many bytes the connection ends, one number a request.
        tag, date: its ETag and Last-Modified.
        ranges: whether the server can begin in the middle.
        obeys: whether it looks at If-Range.
        length: the length it states instead of the right one; 0 states none.
        status: of the answer instead of 200.
        stalls: after so many bytes nothing more comes.
        pause: seconds between blocks of 16 kB.
        encoding: what it calls the packing of the bytes on the way.
    """

    content: bytes
    cuts: list[int] = field(default_factory=list)
    tag: str = '"first"'
    date: str = ""
    ranges: bool = True
    obeys: bool = True
    length: int | None = None
    status: int = 200
    stalls: int | None = None
    pause: float = 0
    encoding: str = ""


class FileServer(ThreadingHTTPServer):
    """Offers by path; ``asked`` lists (path, first byte sent) of every request."""

    daemon_threads = True
    block_on_close = False

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.offers: dict[str, Offer] = {}
        self.asked: list[tuple[str, int]] = []
        self.stalled = threading.Event()
        self.stop = threading.Event()
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def offer(self, name: str, content: bytes, **how) -> str:
        """Put a file there; returns its address."""
        self.offers[f"/{name}"] = Offer(content, **how)
        return f"{self.url}/{name}"

    def close(self) -> None:
        self.stop.set()
        self.shutdown()
        self.server_close()

    def handle_error(self, request, address):
        """The other side may leave when it likes."""


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        offer = self.server.offers.get(self.path)
        if offer is None:
            return self.send_error(404)
        start = self.first_byte(offer)
        self.server.asked.append((self.path, start))
        if start >= len(offer.content) > 0:
            return self.send_error(416)
        rest = offer.content[start:]
        self.send_response(206 if start else offer.status)
        if start:
            last = len(offer.content) - 1
            self.send_header("Content-Range", f"bytes {start}-{last}/{last + 1}")
        names = ("ETag", "Last-Modified", "Content-Encoding")
        values = (offer.tag, offer.date, offer.encoding)
        for name, value in zip(names, values, strict=True):
            if value:
                self.send_header(name, value)
        length = len(rest) if offer.length is None else offer.length
        if length:
            self.send_header("Content-Length", str(length))
        self.end_headers()
        body = rest[: offer.cuts.pop(0) if offer.cuts else offer.stalls]
        block = 2**14 if offer.pause else len(body) or 1
        for begin in range(0, len(body), block):
            self.wfile.write(body[begin : begin + block])
            time.sleep(offer.pause)
        if offer.stalls is not None:
            self.server.stalled.set()
            self.server.stop.wait(60)

    def first_byte(self, offer) -> int:
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        version = self.headers.get("If-Range", "")
        fits = not offer.obeys or version in ("", offer.tag, offer.date)
        return int(asked[1]) if asked and offer.ranges and fits else 0

    def log_message(self, *args):
        pass


def left(folder: Path) -> list[str]:
    """What lies in a folder, the lock of a finished run aside."""
    return sorted(p.name for p in folder.iterdir() if p.suffix != ".lock")
