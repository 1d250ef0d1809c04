"""One HTTP exchange with an issuer: bounded in time and size, JSON in its answer, led nowhere else."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, cast

import aiohttp

from steelyard.domain.errors import IssuerFailed

TIMEOUT_S = 10.0
MOST_BYTES = 1_000_000


@dataclass(frozen=True)
class Answer:
    """A status, and the JSON object that came with it."""

    status: int
    body: Mapping[str, Any]


class Ask(Protocol):
    """Sends one request; `form` makes it a POST. Raises IssuerFailed."""

    async def __call__(
        self, url: str, *, form: str | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer: ...


async def ask(url: str, *, form: str | None = None, headers: Mapping[str, str] | None = None) -> Answer:
    """The answer, of whatever status. Raises IssuerFailed.

    The address is the operator's, or one the operator's issuer names: it may be of a private network.
    """
    sent = {"accept": "application/json", "accept-encoding": "identity", "user-agent": "steelyard", **(headers or {})}
    if form is not None:
        sent["content-type"] = "application/x-www-form-urlencoded"
    try:
        async with (
            asyncio.timeout(TIMEOUT_S),
            aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False) as session,
            session.request(
                "GET" if form is None else "POST", url, data=form, headers=sent, allow_redirects=False
            ) as answer,
        ):
            return Answer(answer.status, _object(await _body(answer)))
    except TimeoutError:
        raise _failed(f"it gave no answer within {TIMEOUT_S:g} s") from None
    except (aiohttp.ClientSSLError, ssl.SSLError):
        raise _failed("its certificate is not accepted") from None
    except aiohttp.ClientConnectorError:
        raise _failed("there is no connection to it") from None
    except (aiohttp.ClientError, OSError):
        raise _failed("the exchange broke off") from None


async def _body(answer: aiohttp.ClientResponse) -> bytes:
    read = bytearray()
    async for part in answer.content.iter_chunked(65_536):
        read += part
        if len(read) > MOST_BYTES:
            raise _failed(f"its answer is longer than {MOST_BYTES:,} bytes")
    return bytes(read)


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        found: object = json.loads(body)
    except (ValueError, RecursionError):
        raise _failed("its answer is not JSON") from None
    if not isinstance(found, dict):
        raise _failed("its answer is not a JSON object")
    return cast(dict[str, Any], found)


def _failed(why: str) -> IssuerFailed:
    return IssuerFailed(
        f"The sign-in provider cannot be used: {why}.",
        next_step="Try again in a minute. If it stays, tell whoever runs this server; its log says more.",
    )
