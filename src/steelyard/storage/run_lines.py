"""A line of the log as a run begins, and one as it ends, whoever made it."""

from __future__ import annotations

import logging
from typing import Any

from steelyard import logs

logger = logging.getLogger("steelyard.runs")

# What an UPDATE of `benchmark_runs` returns for them.
TOLD = "RETURNING id AS run_id, tenant_id, status, stop_cause, spent_microcents"


async def began(cursor: Any) -> None:
    """Of an UPDATE that set a run going; none where it changed no row."""
    row = await cursor.fetchone()
    if row is not None:
        logger.info("A run began.", extra=_ids(row))


async def ended(cursor: Any) -> bool:
    """Of an UPDATE that ended a run; False, and no line, where it changed no row."""
    row = await cursor.fetchone()
    if row is None:
        return False
    told = {name: row[name] for name in ("status", "stop_cause", "spent_microcents")}
    logger.info("A run ended.", extra=_ids(row, **told))
    return True


def _ids(row: Any, **more: Any) -> dict[str, Any]:
    return {logs.FIELDS: {"tenant_id": str(row["tenant_id"]), "run_id": str(row["run_id"]), **more}}
