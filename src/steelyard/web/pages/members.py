"""/members: who belongs to the tenant as what, and who is invited."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response

from steelyard.domain.access import Role
from steelyard.domain.errors import Conflict, InputError, SteelyardError, TooMany
from steelyard.services.members import NewInvitation
from steelyard.web.deps import Bench, Tenant
from steelyard.web.errors import status_of
from steelyard.web.forms import Form, text
from steelyard.web.links import with_query
from steelyard.web.narrowing import narrowed
from steelyard.web.query import natural, one_of
from steelyard.web.rendering import View, Viewing
from steelyard.web.security.own_session import Mine
from steelyard.workbench import Workbench

router = APIRouter()


@router.get("/members")
async def members_page(
    view: Viewing, bench: Bench, tenant: Tenant, mine: Mine, q: str = "", offset: str = "", invited: str = ""
) -> Response:
    """`q` looks for members by name, address and role; `offset` and `invited` are where the two lists go on."""
    return await _page(view, bench, tenant, q=q, offset=offset, invited=invited)


@router.get("/members/invite")
async def invited_at(view: Viewing, mine: Mine) -> Response:
    """Where an invitation leaves the browser: entered again it leads to the members."""
    return view.redirect("/members")


@router.post("/members/invite")
async def invite(request: Request, view: Viewing, bench: Bench, tenant: Tenant, mine: Mine, form: Form) -> Response:
    """Sent by mail where that can be; else, and where it fails, the link is shown this once."""
    email, role = text(form, "email"), one_of(Role, text(form, "role"))
    try:
        if role is None:
            raise InputError("There is no such role.", field="role")
        sent = await bench.inviting.invite(tenant, email, role, by=mine.name)
    except (InputError, Conflict, TooMany) as error:
        return await _page(view, bench, tenant, email=email, role=role, error=error)
    link = _link(request, bench, sent.invitation) if sent.link_is_shown else ""
    status = "" if sent.mail is None else sent.mail.status
    return await _page(view, bench, tenant, made=sent.invitation, link=link, status=status)


@router.post("/members/invitations/{invitation}/revoke")
async def revoke(view: Viewing, bench: Bench, tenant: Tenant, mine: Mine, invitation: UUID) -> Response:
    await bench.members.revoke(tenant, invitation)
    return view.redirect("/members#invitations")


@router.post("/members/{user}/role")
async def set_role(view: Viewing, bench: Bench, tenant: Tenant, mine: Mine, user: UUID, form: Form) -> Response:
    role = one_of(Role, text(form, "role"))
    try:
        if role is None:
            raise InputError("There is no such role.", field="role")
        await bench.members.set_role(tenant, user, role)
    except (InputError, Conflict) as error:
        return await _page(view, bench, tenant, error=error)
    # Whoever has made themselves something else may not see this page any more.
    return view.redirect("/" if user == mine.user_id and role is not Role.ADMIN else "/members")


@router.post("/members/{user}/remove")
async def remove(view: Viewing, bench: Bench, tenant: Tenant, mine: Mine, user: UUID) -> Response:
    try:
        await bench.members.remove(tenant, user)
    except Conflict as error:
        return await _page(view, bench, tenant, error=error)
    return view.redirect("/members")


def _link(request: Request, bench: Workbench, invitation: NewInvitation) -> str:
    link = bench.people_mail.link(f"/join/{invitation.token}")
    return link if "://" in link else f"{request.base_url}{link.removeprefix('/')}"


async def _page(
    view: View,
    bench: Workbench,
    tenant: UUID,
    *,
    email: str = "",
    role: Role | None = None,
    error: SteelyardError | None = None,
    made: NewInvitation | None = None,
    link: str = "",
    status: str = "",
    q: str = "",
    offset: str = "",
    invited: str = "",
) -> Response:
    everybody = await bench.members.list(tenant)
    members = narrowed(everybody, lambda one: f"{one.name} {one.email} {one.role}", q=q, first=natural(offset))
    waiting = narrowed(await bench.members.invitations(tenant), lambda one: one.email, first=natural(invited))
    headers = {"cache-control": "no-store"}
    if isinstance(error, TooMany):
        headers["Retry-After"] = str(error.retry_after_s)
    return view.page(
        "pages/members.html.jinja",
        status=200 if error is None else status_of(error),
        headers=headers,
        members=members,
        more=None if members.next is None else with_query("/members", q=members.q, offset=members.next),
        # Neither taken away nor made less, so that somebody is left who can.
        only_admin=sum(one.role is Role.ADMIN for one in everybody) == 1,
        invitations=waiting,
        roles=list(Role),
        email=email[:320],
        chosen=role or Role.VIEWER,
        error=error,
        made=made,
        link=link,
        mail_status=status,
        can_send=bench.people_mail.can_send,
    )
