"""Versions of a skill that are drafts: kept beside the one in use, and made it or discarded."""

from __future__ import annotations

from uuid import UUID

from psycopg.types.json import Jsonb

from steelyard.domain.cases import By
from steelyard.domain.skills import SkillContent
from steelyard.storage import standing
from steelyard.storage.database import Connection, clean, clean_json


async def insert_draft(
    connection: Connection, tenant_id: UUID, skill_id: UUID, content: SkillContent, *, draft_of: UUID, by: By
) -> UUID | None:
    """Keep a draft beside the current version, its skill being locked; None where there is a version with its text.

    A draft with this very text that was discarded comes back.
    """
    lint = [
        {"level": f.level, "code": f.code, "message": f.message, "file": f.file, "line": f.line} for f in content.lint
    ]
    cursor = await connection.execute(
        """INSERT INTO skill_versions (tenant_id, skill_id, digest, prompt, body, frontmatter, lint, references_cut,
                                       draft, draft_of, draft_by, draft_why)
           VALUES (%s, %s, %s, %s, %s, %s, %s, %s, true, %s, %s, %s)
           ON CONFLICT (tenant_id, skill_id, digest) DO UPDATE
              SET discarded_at = NULL, draft_of = EXCLUDED.draft_of, draft_by = EXCLUDED.draft_by,
                  draft_why = EXCLUDED.draft_why
            WHERE skill_versions.draft AND skill_versions.discarded_at IS NOT NULL
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
            draft_of,
            clean(by.who),
            clean(by.why),
        ),
    )
    row = await cursor.fetchone()
    if row is None:
        return None
    if row["inserted"]:
        async with connection.cursor() as many:
            await many.executemany(
                "INSERT INTO skill_files (tenant_id, skill_version_id, path, content) VALUES (%s, %s, %s, %s)",
                [(tenant_id, row["id"], clean(path), data) for path, data in sorted(content.files.items())],
            )
    return row["id"]


async def discard(connection: Connection, skill_id: UUID, version_id: UUID) -> bool:
    """Put a draft aside; its runs and their answers stay. False where it is none, or is discarded already."""
    cursor = await connection.execute(
        """UPDATE skill_versions SET discarded_at = now()
            WHERE id = %s AND skill_id = %s AND draft AND discarded_at IS NULL""",
        (version_id, skill_id),
    )
    return cursor.rowcount == 1


async def adopt(connection: Connection, version_id: UUID) -> None:
    """A draft that has become the version in use is none any more, and its benchmarks count from now on."""
    cursor = await connection.execute(
        "UPDATE skill_versions SET draft = false, discarded_at = NULL WHERE id = %s AND draft", (version_id,)
    )
    if not cursor.rowcount:
        return
    cursor = await connection.execute(
        """UPDATE benchmark_runs SET of_record = true, of_draft = false WHERE skill_version_id = %s AND of_draft
            RETURNING id""",
        (version_id,),
    )
    for row in await cursor.fetchall():
        await standing.refresh_benchmark(connection, row["id"])
