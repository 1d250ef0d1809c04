"""Which PostgreSQL to use, brought to where the application can use it: `DATABASE_URL`, else the embedded one."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from steelyard.domain.errors import SettingsError, StorageError
from steelyard.storage.embedded import ensure_running, revive
from steelyard.storage.migrate import APP_ROLE, SchemaState, migrate, schema_state
from steelyard.storage.telling import Telling

logger = logging.getLogger(__name__)

DATABASE_URL = "DATABASE_URL"
ADMIN_URL = "STEELYARD_ADMIN_DATABASE_URL"
_WATCH_S = 1.0
_MOST_BETWEEN_STARTS_S = 10.0


@dataclass(frozen=True)
class Server:
    """`dsn` is the application's way in; `admin_dsn` the one for migrations. Both may carry passwords.

    `folder` is where its data lies, None where that is not known.
    """

    embedded: bool
    dsn: str = field(repr=False)
    admin_dsn: str = field(repr=False)
    folder: Path | None = None


def external_server(env: Mapping[str, str]) -> Server | None:
    """The server named by the environment, if one is. Raises SettingsError on an address that cannot be read."""
    url, admin_url = ((env.get(name) or "").strip() for name in (DATABASE_URL, ADMIN_URL))
    if not url:
        return None
    for name, given in ((DATABASE_URL, url), (ADMIN_URL, admin_url)):
        wrong = _why_unreadable(given)
        if wrong is not None:
            raise SettingsError(
                f"{name} is not a PostgreSQL address: {wrong}.",
                next_step="Write postgresql://user:password@host:5432/database, or unset it.",
            )
    return Server(False, url, admin_url or url)


def _why_unreadable(url: str) -> str | None:
    """What is wrong with an address, in words that repeat nothing of it but its scheme: it may hold a password."""
    scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]*)://", url)
    if scheme is not None and scheme[1] not in ("postgresql", "postgres"):
        return f"it begins with {scheme[1]}:// in place of postgresql://"
    try:
        parts = conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        if scheme is None and "=" not in url:
            return "it does not begin with postgresql://"
        return "it cannot be read; special characters in a password are written as %40 for @, %2F for /, %25 for %"
    ports = str(parts.get("port") or "").split(",")
    if not all(not port or (port.isascii() and port.isdigit() and 0 < int(port) < 65_536) for port in ports):
        return "its port is not a number from 1 to 65535"
    return None


def ready_server(home: Path, env: Mapping[str, str]) -> Server:
    """A server whose schema is current. Blocking. Raises StorageError, and SettingsError on an address that is none.

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
    running = ensure_running(home)
    admin_dsn = running.superuser_dsn
    dsn = make_conninfo(admin_dsn, user=APP_ROLE, password=_app_password(admin_dsn))
    return Server(True, dsn, admin_dsn, running.data_dir)


async def keep_running(home: Path) -> None:
    """Start the embedded server again when it dies, until cancelled.

    A start that fails is tried on, after ten seconds at most, and why it failed is told again every minute.
    """
    telling = Telling()
    rest_s = _WATCH_S
    while True:
        await asyncio.sleep(rest_s)
        try:
            await asyncio.to_thread(revive, home)
        except Exception as error:
            # A fault of ours must not end the watch: every command of this process waits for the server it starts.
            rest_s = min(2 * rest_s, _MOST_BETWEEN_STARTS_S)
            # Sizes and process ids make no new trouble of the same one.
            if telling.due(re.sub(r"\d+", "", str(error))):
                logger.warning(
                    "%s It is tried again.", error, exc_info=None if isinstance(error, StorageError) else error
                )
        else:
            rest_s = _WATCH_S


def check_schema(state: SchemaState) -> None:
    """Raises StorageError unless the schema is the one this version works with."""
    if state.is_current:
        return
    if state.is_behind:
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
    if not state.is_current and not state.is_behind:
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
