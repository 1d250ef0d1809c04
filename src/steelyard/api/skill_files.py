"""A skill as the API is sent one: a prompt, the files of its folder as JSON, or a zip of it."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Request
from pydantic import Field

from steelyard.api.body import plain_body
from steelyard.api.fields import Given
from steelyard.api.operation import json_of, note_model
from steelyard.domain.errors import InputError
from steelyard.skills.bundle import read_prompt
from steelyard.skills.content import MAX_NAME, MAX_PATH
from steelyard.skills.folder import LoadedSkill
from steelyard.skills.uploads import MAX_ENTRIES, gather, read_upload, read_zip

ZIP = "application/zip"
PACKED: Mapping[str, Mapping[str, Any]] = {ZIP: {"schema": {"type": "string", "format": "binary"}}}
_EXAMPLE = "---\nname: invoice-extractor\ndescription: Extracts an invoice's fields as JSON.\n---\nReply by JSON.\n"


class NewFile(Given):
    """One file, as text or, where it is none, in base64."""

    path: Annotated[
        str, Field(description="Relative to the skill's folder.", max_length=MAX_PATH, examples=["SKILL.md"])
    ]
    text: Annotated[str | None, Field(examples=[_EXAMPLE])] = None
    base64: Annotated[str | None, Field(description="Of a file that is no text.", examples=[None])] = None

    def data(self) -> bytes:
        """The file's bytes. Raises InputError where it is given in neither way, or in both."""
        if (self.text is None) == (self.base64 is None):
            raise InputError(f"The file {self.path[:80]!r} has to have either a text or base64.", field="files")
        if self.text is not None:
            return self.text.encode()
        try:
            return base64.b64decode(self.base64 or "", validate=True)
        except (binascii.Error, ValueError):
            raise InputError(f"The file {self.path[:80]!r} is no base64.", field="files") from None


class NewSkill(Given):
    """A skill: its `prompt`, or the `files` of its folder, golden cases among them (`evals/`)."""

    prompt: Annotated[
        str | None, Field(description="The text of a bare prompt, with frontmatter or without.", examples=[_EXAMPLE])
    ] = None
    name: Annotated[
        str | None, Field(description="Of a prompt that names itself nowhere.", max_length=MAX_NAME, examples=[None])
    ] = None
    files: Annotated[list[NewFile] | None, Field(max_length=MAX_ENTRIES)] = None


@dataclass(frozen=True)
class Source:
    """What was sent: the document, or a zip."""

    given: NewSkill | None
    packed: bytes = b""

    async def loaded(self, name: str = "") -> LoadedSkill:
        """The skill, read; `name` is what a zip that names itself nowhere takes. Raises InputError and its kin."""
        if self.given is None:
            return await asyncio.to_thread(lambda: read_upload(read_zip(self.packed, f"{name or 'upload'}.zip")))
        return await asyncio.to_thread(_loaded, self.given.prompt, self.given.name, self.given.files)


async def given_skill(request: Request) -> Source:
    """The body, by its type. Raises InputError, UnsupportedType, TooLarge."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == ZIP:
        return Source(None, await plain_body(request))
    return Source(await _read_json(request))


_read_json = json_of(NewSkill)
note_model(given_skill, NewSkill)


def _loaded(prompt: str | None, name: str | None, files: Sequence[NewFile] | None) -> LoadedSkill:
    if (prompt is None) == (files is None):
        raise InputError(
            "A skill is given by its prompt or by its files.",
            field="prompt",
            kept="Nothing was kept.",
            next_step="Send one of the two.",
        )
    if files is None:
        return read_prompt(prompt or "", (name or "").strip() or None)
    return read_upload(gather((one.path, one.data()) for one in files))
