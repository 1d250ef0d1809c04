"""Errors as programs read them: RFC 9457, with what was kept, the next step and the field to mend beside its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.responses import JSONResponse

from steelyard.domain.errors import InputError, InvalidForm, ItemsRefused, JudgeRefused, SteelyardError

MEDIA_TYPE = "application/problem+json"
# A name for each kind, and no address: there is no one place on the network that would answer for it.
_TYPE = "urn:steelyard:problem:"
TYPES: Mapping[int, str] = {
    401: "unauthenticated",
    403: "forbidden",
    404: "not-found",
    405: "method-not-allowed",
    408: "too-slow",
    409: "conflict",
    413: "too-large",
    415: "unsupported-type",
    422: "invalid",
    429: "too-many",
    500: "fault",
    503: "unavailable",
}
JUDGE_REFUSED = "judge-refused"


def is_api(path: str) -> bool:
    """Whether an address is the API's, where keys are taken and errors are of this form."""
    return path == "/v1" or path.startswith("/v1/")


def problem(error: SteelyardError, status: int, title: str, headers: Mapping[str, str]) -> JSONResponse:
    """The error. `type` and `title` are the same for every one of a kind; `detail` says what happened."""
    body: dict[str, Any] = {
        "type": _type(error, status),
        "title": title,
        "status": status,
        "detail": error.message,
        "kept": error.kept,
        "next_step": error.next_step,
        "field": error.field if isinstance(error, InputError) else None,
    }
    if isinstance(error, InvalidForm):
        body["problems"] = [{"field": one.field, "detail": one.message} for one in error.problems]
    if isinstance(error, ItemsRefused):
        body["refused"] = list(error.refused)
    return JSONResponse(body, status, headers, MEDIA_TYPE)


def _type(error: SteelyardError, status: int) -> str:
    if isinstance(error, JudgeRefused):
        return _TYPE + JUDGE_REFUSED
    return _TYPE + TYPES[status] if status in TYPES else "about:blank"
