"""Failures of the vendors' SDKs as `CallError`: one kind, one sentence, no keys."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from typing import Any, cast

from pydantic_ai import exceptions as pai

from steelyard.domain.calls import CallError, FailureKind
from steelyard.domain.masking import masked
from steelyard.providers.guarded import OutOfReach
from steelyard.providers.scrubbing import scrub
from steelyard.providers.settings import Endpoint

_LONGEST_DETAIL = 300

# First match wins; both vendors' wordings, and those of the servers that imitate them.
_CONTEXT_WINDOW = re.compile(
    r"context[ _-]?(length|window|size)|maximum context|prompt is too long|input is too long|too many (input )?tokens"
    r"|exceeds? the (available|maximum) (context|number of tokens)|input token count|reduce the length of|"
    r"`max_tokens` exceed context|exceed_context_size",
    re.IGNORECASE,
)
_REFUSED = re.compile(
    r"content[ _]?(filter|policy|management policy)|content_policy_violation|safety system", re.IGNORECASE
)

_CATEGORIES: tuple[tuple[type[pai.ModelAPIError], FailureKind], ...] = (
    (pai.ModelContextWindowExceededError, FailureKind.CONTEXT_WINDOW),
    (pai.ModelAuthenticationError, FailureKind.AUTHENTICATION),
    (pai.ModelQuotaExceededError, FailureKind.AUTHENTICATION),
    (pai.ModelNotFoundError, FailureKind.UNKNOWN_MODEL),
    (pai.ModelRateLimitError, FailureKind.RATE_LIMITED),
    (pai.ModelUnavailableError, FailureKind.OVERLOADED),
    (pai.ModelServerError, FailureKind.SERVER),
    (pai.ModelRequestTimeout, FailureKind.TIMEOUT),
)
# What aiohttp says of a connection that never came to be, plain ones included.
_TLS_STATE = re.compile(r" ssl:\w+")
# The HTTP clients' names, aiohttp's and httpx's, for a request that never left.
_NEVER_SENT = frozenset(
    {"ClientConnectorError", "ConnectionTimeoutError", "InvalidURL", "ConnectError", "ConnectTimeout", "PoolTimeout"}
)
# A gateway's words for a server behind it that may still be answering.
_GAVE_UP_WAITING = (504, 524)


def call_error(error: Exception, model: str, endpoint: Endpoint) -> CallError:
    """The CallError for what a call to `model` (its reference) raised."""
    kind = kind_of(error)
    message = masked(scrub(_sentence(kind, error, model, endpoint), endpoint.secrets))
    retry_after_s = error.retry_after if isinstance(error, pai.ModelAPIError) else None
    return CallError(kind, message, retry_after_s=retry_after_s, wasted_known=not _may_be_paid(kind, error))


def _may_be_paid(kind: FailureKind, error: BaseException) -> bool:
    """Whether the vendor may have answered, and charged for, what was never heard of: a lost or unreadable reply."""
    if kind in (FailureKind.NETWORK, FailureKind.TIMEOUT):
        causes = list(_causes(error))
        # The SDKs' aiohttp adapter calls every lost connection one that was never made: aiohttp's own names go first.
        causes = [cause for cause in causes if _is_of_aiohttp(cause)] or causes
        return not any(_NEVER_SENT & {base.__name__ for base in type(cause).__mro__} for cause in causes)
    if kind is FailureKind.SERVER:
        return getattr(error, "status_code", None) in _GAVE_UP_WAITING
    return kind in (FailureKind.MALFORMED, FailureKind.INTERNAL)


def kind_of(error: BaseException) -> FailureKind:
    """The taxonomy; INTERNAL for anything no rule knows."""
    if _out_of_reach(error) is not None:
        return FailureKind.BAD_REQUEST
    transport = _transport_kind(error)
    if transport is not None:
        return transport
    if _is_redirect(error):
        return FailureKind.BAD_REQUEST
    if isinstance(error, TimeoutError):
        return FailureKind.TIMEOUT
    if isinstance(error, pai.ContentFilterError):
        return FailureKind.REFUSED
    if isinstance(error, pai.UnexpectedModelBehavior):
        return FailureKind.MALFORMED
    if isinstance(error, pai.ModelAPIError):
        return _api_kind(error)
    # What the SDKs let through bare on bodies without choices, nested too deep or with endless numbers.
    odd_body = isinstance(error, LookupError | ValueError | RecursionError)
    return FailureKind.MALFORMED if odd_body else FailureKind.INTERNAL


def _api_kind(error: pai.ModelAPIError) -> FailureKind:
    text = f"{error.message} {error.body}"
    status = error.status_code if isinstance(error, pai.ModelHTTPError) else None
    if status in (400, 413, 422) or (status is None and isinstance(error, pai.ModelRequestRejectedError)):
        if _CONTEXT_WINDOW.search(text):
            return FailureKind.CONTEXT_WINDOW
        if _REFUSED.search(text):
            return FailureKind.REFUSED
    for category, kind in _CATEGORIES:
        if isinstance(error, category):
            return kind
    if isinstance(error, pai.ModelConnectionError):
        return FailureKind.TIMEOUT if isinstance(error, pai.ModelTimeoutError) else FailureKind.NETWORK
    if isinstance(error, pai.ModelRequestRejectedError):
        return FailureKind.BAD_REQUEST
    if status is None:
        # What is left without a status is a body that could not be read.
        return FailureKind.MALFORMED
    if status in (408, 409, 425) or status >= 500:
        return FailureKind.SERVER
    return FailureKind.BAD_REQUEST if 400 <= status < 500 else FailureKind.MALFORMED


def _transport_kind(error: BaseException) -> FailureKind | None:
    """What the HTTP client itself met. The SDKs' aiohttp adapter calls every lost connection a timeout, so its name for
    the failure says less than its cause."""
    for cause in _causes(error):
        if not _is_of_aiohttp(cause):
            continue
        if isinstance(cause, asyncio.TimeoutError):
            return FailureKind.TIMEOUT
        if type(cause).__name__ in ("ContentTypeError", "InvalidURL"):
            return None
        return FailureKind.NETWORK
    return None


def _status(error: BaseException) -> int | None:
    return next(
        (code for cause in _causes(error) if isinstance(code := getattr(cause, "status_code", None), int)), None
    )


def _out_of_reach(error: BaseException) -> str | None:
    """Why a tenant's address was not connected to; None where it was."""
    return next((str(cause) for cause in _causes(error) if isinstance(cause, OutOfReach)), None)


def _is_redirect(error: BaseException) -> bool:
    """Asked of the SDK's own error too: pydantic-ai keeps no status below 400."""
    statuses = (getattr(cause, name, None) for cause in _causes(error) for name in ("status_code", "code"))
    return any(isinstance(status, int) and 300 <= status < 400 for status in statuses)


def _is_of_aiohttp(error: BaseException) -> bool:
    return type(error).__module__.partition(".")[0] == "aiohttp"


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or current.__context__


def _sentence(kind: FailureKind, error: Exception, model: str, endpoint: Endpoint) -> str:
    where = endpoint.base_url or f"the {endpoint.name} API"
    detail = _detail(error)
    said = f": {detail}" if detail else "."
    match kind:
        case FailureKind.AUTHENTICATION if isinstance(error, pai.ModelQuotaExceededError):
            return f"{endpoint.name} says the account's quota or credit is used up{said}"
        case FailureKind.AUTHENTICATION:
            return f"{endpoint.name} refused the key in {endpoint.key_env}{said}"
        case FailureKind.UNKNOWN_MODEL:
            return f"{where} knows no model for {model}{said}"
        case FailureKind.CONTEXT_WINDOW:
            return f"The prompt is longer than {model} can read{said}"
        case FailureKind.REFUSED:
            return f"{endpoint.name} refused the content{said}"
        case FailureKind.BAD_REQUEST if (refused := _out_of_reach(error)) is not None:
            return f"{where} was not called for {model}: {refused}"
        case FailureKind.BAD_REQUEST if _is_redirect(error):
            return (
                f"{where} redirects calls for {model} to another address, and that is not followed: a prompt goes only"
                " where it was meant to. Name that address itself as the base URL if it is the right one."
            )
        case FailureKind.BAD_REQUEST if _status(error) == 413:
            return f"{where} does not take a request as large as this one (HTTP 413), a limit of the server's own{said}"
        case FailureKind.BAD_REQUEST:
            return f"{endpoint.name} did not accept the request for {model}{said}"
        case FailureKind.RATE_LIMITED:
            return f"{endpoint.name} kept limiting the rate of calls{said}"
        case FailureKind.OVERLOADED:
            return f"{endpoint.name} is overloaded{said}"
        case FailureKind.SERVER:
            return f"{where} failed{said}"
        case FailureKind.NETWORK:
            return f"No connection to {where}{said}"
        case FailureKind.TIMEOUT:
            return f"{where} did not answer {model} in time."
        case FailureKind.MALFORMED:
            return f"{where} sent a reply for {model} that cannot be read{said}"
        case _:
            return f"Calling {model} failed: {type(error).__name__}{said}"


def _detail(error: Exception) -> str:
    """What the vendor said, in one line; the SDK's wrapping is noise."""
    for cause in _causes(error):
        if _is_of_aiohttp(cause):
            return _one_line(_TLS_STATE.sub("", str(cause)) or type(cause).__name__)
    body = getattr(error, "body", None)
    if isinstance(body, dict):
        whole = cast("dict[str, Any]", body)
        inner: Any = whole.get("error", whole)
        message: Any = cast("dict[str, Any]", inner).get("message") if isinstance(inner, dict) else inner
        if isinstance(message, str) and message:
            return _one_line(message)
    message = getattr(error, "message", None) or str(error)
    return _one_line(message)


def _one_line(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST_DETAIL else text[: _LONGEST_DETAIL - 1] + "…"
