"""`steelyard.Client`: the JSON API of a Steelyard server as methods, with the errors it has inside a server."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping
from http.client import HTTPException
from typing import TYPE_CHECKING, Any, cast
from urllib.error import HTTPError
from urllib.parse import urlencode
from uuid import uuid4

from steelyard.client.events import events_of
from steelyard.client.operations import Operations
from steelyard.client.paths import filled
from steelyard.client.refusals import error_of
from steelyard.client.transport import Answered, Unreachable, checked_server, exchanged, opened, refused
from steelyard.domain.errors import InputError, SteelyardError

if TYPE_CHECKING:
    from steelyard.client import documents

DEFAULT_TIMEOUT_S = 30.0
_TRIED_AGAIN = frozenset({429, 502, 503, 504})
_TRIES = 5
_LONGEST_PAUSE_S = 8.0
# Ten seconds pass at most between two events; what is silent for longer is no stream any more.
_SILENT_S = 30.0
_EVENTS = "/v1/runs/{run_id}/events"
_DOCUMENT = "/v1/openapi.json"


class Client(Operations):
    """A client of one server's API. Its methods are the API's operations, and raise the errors of `domain.errors`.

    `server` and `key` default to STEELYARD_SERVER and STEELYARD_KEY; `timeout` is of one request, in seconds. A key
    goes to another machine over https alone, unless `allow_http` (STEELYARD_ALLOW_HTTP=1) says otherwise. What may be
    sent twice without harm is tried again for `patience` seconds where the server is away or asks to wait: reading,
    and what takes an Idempotency-Key, which is made here. It holds no connection open and may be used by many threads.
    """

    def __init__(
        self,
        server: str | None = None,
        *,
        key: str | None = None,
        timeout: float = DEFAULT_TIMEOUT_S,
        patience: float = 60.0,
        allow_http: bool | None = None,
    ) -> None:
        """Raises InputError where no server is named, or the key would go to it in the open."""
        found = server or os.environ.get("STEELYARD_SERVER") or ""
        if not found:
            raise InputError(
                "No server is named.", field="server", next_step="Give its address, or set STEELYARD_SERVER to it."
            )
        self._key = key or os.environ.get("STEELYARD_KEY") or None
        if self._key is not None and not (self._key.isascii() and self._key.isprintable()):
            raise InputError("The key has characters that no key has.", field="key", next_step="Copy it again, whole.")
        allowed = os.environ.get("STEELYARD_ALLOW_HTTP") == "1" if allow_http is None else allow_http
        self.server = checked_server(found, keyed=self._key is not None, allow_http=allowed)
        self._timeout_s = timeout
        self._patience_s = patience
        self._described: Mapping[str, Any] | None = None

    def __repr__(self) -> str:
        return f"Client({self.server!r})"

    def send(
        self,
        method: str,
        path: str,
        *,
        template: str,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        once: bool = False,
        key: str | None = None,
    ) -> Any:
        """Send a request and return its answer, None without one; bytes are a zip.

        `template` is the path as the API's document has it; `once`: it takes an Idempotency-Key, `key` or a new one.
        Raises SteelyardError.
        """
        headers = self._headers()
        data = None
        if isinstance(body, bytes):
            data, headers["Content-Type"] = body, "application/zip"
        elif body is not None:
            data, headers["Content-Type"] = json.dumps(body, allow_nan=False).encode(), "application/json"
        elif method != "GET":
            data = b""
        if once:
            headers["Idempotency-Key"] = key or str(uuid4())
        url = self.server + path + _query(query or {})
        answer = self._answer(method, url, headers, data, again=method == "GET" or once)
        if answer.status >= 300:
            raise self._error(answer, method, template)
        if not answer.body:
            return None
        return _parsed(answer, self.server)

    def stream_run(self, run_id: str, *, last_event_id: str | None = None) -> Iterator[documents.Progress]:
        """A run's progress, at once, whenever something was kept and every ten seconds, until the run has ended.

        A stream that breaks off is taken up again where it was, for `patience` seconds without an event.
        """
        path = filled(_EVENTS, run_id=run_id)
        last, heard, pause = last_event_id, time.monotonic(), 0.2
        while True:
            headers = self._headers() | {"Accept": "text/event-stream"}
            if last:
                headers["Last-Event-ID"] = last
            wait_s = 0.0
            try:
                with opened("GET", self.server + path, headers, None, max(self._timeout_s, _SILENT_S)) as reply:
                    for event in events_of(reply):
                        last, heard, pause = event.id or last, time.monotonic(), 0.2
                        if event.name == "ended":
                            return
                        if event.name == "progress":
                            yield cast("documents.Progress", json.loads(event.data))
                problem: SteelyardError = Unreachable(
                    f"{self.server} ended the run's events before the run.", next_step="Follow it again."
                )
            except HTTPError as error:
                answer = refused(error)
                problem, wait_s = self._error(answer, "GET", _EVENTS), answer.retry_after_s
                if answer.status not in _TRIED_AGAIN:
                    raise problem from None
            except Unreachable as error:
                problem = error
            except (OSError, HTTPException, ValueError) as error:
                problem = Unreachable(f"The events of {self.server} broke off ({error or type(error).__name__}).")
            if time.monotonic() - heard > self._patience_s:
                raise problem
            time.sleep(max(wait_s, pause))
            pause = min(pause * 2, _LONGEST_PAUSE_S)

    def _headers(self) -> dict[str, str]:
        given = {"Accept": "application/json", "User-Agent": "steelyard-client"}
        return given | ({"Authorization": f"Bearer {self._key}"} if self._key else {})

    def _answer(self, method: str, url: str, headers: dict[str, str], data: bytes | None, *, again: bool) -> Answered:
        """The answer, after some tries where `again` says that it does no harm. Raises Unreachable."""
        until, pause, tries = time.monotonic() + self._patience_s, 0.25, 0
        while True:
            tries += 1
            problem: Unreachable | None = None
            answer: Answered | None = None
            try:
                answer = exchanged(method, url, headers, data, self._timeout_s)
            except Unreachable as error:
                problem = error
            # The try before may have arrived: the same is being answered.
            busy = answer is not None and answer.status == 409 and tries > 1 and "Idempotency-Key" in headers
            settled = answer is not None and answer.status not in _TRIED_AGAIN and not busy
            wait_s = max(pause, 0.0 if answer is None else answer.retry_after_s)
            if settled or not again or tries >= _TRIES or time.monotonic() + wait_s > until:
                if answer is None:
                    assert problem is not None
                    raise problem
                return answer
            time.sleep(wait_s)
            pause = min(pause * 2, _LONGEST_PAUSE_S)

    def _error(self, answer: Answered, method: str, template: str) -> SteelyardError:
        """What an answer refuses, and where it has no such operation, that the server is of another version."""
        if 300 <= answer.status < 400:
            return SteelyardError(
                f"{self.server} sends on to another address (HTTP {answer.status}), and no key follows there.",
                next_step="Give the address it sends to, as https://.",
            )
        if answer.status in (404, 405) and not self._has(method, template):
            from steelyard import __version__

            if not self._described:
                return SteelyardError(
                    f"There is no API of Steelyard at {self.server}.",
                    kept="Nothing was changed.",
                    next_step="Give the address of the server alone, without the path of a page.",
                )
            theirs = str(self._told_version() or "unknown")[:40]
            return SteelyardError(
                f"{self.server} does not know {method} {template}: it is of version {theirs}, this is {__version__}.",
                kept="Nothing was changed.",
                next_step="Install the same version on both sides.",
            )
        keyed = self._key is not None
        return error_of(answer.status, answer.body, keyed=keyed, retry_after_s=answer.retry_after_s, server=self.server)

    def _has(self, method: str, template: str) -> bool:
        """Whether the server's own document has the operation: no without such a document, yes where it is not read."""
        if self._described is None:
            try:
                answer = exchanged("GET", self.server + _DOCUMENT, self._headers(), None, self._timeout_s)
                found: Any = _parsed(answer, self.server) if answer.status == 200 else {}
            except SteelyardError:
                return True
            if answer.status not in (200, 404) or not isinstance(found, dict):
                return True
            self._described = cast("Mapping[str, Any]", found)
        paths = self._described.get("paths", {})
        if not isinstance(paths, dict):
            return True
        known = cast("Mapping[str, Any]", paths).get(template)
        return isinstance(known, dict) and method.lower() in known

    def _told_version(self) -> object:
        info = (self._described or {}).get("info")
        return cast("Mapping[str, object]", info).get("version") if isinstance(info, dict) else None


def _query(query: Mapping[str, Any]) -> str:
    told = {name: _word(value) for name, value in query.items() if value is not None}
    return f"?{urlencode(told)}" if told else ""


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _parsed(answer: Answered, server: str) -> Any:
    if answer.kind == "application/json":
        try:
            return json.loads(answer.body)
        except (ValueError, RecursionError):
            pass
    raise SteelyardError(
        f"{server} answers, and not as Steelyard does.",
        next_step="Check the address: it is that of the server itself, without a path.",
    )
