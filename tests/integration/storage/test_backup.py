"""Backups by restoring them: every table row for row, taken while others write, and what is refused."""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from steelyard import bootstrap
from steelyard.domain.errors import Conflict, InputError, StorageError
from steelyard.storage.backup import programs
from steelyard.storage.embedded import remove
from steelyard.storage.migrate import HEAD, migrate, schema_state
from steelyard.storage.server import Server, embedded_server
from tests.integration.web.made import content

Rows = dict[str, list[str]]
# What the server keeps for its own processes while a test goes on.
WORKERS = "procrastinate_workers"
SHAPE = """
    SELECT format('%s %s %s %s %s', relname, relkind, relrowsecurity, relforcerowsecurity,
                  (SELECT array_agg(a::text ORDER BY a::text) FROM unnest(relacl) a))
      FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p', 'i', 'I', 'S')
    UNION ALL SELECT format('%s %s %s %s', tablename, policyname, qual, with_check) FROM pg_policies
    UNION ALL SELECT format('%s in %s', inhrelid::regclass, inhparent::regclass) FROM pg_inherits
    UNION ALL SELECT format('%s %s %s', oid::regprocedure, prosecdef, md5(prosrc)) FROM pg_proc
               WHERE pronamespace = current_schema()::regnamespace
    UNION ALL SELECT format('%s %s', tgname, tgrelid::regclass) FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL SELECT format('%s %s', conrelid::regclass, pg_get_constraintdef(oid)) FROM pg_constraint
               WHERE connamespace = current_schema()::regnamespace
"""


def rows(dsn: str) -> Rows:
    """Every table's rows as text, in order; partitions each by itself."""
    with psycopg.connect(dsn) as connection:
        names = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()").fetchall()
        return {
            name: sorted(
                row[0] for row in connection.execute(sql.SQL("SELECT t::text FROM {} t").format(sql.Identifier(name)))
            )
            for (name,) in names
            if name != WORKERS
        }


def shape(dsn: str) -> list[str]:
    with psycopg.connect(dsn) as connection:
        return sorted(str(row[0]) for row in connection.execute(SHAPE).fetchall())


@pytest.fixture
def new_home() -> Iterator[Path]:
    home = Path(tempfile.mkdtemp(prefix="steelyard-test-"))
    home.chmod(0o755)
    yield home
    remove(home)
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def empty_databases(server: Server) -> Iterator[list[str]]:
    """Superuser's ways into two databases of the shared server that have nothing in them."""
    names = [f"other_{uuid4().hex[:8]}" for _ in range(2)]
    with psycopg.connect(server.admin_dsn, autocommit=True) as connection:
        for name in names:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        yield [make_conninfo(server.admin_dsn, dbname=name) for name in names]
        for name in names:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


class Writer:
    """Adds a skill and its version in one transaction, again and again, until it is left."""

    def __init__(self, dsn: str) -> None:
        self.tenant = uuid4()
        self.written: list[UUID] = []
        self._dsn = dsn
        self._over = threading.Event()
        self._busy = threading.Event()
        self._thread = threading.Thread(target=self._write)

    def __enter__(self) -> Writer:
        self._thread.start()
        assert self._busy.wait(30)
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _write(self) -> None:
        with psycopg.connect(self._dsn) as connection:
            connection.execute("INSERT INTO tenants (id, name) VALUES (%s, 'writer')", (self.tenant,))
            while not self._over.is_set():
                skill, number = uuid4(), len(self.written)
                connection.execute(
                    "INSERT INTO skills (tenant_id, id, name) VALUES (%s, %s, %s)",
                    (self.tenant, skill, f"written-{number:06}"),
                )
                connection.execute(
                    """INSERT INTO skill_versions (tenant_id, skill_id, digest, prompt, body)
                       VALUES (%s, %s, 'd', 'p', 'b')""",
                    (self.tenant, skill),
                )
                connection.commit()
                self.written.append(skill)
                self._busy.set()


@pytest.fixture
async def used_home(server: Server, server_home: Path) -> Path:
    """The shared home, with uses in several partitions beside whatever other tests have left."""
    async with bootstrap.open_workbench(env={"STEELYARD_HOME": str(server_home)}) as bench:
        name = f"weigh-{uuid4().hex[:8]}"
        await bench.skills.add(bench.tenant_id, content(name), [])
        now = datetime.now(UTC)
        items = [
            {
                "key": f"{name}-{step}",
                "skill": name,
                "model": "openai:gpt-5.4",
                "measured_at": (now - timedelta(days=20 * step)).isoformat(),
                "input_tokens": 10 + step,
                "output_tokens": 5,
            }
            for step in range(8)
        ]
        taken = await bench.intake.take(bench.tenant_id, items)
        assert taken.kept == len(items), taken
    return server_home


_WRITTEN = ("skills", "skill_versions", "audit_log")


def _env(home: Path) -> dict[str, str]:
    return {"STEELYARD_HOME": str(home)}


def _of(writer: Writer, found: Rows) -> dict[str, list[str]]:
    return {name: [row for row in found[name] if str(writer.tenant) in row] for name in _WRITTEN}


def test_what_is_restored_is_what_there_was_row_for_row_while_others_wrote(
    used_home: Path, server: Server, new_home: Path, tmp_path: Path
) -> None:
    before = rows(server.admin_dsn)
    target = tmp_path / "all.backup"
    with Writer(server.admin_dsn) as writer:
        while len(writer.written) < 20:
            time.sleep(0.01)
        bootstrap.back_up(target, _env(used_home))
        at_its_end = len(writer.written)
        while len(writer.written) < at_its_end + 20:
            time.sleep(0.01)
    assert target.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["all.backup"]

    bootstrap.restore(target, force=False, env=_env(new_home))
    restored_dsn = embedded_server(new_home).admin_dsn
    after, final = rows(restored_dsn), rows(server.admin_dsn)
    assert shape(restored_dsn) == shape(server.admin_dsn)
    assert sum(bool(found) for name, found in after.items() if name.startswith("token_measurements_")) >= 3

    # What was there before is all there, and of what was written meanwhile whole transactions up to one moment.
    written = _of(writer, after)
    assert 0 < len(written["skills"]) == len(written["skill_versions"]) < len(writer.written)
    assert len(written["audit_log"]) == 2 * len(written["skills"])
    assert {str(skill) for skill in writer.written[: len(written["skills"])]} == {
        row.split(",")[1] for row in written["skills"]
    }
    for name, found in before.items():
        meanwhile = set(_of(writer, after).get(name, ())) | {row for row in after[name] if name == "tenants"}
        assert [row for row in after[name] if row not in meanwhile] == [row for row in found if row not in meanwhile]
    assert {name: found for name, found in after.items() if name not in (*_WRITTEN, "tenants")} == {
        name: found for name, found in final.items() if name not in (*_WRITTEN, "tenants")
    }
    assert set(before["tenants"]) <= set(after["tenants"]) <= set(final["tenants"])


async def test_a_restored_home_is_worked_with_and_its_rows_stay_their_tenants(
    used_home: Path, new_home: Path, tmp_path: Path
) -> None:
    bootstrap.back_up(tmp_path / "a", _env(used_home))
    bootstrap.restore(tmp_path / "a", force=False, env=_env(new_home))
    async with (
        bootstrap.open_workbench(env=_env(used_home)) as old,
        bootstrap.open_workbench(env=_env(new_home)) as new,
    ):
        listed = [await bench.catalogue.page(bench.tenant_id) for bench in (old, new)]
        assert listed[0] == listed[1]
        async with new.database.tenant(uuid4()) as connection:
            assert await (await connection.execute("SELECT 1 FROM skills LIMIT 1")).fetchone() is None

        # While a process is connected nothing is replaced.
        with pytest.raises(Conflict, match="in use"):
            bootstrap.restore(tmp_path / "a", force=True, env=_env(new_home))
    kept = rows(embedded_server(new_home).admin_dsn)
    with pytest.raises(Conflict, match="has data already"):
        bootstrap.restore(tmp_path / "a", force=False, env=_env(new_home))
    with psycopg.connect(embedded_server(new_home).admin_dsn) as connection:
        connection.execute("UPDATE tenants SET name = 'changed'")
    replaced = bootstrap.restore(tmp_path / "a", force=True, env=_env(new_home)).replaced
    assert rows(embedded_server(new_home).admin_dsn) == kept
    assert replaced is not None
    with psycopg.connect(embedded_server(new_home).admin_dsn) as connection:
        names = connection.execute("SELECT count(*) FROM pg_database WHERE datname ~ '^steelyard'").fetchone()
    assert names == (1,)
    bootstrap.restore(replaced, force=True, env=_env(new_home))
    assert all("changed" in row for row in rows(embedded_server(new_home).admin_dsn)["tenants"])


def test_an_older_schema_is_restored_into_another_server_and_migrated(
    empty_databases: list[str], tmp_path: Path
) -> None:
    old, new = ({"DATABASE_URL": dsn, "STEELYARD_HOME": str(tmp_path / "none")} for dsn in empty_databases)
    with pytest.raises(StorageError, match="no Steelyard schema"):
        bootstrap.back_up(tmp_path / "b", old)
    migrate(empty_databases[0], revision="0012")
    tenant, skill = uuid4(), uuid4()
    with psycopg.connect(empty_databases[0]) as connection:
        connection.execute("INSERT INTO tenants (id, name) VALUES (%s, 't')", (tenant,))
        connection.execute("INSERT INTO skills (tenant_id, id, name) VALUES (%s, %s, 'old')", (tenant, skill))
    assert bootstrap.back_up(tmp_path / "b", old).manifest.revision == "0012"
    bootstrap.restore(tmp_path / "b", force=False, env=new)
    assert schema_state(empty_databases[1]).current == HEAD
    with psycopg.connect(empty_databases[1]) as connection:
        assert connection.execute("SELECT id FROM skills").fetchall() == [(skill,)]

    with pytest.raises(Conflict, match="not empty"):
        bootstrap.restore(tmp_path / "b", force=False, env=new)
    with pytest.raises(InputError, match="embedded database alone"):
        bootstrap.restore(tmp_path / "b", force=True, env=new)


def test_a_role_that_would_see_no_rows_is_refused_and_leaves_no_file(server: Server, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="bound by row-level security"):
        bootstrap.back_up(tmp_path / "b", {"DATABASE_URL": server.dsn})
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_was_changed_or_cut_off_is_not_restored(
    server: Server, server_home: Path, empty_databases: list[str], tmp_path: Path
) -> None:
    whole = tmp_path / "whole"
    bootstrap.back_up(whole, _env(server_home))
    with pytest.raises(InputError, match="there already"):
        bootstrap.back_up(whole, _env(server_home))
    held = whole.read_bytes()
    place = len(held) // 2
    damaged = {
        "flipped": held[:place] + bytes([held[place] ^ 1]) + held[place + 1 :],
        "cut": held[:-1000],
        "longer": held + b"\n",
        "head": held.replace(b'"revision": "0', b'"revision": "1', 1),
        "other": b"PGDMP" + held,
        "empty": b"",
        "list": b"[]\n" + held,
    }
    for name, content_ in damaged.items():
        (tmp_path / name).write_bytes(content_)
        with pytest.raises(InputError):
            bootstrap.restore(tmp_path / name, force=False, env={"DATABASE_URL": empty_databases[0]})
    assert schema_state(empty_databases[0]).current is None


def test_no_password_stands_in_an_argument(server: Server) -> None:
    password = str(conninfo_to_dict(server.admin_dsn)["password"])
    command = programs._command(Path("pg_dump"), server.admin_dsn, "--format=custom")
    assert password not in " ".join(command)
    assert programs._environment(server.admin_dsn)["PGPASSWORD"] == password
