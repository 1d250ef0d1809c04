"""/setup/{token}: whoever has the link that the server told becomes the first admin."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from steelyard.domain.errors import Conflict, InputError
from steelyard.web.deps import Bench
from steelyard.web.errors import status_of
from steelyard.web.forms import Form, text
from steelyard.web.pages.oidc import ways
from steelyard.web.rendering import View, Viewing
from steelyard.web.security.identify import begin_session
from steelyard.web.security.own_session import TeamAlone, client_of

router = APIRouter(dependencies=[TeamAlone])

_FIELDS = ("email", "name", "tenant")


@router.get("/setup/{token}")
async def setup_page(view: Viewing, bench: Bench, token: str) -> Response:
    await bench.setup.check(token)
    return _page(view, token)


@router.post("/setup/{token}")
async def set_up(request: Request, view: Viewing, bench: Bench, token: str, form: Form) -> Response:
    typed = {name: text(form, name) for name in _FIELDS}
    try:
        proof = await bench.setup.first_admin(token, password=text(form, "password"), **typed)
    except (InputError, Conflict) as error:
        return _page(view, token, error=error, **typed)
    session = await bench.sign_in.open(proof, bench.tenant_id, client_of(request))
    answer = view.redirect("/")
    begin_session(request, answer, session)
    return answer


def _page(view: View, token: str, *, error: InputError | Conflict | None = None, **typed: str) -> Response:
    return view.page(
        "pages/setup.html.jinja",
        status=200 if error is None else status_of(error),
        headers={"cache-control": "no-store"},
        token=token,
        ways=ways(view),
        error=error,
        **{name: typed.get(name, "") for name in _FIELDS},
    )
