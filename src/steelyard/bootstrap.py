"""Puts the concrete parts together for one process; the only module that names them all."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from steelyard.domain.hosting import Hosting
    from steelyard.domain.models import ModelRef
    from steelyard.providers.registry import Providers
    from steelyard.services.doctor import Finding
    from steelyard.storage.backup import Restored, Taken
    from steelyard.storage.migrate import SchemaState
    from steelyard.workbench import Workbench

DEFAULT_CONCURRENCY = 16


def home_of(env: Mapping[str, str] | None = None) -> Path:
    """Where all local state lives: STEELYARD_HOME, else `.steelyard` in the user's home."""
    found = (os.environ if env is None else env).get("STEELYARD_HOME")
    return Path(found or "~/.steelyard").expanduser().absolute()


def hosting(env: Mapping[str, str] | None = None) -> Hosting:
    """Who reaches the installation and how, as file and environment say. Raises SettingsError."""
    from steelyard.providers.settings import load_settings

    env = os.environ if env is None else env
    return load_settings(home_of(env), env).hosting


@asynccontextmanager
async def open_workbench(
    *,
    env: Mapping[str, str] | None = None,
    concurrency: int = DEFAULT_CONCURRENCY,
    warm: Iterable[ModelRef] = (),
) -> AsyncGenerator[Workbench]:
    """Start or attach to the database, migrate the embedded one, and open everything.

    `warm` names models about to be called: what they need is imported while the database starts. Raises SteelyardError.
    """
    from steelyard.providers.limiter import CallSlots
    from steelyard.providers.registry import Providers
    from steelyard.providers.settings import load_settings
    from steelyard.providers.tenants import TenantProviders
    from steelyard.storage.database import Database
    from steelyard.storage.queue import Queue
    from steelyard.storage.server import keep_running, ready_server
    from steelyard.storage.tenants import LOCAL_TENANT, ensure_tenant
    from steelyard.workbench import Workbench

    env = os.environ if env is None else env
    home = home_of(env)
    settings = load_settings(home, env)
    async with AsyncExitStack() as stack:
        slots = CallSlots(concurrency)
        providers = TenantProviders(Providers(settings, slots=slots), slots=slots)
        stack.push_async_callback(providers.aclose)
        warming = asyncio.create_task(asyncio.to_thread(_warm, providers.own, list(warm)))
        stack.push_async_callback(_settled, warming)
        server = await asyncio.to_thread(ready_server, home, env)
        if server.embedded:
            stack.push_async_callback(_cancelled, asyncio.create_task(keep_running(home), name="database watch"))
        database = await stack.enter_async_context(Database(server.dsn, folder=server.folder))
        async with database.tenant(LOCAL_TENANT) as connection:
            await ensure_tenant(connection, LOCAL_TENANT, "local")
        queue = Queue(database)
        await queue.open()
        workbench = Workbench(
            home=home,
            tenant_id=LOCAL_TENANT,
            settings=settings,
            providers=providers,
            database=database,
            queue=queue,
            concurrency=concurrency,
            embedded=server.embedded,
            env=env,
        )
        stack.push_async_callback(workbench.aclose)
        providers.look_up(workbench.tenant_providers.find, LOCAL_TENANT)
        # Known from the start, so that a command may ask of its models without waiting.
        await providers.of(LOCAL_TENANT)
        yield workbench


def has_database(env: Mapping[str, str] | None = None) -> bool:
    """Whether there is a database to ask, without one being made. Raises SettingsError, StorageError, OSError."""
    from steelyard.storage.embedded.layout import recorded
    from steelyard.storage.server import external_server

    env = os.environ if env is None else env
    return external_server(env) is not None or recorded(home_of(env)) is not None


def run_migrations(env: Mapping[str, str] | None = None) -> SchemaState:
    """Bring the database to this version's schema. Blocking. Raises StorageError."""
    from steelyard.storage.migrate import migrate, schema_state
    from steelyard.storage.server import external_server, ready_server

    env = os.environ if env is None else env
    external = external_server(env)
    if external is not None:
        return migrate(external.admin_dsn, external.dsn)
    return schema_state(ready_server(home_of(env), env).dsn)


def back_up(target: Path, env: Mapping[str, str] | None = None) -> Taken:
    """Write the whole database to a file, as it is: an older schema is not migrated. Blocking.

    Raises InputError where there is nothing to back up or the file cannot be made, and StorageError.
    """
    from steelyard import __version__
    from steelyard.domain.errors import InputError
    from steelyard.storage.backup import back_up
    from steelyard.storage.embedded.layout import recorded
    from steelyard.storage.server import embedded_server, external_server

    env = os.environ if env is None else env
    server = external_server(env)
    if server is None:
        home = home_of(env)
        if recorded(home) is None:
            raise InputError(f"There is nothing to back up: {home} has no database.")
        server = embedded_server(home)
    return back_up(server.admin_dsn, target.absolute(), version=__version__)


def restore(source: Path, *, force: bool, env: Mapping[str, str] | None = None) -> Restored:
    """Restore a backup into the home, or into the empty database DATABASE_URL names. Blocking.

    Raises InputError for what is no backup, Conflict where something is in the way, and StorageError.
    """
    from steelyard import __version__
    from steelyard.storage.backup import restore
    from steelyard.storage.server import embedded_server, external_server, ready_server

    env = os.environ if env is None else env
    home = home_of(env)
    server = external_server(env) or embedded_server(home)
    restored = restore(server, source, home=home, force=force, version=__version__)
    # Lets the application's login in, where the server was made just now.
    ready_server(home, env)
    return restored


def doctor(env: Mapping[str, str] | None = None) -> list[Finding]:
    """What `steelyard doctor` found. Blocking; changes nothing."""
    from steelyard.services.doctor import examine

    env = os.environ if env is None else env
    return examine(home_of(env), env)


def stop_database(env: Mapping[str, str] | None = None) -> bool:
    """Shut the embedded server down; False when none was running. Blocking. Raises StorageError."""
    from steelyard.storage.embedded import stop

    return stop(home_of(os.environ if env is None else env))


def _warm(providers: Providers, refs: list[ModelRef]) -> None:
    from steelyard.domain.errors import SteelyardError

    for ref in refs:
        try:
            providers.warm([ref])
        except SteelyardError:
            # The check of the request tells the person; warming is only for speed.
            continue
    if refs:
        from steelyard.statistics import detectable_lead

        detectable_lead(10)


async def _settled(warming: asyncio.Task[None]) -> None:
    await warming


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
