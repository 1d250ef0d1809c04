"""A skill's versions and their files."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from steelyard.domain.errors import NotFound
from steelyard.storage import draft_versions, standing
from steelyard.storage.database import Connection, clean
from steelyard.storage.rows import record_row


@dataclass(frozen=True)
class VersionLine:
    """One version in a list; `size` in bytes over its files, `runs` counts the benchmark runs of it.

    `last_run` is the newest that was completed. A draft was never in use: who made it, why, and whether it was
    discarded since.
    """

    id: UUID
    digest: str
    created_at: datetime
    current: bool
    files: int
    size: int
    runs: int
    last_run: UUID | None
    draft: bool
    draft_by: str | None
    draft_why: str | None
    discarded: bool


@dataclass(frozen=True)
class FileLine:
    """One file of a version; `size` in bytes."""

    path: str
    size: int


async def list_versions(connection: Connection, skill_id: UUID) -> list[VersionLine]:
    """The versions of a skill, the newest first."""
    async with connection.cursor(row_factory=record_row(VersionLine)) as cursor:
        await cursor.execute(
            """SELECT v.id, v.digest, v.created_at, coalesce(v.id = s.current_version_id, false) AS current,
                      f.files, f.size,
                      (SELECT count(*)::int FROM benchmark_runs r WHERE r.tenant_id = v.tenant_id
                          AND r.skill_id = v.skill_id AND r.skill_version_id = v.id) AS runs,
                      (SELECT r.id FROM benchmark_runs r WHERE r.tenant_id = v.tenant_id
                          AND r.skill_id = v.skill_id AND r.skill_version_id = v.id AND r.status = 'completed'
                          AND (r.of_record OR r.of_draft)
                        ORDER BY r.completed_at DESC, r.id LIMIT 1) AS last_run,
                      v.draft, v.draft_by, v.draft_why, v.discarded_at IS NOT NULL AS discarded
                 FROM skill_versions v
                 JOIN skills s ON s.tenant_id = v.tenant_id AND s.id = v.skill_id
                 LEFT JOIN LATERAL (SELECT count(*)::int AS files,
                                           coalesce(sum(octet_length(content)), 0)::bigint AS size
                                      FROM skill_files f
                                     WHERE f.tenant_id = v.tenant_id AND f.skill_version_id = v.id) f ON true
                WHERE v.skill_id = %s ORDER BY v.created_at DESC, v.id""",
            (skill_id,),
        )
        return await cursor.fetchall()


async def make_current(connection: Connection, skill_id: UUID, version_id: UUID) -> None:
    """Make one of a skill's versions the one in use; its description comes with it. The one in use stays as it is.

    A draft is one no more, and its benchmarks count.
    """
    await standing.lock_skill(connection, skill_id)
    await connection.execute(
        """UPDATE skills s
              SET current_version_id = v.id, version_since = now(), updated_at = now(),
                  description = coalesce(v.frontmatter ->> 'description', s.description)
             FROM skill_versions v
            WHERE s.id = %s AND v.tenant_id = s.tenant_id AND v.skill_id = s.id AND v.id = %s
              AND s.current_version_id IS DISTINCT FROM v.id""",
        (skill_id, version_id),
    )
    await draft_versions.adopt(connection, version_id)


async def find_version(connection: Connection, skill_id: UUID, prefix: str) -> UUID:
    """The skill's version whose digest or id starts so. Raises NotFound when none or several do."""
    start = prefix.strip().lower()
    found = [
        line.id
        for line in await list_versions(connection, skill_id)
        if start and (line.digest.startswith(start) or str(line.id).startswith(start))
    ]
    if len(found) != 1:
        raise NotFound(
            f"{'Several versions start' if found else 'No version starts'} with '{prefix}'.",
            next_step="Choose one of the skill's versions.",
        )
    return found[0]


async def list_files(connection: Connection, version_id: UUID) -> list[FileLine]:
    """The files of a version by path, without their contents."""
    async with connection.cursor(row_factory=record_row(FileLine)) as cursor:
        await cursor.execute(
            """SELECT path, octet_length(content) AS size FROM skill_files WHERE skill_version_id = %s ORDER BY path""",
            (version_id,),
        )
        return await cursor.fetchall()


async def read_file(connection: Connection, version_id: UUID, path: str) -> bytes:
    """One file. Raises NotFound."""
    cursor = await connection.execute(
        "SELECT content FROM skill_files WHERE skill_version_id = %s AND path = %s", (version_id, clean(path))
    )
    row = await cursor.fetchone()
    if row is None:
        raise NotFound(f"That version has no file {path!r}.")
    return bytes(row["content"])


async def changed_files(
    connection: Connection, before: UUID, after: UUID
) -> list[tuple[str, bytes | None, bytes | None]]:
    """(path, old, new) of each file that is not the same in both versions, by path; None where it is not there."""
    cursor = await connection.execute(
        """SELECT path, b.content AS old, a.content AS new
             FROM (SELECT path, content FROM skill_files WHERE skill_version_id = %s) b
             FULL JOIN (SELECT path, content FROM skill_files WHERE skill_version_id = %s) a USING (path)
            WHERE a.content IS DISTINCT FROM b.content ORDER BY path""",
        (before, after),
    )
    return [
        (
            row["path"],
            None if row["old"] is None else bytes(row["old"]),
            None if row["new"] is None else bytes(row["new"]),
        )
        for row in await cursor.fetchall()
    ]
