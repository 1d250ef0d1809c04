"""One signed POST to a webhook: to the addresses its host was checked to have, without following it anywhere else."""

from __future__ import annotations

import asyncio
import socket
import ssl
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from steelyard.domain.errors import InputError
from steelyard.domain.reach import Reach, check_url
from steelyard.outbound.addresses import AddressRefused, resolve
from steelyard.outbound.outcome import Outcome
from steelyard.outbound.signing import signed_headers

# An answer says all it has to in its status: so much of it is read that its connection ends in order, and no more.
MOST_ANSWER_BYTES = 16_384
TIMEOUT_S = 15.0
_GONE = 410


async def post(
    url: str,
    secret: str,
    message_id: str,
    timestamp_s: int,
    body: bytes,
    *,
    reach: Reach,
    timeout_s: float = TIMEOUT_S,
) -> Outcome:
    """Send it once. Never raises for what the other side does."""
    try:
        parts = urlsplit(check_url(url, reach, what="a webhook", field="url"))
    except InputError as error:
        # Not for good: what is allowed may be another thing by the next attempt.
        return Outcome(False, error.message.rstrip("."))
    port = parts.port or (443 if parts.scheme == "https" else 80)
    headers = {
        "content-type": "application/json",
        "user-agent": "steelyard",
        **signed_headers(secret, message_id, timestamp_s, body),
    }
    try:
        async with asyncio.timeout(timeout_s):
            addresses = await resolve(parts.hostname or "", port, reach)
        connector = aiohttp.TCPConnector(resolver=_Known(addresses), use_dns_cache=False, force_close=True)
        async with (
            aiohttp.ClientSession(
                connector=connector,
                timeout=aiohttp.ClientTimeout(total=timeout_s),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
            ) as session,
            session.post(url, data=body, headers=headers, allow_redirects=False) as answer,
        ):
            await answer.content.read(MOST_ANSWER_BYTES)
            return _told(answer.status)
    except AddressRefused as error:
        return Outcome(False, error.message.rstrip("."))
    except TimeoutError:
        return Outcome(False, f"no answer within {timeout_s:g} s")
    except (aiohttp.ClientSSLError, ssl.SSLError):
        return Outcome(False, "its certificate is not accepted")
    except aiohttp.ClientConnectorError:
        return Outcome(False, "no connection to its host")
    except (aiohttp.ClientError, OSError, ValueError):
        return Outcome(False, "the exchange broke off")


def _told(status: int) -> Outcome:
    if 200 <= status < 300:
        return Outcome(True, f"HTTP {status}")
    if 300 <= status < 400:
        return Outcome(False, f"HTTP {status}, which is not followed")
    return Outcome(False, f"HTTP {status}", for_good=status == _GONE)


class _Known(AbstractResolver):
    """Answers with the addresses that were checked, whatever the name leads to by now."""

    def __init__(self, addresses: list[str]) -> None:
        self._addresses = addresses

    async def resolve(self, host: str, port: int = 0, family: Any = 0) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in self._addresses
        ]

    async def close(self) -> None:
        """Nothing is open."""
