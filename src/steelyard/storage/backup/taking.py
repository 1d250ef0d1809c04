"""Taking a backup while everything goes on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import psycopg

from steelyard.domain.errors import StorageError
from steelyard.storage.backup import file, programs
from steelyard.storage.backup.file import Manifest
from steelyard.storage.migrate import MIGRATION_LOCK


@dataclass(frozen=True)
class Taken:
    """A backup that was written, and how many bytes it has."""

    manifest: Manifest
    size: int


def back_up(admin_dsn: str, target: Path, *, version: str) -> Taken:
    """Write the whole database to `target` as of one moment; writers are not kept from anything. Blocking.

    `admin_dsn` must belong to a role that row-level security does not bind, and lead to the server itself.
    `version` is Steelyard's. A migration waits until it is done. Raises InputError and StorageError.
    """
    try:
        with psycopg.connect(admin_dsn, connect_timeout=10, autocommit=True) as connection:
            check_sees_all(connection)
            # Before the snapshot: what it shows must not be half of a migration.
            connection.execute("SELECT pg_advisory_lock_shared(%s)", (MIGRATION_LOCK,))
            connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            row = connection.execute("SELECT pg_export_snapshot(), now()").fetchone()
            assert row is not None
            snapshot, made_at = str(row[0]), row[1]
            assert isinstance(made_at, datetime)
            manifest = Manifest(
                revision=_revision(connection),
                made_at=made_at.astimezone(UTC).isoformat(timespec="seconds"),
                steelyard=version,
                postgres=connection.info.parameter_status("server_version") or "",
            )
            tools = programs.tools_for(connection.info.server_version)
            size = file.write(target, manifest, partial(programs.dumped, tools, admin_dsn, snapshot))
    except psycopg.Error as error:
        raise StorageError(
            f"The database cannot be backed up: {str(error).splitlines()[0]}",
            kept="It was only read, and no file was written.",
            next_step="Run `steelyard doctor` to see what is wrong.",
        ) from error
    return Taken(manifest, size)


def check_sees_all(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    """Raises StorageError where row-level security binds the connection's role: it would see no tenant's rows."""
    row = connection.execute(
        "SELECT rolname, rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user"
    ).fetchone()
    if row is not None and not row[1]:
        raise StorageError(
            f"The role {row[0]} is bound by row-level security, so that it can neither back up nor restore every"
            " tenant's rows.",
            kept="Nothing was changed.",
            next_step="Name a superuser, or a role with BYPASSRLS that owns the tables, in"
            " STEELYARD_ADMIN_DATABASE_URL.",
        )


def _revision(connection: psycopg.Connection[tuple[object, ...]]) -> str:
    known = connection.execute("SELECT to_regclass('alembic_version') IS NOT NULL").fetchone()
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone() if known and known[0] else None
    if row is None:
        raise StorageError("There is nothing to back up: the database has no Steelyard schema.")
    return str(row[0])
