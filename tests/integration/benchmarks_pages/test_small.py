"""The small tenant has what every page needs to be looked at."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from benchmarks.pages.small import small_tenant
from steelyard.storage.database import Database


async def test_x(database: Database, tenant_id: UUID) -> None:
    import time
    t=time.perf_counter()
    skill_id = await small_tenant(database, tenant_id, seed=1)
    print("took", time.perf_counter()-t)
