"""The commands of tenants and their members, for whoever runs the server: names, options and help alone."""

from __future__ import annotations

from typing import Annotated

import typer

from steelyard.cli.groups import group
from steelyard.cli.guard import guarded

members_app = group("Who belongs to a tenant, as what; inviting and removing.")
tenants_app = group("The tenants of this installation.")

Tenant = Annotated[
    str | None,
    typer.Option("--tenant", metavar="NAME", help="Its name, or the start of its id. Default: the first tenant."),
]
Email = Annotated[str, typer.Argument(metavar="EMAIL", help="The address of a member.")]


@members_app.command("list")
def members_list(tenant: Tenant = None) -> None:
    """List the members of a tenant, and who is invited."""
    with guarded():
        from steelyard.cli.commands.members import list_members

        code = list_members(tenant)
    raise typer.Exit(code)


@members_app.command("invite")
def members_invite(
    email: Annotated[str, typer.Argument(metavar="EMAIL", help="Who is invited.")],
    role: Annotated[str, typer.Option("--role", metavar="ROLE", help="viewer, editor or admin.")] = "viewer",
    tenant: Tenant = None,
) -> None:
    """Print a link by which EMAIL joins: once, within 7 days. No mail is sent."""
    with guarded():
        from steelyard.cli.commands.members import invite

        code = invite(email, role, tenant)
    raise typer.Exit(code)


@members_app.command("role")
def members_role(
    email: Email,
    role: Annotated[str, typer.Argument(metavar="ROLE", help="viewer, editor or admin.")],
    tenant: Tenant = None,
) -> None:
    """Change a member's role; the last admin stays one."""
    with guarded():
        from steelyard.cli.commands.members import set_role

        code = set_role(email, role, tenant)
    raise typer.Exit(code)


@members_app.command("remove")
def members_remove(email: Email, tenant: Tenant = None) -> None:
    """Remove a member, or take back the invitation of EMAIL; what they did stays."""
    with guarded():
        from steelyard.cli.commands.members import remove

        code = remove(email, tenant)
    raise typer.Exit(code)


@members_app.command("password")
def members_password(email: Email) -> None:
    """Print a link by which EMAIL sets a password anew: once, within an hour."""
    with guarded():
        from steelyard.cli.commands.members import reset_link

        code = reset_link(email)
    raise typer.Exit(code)


@tenants_app.command("list")
def tenants_list() -> None:
    """List the tenants with how many members each has."""
    with guarded():
        from steelyard.cli.commands.members import list_tenants

        code = list_tenants()
    raise typer.Exit(code)


@tenants_app.command("add")
def tenants_add(name: Annotated[str, typer.Argument(metavar="NAME", help="What it is called.")]) -> None:
    """Add a tenant; `members invite --role admin --tenant NAME` then makes its first admin."""
    with guarded():
        from steelyard.cli.commands.members import add_tenant

        code = add_tenant(name)
    raise typer.Exit(code)
