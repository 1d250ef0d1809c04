"""GET /v1/audit: who changed what and when, the newest first."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from starlette.responses import JSONResponse, Response

from steelyard.api.principal import tenant_of
from steelyard.domain.errors import InputError
from steelyard.services.audit import MAX_PAGE, PAGE, SCHEMA, filter_of
from steelyard.services.tokens import no_such_page
from steelyard.workbench import Workbench

router = APIRouter()


@router.get("/v1/audit")
async def audit_log(
    request: Request,
    actor: str = "",
    kind: str = "",
    skill: str = "",
    since: str = "",
    until: str = "",
    after: str = "",
    limit: Annotated[str, Query()] = str(PAGE),
) -> Response:
    """At most `limit` (200) changes; `next` is the `after` of the older ones, or null.

    `actor` and `skill` are names, `since` and `until` days (UTC), both of them included.
    """
    if not limit.isdecimal() or not 1 <= int(limit[:6]) <= MAX_PAGE:
        raise InputError(f"A page has 1 to {MAX_PAGE} changes.", field="limit")
    wanted, problem = filter_of(actor=actor, kind=kind, skill=skill, since=since, until=until)
    if problem is not None:
        raise problem
    try:
        before = UUID(after) if after else None
    except ValueError as error:
        raise no_such_page() from error
    bench: Workbench = request.app.state.workbench
    found = await bench.audit.page(tenant_of(request), wanted, before=before, limit=int(limit))
    return JSONResponse(
        {
            "schema": SCHEMA,
            "changes": [entry.to_json() for entry in found.entries],
            "next": None if found.next is None else str(found.next),
        }
    )
