"""A skill's versions: their list with the difference of any two, and the files of each."""

from __future__ import annotations

from urllib.parse import quote

from fastapi import APIRouter
from starlette.responses import Response

from steelyard.web.deps import Bench, Tenant
from steelyard.web.rendering import Viewing
from steelyard.web.text.plain import plain

router = APIRouter()

_SHOWN_CHARACTERS = 200_000


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


def attachment(data: bytes, name: str) -> Response:
    """Bytes to be saved under that name, whatever they are."""
    headers = {
        "content-disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
        "x-content-type-options": "nosniff",
    }
    return Response(data, media_type="application/octet-stream", headers=headers)
