"""/join/{token}: an invitation taken up, by a new user or by one who has an account.

Nothing here tells whoever has the link whether its address has an account: that one could be of another tenant.
"""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from steelyard.domain.errors import Conflict, InputError, SteelyardError, TooMany
from steelyard.domain.people import Invited, Proof, SignedIn
from steelyard.web.deps import Bench
from steelyard.web.errors import status_of
from steelyard.web.forms import Form, text
from steelyard.web.rendering import View, Viewing
from steelyard.web.security.identify import begin_session, signed_in
from steelyard.web.security.own_session import TeamAlone, client_of

router = APIRouter(dependencies=[TeamAlone])


@router.get("/join/{token}")
async def join_page(request: Request, view: Viewing, bench: Bench, token: str) -> Response:
    return _page(view, token, await bench.members.invited(token), await signed_in(request))


@router.post("/join/{token}")
async def join(request: Request, view: Viewing, bench: Bench, token: str, form: Form) -> Response:
    """The membership, and a session in its tenant. An account that is there has to be proved first."""
    invited = await bench.members.invited(token)
    present, client = await signed_in(request), client_of(request)
    new, name = text(form, "way") == "new", text(form, "name")
    password = text(form, "new_password" if new else "password")
    try:
        if present is not None and present.email == invited.email:
            proof = Proof(present.user_id, session_id=present.session_id)
            await bench.members.accept(invited, proof)
        elif new and not await bench.members.has_account(invited, name=name, password=password):
            proof = await bench.members.join(invited, name=name, password=password)
        else:
            proof = await bench.sign_in.prove(invited.email, password, client)
            await bench.members.accept(invited, proof)
    except (InputError, Conflict, TooMany) as error:
        return _page(view, token, invited, present, name=name, error=error)
    session = await bench.sign_in.open(proof, invited.tenant_id, client)
    if present is not None:
        await bench.sign_in.end(present.user_id, present.session_id)
    answer = view.redirect("/")
    begin_session(request, answer, session)
    return answer


def _page(
    view: View,
    token: str,
    invited: Invited,
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
        proved=present is not None and present.email == invited.email,
        other=present if present is not None and present.email != invited.email else None,
        name=name,
        error=error,
    )
