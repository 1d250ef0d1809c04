"""/sign-in, /sign-out and /tenant: a session's beginning and end, and which tenant it is for."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response

from steelyard.domain.errors import Forbidden, InputError, NotFound, SteelyardError, TooMany
from steelyard.web import other_tenant
from steelyard.web.deps import Bench
from steelyard.web.errors import status_of
from steelyard.web.forms import Form, text
from steelyard.web.own_paths import own_path
from steelyard.web.pages.oidc import onward, site_of, ways
from steelyard.web.rendering import View, Viewing
from steelyard.web.security.identify import begin_session, forget_session, signed_in
from steelyard.web.security.other_tenant import OtherTenant
from steelyard.web.security.own_session import Mine, TeamAlone, client_of

router = APIRouter()


@router.get("/sign-in", dependencies=[TeamAlone])
async def sign_in_page(request: Request, view: Viewing, next: str = "", changed: str = "") -> Response:
    if await signed_in(request) is not None:
        return view.redirect(own_path(next))
    return _page(view, next, changed=changed == "1")


@router.post("/sign-in", dependencies=[TeamAlone])
async def sign_in(request: Request, view: Viewing, bench: Bench, form: Form) -> Response:
    """A new session in place of any there was, whoever's."""
    email, leads = text(form, "email"), text(form, "next")
    before = await signed_in(request)
    try:
        session = await bench.sign_in.by_password(email, text(form, "password"), client_of(request))
    except (InputError, TooMany, Forbidden) as error:
        return _page(view, leads, email=email, error=error)
    if before is not None:
        await bench.sign_in.end(before.user_id, before.session_id)
    answer = view.redirect(own_path(leads))
    begin_session(request, answer, session)
    return answer


@router.post("/sign-out")
async def sign_out(request: Request, view: Viewing, bench: Bench, mine: Mine) -> Response:
    there = await bench.openid.leaving(mine, site=site_of(request))
    await bench.sign_in.end(mine.user_id, mine.session_id)
    answer = view.redirect("/sign-in") if there is None else onward(view, "Signing out", there)
    forget_session(request, answer)
    return answer


@router.get("/tenant")
async def other_tenant_page(view: Viewing, bench: Bench, mine: Mine, was: str = "", next: str = "") -> Response:
    """Where a page of the tenant `was` is led that asked for a part of itself once another was open."""
    tenants = await bench.sign_in.tenants(mine.user_id)
    before = [one.tenant_id for one in tenants if str(one.tenant_id) == was and one.tenant_id != mine.tenant_id]
    if not before:
        return view.redirect(own_path(next))
    return other_tenant.page(view, OtherTenant(before[0], tenants, open_now=mine.tenant_name), next)


@router.post("/tenant")
async def switch_tenant(view: Viewing, bench: Bench, mine: Mine, form: Form) -> Response:
    """Go on in another tenant: from its first page, as the present one's address may be of nothing there, or `next`."""
    try:
        tenant_id = UUID(text(form, "tenant"))
    except ValueError:
        raise NotFound("You belong to no such tenant.", kept="Nothing was changed.") from None
    await bench.sign_in.switch(mine, tenant_id)
    return view.redirect(own_path(text(form, "next")))


def _page(
    view: View, leads: str, *, email: str = "", changed: bool = False, error: SteelyardError | None = None
) -> Response:
    headers = {"cache-control": "no-store"}
    if isinstance(error, TooMany):
        headers["Retry-After"] = str(error.retry_after_s)
    return view.page(
        "pages/sign_in.html.jinja",
        status=200 if error is None else status_of(error),
        headers=headers,
        leads=own_path(leads, ""),
        email=email[:320],
        changed=changed,
        ways=ways(view),
        error=error,
    )
