"""Draft versions: an edit tried beside the version in use, benchmarked, and then made it or discarded."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from steelyard.domain.errors import Conflict, InputError
from steelyard.domain.reviews import ReviewEdit
from steelyard.domain.skills import LintFinding, SkillContent
from steelyard.services.case_words import by_of
from steelyard.services.versions import FileDiff, diff_files
from steelyard.skills.content import build_skill, find_skill_file
from steelyard.skills.edits import Refused, apply_edits, encode_like, with_line_ends_of
from steelyard.skills.text import decode, unstorable
from steelyard.storage import draft_versions, skills, standing, versions
from steelyard.storage.database import Connection, Database
from steelyard.storage.once import bind

MAX_TEXT = 500_000


@dataclass(frozen=True)
class Draft:
    """A draft before it is kept: its main text as it would be, what changed, and what could not be applied.

    `problem` says why it cannot be kept so; `lint` is of the draft, empty where it could not be read.
    """

    text: str
    files: tuple[FileDiff, ...]
    refused: tuple[Refused, ...]
    applied: int
    lint: tuple[LintFinding, ...]
    problem: InputError | None


@dataclass(frozen=True)
class _Base:
    name: str
    version_id: UUID
    files: Mapping[str, bytes]
    main: str


class DraftVersions:
    """Use cases on draft versions, for one tenant at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def look(
        self, tenant_id: UUID, skill_id: UUID, edits: Sequence[ReviewEdit] = (), text: str | None = None
    ) -> Draft:
        """What the edits, and then the text typed for SKILL.md where there is one, would make of the version in use.

        Keeps nothing. Raises NotFound.
        """
        async with self._database.tenant(tenant_id) as connection:
            base = await _base(connection, skill_id)
        files, refused, applied = _changed(base, edits, text)
        lint: tuple[LintFinding, ...] = ()
        problem: InputError | None = None
        try:
            lint = _content(base, files).lint
        except InputError as error:
            problem = error
        edited = [path for path in sorted(files) if files[path] != base.files[path]]
        diffs = await asyncio.to_thread(diff_files, [(path, base.files[path], files[path]) for path in edited])
        return Draft(decode(files[base.main]), diffs, refused, applied, lint, problem)

    async def keep(
        self,
        tenant_id: UUID,
        skill_id: UUID,
        edits: Sequence[ReviewEdit] = (),
        text: str | None = None,
        *,
        who: str | None = None,
        why: str = "",
    ) -> UUID:
        """Keep it as a draft of the skill; the version in use stays as it is. Returns the draft's id.

        Raises NotFound, InputError where it cannot be a version of this skill, Conflict where its text is one already.
        """
        by = by_of(who, why)
        async with self._database.tenant(tenant_id) as connection:
            await standing.lock_skill(connection, skill_id)
            base = await _base(connection, skill_id)
            files, _, _ = _changed(base, edits, text)
            content = _content(base, files)
            draft_id = await draft_versions.insert_draft(
                connection, tenant_id, skill_id, content, draft_of=base.version_id, by=by
            )
            if draft_id is None:
                raise Conflict(
                    f"This text is a version of the skill already: {content.digest[:12]}.",
                    kept="Nothing was changed.",
                    next_step="Look at it among the skill's versions.",
                )
            await bind(connection, draft_id)
            return draft_id

    async def discard(self, tenant_id: UUID, skill_id: UUID, digest_prefix: str) -> None:
        """Put a draft aside; its runs and their answers stay. Raises NotFound, Conflict where it is no draft."""
        async with self._database.tenant(tenant_id) as connection:
            version_id = await versions.find_version(connection, skill_id, digest_prefix)
            if not await draft_versions.discard(connection, skill_id, version_id):
                raise Conflict(
                    "This version is no draft, or was discarded already.", next_step="Look at the versions again."
                )


async def _base(connection: Connection, skill_id: UUID) -> _Base:
    skill = await skills.get_skill(connection, skill_id)
    files = await skills.version_files(connection, skill.version_id)
    main = find_skill_file(files)
    if main is None:
        raise InputError("The version in use has no SKILL.md to edit.", next_step="Add the skill again with one.")
    return _Base(skill.name, skill.version_id, files, main)


def _changed(
    base: _Base, edits: Sequence[ReviewEdit], text: str | None
) -> tuple[dict[str, bytes], tuple[Refused, ...], int]:
    edited = apply_edits(base.files, edits)
    files = dict(edited.files)
    if text is not None:
        before = decode(base.files[base.main])
        # A form drops nothing but the kind of line end; a text sent as it was shown is the same.
        typed = with_line_ends_of(text, before)
        files[base.main] = encode_like(typed.encode("utf-8", "replace").decode(), base.files[base.main])
    return files, edited.refused, edited.applied


def _content(base: _Base, files: Mapping[str, bytes]) -> SkillContent:
    """The draft as a version of the same skill. Raises InputError."""
    text = decode(files[base.main])
    if len(text) > MAX_TEXT:
        raise InputError(f"The text has {len(text):,} characters; {MAX_TEXT:,} are the most.", field="text")
    if reason := unstorable(text):
        raise InputError(f"The text cannot be kept: {reason}.", field="text", next_step="Remove it.")
    if files == base.files:
        raise InputError(
            "The draft is the same as the version in use.", field="text", next_step="Change something to be tried."
        )
    content = build_skill(files, fallback=base.name)
    if content.name != base.name:
        raise InputError(
            f"The draft names itself '{content.name}'; it is a draft of '{base.name}'.",
            field="text",
            next_step="Put the name in its frontmatter back.",
        )
    had = {finding.code for finding in build_skill(base.files, fallback=base.name).lint if finding.level == "error"}
    new = next((one for one in content.lint if one.level == "error" and one.code not in had), None)
    if new is not None:
        raise InputError(
            f"The draft breaks a rule of the format: {new.message}", field="text", next_step="Correct it, then keep it."
        )
    return content
