"""/v1/invitations: who is invited to the tenant; the link of an invitation is answered once, or sent by mail."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path, Request
from pydantic import Field

from steelyard.api.deps import DEFAULT_LIMIT, After, Bench, Limit, TeamTenant
from steelyard.api.fields import Given, Id, Moment, Page, Shown
from steelyard.api.members import Email, RoleWord
from steelyard.api.operation import Operations, json_of
from steelyard.api.paging import newest_first, window
from steelyard.domain.actors import acting
from steelyard.workbench import Workbench

operation = Operations("invitations")

InvitationId = Annotated[UUID, Path(description="The invitation's id.")]


class Invitation(Shown):
    """An invitation that is not taken up yet; one that is too old lets nobody in any more."""

    id: Id
    email: Email
    role: RoleWord
    invited_by: Annotated[str, Field(examples=["Ann"])]
    created_at: Moment
    expires_at: Moment


class MadeInvitation(Invitation):
    """An invitation with its link, which is there this once: of its secret only a hash is kept."""

    link: Annotated[
        str | None,
        Field(
            description="Where to join; null where it went by mail, or where the request was sent before.",
            examples=["https://steelyard.example/join/7Q2m…"],
        ),
    ] = None
    mailed: Annotated[
        bool | None,
        Field(description="Whether a mail server took it; null without one, or where the request was sent before."),
    ] = None


class NewInvitation(Given):
    """Whom to invite, and as what."""

    email: Email
    role: RoleWord


async def invitation_again(bench: Workbench, tenant_id: UUID, invitation_id: UUID) -> MadeInvitation:
    """The invitation without its link, which is kept nowhere. Raises NotFound."""
    return MadeInvitation.of(await bench.members.invitation(tenant_id, invitation_id))


@operation("GET", "/v1/invitations", answers=Page[Invitation], errors=(404,))
async def list_invitations(
    bench: Bench, tenant: TeamTenant, after: After = None, limit: Limit = DEFAULT_LIMIT
) -> Page[Invitation]:
    """Who is invited and has not come yet, the newest first; also what is too old by now."""
    waiting = await bench.members.invitations(tenant)
    found, token = window(waiting, lambda one: newest_first(one.created_at, one.id), after, limit)
    return Page[Invitation](items=[Invitation.of(one) for one in found], next=token)


@operation(
    "POST",
    "/v1/invitations",
    answers=MadeInvitation,
    status=201,
    again=invitation_again,
    at="/v1/invitations/{id}",
    secret=True,
    errors=(404, 409),
)
async def invite_member(
    request: Request,
    bench: Bench,
    tenant: TeamTenant,
    body: Annotated[NewInvitation, Depends(json_of(NewInvitation))],
) -> MadeInvitation:
    """Invite an address, in place of an earlier invitation of it.

    It goes by mail where the server can send any, else its link is answered. No key invites an admin (403). Sent again
    with its Idempotency-Key it invites nobody anew, and its link is not there any more. 409 for whoever is a member. At
    most 5 an hour are mailed to one address, and 60 for a tenant (429).
    """
    sent = await bench.inviting.invite(tenant, body.email, body.role, by=acting.get().told)
    made = sent.invitation
    path = f"/join/{made.token}"
    link = bench.people_mail.link(path)
    if "://" not in link:
        link = f"{str(request.base_url).rstrip('/')}{path}"
    return MadeInvitation(
        **Invitation.of(await bench.members.invitation(tenant, made.id)).model_dump(),
        link=link if sent.link_is_shown else None,
        mailed=None if sent.mail is None else sent.mail.delivered,
    )


@operation("GET", "/v1/invitations/{invitation_id}", answers=Invitation)
async def get_invitation(bench: Bench, tenant: TeamTenant, invitation_id: InvitationId) -> Invitation:
    """One invitation, while it is not taken up."""
    return Invitation.of(await bench.members.invitation(tenant, invitation_id))


@operation("DELETE", "/v1/invitations/{invitation_id}")
async def revoke_invitation(bench: Bench, tenant: TeamTenant, invitation_id: InvitationId) -> None:
    """Take an invitation back: its link lets nobody in any more. No key takes an admin's back (403)."""
    await bench.members.revoke(tenant, invitation_id)
