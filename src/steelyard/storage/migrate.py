"""Schema migrations: which revision a database has, and bringing it to this version's head."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from steelyard.domain.errors import StorageError

if TYPE_CHECKING:
    from alembic.config import Config

APP_ROLE = "steelyard_app"
# Any constant will do as long as every Steelyard process takes the same one.
_MIGRATION_LOCK = 0x57EE17A2D


@dataclass(frozen=True)
class SchemaState:
    """`current` is None in a database never migrated."""

    current: str | None
    head: str

    @property
    def is_current(self) -> bool:
        return self.current == self.head


def head_revision() -> str:
    """The newest revision this version knows."""
    from alembic.script import ScriptDirectory

    head = ScriptDirectory.from_config(_config()).get_current_head()
    assert head is not None
    return head


# Read without Alembic on the hot path of every command: importing it costs more than the query.
HEAD = "0002"


def migrate(admin_dsn: str, revision: str = "head") -> SchemaState:
    """Bring the database to head, one process at a time. Raises StorageError.

    `admin_dsn` must belong to a role that may create tables here and, the first time, the role
    `steelyard_app` (or find it made).
    """
    import psycopg
    from alembic import command
    from sqlalchemy import create_engine, text
    from sqlalchemy.exc import SQLAlchemyError
    from sqlalchemy.pool import NullPool

    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(admin_dsn), poolclass=NullPool)
    try:
        with engine.connect() as connection:
            connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _MIGRATION_LOCK})
            connection.commit()
            try:
                config = _config()
                config.attributes["connection"] = connection
                command.upgrade(config, revision)
                connection.commit()
            finally:
                connection.rollback()
                connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _MIGRATION_LOCK})
                connection.commit()
    except (SQLAlchemyError, psycopg.Error) as error:
        raise StorageError(
            f"The database schema could not be migrated: {str(error).splitlines()[0]}",
            kept="Nothing was changed: each migration is one transaction.",
            next_step="Check that the role may create tables, then run `steelyard migrate` again.",
        ) from error
    finally:
        engine.dispose()
    return schema_state(admin_dsn)


def schema_state(dsn: str) -> SchemaState:
    """The revision found over `dsn`. Raises StorageError when the server cannot be reached."""
    import psycopg

    try:
        with psycopg.connect(dsn, connect_timeout=10) as connection:
            known = connection.execute("SELECT to_regclass('alembic_version') IS NOT NULL").fetchone()
            if known is None or not known[0]:
                return SchemaState(None, HEAD)
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
            return SchemaState(None if row is None else str(row[0]), HEAD)
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
