"""One signed POST to a webhook: to the addresses its host was checked to have, without following it anywhere else."""

from __future__ import annotations

import socket
import ssl
from typing import Any
from urllib.parse import SplitResult, urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from steelyard.domain.errors import InputError
from steelyard.outbound.addresses import AddressRefused, resolve
from steelyard.outbound.outcome import Outcome
from steelyard.outbound.signing import signed_headers

MOST_URL = 2_000
# An answer says all it has to in its status: so much of it is read that its connection ends in order, and no more.
MOST_ANSWER_BYTES = 16_384
TIMEOUT_S = 15.0
_GONE = 410


def check_url(url: str, *, allow_private: bool) -> str:
    """The address as it is kept. Raises InputError; what its host resolves to is looked at with each attempt."""
    url = url.strip()
    parts = _parts(url)
    if parts is None or len(url) > MOST_URL or any(char.isspace() or not char.isprintable() for char in url):
        raise InputError(
            "That is no address of a webhook.", field="url", next_step="Give one that starts with https://."
        )
    if parts.username is not None or parts.password is not None:
        raise InputError(
            "The address carries a user or a password.",
            field="url",
            next_step="Leave it out: the receiver knows the sender by the signature.",
        )
    if parts.scheme != "https" and not allow_private:
        raise InputError("The address is not https.", field="url", next_step="Give one that starts with https://.")
    return url


async def post(
    url: str,
    secret: str,
    message_id: str,
    timestamp_s: int,
    body: bytes,
    *,
    allow_private: bool,
    timeout_s: float = TIMEOUT_S,
) -> Outcome:
    """Send it once. Never raises for what the other side does."""
    parts = _parts(url)
    if parts is None or parts.hostname is None or (parts.scheme != "https" and not allow_private):
        return Outcome(False, "the address cannot be used", for_good=True)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    headers = {
        "content-type": "application/json",
        "user-agent": "steelyard",
        **signed_headers(secret, message_id, timestamp_s, body),
    }
    try:
        addresses = await resolve(parts.hostname, port, allow_private=allow_private)
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


def _parts(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts if parts.scheme in ("https", "http") and parts.hostname else None


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
