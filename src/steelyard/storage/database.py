"""The application's way to PostgreSQL: one pool, and transactions that belong to one tenant."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from math import isfinite
from pathlib import Path
from types import TracebackType
from typing import Any, LiteralString, cast
from uuid import UUID

import psycopg
from psycopg import AsyncConnection, AsyncCursor, sql
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from steelyard.domain.actors import Actor, acting
from steelyard.domain.errors import NotFound, StorageError
from steelyard.storage.migrate import APP_ROLE
from steelyard.storage.refusals import AppConnection
from steelyard.storage.telling import Telling

logger = logging.getLogger(__name__)

Connection = AsyncConnection[DictRow]
Parameters = Sequence[object] | Mapping[str, object]

# What a query raises while the database is away; waiting and asking again may help. Of an `AppConnection` it never is a
# refusal of what was asked.
DATABASE_AWAY = (psycopg.OperationalError, PoolTimeout)
DISK_FULL = psycopg.errors.DiskFull
# For so long the pool tries to connect, each time after twice as long; then it begins anew. Left to itself it would
# rest for minutes, with a database long back.
_RECONNECT_S = 5.0
# Any refusal of the database.
DATABASE_ERROR = (psycopg.Error, PoolTimeout)

# One round trip for all of it. Who acts is for the rows that say who; what may be seen goes by the tenant alone.
_BEGIN = sql.SQL(
    "BEGIN; SET LOCAL ROLE {role}; SET LOCAL app.current_tenant_id = {tenant};"
    " SET LOCAL app.actor_kind = {kind}; SET LOCAL app.actor_id = {actor}; SET LOCAL app.actor_name = {name}"
)

_BEGIN_OUTSIDE = sql.SQL("BEGIN; SET LOCAL ROLE {role}").format(role=sql.Identifier(APP_ROLE))


class Database:
    """A pool of connections that act as the application's role, never as a superuser or owner.

    Whatever role the DSN logs in as, each connection becomes `steelyard_app`, and each tenant's transaction once more,
    so row-level security always binds, also behind a pooler. Not safe to share between event loops.
    """

    def __init__(self, dsn: str, *, min_size: int = 1, max_size: int = 12, folder: Path | None = None) -> None:
        """`folder`: where its data lies, if that is known; it is named when its disk has no room."""
        self.dsn = dsn
        self._folder = folder
        self._telling = Telling()
        self._connecting: set[asyncio.Task[None]] = set()
        self._most = max_size
        # A line for each try to connect, while the database is away, would only bury what its users say of it.
        logging.getLogger("psycopg").setLevel(logging.CRITICAL)
        self.pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
            dsn,
            connection_class=AppConnection,
            kwargs={"row_factory": dict_row},
            configure=_become_app_role,
            min_size=min_size,
            max_size=max_size,
            open=False,
            reconnect_timeout=_RECONNECT_S,
            reconnect_failed=self._go_on_connecting,
            name="steelyard",
        )

    async def __aenter__(self) -> Database:
        try:
            await self.pool.open(wait=True, timeout=20)
        except (PoolTimeout, psycopg.Error) as error:
            await self.pool.close()
            raise StorageError(
                "The database cannot be reached.", next_step="Run `steelyard doctor` to see what is wrong."
            ) from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.pool.close()

    @asynccontextmanager
    async def tenant(self, tenant_id: UUID) -> AsyncGenerator[Connection]:
        """One transaction as `tenant_id`, of whoever acts; commits on leaving, rolls back on an error.

        Raises NotFound where a row was written for a skill, or a version of one, that was deleted meanwhile.
        """
        actor = acting.get()
        begin = _BEGIN.format(
            role=sql.Identifier(APP_ROLE),
            tenant=sql.Literal(str(tenant_id)),
            kind=sql.Literal(str(actor.kind)),
            actor=sql.Literal("" if actor.id is None else str(actor.id)),
            name=sql.Literal(clean(actor.name)),
        )
        connection = await self._begun(begin)
        try:
            async with self._until_done(connection):
                yield connection
        except psycopg.errors.ForeignKeyViolation as error:
            if "skill" not in (error.diag.constraint_name or ""):
                raise
            raise NotFound(
                "The skill was deleted meanwhile.",
                kept="Nothing was changed.",
                next_step="Add it again if it is wanted.",
            ) from error

    @asynccontextmanager
    async def outside(self) -> AsyncGenerator[Connection]:
        """One transaction on what stands outside the tenants, as `storage/globals.py` lists it."""
        async with self._until_done(await self._begun(_BEGIN_OUTSIDE)) as connection:
            yield connection

    @asynccontextmanager
    async def _until_done(self, connection: Connection) -> AsyncGenerator[Connection]:
        """Commits on leaving, rolls back on an error; then the connection is given back."""
        try:
            # Its own context commits and rolls back.
            async with connection:
                yield connection
        except DISK_FULL:
            self._tell_no_room()
            raise
        finally:
            await self.pool.putconn(connection)

    def _tell_no_room(self) -> None:
        if self._telling.due("no room"):
            logger.warning(
                "The database has no room on its disk%s, and can save nothing. What was received is kept, and saved "
                "when there is room.",
                "" if self._folder is None else f": {self._folder}",
            )

    async def _go_on_connecting(self, pool: AsyncConnectionPool[Any]) -> None:
        """The pool has given up: whoever waits goes on waiting, and only who comes new makes it try again."""
        if pool.get_stats().get("requests_waiting"):
            task = asyncio.create_task(self._connect_again(), name="connect again")
            self._connecting.add(task)
            task.add_done_callback(self._connecting.discard)

    async def _connect_again(self) -> None:
        with suppress(*DATABASE_AWAY):
            await self.pool.putconn(await self.pool.getconn(timeout=_RECONNECT_S))

    async def ask(self, query: LiteralString, parameters: Parameters = ()) -> list[DictRow]:
        """One statement on what stands outside the tenants, committed by itself; its rows, none where it gives none.

        For the tables and functions that `storage/globals.py` lists. Raises what DATABASE_AWAY names.
        """
        cursor = await self._asked(query, parameters)
        return await cursor.fetchall() if cursor.description else []

    async def _asked(self, query: LiteralString, parameters: Parameters) -> AsyncCursor[DictRow]:
        dead = 0
        while True:
            async with self.pool.connection() as connection:
                try:
                    return await connection.execute(query, parameters)
                except psycopg.OperationalError:
                    # As in `_begun`. Asked twice for one time, a count is one too high and a link is used up.
                    if not connection.closed or dead > self._most:
                        raise
                    dead += 1

    async def _begun(self, begin: sql.Composed) -> Connection:
        """A connection of the pool, in a transaction.

        One that died with the database it led to is found out here, where nothing was asked of it yet: it goes back,
        and the next one is tried. Raises what DATABASE_AWAY names.
        """
        dead = 0
        while True:
            connection = await self.pool.getconn()
            try:
                await connection.execute(begin, prepare=False)
            except BaseException as error:
                await self.pool.putconn(connection)
                if not isinstance(error, psycopg.OperationalError) or not connection.closed or dead > self._most:
                    raise
                dead += 1
            else:
                return connection

    @asynccontextmanager
    async def session(self) -> AsyncGenerator[Connection]:
        """A connection outside the pool with no tenant, for session-level locks and LISTEN."""
        connection = await AppConnection.connect(self.dsn, row_factory=dict_row, autocommit=True)
        try:
            await _become_app_role(connection)
            yield connection
        finally:
            await connection.close()


async def act_as(connection: Connection, actor: Actor) -> None:
    """Do the rest of the transaction on behalf of `actor`: of whoever it has just made."""
    await connection.execute(
        """SELECT set_config('app.actor_kind', %s, true), set_config('app.actor_id', %s, true),
                  set_config('app.actor_name', %s, true)""",
        (actor.kind.value, "" if actor.id is None else str(actor.id), clean(actor.name)),
    )


async def act_in(connection: Connection, tenant_id: UUID) -> None:
    """Do the rest of the transaction in that tenant: for what concerns several, each for itself."""
    await connection.execute("SELECT set_config('app.current_tenant_id', %s, true)", (str(tenant_id),))


async def _become_app_role(connection: AsyncConnection[Any]) -> None:
    # Here and not in the pool's arguments, which the job queue hands to connect() beside its own.
    await connection.set_autocommit(True)
    await connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(APP_ROLE)))


def clean(text: str) -> str:
    """The text as PostgreSQL can hold it: NUL becomes U+FFFD, a lone surrogate a question mark."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")


def clean_json(value: Any) -> Any:
    """The value with every string in it cleaned, dates as text, and infinities and NaN as null."""
    match value:
        case str():
            return clean(value)
        case bool() | int() | None:
            return value
        case float():
            return value if isfinite(value) else None
        case Mapping():
            pairs = cast(Mapping[Any, Any], value).items()
            return {clean(str(key)): clean_json(item) for key, item in pairs}
        case list() | tuple() | set() | frozenset():
            return [clean_json(item) for item in cast(Iterable[Any], value)]
        case _:
            return clean(str(value))
