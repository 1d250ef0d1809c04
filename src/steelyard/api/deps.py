"""What an operation of the API asks for: the workbench, who sent the request, whose data that is about, and a place."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path, Query, Request

from steelyard.api.principal import principal_of, team_tenant_of, tenant_of
from steelyard.domain.access import Principal
from steelyard.domain.names import by_key
from steelyard.workbench import Workbench

MAX_LIMIT = 200
DEFAULT_LIMIT = 50
_MAX_TOKEN = 4_000


def workbench(request: Request) -> Workbench:
    """The process's workbench."""
    found: Workbench = request.app.state.workbench
    return found


Bench = Annotated[Workbench, Depends(workbench)]
Tenant = Annotated[UUID, Depends(tenant_of)]
TeamTenant = Annotated[UUID, Depends(team_tenant_of)]
Who = Annotated[Principal, Depends(principal_of)]

Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description=f"How many at most, 1 to {MAX_LIMIT}.")]
After = Annotated[
    str | None,
    Query(max_length=_MAX_TOKEN, description="Where to go on: the `next` of the page before. Absent: from the start."),
]
SkillRef = Annotated[
    str, Path(max_length=400, description="The skill's name, else its id.", examples=["invoice-extractor"])
]
VersionRef = Annotated[
    str, Path(max_length=64, description="The start of the version's digest, or its id.", examples=["3f2c9a1b"])
]
Days = Annotated[int, Query(ge=2, le=3_650, description="UTC days up to and with today.")]


def who_of(principal: Principal) -> str | None:
    """The name a change is noted under; None for the owner of a single-user installation, whose words have one."""
    return None if principal.user_id is None and principal.key_id is None else principal.name


def name_for(principal: Principal, given: str | None) -> str:
    """The name somebody rates or suggests under: a member's own; a key's, or one it names, which says so.

    Where nobody signs in it is the name that was given.
    """
    if principal.key_id is not None:
        return by_key(given or "", principal.name)
    return principal.name if principal.user_id is not None or not given else given
