"""Restoring a backup: always into a database that has nothing in it, brought to this version's schema."""

from __future__ import annotations

import secrets
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from steelyard.domain.errors import Conflict, InputError, StorageError
from steelyard.storage.backup import file, programs
from steelyard.storage.backup.file import Manifest
from steelyard.storage.backup.taking import back_up, check_sees_all
from steelyard.storage.embedded.cluster import DATABASE
from steelyard.storage.globals import GLOBAL_TABLES
from steelyard.storage.migrate import APP_ROLE, HEAD, migrate
from steelyard.storage.server import Server

_RESTORE_LOCK = 0x57EE17A2E
# pg_restore of a newer version begins with a setting that older servers do not know.
_OLDEST_FOR_NEWER = 170_000
_APP_ROLE = sql.SQL(
    """DO $$ BEGIN
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = {name}) THEN CREATE ROLE {role} NOLOGIN; END IF;
    END $$"""
).format(name=sql.Literal(APP_ROLE), role=sql.Identifier(APP_ROLE))


@dataclass(frozen=True)
class Restored:
    """A backup that was restored; `replaced` is the file with what was there before, where there was something."""

    manifest: Manifest
    replaced: Path | None = None


def restore(server: Server, source: Path, *, home: Path, force: bool, version: str) -> Restored:
    """Restore the backup `source`, and migrate it where its schema is older. Blocking.

    The embedded database is replaced in one step at the end, and only where it had no rows or `force` is given: what
    it held is written to a backup in `home` first. A server named by DATABASE_URL must have an empty database.
    A backup is run by the database as its administrator: restore only what you made. Raises InputError for what is no
    backup, Conflict where something is in the way, StorageError.
    """
    if force and not server.embedded:
        raise InputError(
            "--force replaces the embedded database alone, and DATABASE_URL is set.",
            next_step="Make an empty database and name it in DATABASE_URL.",
        )
    with file.opened(source) as (manifest, archive):
        if manifest.revision > HEAD:
            raise InputError(
                f"{source} has schema {manifest.revision}, newer than {HEAD}, the newest this version knows.",
                next_step="Restore it with a Steelyard as new as the one that wrote it.",
            )
        with _told():
            if server.embedded:
                return Restored(manifest, _swap_in(server, archive, home, force=force, version=version))
            _load_external(server, archive)
    return Restored(manifest)


@contextmanager
def _told() -> Generator[None]:
    try:
        yield
    except psycopg.Error as error:
        raise StorageError(
            f"The backup could not be restored: {str(error).splitlines()[0]}",
            kept="What was there before is there still.",
            next_step="Run `steelyard doctor`, then try it again.",
        ) from error


def _load_external(server: Server, archive: Iterator[bytes]) -> None:
    with psycopg.connect(server.admin_dsn, connect_timeout=10, autocommit=True) as connection:
        check_sees_all(connection)
        found = connection.execute(
            """SELECT count(*) FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm', 'S')
                AND relnamespace NOT IN (SELECT oid FROM pg_namespace
                                          WHERE nspname ~ '^pg_' OR nspname = 'information_schema')"""
        ).fetchone()
        if found is None or found[0]:
            raise Conflict(
                "The database of DATABASE_URL is not empty.",
                kept="Nothing was changed.",
                next_step="Make an empty one (createdb), name it in DATABASE_URL, then restore again.",
            )
    _load(server.admin_dsn, archive)
    migrate(server.admin_dsn, server.dsn)


def _load(dsn: str, archive: Iterator[bytes]) -> None:
    with psycopg.connect(dsn, connect_timeout=10, autocommit=True) as connection:
        connection.execute(_APP_ROLE)
        tools = programs.tools_for(connection.info.server_version)
        if connection.info.server_version < _OLDEST_FOR_NEWER <= tools.major * 10_000:
            raise StorageError(
                f"The server is older than PostgreSQL 17, and pg_restore {tools.version} cannot restore into it.",
                kept="Nothing was changed.",
                next_step="Set STEELYARD_POSTGRES_BIN to the bin folder of the server's own version.",
            )
    programs.load(tools, dsn, archive)


def _swap_in(server: Server, archive: Iterator[bytes], home: Path, *, force: bool, version: str) -> Path | None:
    """Restore beside the embedded database, then let the two change names; a failure leaves it as it was."""
    used = _has_rows(server.admin_dsn)
    if used and not force:
        raise Conflict(
            f"{home} has data already.",
            kept="Nothing was changed.",
            next_step="Set STEELYARD_HOME to a new folder, or give --force, which writes a backup of it first.",
        )
    mark = secrets.token_hex(4)
    fresh, replaced = f"{DATABASE}_new_{mark}", f"{DATABASE}_old_{mark}"
    with psycopg.connect(_dsn(server, "postgres"), connect_timeout=10, autocommit=True) as connection:
        _alone(connection)
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(fresh)))
        in_place = False
        try:
            _load(_dsn(server, fresh), archive)
            migrate(_dsn(server, fresh))
            _rename(connection, (DATABASE, replaced), (fresh, DATABASE))
            in_place = True
            saved = None
            # Looked at again: now that it has another name, nobody writes to it any more.
            if used or _has_rows(_dsn(server, replaced)):
                saved = home / f"replaced-{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{mark}.backup"
                back_up(_dsn(server, replaced), saved, version=version)
            _drop(connection, replaced)
        except BaseException:
            if in_place:
                _rename(connection, (DATABASE, fresh), (replaced, DATABASE))
            _drop(connection, fresh)
            raise
    return saved


def _alone(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    """Keep other restorations out while `connection` lasts, and remove what a killed one left. Raises Conflict."""
    row = connection.execute("SELECT pg_try_advisory_lock(%s)", (_RESTORE_LOCK,)).fetchone()
    if row is None or not row[0]:
        raise Conflict("Another `steelyard restore` is under way here.", kept="Nothing was changed.")
    left = connection.execute(
        "SELECT datname FROM pg_database WHERE starts_with(datname, %s)", (f"{DATABASE}_new_",)
    ).fetchall()
    for (name,) in left:
        _drop(connection, str(name))


def _rename(connection: psycopg.Connection[tuple[object, ...]], *names: tuple[str, str]) -> None:
    """All in one transaction. Raises Conflict while a process is connected."""
    try:
        with connection.transaction():
            for old, new in names:
                connection.execute(
                    sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(old), sql.Identifier(new))
                )
    except psycopg.errors.ObjectInUse as error:
        raise Conflict(
            "The database is in use by another process of Steelyard.",
            kept="Nothing was changed.",
            next_step="Stop `steelyard serve` and the workers of this home, then restore again.",
        ) from error


def _drop(connection: psycopg.Connection[tuple[object, ...]], name: str) -> None:
    connection.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))


def _has_rows(dsn: str) -> bool:
    """Whether anything was ever kept there; the tenant of an installation is made by its first command."""
    with psycopg.connect(dsn, connect_timeout=10) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()").fetchall()
        return any(
            connection.execute(sql.SQL("SELECT 1 FROM {} LIMIT 1").format(sql.Identifier(str(name)))).fetchone()
            for (name,) in tables
            if name not in GLOBAL_TABLES and name != "tenants"
        )


def _dsn(server: Server, database: str) -> str:
    return make_conninfo(server.admin_dsn, dbname=database)
