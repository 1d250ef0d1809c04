"""/account: the signed-in user's own name, password and sessions."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response

from steelyard.domain.errors import InputError, TooMany
from steelyard.domain.people import SignedIn
from steelyard.web.deps import Bench
from steelyard.web.errors import status_of
from steelyard.web.forms import Form, text
from steelyard.web.rendering import View, Viewing
from steelyard.web.security.identify import begin_session
from steelyard.web.security.own_session import Mine, client_of
from steelyard.workbench import Workbench

router = APIRouter()

_CHANGED = ("name", "password")


@router.get("/account")
async def account_page(view: Viewing, bench: Bench, mine: Mine, changed: str = "") -> Response:
    return await _page(view, bench, mine, changed=changed if changed in _CHANGED else "")


@router.get("/account/name")
@router.get("/account/password")
async def changed_at(view: Viewing, mine: Mine) -> Response:
    """Where a form that was refused leaves the browser: entered again it leads to the account."""
    return view.redirect("/account")


@router.post("/account/name")
async def rename(view: Viewing, bench: Bench, mine: Mine, form: Form) -> Response:
    name = text(form, "name")
    try:
        await bench.accounts.rename(mine, name)
    except InputError as error:
        return await _page(view, bench, mine, name=name, error=error)
    return view.redirect("/account?changed=name")


@router.post("/account/password")
async def change_password(request: Request, view: Viewing, bench: Bench, mine: Mine, form: Form) -> Response:
    """The other sessions end, and this one goes on under another token."""
    client = client_of(request)
    try:
        proof = await bench.accounts.change_password(
            mine, text(form, "old"), text(form, "password"), address=client.address
        )
    except (InputError, TooMany) as error:
        return await _page(view, bench, mine, error=error)
    await bench.sign_in.end(mine.user_id, mine.session_id)
    answer = view.redirect("/account?changed=password")
    begin_session(request, answer, await bench.sign_in.open(proof, mine.tenant_id, client))
    return answer


@router.post("/account/sessions/end")
async def end_sessions(view: Viewing, bench: Bench, mine: Mine) -> Response:
    """All but the present one."""
    await bench.sign_in.end_all(mine.user_id, but=mine.session_id)
    return view.redirect("/account#sessions")


@router.post("/account/sessions/{session}/end")
async def end_session(view: Viewing, bench: Bench, mine: Mine, session: UUID) -> Response:
    await bench.sign_in.end(mine.user_id, session)
    return view.redirect("/account#sessions")


async def _page(
    view: View,
    bench: Workbench,
    mine: SignedIn,
    *,
    name: str | None = None,
    changed: str = "",
    error: InputError | TooMany | None = None,
) -> Response:
    headers = {"cache-control": "no-store"}
    if isinstance(error, TooMany):
        headers["Retry-After"] = str(error.retry_after_s)
    return view.page(
        "pages/account.html.jinja",
        status=200 if error is None else status_of(error),
        headers=headers,
        mine=mine,
        name=mine.name if name is None else name,
        has_password=await bench.accounts.has_password(mine.user_id),
        sessions=await bench.sign_in.sessions(mine.user_id),
        changed=changed,
        error=error,
        field_of_error=error.field if isinstance(error, InputError) else None,
    )
