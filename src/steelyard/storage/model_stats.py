"""What was seen of each model over all runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from steelyard.storage.database import Connection


@dataclass(frozen=True)
class ModelSeen:
    """A model some run planned to call: in how many runs, and when the last of them was created."""

    model: str
    runs: int
    last_used: datetime


async def models_seen(connection: Connection, *, limit: int) -> list[ModelSeen]:
    """The models last used first."""
    async with connection.cursor(row_factory=class_row(ModelSeen)) as cursor:
        await cursor.execute(
            """SELECT model, count(*)::int AS runs, max(created_at) AS last_used
                 FROM benchmark_runs, unnest(models) AS model
                GROUP BY 1 ORDER BY 3 DESC, 1 LIMIT %s""",
            (limit,),
        )
        return await cursor.fetchall()
