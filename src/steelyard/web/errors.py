"""Errors as answers: what happened, what was kept, what to do next. The only place that knows HTTP statuses."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Sequence

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from steelyard.api import traces
from steelyard.api.away import RETRY_AFTER_S, unreachable
from steelyard.api.problem import is_api, problem
from steelyard.domain.errors import (
    Conflict,
    Forbidden,
    InputError,
    IssuerFailed,
    KeyRefused,
    NotFound,
    NotSignedIn,
    SteelyardError,
    StorageError,
    TooLarge,
    TooMany,
    TooSlow,
    UnsupportedType,
)
from steelyard.storage.database import DATABASE_AWAY
from steelyard.web import other_tenant
from steelyard.web.filters import clip
from steelyard.web.own_paths import ask_to_sign_in
from steelyard.web.rendering import View, is_fragment_request
from steelyard.web.security.cookies import read_cookie
from steelyard.web.security.identify import COOKIE as SESSION
from steelyard.web.security.other_tenant import OtherTenant

_LOG = logging.getLogger("steelyard.web")

# The first that fits counts, so the narrow ones stand first.
STATUSES: Sequence[tuple[type[SteelyardError], int]] = (
    (TooLarge, 413),
    (TooSlow, 408),
    (UnsupportedType, 415),
    (InputError, 422),
    (NotFound, 404),
    (NotSignedIn, 401),
    (Forbidden, 403),
    (Conflict, 409),
    (TooMany, 429),
    (IssuerFailed, 502),
    (StorageError, 503),
)
_TITLES = {
    401: "Sign in first",
    403: "That is not allowed",
    404: "There is nothing here",
    405: "That cannot be done here",
    408: "That took too long to arrive",
    409: "That is not possible now",
    413: "That is too large",
    415: "That type is not read",
    422: "That cannot be used",
    429: "That was too much at once",
    500: "Something went wrong",
    502: "The sign-in provider did not answer as it should",
    503: "The database does not answer",
}
# Of what is said of a thing that is not there, as its name may be of any length.
_LONGEST = 200
_SAVED = "Every answer received so far is saved."


def status_of(error: SteelyardError) -> int:
    """The HTTP status of an error of ours; 500 for one that is nobody's input."""
    return next((status for kind, status in STATUSES if isinstance(error, kind)), 500)


def answer(request: Request, error: SteelyardError, status: int | None = None) -> Response:
    """The error as RFC 9457 has it, as a fragment for htmx or as a page, whichever was asked for."""
    status = status or status_of(error)
    title = _TITLES.get(status, "Something went wrong")
    if request.url.path == traces.PATH:
        return traces.refusal(request, error, status, _headers(error, status))
    if _wants_json(request):
        return problem(error, status, title, _headers(error, status))
    if status == 401:
        return ask_to_sign_in(request)
    if isinstance(error, OtherTenant):
        return other_tenant.answer(request, error)
    if status == 404:
        error = _without_commands(error)
    template = "errors/fragment.html.jinja" if is_fragment_request(request) else "errors/page.html.jinja"
    view = View(request)
    # On a page for anybody it was not looked whose session there is.
    asks_in = request.app.state.team and view.who is None and not read_cookie(request, SESSION)
    return view.page(template, status=status, title=title, error=error, status_code=status, asks_in=asks_in)


def _headers(error: SteelyardError, status: int) -> dict[str, str]:
    if isinstance(error, TooMany):
        return {"Retry-After": str(error.retry_after_s)}
    if status == 503:
        return {"Retry-After": str(RETRY_AFTER_S)}
    if status == 401:
        # RFC 6750: a reason only where a key was sent.
        reason = ', error="invalid_token"' if isinstance(error, KeyRefused) else ""
        return {"WWW-Authenticate": f'Bearer realm="Steelyard"{reason}'}
    return {}


def _without_commands(error: SteelyardError) -> SteelyardError:
    """What was not found as a page says it: a name at its length, and no command of the terminal as the next step."""
    step = error.next_step
    if step is not None and "`steelyard " in step:
        step = "Start from the list of skills."
    return SteelyardError(clip(error.message, _LONGEST), kept=error.kept, next_step=step)


def _wants_json(request: Request) -> bool:
    accept = request.headers.get("accept", "")
    path = request.url.path
    return is_api(path) or path.endswith(".json") or ("application/json" in accept and "text/html" not in accept)


def fault(request: Request, error: Exception) -> Response:
    """A fault of ours: logged whole under a short reference, which is all the person is shown."""
    reference = secrets.token_hex(4)
    _LOG.error("Fault %s at %s %s", reference, request.method, _place(request), exc_info=error)
    shown = SteelyardError(
        f"Steelyard met a fault of its own. Its reference is {reference}.",
        kept=_SAVED,
        next_step="Try again. If it stays, the server's log has the details under that reference.",
    )
    return answer(request, shown, 500)


def _place(request: Request) -> str:
    """Where a request went, without what lets in whoever has it."""
    token = request.path_params.get("token")
    return request.url.path.replace(str(token), "{token}") if token else request.url.path


def _nowhere(request: Request) -> NotFound:
    if is_api(request.url.path):
        return NotFound("The API has no such address.", next_step="GET /v1/openapi.json lists them all.")
    return NotFound("No page has this address.", next_step="Start from the list of skills.")


def install(app: FastAPI) -> None:
    """Answer every error of the domain's tree, of routing and of validation through `answer`."""

    def known(request: Request, error: Exception) -> Response:
        assert isinstance(error, SteelyardError)
        return answer(request, error)

    def away(request: Request, error: Exception) -> Response:
        _LOG.warning("The database failed at %s %s", request.method, _place(request), exc_info=error)
        return answer(request, unreachable())

    def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if error.status_code == 404:
            return answer(request, _nowhere(request))
        if is_api(request.url.path) and error.status_code == 405:
            shown = SteelyardError(
                f"This address does not take {request.method[:20]}.", next_step="Allow names what it takes."
            )
        else:
            shown = SteelyardError(str(error.detail), next_step="Go back and try it another way.")
        response = answer(request, shown, error.status_code)
        response.headers.update(error.headers or {})
        return response

    def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        where = sorted({str(part["loc"][-1]) for part in error.errors() if part["loc"]})
        if any(part["loc"][:1] == ("path",) for part in error.errors()):
            return answer(request, _nowhere(request))
        said = f"The address or form has a value that cannot be used: {', '.join(where)}."
        return answer(request, InputError(said, field=where[0] if len(where) == 1 else None))

    app.add_exception_handler(SteelyardError, known)
    for kind in DATABASE_AWAY:
        app.add_exception_handler(kind, away)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(RequestValidationError, invalid)


class Faults:
    """Turns what nobody expected into the 500 page, inside the other guards so that it has their headers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except ClientDisconnect:
            # Whoever sent it went away in the middle: nobody is there to be answered, and no fault of ours.
            return
        except Exception as error:
            # The boundary of a request: whatever it is, the person gets a page, and the log the traceback.
            response = fault(Request(scope, receive), error)
            if not started:
                await response(scope, receive, send)
