"""/account: the signed-in user's own name, password and sessions."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter
from starlette.responses import Response

from steelyard.web.deps import Bench
from steelyard.web.rendering import Viewing
from steelyard.web.security.own_session import Mine

router = APIRouter()


@router.get("/account")
async def account_page(view: Viewing, bench: Bench, mine: Mine) -> Response:
    return view.page(
        "pages/account.html.jinja",
        headers={"cache-control": "no-store"},
        mine=mine,
        sessions=await bench.sign_in.sessions(mine.user_id),
    )


@router.post("/account/sessions/end")
async def end_sessions(view: Viewing, bench: Bench, mine: Mine) -> Response:
    """All but the present one."""
    await bench.sign_in.end_all(mine.user_id, but=mine.session_id)
    return view.redirect("/account#sessions")


@router.post("/account/sessions/{session}/end")
async def end_session(view: Viewing, bench: Bench, mine: Mine, session: UUID) -> Response:
    await bench.sign_in.end(mine.user_id, session)
    return view.redirect("/account#sessions")
