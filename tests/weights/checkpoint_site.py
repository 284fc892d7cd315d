"""A web server that can misbehave."""

import time
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from random import Random
from threading import Event

NAME = "cotracker3_online"
BYTES = b"PK\x03\x04" + Random(3).randbytes(1_000_000)


@dataclass
class Site:
    """What the server does; a test changes it between two downloads."""

    address: str = ""
    content: bytes = BYTES
    etag: str | None = '"first"'
    status: int = 200
    ranges: bool = True
    content_type: str = "application/octet-stream"
    says_length: bool = True
    break_after: int | None = None
    silent_after: int | None = None
    pause_s: float = 0.0
    redirect: bool = False
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    over: Event = field(default_factory=Event)


class Handler(BaseHTTPRequestHandler):
    site: Site

    def log_message(self, *_):
        pass

    def do_GET(self):
        site, wanted = self.site, self.headers.get("Range")
        site.asked.append((self.path, wanted))
        if site.redirect and not self.path.startswith("/moved"):
            self.send_response(302)
            self.send_header("Location", "/moved" + self.path)
            self.end_headers()
            return
        if site.status != 200:
            self.send_error(site.status)
            return
        start = int(wanted[6:-1]) if wanted and site.ranges else 0
        total = len(site.content)
        if start >= total:
            self.send_error(416)
            return
        self.send_response(206 if wanted and site.ranges else 200)
        if wanted and site.ranges:
            self.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
        if site.says_length:
            self.send_header("Content-Length", str(total - start))
        if site.etag:
            self.send_header("ETag", site.etag)
        self.send_header("Content-Type", site.content_type)
        self.end_headers()
        # A client that gave up is what some of the tests are about.
        with suppress(ConnectionError):
            self.send_body(site.content[start:])

    def send_body(self, body):
        for at in range(0, len(body), 100_000):
            chunk = body[at : at + 100_000]
            if self.site.break_after is not None and at >= self.site.break_after:
                return
            if self.site.silent_after is not None and at >= self.site.silent_after:
                self.site.over.wait(20)
                return
            self.wfile.write(chunk)
            time.sleep(self.site.pause_s)
