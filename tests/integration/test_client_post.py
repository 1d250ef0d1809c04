"""What the helper takes for kept: an answer of Steelyard, and no other page's."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from steelyard.client.post import post


class _Gatekeeper(BaseHTTPRequestHandler):
    """A sign-in in front of the site: it leads every POST to a page, and serves that page."""

    asked: list[str]

    def do_POST(self) -> None:
        self.asked.append(f"POST {self.path}")
        self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/sign-in")
            self.end_headers()
        else:
            self._page()

    def do_GET(self) -> None:
        self.asked.append(f"GET {self.path}")
        self._page()

    def _page(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<html>Please sign in.</html>")

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


@pytest.fixture
def gatekeeper() -> Iterator[tuple[str, list[str]]]:
    asked: list[str] = []
    server = HTTPServer(("127.0.0.1", 0), type("Handler", (_Gatekeeper,), {"asked": asked}))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_page_that_a_redirect_leads_to_keeps_nothing_and_is_not_asked_for(gatekeeper: tuple[str, list[str]]) -> None:
    address, asked = gatekeeper
    answer = post(f"{address}/moved", b"{}", "key", 5)
    assert (answer.again, answer.refused) == (True, None)
    assert asked == ["POST /moved"]


def test_a_page_of_another_program_keeps_nothing(gatekeeper: tuple[str, list[str]]) -> None:
    answer = post(f"{gatekeeper[0]}/v1/measurements", b"{}", None, 5)
    assert answer.again
    assert "not one of Steelyard" in answer.reason
