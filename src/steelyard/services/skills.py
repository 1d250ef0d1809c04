"""Skills and their golden cases: adding what was read, and looking it up again."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from steelyard.domain.cases import CaseSource, GoldenCase
from steelyard.domain.skills import SkillContent
from steelyard.storage import skills
from steelyard.storage.cases import CaseRow, accepted_cases, sync_cases
from steelyard.storage.database import Database
from steelyard.storage.skills import SkillRow, VersionRow


class SkillService:
    """Use cases on skills, for one tenant at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, tenant_id: UUID, content: SkillContent, cases: Sequence[GoldenCase]) -> SkillRow:
        """Keep a skill, its version and the golden cases of its folder; what is known already is not doubled."""
        async with self._database.tenant(tenant_id) as connection:
            skill_id, _ = await skills.save_skill(connection, tenant_id, content)
            await sync_cases(connection, tenant_id, skill_id, cases, source=CaseSource.FILE)
            return await skills.find_skill(connection, content.name)

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
        async with self._database.tenant(tenant_id) as connection:
            skill = await skills.find_skill(connection, name)
            version = await skills.get_version(connection, skill.version_id)
            files = await skills.version_files(connection, version.id)
            rows = await accepted_cases(connection, skill.id)
        content = SkillContent(
            name=skill.name,
            description=skill.description,
            body=version.body,
            prompt=version.prompt,
            digest=version.digest,
            frontmatter=version.frontmatter,
            files=files,
            cut=tuple(version.references_cut),
            source=skill.source,
        )
        return content, [row.case for row in rows]
