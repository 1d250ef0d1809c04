"""`steelyard members …` and `steelyard tenants …`: for whoever runs the server, who needs no account."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from steelyard.bootstrap import open_workbench
from steelyard.cli import exits
from steelyard.cli import text as words
from steelyard.cli.terminal import Screen, Terminal
from steelyard.domain.access import Role
from steelyard.domain.errors import InputError, NotFound
from steelyard.workbench import Workbench


def list_members(tenant: str | None) -> int:
    """Members, then invitations."""

    async def body() -> None:
        async with open_workbench() as workbench:
            found = await workbench.tenants.called(tenant)
            members = await workbench.members.list(found.id)
            invitations = await workbench.members.invitations(found.id)
        screen = Terminal().out
        screen.line(words.safe(f"{found.name}: {words.count(len(members), 'member')}"))
        for row in members:
            screen.line(words.safe(f"{row.email}: {row.role.value}, {row.name}"))
        for one in invitations:
            fate = (
                f"invited until {one.expires_at:%Y-%m-%d}"
                if one.expires_at > datetime.now(UTC)
                else "invited too long ago"
            )
            screen.line(words.safe(f"{one.email}: {one.role.value}, {fate}"))

    asyncio.run(body())
    return exits.OK


def invite(email: str, role: str, tenant: str | None) -> int:
    """Print the link."""
    wanted = _role(role)

    async def body() -> None:
        async with open_workbench() as workbench:
            found = await workbench.tenants.called(tenant)
            made = await workbench.members.invite(found.id, email, wanted)
            screen = Terminal().out
            screen.line(
                words.safe(f"{made.email} joins {found.name} as {made.role.value} by this link, once, within 7 days:")
            )
            _tell_link(screen, workbench, f"/join/{made.token}")

    asyncio.run(body())
    return exits.OK


def set_role(email: str, role: str, tenant: str | None) -> int:
    """Change a role."""
    wanted = _role(role)

    async def body() -> str:
        async with open_workbench() as workbench:
            found = await workbench.tenants.called(tenant)
            member = await workbench.members.called(found.id, email)
            await workbench.members.set_role(found.id, member.user_id, wanted)
            return f"{member.email} is {wanted.value} of {found.name}."

    Terminal().out.line(words.safe(asyncio.run(body())))
    return exits.OK


def remove(email: str, tenant: str | None) -> int:
    """Remove a member, or an invitation."""

    async def body() -> str:
        async with open_workbench() as workbench:
            found, wanted = await workbench.tenants.called(tenant), email.strip().lower()
            for one in await workbench.members.invitations(found.id):
                if one.email == wanted:
                    await workbench.members.revoke(found.id, one.id)
                    return f"The invitation of {wanted} is taken back."
            member = await workbench.members.called(found.id, email)
            await workbench.members.remove(found.id, member.user_id)
            return f"{member.email} belongs to {found.name} no more."

    Terminal().out.line(words.safe(asyncio.run(body())))
    return exits.OK


def reset_link(email: str) -> int:
    """Print a link to set a password anew."""

    async def body() -> None:
        async with open_workbench() as workbench:
            found = await workbench.accounts.reset_link(email.strip().lower())
            if found is None:
                raise NotFound("No account has that address.", next_step="`steelyard members list` has them.")
            user, token = found
            screen = Terminal().out
            screen.line(words.safe(f"{user.email} sets a new password by this link, once, within an hour:"))
            _tell_link(screen, workbench, f"/reset/{token}")

    asyncio.run(body())
    return exits.OK


def list_tenants() -> int:
    """All tenants by name."""

    async def body() -> None:
        async with open_workbench() as workbench:
            screen = Terminal().out
            for one in await workbench.tenants.list():
                screen.line(words.safe(f"{str(one.id)[:8]}  {one.name}: {words.count(one.members, 'member')}"))

    asyncio.run(body())
    return exits.OK


def add_tenant(name: str) -> int:
    """Add one."""

    async def body() -> str:
        async with open_workbench() as workbench:
            made = await workbench.tenants.add(name)
            return f"{made.name} is added. Its first admin: steelyard members invite EMAIL --role admin --tenant NAME"

    Terminal().out.line(words.safe(asyncio.run(body())))
    return exits.OK


def _role(text: str) -> Role:
    try:
        return Role(text)
    except ValueError:
        raise InputError(
            f"'{text}' is no role.", field="role", next_step="Roles are viewer, editor and admin."
        ) from None


def _tell_link(screen: Screen, workbench: Workbench, path: str) -> None:
    link = workbench.people_mail.link(path)
    screen.line(link)
    if "://" not in link:
        screen.line("That is its path: put the site's address before it, or say it with STEELYARD_PUBLIC_URL.")
