"""GET /skills/new and POST /skills: a skill pasted, uploaded, or read from a path on this machine."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi import APIRouter
from starlette.datastructures import FormData
from starlette.responses import Response

from steelyard.domain.access import Action
from steelyard.domain.errors import Forbidden, InputError, TooLarge
from steelyard.skills.bundle import read_prompt
from steelyard.skills.folder import LoadedSkill, is_prompt_file, read_skills
from steelyard.skills.uploads import Upload, packed, read_folder, read_packed, read_upload, read_zip
from steelyard.web.deps import Bench, Tenant
from steelyard.web.forms import Form, files, text
from steelyard.web.links import skill_url
from steelyard.web.rendering import Viewing

router = APIRouter()

WAYS = ("paste", "zip", "folder", "path")


@dataclass(frozen=True)
class Given:
    """What a form held: the skills, and the fields that say the same once more, None where it is too much for them."""

    loaded: Sequence[LoadedSkill]
    again: Mapping[str, str] | None


@router.get("/skills/new")
async def new_skill(view: Viewing, way: str = "paste", version: str = "") -> Response:
    if way == "path" and not view.may(Action.ADD_BY_PATH):
        way = "folder"
    return view.page("pages/new_skill.html.jinja", **_form(way, version=bool(version)))


@router.post("/skills")
async def add_skills(view: Viewing, bench: Bench, tenant: Tenant, form: Form) -> Response:
    """Add what was given; with `check` only say what the linter finds.

    A skill known already gets a new version, but only with `version`: a name may be taken by chance.
    """
    way = text(form, "way")
    if way == "path" and not view.may(Action.ADD_BY_PATH):
        raise Forbidden(
            "A skill is not added by a path on the server here.",
            kept="Nothing was changed.",
            next_step="Upload its folder or a ZIP file of it.",
        )
    try:
        given = await _load(way, form)
    except InputError as error:
        typed = {name: text(form, name) for name in ("name", "prompt", "path")}
        status = 413 if isinstance(error, TooLarge) else 422
        ticked = bool(text(form, "version"))
        return view.page("pages/new_skill.html.jinja", status=status, **_form(way, error, version=ticked, **typed))
    loaded = given.loaded
    decides = view.may(Action.DECIDE_CASES)
    changes = [
        await bench.skills.case_change(tenant, skill.content.name, skill.told_cases, decides=decides)
        for skill in loaded
    ]
    versions = [await bench.skills.version_change(tenant, skill.content) for skill in loaded]
    again = given.again
    if again is not None and any(versions):
        again = {**again, "version": "1"}
    shown: dict[str, Any] = {"loaded": loaded, "changes": changes, "versions": versions, "way": way, "again": again}
    if text(form, "check") or (any(versions) and not text(form, "version")):
        return view.page("pages/skill_report.html.jinja", rows=None, **shown)
    rows = [await bench.skills.add(tenant, skill.content, skill.told_cases, decides=decides) for skill in loaded]
    remarks = any(skill.findings or skill.content.lint for skill in loaded)
    if not remarks and not any(change.retired for change in changes):
        (row, *others) = rows
        return view.redirect("/" if others else skill_url(row.name, row.id, "details"))
    return view.page("pages/skill_report.html.jinja", rows=rows, **shown)


def _form(way: str, error: InputError | None = None, *, version: bool = False, **given: str) -> dict[str, Any]:
    shown = way if way in WAYS else "paste"
    return {"way": shown, "name": "", "prompt": "", "path": "", "version": version, "error": error, **given}


async def _load(way: str, form: FormData) -> Given:
    """The skills the form holds. Raises InputError."""
    match way:
        case "paste":
            prompt, name = text(form, "prompt"), text(form, "name").strip()
            loaded = await asyncio.to_thread(read_prompt, prompt, name or None)
            return Given([loaded], {"way": way, "prompt": prompt, "name": name})
        case "zip":
            if text(form, "packed"):
                return await asyncio.to_thread(_from_packed, way, form)
            given = files(form, "zip")
            if not given:
                raise InputError("No file was chosen.", next_step="Choose a zip with a SKILL.md, or a prompt file.")
            data, name = await given[0].read(), given[0].filename or "upload.zip"
            return await asyncio.to_thread(_from_file, way, data, name)
        case "folder":
            if text(form, "packed"):
                return await asyncio.to_thread(_from_packed, way, form)
            given = files(form, "folder")
            if not given:
                raise InputError("No folder was chosen.", next_step="Choose the folder that holds the SKILL.md.")
            return await asyncio.to_thread(_from_upload, way, await read_folder(given))
        case "path":
            path = text(form, "path").strip()
            if not path:
                raise InputError("No path was given.", next_step="Give the folder that holds the SKILL.md.")
            return Given(await asyncio.to_thread(_from_path, path), {"way": way, "path": path})
        case _:
            raise InputError("It was not said how the skill is given.", next_step="Paste it, upload it or give a path.")


def _from_path(path: str) -> Sequence[LoadedSkill]:
    try:
        return read_skills(Path(path).expanduser(), levels=1)
    except RuntimeError:
        raise InputError("There is no such home folder.", file=path, next_step="Give the whole path.") from None


def _from_file(way: str, data: bytes, name: str) -> Given:
    """A zip, or a single prompt file uploaded as it is."""
    if is_prompt_file(name):
        return _from_upload(way, Upload({name.rsplit("/", 1)[-1]: data}, None, "prompt"))
    return _from_upload(way, read_zip(data, name))


def _from_packed(way: str, form: FormData) -> Given:
    """What was checked before, sent back by the page that said so."""
    return _from_upload(way, read_packed(*(text(form, name) for name in ("packed", "packed_name", "packed_kind"))))


def _from_upload(way: str, upload: Upload) -> Given:
    again = packed(upload)
    fields = {"way": way, "packed": again or "", "packed_name": upload.name or "", "packed_kind": upload.kind}
    return Given([read_upload(upload)], None if again is None else fields)
