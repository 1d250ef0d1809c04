"""/v1/members: who belongs to the tenant, and as what."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path
from pydantic import Field

from steelyard.api.deps import DEFAULT_LIMIT, After, Bench, Limit, TeamTenant
from steelyard.api.fields import Given, Id, Moment, Page, Shown
from steelyard.api.operation import Operations, json_of
from steelyard.api.paging import window
from steelyard.domain.access import Role
from steelyard.domain.errors import NotFound
from steelyard.domain.people import MemberRow

operation = Operations("members")

UserId = Annotated[UUID, Path(description="The member's id.")]
RoleWord = Annotated[Role, Field(description="Each may do what the one before it may.", examples=["editor"])]
Email = Annotated[str, Field(max_length=320, examples=["ann@example.org"])]


class Member(Shown):
    """Somebody who belongs to the tenant. `seen_at`: when they last had a session here, null for never or long ago."""

    id: Id
    email: Email
    name: Annotated[str, Field(examples=["Ann"])]
    role: RoleWord
    joined_at: Moment
    seen_at: Moment | None


class NewRole(Given):
    """What a member is from now on."""

    role: RoleWord


@operation("GET", "/v1/members", answers=Page[Member], errors=(404,))
async def list_members(
    bench: Bench, tenant: TeamTenant, after: After = None, limit: Limit = DEFAULT_LIMIT
) -> Page[Member]:
    """Who belongs to the tenant, by address. 404 on an installation for one person, which has no members."""
    found, token = window(await bench.members.list(tenant), lambda one: (one.email,), after, limit)
    return Page[Member](items=[_shown(one) for one in found], next=token)


@operation("PATCH", "/v1/members/{user_id}", answers=Member, errors=(409,))
async def change_role(
    bench: Bench, tenant: TeamTenant, user_id: UserId, body: Annotated[NewRole, Depends(json_of(NewRole))]
) -> Member:
    """Change what a member is. No key makes an admin or changes one (403), and the last admin stays one (409)."""
    await bench.members.set_role(tenant, user_id, body.role)
    found = next((one for one in await bench.members.list(tenant) if one.user_id == user_id), None)
    if found is None:
        raise NotFound("That is no member (any more).")
    return _shown(found)


@operation("DELETE", "/v1/members/{user_id}", errors=(409,))
async def remove_member(bench: Bench, tenant: TeamTenant, user_id: UserId) -> None:
    """Let somebody belong to the tenant no more: their sessions here end at once, and what they did stays.

    No key removes an admin (403), and the last admin stays (409).
    """
    await bench.members.remove(tenant, user_id)


def _shown(row: MemberRow) -> Member:
    return Member(
        id=row.user_id, email=row.email, name=row.name, role=row.role, joined_at=row.joined_at, seen_at=row.seen_at
    )
