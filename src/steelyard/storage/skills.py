"""Skills, their versions and files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from steelyard.domain.errors import NotFound
from steelyard.domain.skills import SkillContent
from steelyard.storage import draft_versions
from steelyard.storage.database import Connection, clean, clean_json
from steelyard.storage.rows import record_row


@dataclass(frozen=True)
class SkillRow:
    """A skill as a list shows it; `cases` counts the accepted ones in use."""

    id: UUID
    name: str
    description: str
    source: str | None
    created_at: datetime
    updated_at: datetime
    digest: str
    version_id: UUID
    versions: int
    cases: int


@dataclass(frozen=True)
class VersionRow:
    """One version: what a model gets as the skill, and the text it was made from."""

    id: UUID
    skill_id: UUID
    digest: str
    prompt: str
    body: str
    frontmatter: Mapping[str, Any]
    lint: Sequence[Mapping[str, Any]]
    references_cut: Sequence[str]
    created_at: datetime
    draft: bool


@dataclass(frozen=True)
class KnownSkill:
    """A skill that has a name already: its current digest, how many versions it has, and whether a digest is one."""

    digest: str
    versions: int
    had: bool


_SKILLS = """
    SELECT s.id, s.name, s.description, s.source, s.created_at, s.updated_at, v.digest, v.id AS version_id,
           (SELECT count(*) FROM skill_versions n
             WHERE n.tenant_id = s.tenant_id AND n.skill_id = s.id AND NOT n.draft)::int AS versions,
           s.accepted_cases AS cases
      FROM skills s JOIN skill_versions v ON v.tenant_id = s.tenant_id AND v.id = s.current_version_id
"""


async def save_skill(connection: Connection, tenant_id: UUID, content: SkillContent) -> tuple[UUID, UUID]:
    """Insert or update the skill by name and its version by digest; returns (skill id, version id).

    Saving an older digest again makes it the current version.
    """
    cursor = await connection.execute(
        """INSERT INTO skills (tenant_id, name, description, source) VALUES (%s, %s, %s, %s)
           ON CONFLICT (tenant_id, name) DO UPDATE
              SET description = EXCLUDED.description, source = EXCLUDED.source
           RETURNING id, current_version_id""",
        (tenant_id, clean(content.name), clean(content.description), content.source and clean(content.source)),
    )
    row = await cursor.fetchone()
    assert row is not None
    skill_id: UUID = row["id"]
    current: UUID | None = row["current_version_id"]
    lint = [
        {"level": f.level, "code": f.code, "message": f.message, "file": f.file, "line": f.line} for f in content.lint
    ]
    cursor = await connection.execute(
        """INSERT INTO skill_versions (tenant_id, skill_id, digest, prompt, body, frontmatter, lint, references_cut)
           VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
           ON CONFLICT (tenant_id, skill_id, digest) DO UPDATE
              SET prompt = EXCLUDED.prompt, lint = EXCLUDED.lint
           RETURNING id, (xmax = 0) AS inserted""",
        (
            tenant_id,
            skill_id,
            content.digest,
            clean(content.prompt),
            clean(content.body),
            Jsonb(clean_json(content.frontmatter)),
            Jsonb(clean_json(lint)),
            [clean(path) for path in content.cut],
        ),
    )
    row = await cursor.fetchone()
    assert row is not None
    version_id: UUID = row["id"]
    if row["inserted"]:
        async with connection.cursor() as many:
            await many.executemany(
                "INSERT INTO skill_files (tenant_id, skill_version_id, path, content) VALUES (%s, %s, %s, %s)",
                [(tenant_id, version_id, clean(path), data) for path, data in sorted(content.files.items())],
            )
    if version_id != current:
        await connection.execute(
            "UPDATE skills SET current_version_id = %s, version_since = now(), updated_at = now() WHERE id = %s",
            (version_id, skill_id),
        )
        await draft_versions.adopt(connection, version_id)
    return skill_id, version_id


async def list_skills(connection: Connection) -> list[SkillRow]:
    """Every skill of the tenant, by name."""
    async with connection.cursor(row_factory=record_row(SkillRow)) as cursor:
        await cursor.execute(_SKILLS + " ORDER BY s.name")
        return await cursor.fetchall()


async def find_skill(connection: Connection, name: str) -> SkillRow:
    """The skill of that name. Raises NotFound."""
    async with connection.cursor(row_factory=record_row(SkillRow)) as cursor:
        await cursor.execute(_SKILLS + " WHERE s.name = %s", (clean(name),))
        row = await cursor.fetchone()
    if row is None:
        raise NotFound(f"No skill named '{name}'.", next_step="`steelyard skills list` shows those there are.")
    return row


async def id_of(connection: Connection, name: str) -> UUID | None:
    """The id of the skill of that name."""
    cursor = await connection.execute("SELECT id FROM skills WHERE name = %s", (clean(name),))
    row = await cursor.fetchone()
    return None if row is None else row["id"]


async def digests_of(connection: Connection, skill_ids: Sequence[UUID]) -> dict[UUID, dict[str, UUID]]:
    """The versions of each of these skills by their digests."""
    cursor = await connection.execute(
        "SELECT skill_id, digest, id FROM skill_versions WHERE skill_id = ANY(%s)", (list(skill_ids),)
    )
    found: dict[UUID, dict[str, UUID]] = {}
    for row in await cursor.fetchall():
        found.setdefault(row["skill_id"], {})[row["digest"]] = row["id"]
    return found


async def known_skill(connection: Connection, name: str, digest: str) -> KnownSkill | None:
    """The skill of that name, asked whether `digest` is one of its versions; None when there is none."""
    async with connection.cursor(row_factory=record_row(KnownSkill)) as cursor:
        await cursor.execute(
            """SELECT v.digest, count(n.id) FILTER (WHERE NOT n.draft)::int AS versions,
                      bool_or(n.digest = %s AND NOT n.draft) AS had
                 FROM skills s
                 JOIN skill_versions v ON v.tenant_id = s.tenant_id AND v.id = s.current_version_id
                 JOIN skill_versions n ON n.tenant_id = s.tenant_id AND n.skill_id = s.id
                WHERE s.name = %s GROUP BY s.id, v.digest""",
            (digest, clean(name)),
        )
        return await cursor.fetchone()


async def name_of(connection: Connection, skill_id: UUID) -> str:
    """The name of a skill. Raises NotFound."""
    cursor = await connection.execute("SELECT name FROM skills WHERE id = %s", (skill_id,))
    row = await cursor.fetchone()
    if row is None:
        raise NotFound("No such skill.")
    return row["name"]


async def skill_of_version(connection: Connection, version_id: UUID) -> UUID | None:
    """The skill a version is of."""
    cursor = await connection.execute("SELECT skill_id FROM skill_versions WHERE id = %s", (version_id,))
    row = await cursor.fetchone()
    return None if row is None else row["skill_id"]


async def get_skill(connection: Connection, skill_id: UUID) -> SkillRow:
    """The skill of that id. Raises NotFound."""
    async with connection.cursor(row_factory=record_row(SkillRow)) as cursor:
        await cursor.execute(_SKILLS + " WHERE s.id = %s", (skill_id,))
        row = await cursor.fetchone()
    if row is None:
        raise NotFound("No such skill.", next_step="`steelyard skills list` shows those there are.")
    return row


async def get_version(connection: Connection, version_id: UUID) -> VersionRow:
    """One version. Raises NotFound."""
    async with connection.cursor(row_factory=record_row(VersionRow)) as cursor:
        await cursor.execute(
            """SELECT id, skill_id, digest, prompt, body, frontmatter, lint, references_cut, created_at, draft
                 FROM skill_versions WHERE id = %s""",
            (version_id,),
        )
        row = await cursor.fetchone()
    if row is None:
        raise NotFound("No such version of a skill.")
    return row


async def version_files(connection: Connection, version_id: UUID) -> dict[str, bytes]:
    """The files of a version by path."""
    cursor = await connection.execute(
        "SELECT path, content FROM skill_files WHERE skill_version_id = %s", (version_id,)
    )
    return {row["path"]: bytes(row["content"]) for row in await cursor.fetchall()}
