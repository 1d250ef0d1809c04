"""/skills/{skill}/details: the skill's text, facts, files and lint, its golden cases, versions and feedback."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from starlette.responses import Response

from steelyard.bootstrap import Workbench
from steelyard.domain.errors import NotFound
from steelyard.services.catalogue import CatalogueRow
from steelyard.storage.skills import VersionRow
from steelyard.storage.versions import FileLine
from steelyard.web.deps import Bench, Tenant
from steelyard.web.pages.skill_frame import skill_frame
from steelyard.web.rendering import View, Viewing
from steelyard.web.skill_words import advice, frontmatter_facts
from steelyard.web.text.markdown import markdown
from steelyard.web.text.plain import plain

router = APIRouter()

_SHOWN_VERSIONS = 5


@router.get("/skills/{skill}/details")
async def details(
    view: Viewing,
    bench: Bench,
    tenant: Tenant,
    skill: str,
    shown_as: Annotated[str, Query(alias="view")] = "",
    version: str = "",
) -> Response:
    return await details_page(view, bench, tenant, skill, raw=shown_as == "raw", version=version)


async def details_page(
    view: View,
    bench: Workbench,
    tenant: UUID,
    skill: str,
    *,
    raw: bool = False,
    version: str = "",
    http_status: int = 200,
) -> Response:
    """The tab; of an earlier version where the start of a digest says so. Raises NotFound."""
    frame = await skill_frame(bench, tenant, skill, "details")
    versions = await bench.versions.list(tenant, frame.skill.id)
    shown = await _version(bench, tenant, frame.skill, version)
    files = await bench.versions.files(tenant, shown.id)
    return view.page(
        "skill/details.html.jinja",
        status=http_status,
        frame=frame,
        version=shown,
        raw=raw,
        text=await _text(bench, tenant, shown, files, raw),
        facts=list(frontmatter_facts(shown.frontmatter)),
        files=files,
        advice=advice,
        versions=versions[:_SHOWN_VERSIONS],
        version_count=len(versions),
    )


async def _version(bench: Workbench, tenant: UUID, skill: CatalogueRow, prefix: str) -> VersionRow:
    if not prefix:
        return await bench.versions.get(tenant, skill.version_id)
    return await bench.versions.get(tenant, (await bench.versions.find(tenant, skill.id, prefix)).id)


async def _text(bench: Workbench, tenant: UUID, version: VersionRow, files: Sequence[FileLine], raw: bool) -> Any:
    """The body rendered, or the file as it was written."""
    if not raw:
        return await asyncio.to_thread(markdown, version.body, shift=2)
    main = next((file.path for file in files if file.path.lower() == "skill.md"), None)
    if main is None:
        return plain(version.body)
    try:
        return plain((await bench.versions.file(tenant, version.id, main)).text or version.body)
    except NotFound:
        return plain(version.body)
