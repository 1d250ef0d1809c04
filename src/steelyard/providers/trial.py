"""Tries a provider's address and key without paying: by asking which models it offers."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from steelyard.providers.listing import client_of
from steelyard.providers.scrubbing import scrub
from steelyard.providers.settings import Endpoint, Kind

TIMEOUT_S = 10.0
_MOST_BYTES = 4_000_000
_ANTHROPIC_VERSION = "2023-06-01"
_ADDRESSES: Mapping[Kind, str] = {
    "openai": "https://api.openai.com/v1",
    "anthropic": "https://api.anthropic.com",
    "google": "https://generativelanguage.googleapis.com",
}
_PATHS: Mapping[Kind, str] = {"openai": "/models", "anthropic": "/v1/models", "google": "/v1beta/models"}


@dataclass(frozen=True)
class Trial:
    """What came of it, in a sentence or two with what it cost. `works` None: it cannot be told without a paid call."""

    works: bool | None
    said: str


async def try_key(endpoint: Endpoint, *, timeout_s: float = TIMEOUT_S) -> Trial:
    """Ask for the list of models once. Raises nothing for what the other side does, and repeats nothing it says."""
    import httpx2

    from steelyard.providers.guarded import OutOfReach

    where = endpoint.base_url or f"the {endpoint.name} API"
    url = (endpoint.base_url or _ADDRESSES[endpoint.kind]).rstrip("/") + _PATHS[endpoint.kind]
    try:
        async with (
            asyncio.timeout(timeout_s),
            client_of(endpoint, timeout_s) as client,
            client.stream("GET", url, headers=_headers(endpoint)) as answer,
        ):
            size = 0
            async for part in answer.aiter_raw():
                size += len(part)
                if size > _MOST_BYTES:
                    break
            return _told(endpoint, where, answer.status_code)
    except OutOfReach as error:
        return Trial(False, f"{where} is not called. {error}")
    except (TimeoutError, httpx2.TimeoutException):
        return Trial(False, f"{where} did not answer within {timeout_s:g} s. It cost nothing.")
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:
        detail = scrub(" ".join(str(error).split())[:200], endpoint.secrets)
        return Trial(False, f"No connection to {where}{f': {detail}' if detail else ''}. It cost nothing.")


def _headers(endpoint: Endpoint) -> dict[str, str]:
    key = endpoint.api_key or endpoint.auth_token or ""
    match endpoint.kind:
        case "anthropic" if endpoint.api_key:
            return {"x-api-key": key, "anthropic-version": _ANTHROPIC_VERSION}
        case "google":
            return {"x-goog-api-key": key}
        case _:
            return {"authorization": f"Bearer {key}"}


def _told(endpoint: Endpoint, where: str, status: int) -> Trial:
    if status == 200:
        return Trial(True, f"{where} takes the key and lists its models. Asking cost nothing.")
    # Google says so of a key it does not know.
    if status in (401, 403) or (status == 400 and endpoint.kind == "google"):
        return Trial(False, f"{where} refuses the key (HTTP {status}). It cost nothing.")
    if status in (404, 405, 501):
        return Trial(
            None, f"{where} answers, but lists no models (HTTP {status}): only a run shows whether it takes the key."
        )
    if 300 <= status < 400:
        return Trial(
            False, f"{where} points to another address (HTTP {status}), which is not followed: give that one itself."
        )
    return Trial(False, f"{where} answers HTTP {status}. It cost nothing.")
