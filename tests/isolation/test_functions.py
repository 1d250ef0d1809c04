"""Functions with their owner's rights, which see every tenant: each tells what its reason says, and no more."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString
from uuid import uuid4

import psycopg
import pytest

from steelyard.domain.access import Role, Scope
from steelyard.services.secret_tokens import hash_of
from steelyard.storage.globals import SECURITY_DEFINER_FUNCTIONS
from steelyard.storage.server import Server
from steelyard.storage.users import tenants_of
from tests.isolation.rows import digests_of
from tests.isolation.twins import Twins

pytestmark = pytest.mark.asyncio(loop_scope="module")

# What each takes and what it answers: one that tells more is another function, to be thought about anew.
SIGNATURES: Mapping[str, tuple[str, str]] = {
    "api_key_by_hash": (
        "hash bytea",
        "TABLE(tenant_id uuid, id uuid, name text, scopes text[], a_minute integer, state text,"
        " left_s double precision)",
    ),
    "ensure_measurement_partitions": ("first_month date, last_month date", "integer"),
    "drop_measurement_partitions": ("before date", "integer"),
    "note_change": ("", "trigger"),
    "tenants_due": ("slot timestamp with time zone, at timestamp with time zone", "TABLE(tenant_id uuid)"),
    "signed_in": (
        "token bytea, at timestamp with time zone, idle interval",
        "TABLE(session_id uuid, user_id uuid, name text, email text, tenant_id uuid, tenant_name text, role text,"
        " tenants bigint)",
    ),
    "tenants_of": ("of_user uuid", "TABLE(tenant_id uuid, name text, role text)"),
    "invitation_of": (
        "token bytea, at timestamp with time zone",
        "TABLE(tenant_id uuid, tenant_name text, id uuid, email text, role text, invited_by text,"
        " expires_at timestamp with time zone)",
    ),
    "invitation_for": (
        "address text, at timestamp with time zone",
        "TABLE(tenant_id uuid, tenant_name text, id uuid, email text, role text, invited_by text,"
        " expires_at timestamp with time zone)",
    ),
    "known_tenants": ("", "TABLE(id uuid, name text, created_at timestamp with time zone, members bigint)"),
    "tenants_with_paid_jobs": ("", "TABLE(tenant_id uuid)"),
}
# Those that answer for one secret or one user: without the very one there is no row.
BY_SECRET: Mapping[str, LiteralString] = {
    "api_key_by_hash": "SELECT * FROM api_key_by_hash(%(guess)s)",
    "signed_in": "SELECT * FROM signed_in(%(guess)s, now(), interval '7 days')",
    "invitation_of": "SELECT * FROM invitation_of(%(guess)s, now())",
    "invitation_for": "SELECT * FROM invitation_for(encode(%(guess)s::bytea, 'escape'), now())",
    "tenants_of": "SELECT * FROM tenants_of(encode(substr(%(guess)s::bytea, 1, 16), 'hex')::uuid)",
}


async def test_each_takes_and_answers_what_it_is_listed_for(server: Server) -> None:
    with psycopg.connect(server.admin_dsn) as connection:
        found = connection.execute(
            """SELECT proname, pg_get_function_arguments(oid), pg_get_function_result(oid) FROM pg_proc
                WHERE prosecdef AND pronamespace = 'public'::regnamespace"""
        ).fetchall()
    assert {name: (takes, answers) for name, takes, answers in found} == SIGNATURES
    assert SIGNATURES.keys() == SECURITY_DEFINER_FUNCTIONS.keys()


@pytest.mark.parametrize("name", sorted(BY_SECRET))
async def test_what_answers_for_one_secret_answers_for_no_other(twins: Twins, name: str) -> None:
    key = hash_of(twins.a.keys[Scope.READ].text)
    guesses = [b"", b"%", b"\x00" * 32, uuid4().bytes * 2, key[:31], key + b"\x00", key[:31] + bytes([key[31] ^ 1])]
    async with twins.site.workbench.database.tenant(twins.b.tenant_id) as connection:
        for guess in (guesses if name != "tenants_of" else guesses[2:]) + [None]:
            rows = await (await connection.execute(BY_SECRET[name], {"guess": guess})).fetchall()
            assert rows == [], guess


async def test_what_a_user_may_be_told_is_of_their_own_tenants(twins: Twins) -> None:
    database, a, b = twins.site.workbench.database, twins.a, twins.b
    for twin in (a, b):
        for person in twin.people.values():
            assert [one.tenant_id for one in await tenants_of(database, person.id)] == [twin.tenant_id]
    async with database.tenant(b.tenant_id) as connection:
        query = "SELECT * FROM invitation_for(%s, now())"
        rows = await (await connection.execute(query, (b.people[Role.ADMIN].email,))).fetchall()
        assert rows == [], "a member is invited nowhere"
        query = "SELECT tenant_id FROM api_key_by_hash(%s)"
        rows = await (await connection.execute(query, (hash_of(b.keys[Scope.READ].text),))).fetchall()
        assert rows == [{"tenant_id": b.tenant_id}]


async def test_what_is_asked_of_all_tells_ids_and_the_operator_names(twins: Twins, server: Server) -> None:
    a, now = twins.a, datetime.now(UTC)
    before = digests_of(server, a.tenant_id)
    calls: dict[LiteralString, tuple[Any, ...]] = {
        "SELECT * FROM tenants_due(%s, %s)": (now + timedelta(days=1), now + timedelta(days=1)),
        "SELECT * FROM tenants_with_paid_jobs()": (),
        "SELECT ensure_measurement_partitions(%s, %s)": (now.date(), now.date()),
    }
    async with twins.site.workbench.database.tenant(twins.b.tenant_id) as connection:
        for query, values in calls.items():
            assert a.word not in repr(await (await connection.execute(query, values)).fetchall()), query
        rows = await (await connection.execute("SELECT * FROM known_tenants()")).fetchall()
        (row,) = [row for row in rows if row["id"] == a.tenant_id]
        assert repr(row).count(a.word) == 1, "its name alone"
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            async with connection.transaction():
                await connection.execute("SELECT note_change()")
        # The tenant of the transaction is what it was.
        assert await (await connection.execute("SELECT id FROM tenants")).fetchall() == [{"id": twins.b.tenant_id}]
    assert digests_of(server, a.tenant_id) == before


async def test_an_audited_change_leaves_the_transaction_its_own_tenant(twins: Twins) -> None:
    """The log is written by a trigger that may set the tenant meanwhile."""
    b = twins.b
    async with twins.site.workbench.database.tenant(b.tenant_id) as connection:
        await connection.execute("UPDATE skills SET description = description || '.'")
        rows = await (await connection.execute("SELECT DISTINCT tenant_id FROM audit_log")).fetchall()
        assert rows == [{"tenant_id": b.tenant_id}]
