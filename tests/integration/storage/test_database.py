"""The pool outlives the database it leads to."""

import asyncio
import secrets
from contextlib import AbstractAsyncContextManager
from uuid import UUID

import psycopg
import pytest

from steelyard.storage.database import DATABASE_AWAY, DATABASE_ERROR, Connection, Database
from steelyard.storage.refusals import Refused
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


async def _taken_for_away(opened: AbstractAsyncContextManager[Connection], sqlstate: str) -> tuple[bool, bool]:
    """Whether an error is one of a database that is away: to who catches it in the transaction, and outside it."""
    within = False
    try:
        async with opened as connection:
            try:
                await connection.execute(f"DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '{sqlstate}'; END $$".encode())
            except DATABASE_AWAY:
                within = True
                raise
    except DATABASE_ERROR as error:
        return within, isinstance(error, DATABASE_AWAY)
    raise AssertionError("It was taken.")


@pytest.mark.parametrize(
    ("sqlstate", "away"),
    [
        ("08006", True),
        ("40001", True),
        ("40P01", True),
        ("53100", True),
        ("53300", True),
        ("55P03", True),
        ("57014", True),
        ("57P01", True),
        ("58030", True),
        ("25006", True),
        ("22001", False),
        ("23505", False),
        ("25P02", False),
        ("53400", False),
        ("54000", False),
        ("54001", False),
        ("55000", False),
        ("39000", False),
        ("XX000", False),
    ],
)
async def test_whether_the_database_is_away_goes_by_what_it_says_and_not_by_the_drivers_classes(
    database: Database, tenant_id: UUID, sqlstate: str, away: bool
) -> None:
    for opened in (database.tenant(tenant_id), database.outside(), database.session(), database.pool.connection()):
        assert await _taken_for_away(opened, sqlstate) == (away, away)


async def test_a_text_too_long_for_an_index_is_refused_by_name_wherever_it_is_written(database: Database) -> None:
    with pytest.raises(Refused, match="index row") as caught:
        await database.ask(
            "INSERT INTO tries (key, tries, ends_at) VALUES (%s, 1, now())", (secrets.token_hex(10_000),)
        )
    assert caught.value.sqlstate == "54000"
    assert not isinstance(caught.value, DATABASE_AWAY)
