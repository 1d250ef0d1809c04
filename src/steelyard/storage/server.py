"""Which PostgreSQL to use, brought to where the application can use it: `DATABASE_URL`, else the embedded one."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from steelyard.domain.errors import StorageError
from steelyard.storage.embedded import ensure_running, revive
from steelyard.storage.migrate import APP_ROLE, SchemaState, migrate, schema_state

logger = logging.getLogger(__name__)

DATABASE_URL = "DATABASE_URL"
ADMIN_URL = "STEELYARD_ADMIN_DATABASE_URL"
_WATCH_S = 1.0


@dataclass(frozen=True)
class Server:
    """`dsn` is the application's way in; `admin_dsn` the one for migrations. Both may carry passwords."""

    embedded: bool
    dsn: str = field(repr=False)
    admin_dsn: str = field(repr=False)


def external_server(env: Mapping[str, str]) -> Server | None:
    """The server named by the environment, if one is. Raises StorageError on a URL that cannot be read."""
    url = env.get(DATABASE_URL)
    if not url:
        return None
    for name in (DATABASE_URL, ADMIN_URL):
        try:
            conninfo_to_dict(env.get(name) or "")
        except psycopg.ProgrammingError as error:
            raise StorageError(
                f"{name} is not a PostgreSQL address.", next_step="Write postgresql://user:password@host:5432/database."
            ) from error
    return Server(False, url, env.get(ADMIN_URL) or url)


def ready_server(home: Path, env: Mapping[str, str]) -> Server:
    """A server whose schema is current. Blocking. Raises StorageError.

    The embedded one is started, given its roles and migrated as needed; another is only looked at.
    """
    external = external_server(env)
    if external is not None:
        check_schema(schema_state(external.dsn, as_app=True))
        return external
    server = embedded_server(home)
    if not _is_ready(server.dsn):
        _ensure_app_role(server)
        migrate(server.admin_dsn)
    return server


def embedded_server(home: Path) -> Server:
    """Start or attach to the embedded server. Blocking. Raises StorageError."""
    admin_dsn = ensure_running(home).superuser_dsn
    return Server(True, make_conninfo(admin_dsn, user=APP_ROLE, password=_app_password(admin_dsn)), admin_dsn)


async def keep_running(home: Path) -> None:
    """Start the embedded server again when it dies, until cancelled; a start that fails is told once and tried on."""
    told: str | None = None
    while True:
        await asyncio.sleep(_WATCH_S)
        try:
            await asyncio.to_thread(revive, home)
        except Exception as error:
            # A fault of ours must not end the watch: every command of this process waits for the server it starts.
            if str(error) != told:
                told = str(error)
                logger.warning("%s", told, exc_info=None if isinstance(error, StorageError) else error)
        else:
            told = None


def check_schema(state: SchemaState) -> None:
    """Raises StorageError unless the schema is the one this version works with."""
    if state.is_current:
        return
    if state.current is None or state.current < state.head:
        found = "has no Steelyard schema yet" if state.current is None else f"is at schema {state.current}"
        raise StorageError(
            f"The database {found}; this version needs {state.head}.", next_step="Run `steelyard migrate`."
        )
    raise StorageError(
        f"The database is at schema {state.current}, newer than {state.head}, the newest this version knows.",
        next_step="Upgrade Steelyard on this machine.",
    )


def _is_ready(dsn: str) -> bool:
    try:
        state = schema_state(dsn)
    except StorageError:
        return False
    if state.current is not None and state.current > state.head:
        check_schema(state)
    return state.is_current


def _ensure_app_role(server: Server) -> None:
    password = sql.Literal(conninfo_to_dict(server.dsn)["password"])
    role = sql.Identifier(APP_ROLE)
    with psycopg.connect(server.admin_dsn, autocommit=True) as connection:
        found = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (APP_ROLE,)).fetchone()
        verb = sql.SQL("ALTER ROLE") if found else sql.SQL("CREATE ROLE")
        connection.execute(
            sql.SQL("{} {} LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE PASSWORD {}").format(
                verb, role, password
            )
        )


def _app_password(admin_dsn: str) -> str:
    """Derived from the superuser's, so that there is one secret to keep."""
    secret = str(conninfo_to_dict(admin_dsn).get("password") or "")
    return hmac.new(secret.encode(), APP_ROLE.encode(), hashlib.sha256).hexdigest()
