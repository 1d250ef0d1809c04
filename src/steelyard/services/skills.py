"""Skills and their golden cases: adding what was read, and looking it up again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from steelyard.domain.cases import CaseSource, GoldenCase
from steelyard.domain.errors import Conflict, Forbidden, NotFound
from steelyard.domain.skills import LintFinding, SkillContent
from steelyard.storage import removal, skills, unmatched
from steelyard.storage.cases import CaseRow, accepted_cases
from steelyard.storage.database import Database, clean
from steelyard.storage.folder_cases import any_decided, folder_keys, sync_cases
from steelyard.storage.once import bind
from steelyard.storage.removal import Belongings
from steelyard.storage.skills import SkillRow, VersionRow
from steelyard.storage.versions import find_version


@dataclass(frozen=True)
class KeptSkill:
    """A skill as it is kept: a version's content, and its accepted cases with their rows.

    `current`: it is the version in use; `draft`: one that never was.
    """

    id: UUID
    version_id: UUID
    content: SkillContent
    cases: tuple[CaseRow, ...]
    current: bool = True
    draft: bool = False


@dataclass(frozen=True)
class CaseChange:
    """What adding a skill does to the cases of its folder: `retired` by key, and how many stay untouched, unmentioned.

    `stay` is 0 where the source brings cases of its own.
    """

    retired: tuple[str, ...] = ()
    stay: int = 0


@dataclass(frozen=True)
class VersionChange:
    """What adding content does to a skill that is there: it makes version `number`; None: an earlier one returns."""

    name: str
    number: int | None


class SkillService:
    """Use cases on skills, for one tenant at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(
        self, tenant_id: UUID, content: SkillContent, cases: Sequence[GoldenCase] | None, *, decides: bool = True
    ) -> SkillRow:
        """Keep a skill, its version and the golden cases of its folder; what is known already is not doubled.

        Cases of its folder that are not among `cases` are retired; None says nothing of them, and they stay. Who adds
        it without `decides` may not decide on cases: what somebody decided by hand on one then stays, and another text
        of it waits. Uses that were sent for the skill before it was here become its own.
        """
        async with self._database.tenant(tenant_id) as connection:
            skill_id, _ = await skills.save_skill(connection, tenant_id, content)
            if cases is not None:
                await sync_cases(connection, tenant_id, skill_id, cases, source=CaseSource.FILE, decides=decides)
            await unmatched.adopt(connection, tenant_id, skill_id, content.name)
            await bind(connection, skill_id)
            return await skills.find_skill(connection, content.name)

    async def case_change(
        self, tenant_id: UUID, name: str, cases: Sequence[GoldenCase] | None, *, decides: bool = True
    ) -> CaseChange:
        """What `add` would do to the cases that the skill of that name has of its folder; nothing to a new skill's."""
        async with self._database.tenant(tenant_id) as connection:
            skill_id = await skills.id_of(connection, name)
            known = [] if skill_id is None else await folder_keys(connection, skill_id, but_held=not decides)
        if cases is None:
            return CaseChange(stay=len(known))
        told = {clean(case.case_id) for case in cases}
        return CaseChange(retired=tuple(key for key in known if key not in told))

    async def version_change(self, tenant_id: UUID, content: SkillContent) -> VersionChange | None:
        """What `add` would do to the skill of that name; None where there is none, or it is what it would become."""
        async with self._database.tenant(tenant_id) as connection:
            known = await skills.known_skill(connection, content.name, content.digest)
        if known is None or known.digest == content.digest:
            return None
        return VersionChange(content.name, None if known.had else known.versions + 1)

    async def belongings(self, tenant_id: UUID, skill_id: UUID) -> Belongings:
        """What `delete` would take with the skill."""
        async with self._database.tenant(tenant_id) as connection:
            return await removal.belongings(connection, skill_id)

    async def delete(self, tenant_id: UUID, skill_id: UUID, *, decides: bool = True) -> Belongings:
        """Delete a skill with all that is its own, for good; returns what went with it.

        Decisions on its cases go with it, and adding its folder again would know nothing of them: without `decides`,
        the right to decide on cases, a skill that has any stays. Raises NotFound, Forbidden, and Conflict while a run,
        review, tie-break or drafting of it has not ended or a call of one is out: what that brings could not be kept.
        """
        async with self._database.tenant(tenant_id) as connection:
            if not await removal.hold_skill(connection, skill_id):
                raise NotFound("No such skill.")
            if not decides and await any_decided(connection, skill_id):
                raise Forbidden(
                    "Somebody decided by hand on golden cases of it, and that would go with it.",
                    kept="Nothing was deleted.",
                    next_step="Have it deleted by somebody who may decide on golden cases.",
                )
            found = await removal.belongings(connection, skill_id)
            if found.busy:
                raise Conflict(
                    "A run, review, tie-break or drafting of it has not ended, or waits for calls that are out.",
                    kept="Nothing was deleted.",
                    next_step="Cancel it, or let it end; then delete the skill.",
                )
            await removal.delete_skill(connection, skill_id)
        return found

    async def list(self, tenant_id: UUID) -> Sequence[SkillRow]:
        """Every skill, by name."""
        async with self._database.tenant(tenant_id) as connection:
            return await skills.list_skills(connection)

    async def get(self, tenant_id: UUID, name: str) -> tuple[SkillRow, VersionRow, Sequence[CaseRow]]:
        """The skill of that name, its current version and its accepted cases. Raises NotFound."""
        async with self._database.tenant(tenant_id) as connection:
            skill = await skills.find_skill(connection, name)
            version = await skills.get_version(connection, skill.version_id)
            return skill, version, await accepted_cases(connection, skill.id)

    async def content(self, tenant_id: UUID, name: str) -> tuple[SkillContent, Sequence[GoldenCase]]:
        """A kept skill as if it had been read again from where it came. Raises NotFound."""
        kept = await self.kept(tenant_id, name)
        return kept.content, [row.case for row in kept.cases]

    async def kept(self, tenant_id: UUID, ref: str | UUID, version: str = "") -> KeptSkill:
        """The skill of that name or id, its accepted cases, and its version in use or that whose digest starts so.

        Raises NotFound.
        """
        async with self._database.tenant(tenant_id) as connection:
            skill = await (
                skills.get_skill(connection, ref) if isinstance(ref, UUID) else skills.find_skill(connection, ref)
            )
            version_id = await find_version(connection, skill.id, version) if version else skill.version_id
            found = await skills.get_version(connection, version_id)
            files = await skills.version_files(connection, found.id)
            rows = await accepted_cases(connection, skill.id)
        content = SkillContent(
            name=skill.name,
            description=skill.description,
            body=found.body,
            prompt=found.prompt,
            digest=found.digest,
            frontmatter=found.frontmatter,
            files=files,
            cut=tuple(found.references_cut),
            lint=tuple(LintFinding(**finding) for finding in found.lint),
            source=skill.source,
        )
        current = found.id == skill.version_id
        return KeptSkill(skill.id, found.id, content, tuple(rows), current, found.draft)
