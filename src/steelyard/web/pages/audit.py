"""/audit: who changed what and when, the newest first, and the same as CSV."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter
from starlette.responses import Response

from steelyard.services.audit import AuditExport, filter_of
from steelyard.services.audit_words import KINDS
from steelyard.web.deps import Bench, Tenant
from steelyard.web.exports import csv_download
from steelyard.web.filters import clip
from steelyard.web.rendering import Viewing

router = APIRouter()


@router.get("/audit")
async def audit_page(
    view: Viewing,
    bench: Bench,
    tenant: Tenant,
    actor: str = "",
    kind: str = "",
    skill: str = "",
    since: str = "",
    until: str = "",
    before: str = "",
) -> Response:
    wanted, problem = filter_of(actor=actor, kind=kind, skill=skill, since=since, until=until)
    place = _id(before)
    names = await bench.audit.actors(tenant)
    asked = {"actor": actor, "kind": kind, "skill": skill, "since": since, "until": until}
    return view.page(
        "pages/audit.html.jinja",
        page=await bench.audit.acts(tenant, wanted, before=place),
        # Whoever was asked for is among them, also where there are too many to list.
        actors=[(name, clip(name, 80)) for name in dict.fromkeys([*names, actor]) if name],
        kinds=KINDS,
        asked=asked,
        filtered=any(value.strip() for value in asked.values()),
        problem=problem,
        continued=place is not None,
    )


@router.get("/audit.csv")
async def audit_csv(
    bench: Bench, tenant: Tenant, actor: str = "", kind: str = "", skill: str = "", since: str = "", until: str = ""
) -> Response:
    """Every change that the page would list. Raises InputError where a day is none: a file must not have more rows."""
    wanted, problem = filter_of(actor=actor, kind=kind, skill=skill, since=since, until=until)
    if problem is not None:
        raise problem
    return csv_download(bench.audit.export(tenant, wanted), AuditExport, "audit.csv")


def _id(given: str) -> UUID | None:
    try:
        return UUID(given)
    except ValueError:
        return None
