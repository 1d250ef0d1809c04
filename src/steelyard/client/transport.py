"""HTTP to one server with the standard library: no redirect is followed, and no answer is read without an end."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from typing import cast
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, Request, build_opener

from steelyard.client.post import Straight
from steelyard.domain.errors import InputError, SteelyardError

LONGEST_ANSWER = 200_000_000
# Each item of a whole batch may be refused with a sentence.
_LONGEST_REFUSAL = 10_000_000
_LONGEST_WAIT_S = 300.0


class Unreachable(SteelyardError):
    """The server did not answer, or not to the end. Whether it did what was asked is not known."""


@dataclass(frozen=True)
class Answered:
    """`retry_after_s`: how long the server asks to wait, 0 where it does not say."""

    status: int
    body: bytes
    kind: str
    retry_after_s: float


def checked_server(server: str, *, keyed: bool, allow_http: bool) -> str:
    """The address without what it ends in.

    Raises InputError where it is none, and where a key would go to another machine for everyone on the way to read.
    """
    text = server.strip().rstrip("/")
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    else:
        if parts.scheme in ("http", "https") and host and not (parts.query or parts.fragment or parts.username):
            if keyed and parts.scheme == "http" and not is_loopback(host) and not allow_http:
                raise InputError(
                    f"The key is not sent to {text}: over plain http everyone on the way could read it.",
                    field="server",
                    kept="Nothing was sent.",
                    next_step="Give its https:// address, or allow_http=True (STEELYARD_ALLOW_HTTP=1) in a network you"
                    " trust.",
                )
            return text.removesuffix("/v1")
    raise InputError(
        f"{server[:200]!r} is no address of a server.",
        field="server",
        next_step="Give one as https://steelyard.example.com.",
    )


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, told without a look-up."""
    if host.lower() == "localhost" or host.lower().endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def opened(method: str, url: str, headers: Mapping[str, str], body: bytes | None, timeout_s: float) -> HTTPResponse:
    """An answer that is still to be read. Raises Unreachable, and HTTPError for one that is no success."""
    request = Request(url, body, dict(headers), method=method)  # noqa: S310 - the person's own address, of http or https
    try:
        opener = _DIRECT if is_loopback(urlsplit(url).hostname or "") else _OPENER
        return cast("HTTPResponse", opener.open(request, timeout=timeout_s))
    except HTTPError:
        raise
    except (OSError, HTTPException) as error:
        raise _unreachable(url, error) from error


def exchanged(method: str, url: str, headers: Mapping[str, str], body: bytes | None, timeout_s: float) -> Answered:
    """One request and its whole answer, of whatever status. Raises Unreachable, SteelyardError where it is too long."""
    try:
        with opened(method, url, headers, body, timeout_s) as reply:
            data = _read(reply, LONGEST_ANSWER)
            return Answered(reply.status, data, reply.headers.get_content_type(), 0.0)
    except HTTPError as error:
        return refused(error)
    except (OSError, HTTPException) as error:
        raise _unreachable(url, error) from error


def refused(error: HTTPError) -> Answered:
    """An answer that is no success, read as far as it is told. Raises Unreachable."""
    wait = error.headers.get("Retry-After")
    wait_s = min(float(wait), _LONGEST_WAIT_S) if wait is not None and wait.isdecimal() else 0.0
    try:
        with error:
            return Answered(error.code, error.read(_LONGEST_REFUSAL), error.headers.get_content_type(), wait_s)
    except (OSError, HTTPException) as problem:
        raise _unreachable(error.url or "", problem) from problem


def _read(reply: HTTPResponse, longest: int) -> bytes:
    data = reply.read(longest + 1)
    if len(data) > longest:
        raise SteelyardError(f"The answer has more than {longest / 1e6:.0f} MB.", next_step="Ask for less at once.")
    return data


def _unreachable(url: str, error: Exception) -> Unreachable:
    parts = urlsplit(url)
    reason = getattr(error, "reason", None) or error
    said = getattr(reason, "strerror", None) or str(reason) or type(error).__name__
    return Unreachable(
        f"{parts.scheme}://{parts.netloc} cannot be reached, or did not answer to the end ({said}).",
        next_step="Check the address and the network, then give the same command again.",
    )


_OPENER = build_opener(Straight)
# This machine's own addresses lead elsewhere from where a proxy is.
_DIRECT = build_opener(Straight, ProxyHandler({}))
