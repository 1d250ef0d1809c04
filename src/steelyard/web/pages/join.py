"""/join/{token}: an invitation taken up, by a new user or by one who has an account."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from steelyard.domain.errors import Conflict, InputError, SteelyardError, TooMany
from steelyard.domain.people import Invited, SignedIn, User
from steelyard.web.deps import Bench
from steelyard.web.errors import status_of
from steelyard.web.forms import Form, text
from steelyard.web.rendering import View, Viewing
from steelyard.web.security.identify import begin_session, signed_in
from steelyard.web.security.own_session import TeamAlone, client_of

router = APIRouter(dependencies=[TeamAlone])


@router.get("/join/{token}")
async def join_page(request: Request, view: Viewing, bench: Bench, token: str) -> Response:
    invited, user = await bench.members.invited(token)
    return _page(view, token, invited, user, await signed_in(request))


@router.post("/join/{token}")
async def join(request: Request, view: Viewing, bench: Bench, token: str, form: Form) -> Response:
    """The membership, and a session in its tenant. An account that is there has to be proved first."""
    invited, user = await bench.members.invited(token)
    present, client, name = await signed_in(request), client_of(request), text(form, "name")
    try:
        if user is None:
            user_id = await bench.members.join(invited, name=name, password=text(form, "password"))
        else:
            if present is None or present.user_id != user.id:
                await bench.sign_in.prove(invited.email, text(form, "password"), client)
            user_id = user.id
            await bench.members.accept(invited, user_id)
    except (InputError, Conflict, TooMany) as error:
        return _page(view, token, invited, user, present, name=name, error=error)
    if present is not None:
        await bench.sign_in.end(present.user_id, present.session_id)
    answer = view.redirect("/")
    begin_session(request, answer, await bench.sign_in.open(user_id, invited.tenant_id, client))
    return answer


def _page(
    view: View,
    token: str,
    invited: Invited,
    user: User | None,
    present: SignedIn | None,
    *,
    name: str = "",
    error: SteelyardError | None = None,
) -> Response:
    headers = {"cache-control": "no-store"}
    if isinstance(error, TooMany):
        headers["Retry-After"] = str(error.retry_after_s)
    return view.page(
        "pages/join.html.jinja",
        status=200 if error is None else status_of(error),
        headers=headers,
        token=token,
        invited=invited,
        known=user is not None,
        proved=user is not None and present is not None and present.user_id == user.id,
        other=present if present is not None and (user is None or present.user_id != user.id) else None,
        name=name,
        error=error,
    )
