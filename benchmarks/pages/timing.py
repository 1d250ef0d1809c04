"""Times answers as a client of this machine has them: on one connection kept open, from sending to the last byte."""

from __future__ import annotations

import gzip
import http.client
import math
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from benchmarks.pages.visits import Visit

_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


@dataclass(frozen=True)
class Answer:
    """One answer. `sent` are bytes as they came, `size` those of the page itself."""

    status: int
    took_ms: float
    size: int
    sent: int


class Client:
    """A browser's connection without the browser: keep-alive, gzip, cookies kept."""

    def __init__(self, address: str) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=120)
        self._cookie = ""
        self._tokens: dict[str, str] = {}

    def close(self) -> None:
        self._connection.close()

    def ask(self, visit: Visit) -> Answer:
        """Time one visit."""
        body, headers = None, dict(visit.headers)
        if visit.form is not None:
            body = urlencode([*visit.form, ("csrf_token", self._token(visit.form_page))])
            headers["content-type"] = "application/x-www-form-urlencoded"
        if visit.ask_twice:
            self._send("GET", visit.path, None, headers)
        return self._send("GET" if body is None else "POST", visit.path, body, headers)[0]

    def ask_path(self, path: str) -> Answer:
        """Time a plain visit."""
        return self._send("GET", path, None, {})[0]

    def text(self, path: str) -> str:
        """What is at a path."""
        return self._send("GET", path, None, {})[1].decode()

    def _token(self, page: str) -> str:
        if page not in self._tokens:
            found = _TOKEN.search(self.text(page))
            assert found is not None, page
            self._tokens[page] = found[1]
        return self._tokens[page]

    def _send(self, method: str, path: str, body: str | None, headers: dict[str, str]) -> tuple[Answer, bytes]:
        sent = {"accept-encoding": "gzip", **headers} | ({"cookie": self._cookie} if self._cookie else {})
        began = time.perf_counter()
        self._connection.request(method, path, body, sent)
        response = self._connection.getresponse()
        data = response.read()
        took = (time.perf_counter() - began) * 1000
        cookie = response.headers.get("set-cookie")
        if cookie is not None:
            self._cookie = cookie.partition(";")[0]
        plain = gzip.decompress(data) if response.headers.get("content-encoding") == "gzip" else data
        return Answer(response.status, took, len(plain), len(data)), plain


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least that share of the values does not exceed."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]
