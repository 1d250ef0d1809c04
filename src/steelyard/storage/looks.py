"""Looks: how often a comparison of a skill's version has been decided on, as each further look costs certainty."""

from __future__ import annotations

from uuid import UUID

from steelyard.storage.database import Connection


async def take(
    connection: Connection, tenant_id: UUID, skill_version_id: UUID, comparison_digest: str, cases_digest: str
) -> int:
    """Which look this is, from 1; the same cases looked at again are the same look.

    The caller holds the run's lock; two runs of one comparison are kept apart by a lock of their own.
    """
    await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (comparison_digest,))
    cursor = await connection.execute(
        """INSERT INTO looks (tenant_id, skill_version_id, comparison_digest, cases_digest, look)
           SELECT %s, %s, %s, %s, coalesce(max(look), 0) + 1 FROM looks
            WHERE skill_version_id = %s AND comparison_digest = %s
           ON CONFLICT (tenant_id, skill_version_id, comparison_digest, cases_digest) DO UPDATE SET look = looks.look
           RETURNING look""",
        (tenant_id, skill_version_id, comparison_digest, cases_digest, skill_version_id, comparison_digest),
    )
    row = await cursor.fetchone()
    assert row is not None
    return row["look"]


async def next_look(connection: Connection, skill_version_id: UUID, comparison_digest: str, cases_digest: str) -> int:
    """Which look `take` would take now; nothing is counted."""
    cursor = await connection.execute(
        """SELECT coalesce(max(look) FILTER (WHERE cases_digest = %s), max(look) + 1, 1) AS look FROM looks
            WHERE skill_version_id = %s AND comparison_digest = %s""",
        (cases_digest, skill_version_id, comparison_digest),
    )
    row = await cursor.fetchone()
    assert row is not None
    return row["look"]
