"""Row-level security, table by table: nothing of another tenant is read, changed, taken or put there by any query."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import LiteralString
from uuid import UUID

import psycopg
import pytest
from psycopg import sql

from steelyard.storage.database import Connection
from steelyard.storage.server import Server
from tests.isolation.rows import digests_of, rows_of, under_policies
from tests.isolation.twins import Twins

pytestmark = pytest.mark.asyncio(loop_scope="module")

REFUSED = psycopg.errors.InsufficientPrivilege
# How a connection may be left without a tenant.
NOBODY: tuple[LiteralString, ...] = ("SELECT 1", "SET app.current_tenant_id = ''", "RESET app.current_tenant_id")


class Undone(Exception):
    """Takes back what a test's query did."""


@asynccontextmanager
async def as_tenant(twins: Twins, tenant_id: UUID) -> AsyncGenerator[Connection]:
    """A transaction of the tenant's of which nothing stays."""
    with suppress(Undone):
        async with twins.site.workbench.database.tenant(tenant_id) as connection:
            yield connection
            raise Undone


async def affected(connection: Connection, query: sql.Composed, values: tuple[object, ...] = ()) -> int:
    """How many rows it reads or changes; 0 where the application may not do such a thing to the table at all."""
    try:
        async with connection.transaction():
            return (await connection.execute(query, values)).rowcount
    except REFUSED:
        return 0


def writable(server: Server, table: str) -> sql.Composed:
    """The columns that a row is given with."""
    with psycopg.connect(server.admin_dsn) as connection:
        found = connection.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND attgenerated = ''"
            " AND NOT attisdropped",
            (table,),
        ).fetchall()
    return sql.SQL(", ").join(sql.Identifier(name) for (name,) in found)


def copied(server: Server, table: str) -> sql.Composed:
    """An insert of a row that is given as JSON."""
    columns = writable(server, table)
    query = sql.SQL(
        "INSERT INTO {t} ({c}) OVERRIDING SYSTEM VALUE SELECT {c} FROM jsonb_populate_record(NULL::{t}, %s::jsonb)"
    )
    return query.format(t=sql.Identifier(table), c=columns)


async def test_no_query_of_a_tenant_reaches_anothers_rows(twins: Twins, server: Server) -> None:
    a, b = twins.a.tenant_id, twins.b.tenant_id
    before = digests_of(server, a)
    for table, column in under_policies(server).items():
        name, owner = sql.Identifier(table), sql.Identifier(column)
        own = sql.SQL("SELECT 1 FROM {} WHERE {} = %s").format(name, owner)
        async with as_tenant(twins, b) as connection:
            assert await affected(connection, own, (b,)) > 0, f"{table}: of its own it sees nothing either"
            assert await affected(connection, own, (a,)) == 0, table
            every = sql.SQL("SELECT 1 FROM {} WHERE {} IS DISTINCT FROM %s").format(name, owner)
            assert await affected(connection, every, (b,)) == 0, table
            for change in ("UPDATE {t} SET {c} = {c} WHERE {c} = %s", "DELETE FROM {t} WHERE {c} = %s"):
                assert await affected(connection, sql.SQL(change).format(t=name, c=owner), (a,)) == 0, (table, change)
            locked = sql.SQL("SELECT 1 FROM {} WHERE {} = %s FOR UPDATE").format(name, owner)
            assert await affected(connection, locked, (a,)) == 0, table
    assert digests_of(server, a) == before


async def test_no_row_is_put_into_another_tenant(twins: Twins, server: Server) -> None:
    a, b = twins.a.tenant_id, twins.b.tenant_id
    theirs, before = rows_of(server, a), digests_of(server, a)
    for table, column in under_policies(server).items():
        name, owner = sql.Identifier(table), sql.Identifier(column)
        async with as_tenant(twins, b) as connection:
            with pytest.raises(REFUSED):
                async with connection.transaction():
                    await connection.execute(copied(server, table), (theirs[table][0],))
            with pytest.raises(REFUSED):
                async with connection.transaction():
                    await connection.execute(sql.SQL("UPDATE {} SET {} = %s").format(name, owner), (a,))
    assert digests_of(server, a) == before


async def test_without_a_tenant_nothing_is_there_and_nothing_can_be_put(twins: Twins, server: Server) -> None:
    a = twins.a.tenant_id
    theirs, before = rows_of(server, a), digests_of(server, a)
    for left in NOBODY:
        async with twins.site.workbench.database.session() as connection:
            await connection.execute(left)
            for table, column in under_policies(server).items():
                name, owner = sql.Identifier(table), sql.Identifier(column)
                for query in ("SELECT 1 FROM {t}", "UPDATE {t} SET {c} = {c}", "DELETE FROM {t}"):
                    done = await affected(connection, sql.SQL(query).format(t=name, c=owner))
                    assert done == 0, (left, table, query)
                with pytest.raises(REFUSED):
                    await connection.execute(copied(server, table), (theirs[table][0],))
    assert digests_of(server, a) == before


async def test_a_setting_that_is_no_tenant_is_an_error(twins: Twins) -> None:
    async with twins.site.workbench.database.session() as connection:
        await connection.execute("SET app.current_tenant_id = 'every'")
        with pytest.raises(psycopg.errors.InvalidTextRepresentation):
            await connection.execute("SELECT 1 FROM skills")


async def test_what_is_shared_by_all_has_nothing_but_ids(twins: Twins, server: Server) -> None:
    """The queue is read by every worker."""
    for twin in (twins.a, twins.b):
        jobs = rows_of(server, twin.tenant_id)["procrastinate_jobs"]
        assert jobs
        assert twin.word not in "".join(jobs)
