"""Schema migrations: which revision a database has, and bringing it to this version's head."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from steelyard.domain.errors import StorageError

if TYPE_CHECKING:
    from alembic.config import Config

APP_ROLE = "steelyard_app"
# Any constant will do as long as every Steelyard process takes the same one.
MIGRATION_LOCK = 0x57EE17A2D

_LET_IN = f"Run `steelyard migrate`, with STEELYARD_ADMIN_DATABASE_URL naming a role that may grant {APP_ROLE}."


@dataclass(frozen=True)
class SchemaState:
    """`current` is None in a database never migrated."""

    current: str | None
    head: str

    @property
    def is_current(self) -> bool:
        return self.current == self.head

    @property
    def is_behind(self) -> bool:
        """Whether migrating brings it to head: this version knows what it is at. Numbers need not be in order."""
        return not self.is_current and (self.current is None or _knows(self.current))


def _knows(revision: str) -> bool:
    from importlib.resources import files

    versions = files("steelyard.storage.migrations").joinpath("versions")
    return any(one.name.startswith(f"{revision}_") for one in versions.iterdir())


def head_revision() -> str:
    """The newest revision this version knows."""
    from alembic.script import ScriptDirectory

    head = ScriptDirectory.from_config(_config()).get_current_head()
    assert head is not None
    return head


# Read without Alembic on the hot path of every command: importing it costs more than the query.
HEAD = "0030"


def migrate(admin_dsn: str, login_dsn: str | None = None, revision: str = "head") -> SchemaState:
    """Bring the database to head, one process at a time. Raises StorageError.

    `admin_dsn` must belong to a role that may create tables here and, the first time, the role
    `steelyard_app` (or find it made). The role of `login_dsn`, by default the same, is given leave to act
    as `steelyard_app`: PostgreSQL gives that to superusers alone, not even to the role's maker.
    """
    import psycopg
    from alembic import command
    from sqlalchemy import create_engine, text
    from sqlalchemy.exc import DBAPIError, SQLAlchemyError
    from sqlalchemy.pool import NullPool

    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(admin_dsn), poolclass=NullPool)
    began = False
    try:
        with engine.connect() as connection:
            began = True
            connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": MIGRATION_LOCK})
            connection.commit()
            try:
                config = _config()
                config.attributes["connection"] = connection
                command.upgrade(config, revision)
                connection.commit()
                _let_in(login_dsn or admin_dsn, admin_dsn)
            finally:
                connection.rollback()
                connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": MIGRATION_LOCK})
                connection.commit()
    except (SQLAlchemyError, psycopg.Error) as error:
        if isinstance(error, DBAPIError) and isinstance(error.orig, psycopg.OperationalError) and not began:
            raise StorageError(
                f"The database cannot be reached: {str(error.orig).splitlines()[0]}",
                kept="Nothing was changed.",
                next_step="Start the server, or check what DATABASE_URL and STEELYARD_ADMIN_DATABASE_URL say.",
            ) from error
        raise StorageError(
            f"The database schema could not be migrated: {str(error).splitlines()[0]}",
            kept="Nothing was changed: each migration is one transaction.",
            next_step=f"The role that migrates has to create tables and, the first time, the role {APP_ROLE}"
            " (CREATEROLE). Name one that may in STEELYARD_ADMIN_DATABASE_URL, then run `steelyard migrate` again.",
        ) from error
    finally:
        engine.dispose()
    return schema_state(admin_dsn)


def _let_in(login_dsn: str, admin_dsn: str) -> None:
    """Let the login act as the application's role. Raises StorageError."""
    import psycopg
    from psycopg import sql

    try:
        with psycopg.connect(login_dsn, connect_timeout=10) as connection:
            # SET is a right of its own from PostgreSQL 16 on; before, every member has it.
            right = "SET" if connection.info.server_version >= 160000 else "MEMBER"
            row = connection.execute("SELECT current_user, pg_has_role(%s, %s)", (APP_ROLE, right)).fetchone()
        assert row is not None
        if not row[1]:
            grant = sql.SQL("GRANT {} TO {}").format(sql.Identifier(APP_ROLE), sql.Identifier(row[0]))
            with psycopg.connect(admin_dsn, connect_timeout=10) as connection:
                connection.execute(grant)
    except psycopg.Error as error:
        raise StorageError(
            f"The database's login was not let in: {str(error).splitlines()[0]}",
            kept="The schema is up to date.",
            next_step=_LET_IN,
        ) from error


def schema_state(dsn: str, *, as_app: bool = False) -> SchemaState:
    """The revision found over `dsn`, `as_app` by the role the application acts as.

    Raises StorageError when the server cannot be reached, or its login may not act so.
    """
    import psycopg

    try:
        with psycopg.connect(dsn, connect_timeout=10) as connection:
            known = connection.execute("SELECT to_regclass('alembic_version') IS NOT NULL").fetchone()
            if known is None or not known[0]:
                return SchemaState(None, HEAD)
            if as_app:
                connection.execute("SELECT set_config('role', %s, false)", (APP_ROLE,))
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
            return SchemaState(None if row is None else str(row[0]), HEAD)
    except psycopg.errors.InsufficientPrivilege as error:
        raise StorageError(
            f"The database's login lacks a right: {str(error).splitlines()[0]}",
            next_step=_LET_IN,
        ) from error
    except psycopg.Error as error:
        raise StorageError(
            f"The database cannot be reached: {str(error).splitlines()[0]}",
            next_step="Run `steelyard doctor` to see what is wrong.",
        ) from error


def _config() -> Config:
    from importlib.resources import files

    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(files("steelyard.storage.migrations")))
    config.set_main_option("path_separator", "os")
    return config
