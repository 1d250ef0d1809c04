"""GET /skills/new and POST /skills: a skill pasted, uploaded, or read from a path on this machine."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fastapi import APIRouter
from starlette.datastructures import FormData
from starlette.responses import Response

from steelyard.domain.errors import InputError, TooLarge
from steelyard.skills.bundle import read_bundle, read_prompt
from steelyard.skills.folder import LoadedSkill, read_skills
from steelyard.web.deps import Bench, Tenant
from steelyard.web.forms import Form, files, text
from steelyard.web.links import skill_url
from steelyard.web.rendering import Viewing
from steelyard.web.uploads import read_folder, read_zip

router = APIRouter()

WAYS = ("paste", "zip", "folder", "path")


@router.get("/skills/new")
async def new_skill(view: Viewing, way: str = "paste") -> Response:
    return view.page("pages/new_skill.html.jinja", **_form(way))


@router.post("/skills")
async def add_skills(view: Viewing, bench: Bench, tenant: Tenant, form: Form) -> Response:
    """Add what was given; with `check` only say what the linter finds. A skill known already gets a new version."""
    way = text(form, "way")
    try:
        loaded = await _load(way, form)
    except InputError as error:
        given = {name: text(form, name) for name in ("name", "prompt", "path")}
        status = 413 if isinstance(error, TooLarge) else 422
        return view.page("pages/new_skill.html.jinja", status=status, **_form(way, error, **given))
    if text(form, "check"):
        return view.page("pages/skill_report.html.jinja", loaded=loaded, rows=None, way=way)
    rows = [await bench.skills.add(tenant, skill.content, skill.cases) for skill in loaded]
    if not any(skill.findings or skill.content.lint for skill in loaded):
        (row, *others) = rows
        return view.redirect("/" if others else skill_url(row.name, row.id, "details"))
    return view.page("pages/skill_report.html.jinja", loaded=loaded, rows=rows, way=way)


def _form(way: str, error: InputError | None = None, **given: str) -> dict[str, Any]:
    shown = way if way in WAYS else "paste"
    return {"way": shown, "name": "", "prompt": "", "path": "", "error": error, **given}


async def _load(way: str, form: FormData) -> Sequence[LoadedSkill]:
    """The skills the form holds. Raises InputError."""
    match way:
        case "paste":
            return [await asyncio.to_thread(read_prompt, text(form, "prompt"), text(form, "name").strip() or None)]
        case "zip":
            given = files(form, "zip")
            if not given:
                raise InputError("No file was chosen.", next_step="Choose a zip with a SKILL.md, or a prompt file.")
            data, name = await given[0].read(), given[0].filename or "upload.zip"
            return [await asyncio.to_thread(_from_file, data, name)]
        case "folder":
            given = files(form, "folder")
            if not given:
                raise InputError("No folder was chosen.", next_step="Choose the folder that holds the SKILL.md.")
            upload = await read_folder(given)
            return [await asyncio.to_thread(read_bundle, upload.files, upload.name)]
        case "path":
            path = text(form, "path").strip()
            if not path:
                raise InputError("No path was given.", next_step="Give the folder that holds the SKILL.md.")
            return await asyncio.to_thread(_from_path, path)
        case _:
            raise InputError("It was not said how the skill is given.", next_step="Paste it, upload it or give a path.")


def _from_path(path: str) -> Sequence[LoadedSkill]:
    try:
        return read_skills(Path(path).expanduser())
    except RuntimeError:
        raise InputError("There is no such home folder.", file=path, next_step="Give the whole path.") from None


def _from_file(data: bytes, name: str) -> LoadedSkill:
    """A zip, or a single prompt file uploaded as it is."""
    if name.lower().endswith((".md", ".txt", ".prompt")):
        return read_bundle({name.rsplit("/", 1)[-1]: data}, None)
    upload = read_zip(data, name)
    return read_bundle(upload.files, upload.name)
