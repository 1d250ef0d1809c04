"""One POST to Steelyard with the standard library, and what its answer means."""

from __future__ import annotations

import json
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any, cast
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, Request, build_opener

_AGAIN = frozenset({408, 425, 429})
_LONGEST_WAIT_S = 300.0
_LONGEST_ANSWER = 16_000_000


@dataclass(frozen=True)
class Answer:
    """`again`: nothing is known to have been kept, and it may be sent again after `wait_s` seconds.

    `refused` counts what was not kept and will not be; 0 with a refusal of the whole, None without one.
    """

    again: bool = False
    wait_s: float = 0.0
    refused: int | None = None
    reason: str = ""


def post(url: str, body: bytes, key: str | None, timeout_s: float) -> Answer:
    """Send JSON. Raises nothing: what fails on the way may be sent again."""
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
    try:
        # Told by the person who runs the program, and by nothing that is sent or answered.
        request = Request(url, body, headers)  # noqa: S310 - the person's own address
        with _OPENER.open(request, timeout=timeout_s) as reply:
            return _kept(reply.read(_LONGEST_ANSWER))
    except HTTPError as error:
        with error:
            if error.code < 400 or error.code in _AGAIN or error.code >= 500:
                return Answer(True, _seconds(error.headers.get("Retry-After")), reason=f"HTTP {error.code}")
            return _refusal(error.code, error.read())
    except (OSError, HTTPException) as error:
        return Answer(True, reason=str(error) or type(error).__name__)
    except ValueError as error:
        return Answer(refused=0, reason=str(error))


class Straight(HTTPRedirectHandler):
    """Followed, a redirect would become a GET of another page, and what that answers would be taken for kept."""

    def redirect_request(self, req: Request, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> None:
        return None


_OPENER = build_opener(Straight)


def _kept(data: bytes) -> Answer:
    body = _object(data)
    if not body:
        return Answer(True, reason="the answer is not one of Steelyard")
    refused = _list(body, "refused")
    return Answer(refused=len(refused), reason=_first(refused)) if refused else Answer()


def _refusal(status: int, data: bytes) -> Answer:
    body = _object(data)
    refused = _list(body, "refused")
    if refused:
        return Answer(refused=len(refused), reason=_first(refused))
    said = body.get("detail")
    return Answer(refused=0, reason=f"HTTP {status}" if said is None else f"HTTP {status}: {said}"[:300])


def _object(data: bytes) -> dict[str, Any]:
    try:
        found = json.loads(data)
    except ValueError:
        return {}
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def _list(body: dict[str, Any], name: str) -> list[Any]:
    found = body.get(name)
    return cast("list[Any]", found) if isinstance(found, list) else []


def _first(refused: list[Any]) -> str:
    first = cast("dict[str, Any]", refused[0]) if isinstance(refused[0], dict) else {}
    return f"{first.get('field')}: {first.get('message')}"[:300]


def _seconds(text: str | None) -> float:
    return min(float(text), _LONGEST_WAIT_S) if text is not None and text.isdecimal() else 0.0
