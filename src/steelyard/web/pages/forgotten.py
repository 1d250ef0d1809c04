"""/forgotten and /reset/{token}: a forgotten password is set anew by a link that comes by mail."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from steelyard.domain.errors import InputError, SteelyardError, TooMany
from steelyard.web.deps import Bench
from steelyard.web.errors import status_of
from steelyard.web.forms import Form, text
from steelyard.web.rendering import View, Viewing
from steelyard.web.security.own_session import TeamAlone, client_of

router = APIRouter(dependencies=[TeamAlone])


@router.get("/forgotten")
async def forgotten_page(view: Viewing, bench: Bench) -> Response:
    return _page(view, can_send=bench.people_mail.can_send)


@router.post("/forgotten")
async def ask_reset(view: Viewing, bench: Bench, form: Form) -> Response:
    """The same answer, as soon, whether the address has an account or not."""
    can_send, email = bench.people_mail.can_send, text(form, "email")
    if not can_send:
        return _page(view, can_send=can_send)
    try:
        found = await bench.accounts.ask_reset(email, address=client_of(view.request).address)
    except (InputError, TooMany) as error:
        return _page(view, can_send=can_send, email=email, error=error)
    if found is not None:
        user, token = found
        bench.people_mail.reset_soon(user.email, token)
    return _page(view, can_send=can_send, email=email, asked=True)


@router.get("/reset/{token}")
async def reset_page(view: Viewing, bench: Bench, token: str) -> Response:
    user = await bench.accounts.check_reset(token)
    return _reset(view, token, user.email)


@router.post("/reset/{token}")
async def reset(view: Viewing, bench: Bench, token: str, form: Form) -> Response:
    """To the sign-in, where the new password is used at once: who has the link alone gets no session by it."""
    user = await bench.accounts.check_reset(token)
    try:
        await bench.accounts.reset(token, text(form, "password"))
    except (InputError, TooMany) as error:
        return _reset(view, token, user.email, error=error)
    return view.redirect("/sign-in?changed=1")


def _page(
    view: View, *, can_send: bool, email: str = "", asked: bool = False, error: SteelyardError | None = None
) -> Response:
    headers = {"cache-control": "no-store"}
    if isinstance(error, TooMany):
        headers["Retry-After"] = str(error.retry_after_s)
    return view.page(
        "pages/forgotten.html.jinja",
        status=200 if error is None else status_of(error),
        headers=headers,
        can_send=can_send,
        email=email[:320],
        asked=asked,
        error=error,
    )


def _reset(view: View, token: str, email: str, *, error: SteelyardError | None = None) -> Response:
    return view.page(
        "pages/reset.html.jinja",
        status=200 if error is None else status_of(error),
        headers={"cache-control": "no-store"},
        token=token,
        email=email,
        error=error,
    )
