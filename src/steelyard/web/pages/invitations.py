"""/invitations: whoever a sign-in provider vouches for chooses which tenants that invite them they belong to."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response

from steelyard.domain.actors import Actor, ActorKind
from steelyard.domain.errors import Conflict, Forbidden, InputError, NotFound, SteelyardError
from steelyard.domain.openid import Arrival
from steelyard.domain.people import Proof, SignedIn
from steelyard.services.openid_people import vouched_email
from steelyard.web.deps import Bench
from steelyard.web.errors import status_of
from steelyard.web.forms import Form, text
from steelyard.web.own_paths import ask_to_sign_in, own_path
from steelyard.web.pages.oidc import ARRIVAL, NO_STORE, come_in
from steelyard.web.rendering import View, Viewing
from steelyard.web.security.cookies import drop_cookie, read_cookie
from steelyard.web.security.identify import signed_in
from steelyard.web.security.own_session import TeamAlone
from steelyard.workbench import Workbench

router = APIRouter(dependencies=[TeamAlone])


@dataclass(frozen=True)
class Asking:
    """Who is at the page: `arrival` for one who belongs nowhere yet, else `mine`; `email` where it is vouched for."""

    email: str | None
    arrival: Arrival | None
    mine: SignedIn | None


@router.get("/invitations")
async def invitations_page(request: Request, view: Viewing, bench: Bench, next: str = "") -> Response:
    asking = await _asking(request, bench)
    return ask_to_sign_in(request) if asking is None else await _page(view, bench, asking, leads=next)


@router.post("/invitations")
async def choose(request: Request, view: Viewing, bench: Bench, form: Form) -> Response:
    """Join the tenant of one invitation, or turn it down."""
    asking = await _asking(request, bench)
    if asking is None:
        return ask_to_sign_in(request)
    leads = text(form, "next")
    try:
        if asking.email is None:
            raise Forbidden("Your address is not vouched for.", kept="Nothing was changed.")
        if text(form, "decline"):
            await bench.members.decline(asking.email, _id(text(form, "decline")), by=_actor(asking))
            return await _page(view, bench, asking, leads=leads, declined=True)
        return await _join(request, view, bench, asking, _id(text(form, "join")))
    except (InputError, Conflict, NotFound, Forbidden) as error:
        return await _page(view, bench, asking, leads=leads, error=error)


async def _join(request: Request, view: View, bench: Workbench, asking: Asking, invitation: UUID) -> Response:
    if asking.arrival is None:
        mine = asking.mine
        assert mine is not None
        assert asking.email is not None
        invited = await bench.members.offered(asking.email, invitation)
        await bench.members.accept(invited, Proof(mine.user_id, session_id=mine.session_id))
        await bench.sign_in.switch(mine, invited.tenant_id)
        return view.redirect("/")
    arrival = asking.arrival
    way = bench.openid.provider(arrival.provider)
    entered = await bench.openid_people.join_invited(way, arrival.claims, invitation)
    answer = await come_in(request, view, bench, entered, way.id, arrival.id_token, asking.mine, leads="/")
    await bench.openid.forget_arrival(read_cookie(request, ARRIVAL))
    drop_cookie(request, answer, ARRIVAL)
    return answer


async def _asking(request: Request, bench: Workbench) -> Asking | None:
    """Who has just come from a provider, else who is signed in; None for neither."""
    mine, token = await signed_in(request), read_cookie(request, ARRIVAL)
    arrival = await bench.openid.arrival(token) if token else None
    if arrival is not None:
        return Asking(vouched_email(bench.openid.provider(arrival.provider), arrival.claims), arrival, mine)
    if mine is None:
        return None
    return Asking(mine.email if await bench.openid.vouched(mine) else None, None, mine)


def _actor(asking: Asking) -> Actor:
    """Who turns an invitation down; without an account, by the address that was invited."""
    if asking.arrival is None and asking.mine is not None:
        return Actor(ActorKind.MEMBER, asking.mine.name, asking.mine.user_id)
    return Actor(ActorKind.MEMBER, asking.email or "")


def _id(given: str) -> UUID:
    try:
        return UUID(given)
    except ValueError:
        raise NotFound("There is no such invitation.", kept="Nothing was changed.") from None


async def _page(
    view: View,
    bench: Workbench,
    asking: Asking,
    *,
    leads: str = "",
    declined: bool = False,
    error: SteelyardError | None = None,
) -> Response:
    return view.page(
        "pages/invitations.html.jinja",
        status=200 if error is None else status_of(error),
        headers=NO_STORE,
        email=asking.email,
        waiting=[] if asking.email is None else await bench.members.waiting(asking.email),
        newcomer=asking.arrival is not None,
        mine=asking.mine if asking.arrival is None else None,
        leads=own_path(leads),
        declined=declined,
        error=error,
    )
