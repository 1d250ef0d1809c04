"""Which models a server of one's own offers: GET /models, as OpenAI's protocol has it."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from steelyard.providers.settings import Endpoint

if TYPE_CHECKING:
    import httpx2

TIMEOUT_S = 3.0
MOST_BYTES = 4_000_000


@dataclass(frozen=True)
class Listing:
    """The models' names in the server's order; without any, `why` says what came of asking."""

    names: tuple[str, ...]
    why: str | None = None


async def listed_models(endpoint: Endpoint, *, timeout_s: float = TIMEOUT_S) -> Listing:
    """What the server at the endpoint's own address offers. Raises nothing: not to list any is a server's right."""
    import httpx2

    from steelyard.providers.guarded import OutOfReach

    if endpoint.base_url is None or endpoint.kind != "openai":
        return Listing((), "its models cannot be listed here")
    headers = {"authorization": f"Bearer {endpoint.api_key or endpoint.auth_token or ''}"}
    try:
        async with (
            asyncio.timeout(timeout_s),
            client_of(endpoint, timeout_s) as client,
            client.stream("GET", f"{endpoint.base_url.rstrip('/')}/models", headers=headers) as response,
        ):
            if response.status_code != 200:
                return Listing((), f"asked for a list it answers {response.status_code}")
            body = b""
            async for part in response.aiter_bytes():
                body += part
                if len(body) > MOST_BYTES:
                    return Listing((), "its list is too long to be read")
    except (TimeoutError, httpx2.TimeoutException):
        return Listing((), f"asked for a list it does not answer within {timeout_s:g} s")
    except OutOfReach as error:
        return Listing((), f"it is not asked: {str(error).rstrip('.')}")
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError):
        return Listing((), "it cannot be reached")
    return _read(body)


def client_of(endpoint: Endpoint, timeout_s: float) -> httpx2.AsyncClient:
    """A client for one question beside the calls. As with those, a key goes nowhere a server may point it."""
    import httpx2

    from steelyard.providers.guarded import GuardedTransport

    transport = None if endpoint.reach is None else GuardedTransport(endpoint.reach)
    return httpx2.AsyncClient(timeout=timeout_s, follow_redirects=False, transport=transport)


def _read(body: bytes) -> Listing:
    try:
        data: Any = json.loads(body)
        entries = cast("list[Any]", data["data"])
        found = (entry["id"] for entry in entries)
        names = tuple(dict.fromkeys(name for name in found if isinstance(name, str) and name))
    except (ValueError, KeyError, TypeError, RecursionError):
        return Listing((), "what it answers is no list of models")
    return Listing(names, None if names else "its list of models is empty")
