"""/account/oidc: the OpenID providers that let a user in."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response

from steelyard.domain.errors import Conflict, Forbidden, InputError, NotFound, SteelyardError, TooMany
from steelyard.domain.openid import Begun
from steelyard.domain.people import SignedIn
from steelyard.web.deps import Bench
from steelyard.web.errors import status_of
from steelyard.web.forms import Form, text
from steelyard.web.pages.oidc import NO_STORE, send, ways
from steelyard.web.rendering import View, Viewing
from steelyard.web.security.own_session import Mine, client_of
from steelyard.workbench import Workbench

router = APIRouter()


@router.get("/account/oidc")
async def identities(view: Viewing, bench: Bench, mine: Mine, connected: str = "") -> Response:
    return await _page(view, bench, mine, connected=connected == "1")


@router.post("/account/oidc/{provider}")
async def connect(request: Request, view: Viewing, bench: Bench, mine: Mine, provider: str, form: Form) -> Response:
    """Whoever asks has to be the account's owner: what is connected lets somebody in for good."""
    bench.openid.provider(provider)
    try:
        await bench.openid_people.prove(mine, text(form, "password"), client_of(request))
    except (InputError, TooMany, Forbidden) as error:
        return await _page(view, bench, mine, error=error)
    return await send(request, view, bench, Begun(provider, session_id=mine.session_id))


@router.post("/account/oidc/{identity}/end")
async def disconnect(view: Viewing, bench: Bench, mine: Mine, identity: UUID) -> Response:
    try:
        await bench.openid_people.disconnect(mine.user_id, identity)
    except (Conflict, NotFound) as error:
        return await _page(view, bench, mine, error=error)
    return view.redirect("/account/oidc")


async def _page(
    view: View, bench: Workbench, mine: SignedIn, *, connected: bool = False, error: SteelyardError | None = None
) -> Response:
    return view.page(
        "oidc/account.html.jinja",
        status=200 if error is None else status_of(error),
        headers=NO_STORE,
        mine=mine,
        identities=await bench.openid_people.list(mine.user_id),
        has_password=await bench.openid_people.has_password(mine.user_id),
        ways=ways(view),
        names={way.issuer: way.name for way in ways(view)},
        connected=connected,
        error=error,
    )
