"""GET /v1/stale and /v1/skills/{skill}/staleness: what speaks against benchmarks, with evidence and cost."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from starlette.responses import JSONResponse, Response

from steelyard.api.principal import tenant_of
from steelyard.domain.errors import InputError
from steelyard.services.stale_check import SCHEMA, Checked
from steelyard.services.tokens import no_such_page, read_token, text_in, write_token
from steelyard.workbench import Workbench

router = APIRouter()

PAGE = 50
MAX_PAGE = 200


@router.get("/v1/stale")
async def stale(request: Request, after: str = "", limit: Annotated[str, Query()] = str(PAGE)) -> Response:
    """Stale skills by name, at most `limit` (200); `next` is the `after` of those that come after them, or null."""
    if not limit.isdecimal() or not 1 <= int(limit[:6]) <= MAX_PAGE:
        raise InputError(f"A page has 1 to {MAX_PAGE} skills.", field="limit")
    bench: Workbench = request.app.state.workbench
    found: list[Checked] = []
    more = False
    async for _, skill_id in bench.stale_watch.suspects(tenant_of(request), after=_place(after) if after else None):
        checked = await bench.stale_checks.check(tenant_of(request), skill_id, retests=len(found) < int(limit))
        if checked.causes:
            if len(found) == int(limit):
                more = True
                break
            found.append(checked)
    token = write_token([found[-1].name, str(found[-1].skill_id)]) if more else None
    return JSONResponse({"schema": SCHEMA, "skills": [one.to_json() for one in found], "next": token})


@router.get("/v1/skills/{skill}/staleness")
async def staleness(request: Request, skill: str) -> Response:
    """How one skill's benchmark stands: never, fresh or stale, with every cause."""
    bench: Workbench = request.app.state.workbench
    row = await bench.catalogue.find(tenant_of(request), skill)
    checked = await bench.stale_checks.check(tenant_of(request), row.id)
    return JSONResponse({"schema": SCHEMA} | checked.to_json())


def _place(token: str) -> tuple[str, UUID]:
    """Raises InputError."""
    try:
        name, skill_id = read_token(token, 2)
        return text_in(name), UUID(text_in(skill_id))
    except (ValueError, OverflowError) as error:
        raise no_such_page() from error
