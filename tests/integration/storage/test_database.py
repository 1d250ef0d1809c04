"""The pool outlives the database it leads to."""

import asyncio
from uuid import UUID

import psycopg

from steelyard.storage.database import Database
from steelyard.storage.server import Server


async def test_a_transaction_begins_on_a_live_connection_where_the_pool_holds_dead_ones(
    database: Database, server: Server, tenant_id: UUID
) -> None:
    at_once = 4
    together = asyncio.Barrier(at_once)

    async def backend() -> int:
        async with database.tenant(tenant_id) as connection:
            await together.wait()
            row = await (await connection.execute("SELECT pg_backend_pid() AS pid")).fetchone()
            assert row is not None
            return row["pid"]

    backends = await asyncio.gather(*(backend() for _ in range(at_once)))
    assert len(set(backends)) == at_once
    async with await psycopg.AsyncConnection[tuple[object]].connect(server.admin_dsn, autocommit=True) as admin:
        await admin.execute("SELECT pg_terminate_backend(pid, 5000) FROM unnest(%s::int[]) AS pid", (backends,))
    again = await asyncio.gather(*(backend() for _ in range(at_once)))
    assert not {*again} & {*backends}
