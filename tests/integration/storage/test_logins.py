"""A server of one's own: its login need not be a superuser, but has to be let in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from steelyard.domain.errors import StorageError
from steelyard.services.doctor import examine
from steelyard.storage.database import Database
from steelyard.storage.migrate import migrate, schema_state
from steelyard.storage.server import Server

LOGIN, BASE = "plain_login", "plain_base"


@pytest.fixture
def plain(server: Server) -> Iterator[str]:
    """The DSN of a database's owner that is no superuser and no member of any role."""
    with psycopg.connect(server.admin_dsn, autocommit=True) as admin:
        admin.execute(f"CREATE ROLE {LOGIN} LOGIN PASSWORD 'pw'")
        admin.execute(f"CREATE DATABASE {BASE} OWNER {LOGIN}")
        yield make_conninfo(server.admin_dsn, user=LOGIN, password="pw", dbname=BASE)
        admin.execute(f"DROP DATABASE {BASE} WITH (FORCE)")
        admin.execute(f"DROP ROLE {LOGIN}")


async def test_migrating_lets_the_login_act_for_the_application(server: Server, plain: str) -> None:
    state = migrate(make_conninfo(server.admin_dsn, dbname=BASE), plain)
    assert state.is_current
    assert schema_state(plain, as_app=True).is_current
    async with Database(plain) as database, database.session() as connection:
        row = await (await connection.execute("SELECT current_user AS name")).fetchone()
    assert row == {"name": "steelyard_app"}


def test_the_maker_of_the_applications_role_may_let_itself_in(server: Server, plain: str) -> None:
    with psycopg.connect(server.admin_dsn, autocommit=True) as admin:
        admin.execute(f"GRANT steelyard_app TO {LOGIN} WITH ADMIN TRUE, INHERIT FALSE, SET FALSE")
    migrate(plain)
    assert schema_state(plain, as_app=True).is_current


def test_a_login_not_let_in_is_told_what_to_do(server: Server, plain: str) -> None:
    admin = make_conninfo(server.admin_dsn, dbname=BASE)
    migrate(admin)
    with pytest.raises(StorageError, match="permission denied") as caught:
        schema_state(plain, as_app=True)
    assert "steelyard migrate" in str(caught.value.next_step)
    with pytest.raises(StorageError, match="not let in") as caught:
        migrate(admin, plain.replace("password=pw", "password=wrong"))
    assert caught.value.kept == "The schema is up to date."


def test_doctor_sends_nobody_to_doctor(server_home: Path) -> None:
    found = examine(server_home, {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"})
    errors = [finding for finding in found if finding.level == "error"]
    assert [finding.what.split(":")[0] for finding in errors] == ["The database cannot be reached"]
    assert "steelyard doctor" not in str(errors[0].next_step)
