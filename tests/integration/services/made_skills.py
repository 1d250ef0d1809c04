"""Skills to try services on."""

from __future__ import annotations

from uuid import UUID, uuid4

from steelyard.domain.cases import GoldenCase
from steelyard.domain.skills import SkillContent
from steelyard.skills.digest import digest
from steelyard.storage.database import Database
from steelyard.storage.skills import save_skill
from steelyard.storage.tenants import ensure_tenant


def content(name: str = "weigh", files: dict[str, bytes] | None = None) -> SkillContent:
    held = files or {"SKILL.md": b"Weigh it.\n"}
    body = held.get("SKILL.md", b"").decode()
    return SkillContent(name, "Weighs.", body, body, digest(held), files=held)


async def skill(
    database: Database, tenant_id: UUID, name: str = "weigh", files: dict[str, bytes] | None = None
) -> UUID:
    async with database.tenant(tenant_id) as connection:
        return (await save_skill(connection, tenant_id, content(name, files)))[0]


async def other_tenant(database: Database) -> UUID:
    tenant_id = uuid4()
    async with database.tenant(tenant_id) as connection:
        await ensure_tenant(connection, tenant_id, "other")
    return tenant_id


def case(key: str, text: str = "in", expected: str = "out") -> GoldenCase:
    return GoldenCase(key, text, expected)
