"""A skill's versions: their list with the difference of any two, and the files of each."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query
from starlette.responses import Response

from steelyard.domain.errors import NotFound
from steelyard.storage.versions import VersionLine
from steelyard.web.deps import Bench, Tenant
from steelyard.web.diff_view import shown_diff
from steelyard.web.filters import absolute, day
from steelyard.web.links import skill_url
from steelyard.web.rendering import Viewing
from steelyard.web.text.plain import plain

router = APIRouter()

_SHOWN_CHARACTERS = 200_000
_SHOWN_VERSIONS = 200


@router.get("/skills/{skill}/versions")
async def versions(
    view: Viewing,
    bench: Bench,
    tenant: Tenant,
    skill: str,
    before: Annotated[str, Query(alias="from")] = "",
    after: Annotated[str, Query(alias="to")] = "",
) -> Response:
    """The list, and what changed from one version to another: the last change unless others are chosen."""
    row = await bench.catalogue.find(tenant, skill)
    lines = await bench.versions.list(tenant, row.id)
    old, new = _shown(lines, before, after)
    diff = None if old is None else await bench.versions.diff(tenant, old.id, new.id)
    return view.page(
        "skill/versions.html.jinja",
        skill=row,
        versions=lines[:_SHOWN_VERSIONS],
        total=len(lines),
        options=list(zip(lines, days_apart([line.created_at for line in lines]), strict=True)),
        old=old,
        new=new,
        diff=None if diff is None else await asyncio.to_thread(shown_diff, diff),
        drafts=sum(line.draft and not line.discarded for line in lines),
        current_run=next((line.last_run for line in lines if line.current), None),
    )


@router.post("/skills/{skill}/versions/{version}/current")
async def make_current(view: Viewing, bench: Bench, tenant: Tenant, skill: str, version: str) -> Response:
    row = await bench.catalogue.find(tenant, skill)
    await bench.versions.make_current(tenant, row.id, version)
    return view.redirect(skill_url(row.name, row.id, "details"))


@router.get("/skills/{skill}/versions/{version}/file")
async def file(
    view: Viewing, bench: Bench, tenant: Tenant, skill: str, version: str, path: str = "", download: str = ""
) -> Response:
    """One file as text; with `download` its bytes, never in a form a browser would show."""
    row = await bench.catalogue.find(tenant, skill)
    line = await bench.versions.find(tenant, row.id, version)
    if download:
        return attachment(await bench.versions.download(tenant, line.id, path), path.rsplit("/", 1)[-1])
    shown = await bench.versions.file(tenant, line.id, path)
    text = None if shown.text is None else plain(shown.text, _SHOWN_CHARACTERS)
    return view.page("skill/file.html.jinja", skill=row, version=line, file=shown, text=text)


def _shown(lines: Sequence[VersionLine], before: str, after: str) -> tuple[VersionLine | None, VersionLine]:
    """The two versions asked for; else the last change of what is in use, and where there was none the newest draft."""
    used = [line for line in lines if not line.draft]
    current = next((line for line in used if line.current), used[0])
    if not before and not after and len(used) == 1:
        draft = next((line for line in lines if line.draft and not line.discarded), None)
        return (None, current) if draft is None else (current, draft)
    new = _chosen(lines, after) if after else current
    return _chosen(lines, before) if before else _one_before(used, new) if new in used else current, new


def _chosen(lines: Sequence[VersionLine], prefix: str) -> VersionLine:
    """The version whose digest or id starts so. Raises NotFound where it is none or several."""
    start = prefix.strip().lower()
    found = [line for line in lines if start and (line.digest.startswith(start) or str(line.id).startswith(start))]
    if len(found) != 1:
        raise NotFound("This skill has no such version.", next_step="Choose two of its versions from the list.")
    return found[0]


def _one_before(lines: Sequence[VersionLine], line: VersionLine) -> VersionLine | None:
    """The version added before that one; of the oldest, the next; None where it is the only one."""
    place = lines.index(line)
    return lines[place + 1] if place + 1 < len(lines) else lines[place - 1] if place else None


def days_apart(times: Sequence[datetime]) -> list[str]:
    """Each time as its UTC day, and to the minute where several share a day."""
    days = [day(when) for when in times]
    shared = {one for one, number in Counter(days).items() if number > 1}
    return [absolute(when) if one in shared else one for when, one in zip(times, days, strict=True)]


def attachment(data: bytes, name: str) -> Response:
    """Bytes to be saved under that name, whatever they are."""
    headers = {
        "content-disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
        "x-content-type-options": "nosniff",
    }
    return Response(data, media_type="application/octet-stream", headers=headers)
