"""Puts the concrete parts together for one process; the only module that names them all."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from steelyard.domain.models import ModelRef
    from steelyard.judging import Judge
    from steelyard.judging.default import DefaultJudge
    from steelyard.providers.registry import Providers
    from steelyard.providers.settings import ProviderSettings
    from steelyard.services.benchmarks import BenchmarkService, RunRequest
    from steelyard.services.doctor import Finding
    from steelyard.services.estimates import Estimate, Estimator, Pricer
    from steelyard.services.skills import SkillService
    from steelyard.storage.database import Database
    from steelyard.storage.migrate import SchemaState

DEFAULT_CONCURRENCY = 16


def home_of(env: Mapping[str, str] | None = None) -> Path:
    """Where all local state lives: STEELYARD_HOME, else `.steelyard` in the user's home."""
    found = (os.environ if env is None else env).get("STEELYARD_HOME")
    return Path(found or "~/.steelyard").expanduser().absolute()


@dataclass
class Workbench:
    """Everything one process needs, for the tenant of a single-user installation."""

    home: Path
    tenant_id: UUID
    settings: ProviderSettings
    providers: Providers
    database: Database
    skills: SkillService
    benchmarks: BenchmarkService
    concurrency: int
    _estimator: Estimator
    _price: Pricer
    _make_judge: Callable[[ModelRef], Judge]

    @property
    def in_flight(self) -> int:
        """Calls this process is waiting for; one that waits for a slot or a retry is not yet, or no longer, out."""
        return self.providers.in_flight

    async def work(
        self,
        *,
        run_id: UUID | None,
        stop: asyncio.Event,
        ended: Callable[[UUID], None] | None = None,
    ) -> None:
        """Serve one run's jobs, or every run's, until `stop` is set; what is in flight then finishes and is saved."""
        from steelyard.services.worker import work

        await work(
            self.database,
            self.providers,
            self._price,
            self._make_judge,
            run_id=run_id,
            concurrency=self.concurrency,
            stop=stop,
            ended=ended,
        )

    async def estimate(self, request: RunRequest) -> Estimate:
        """What the run would take. Raises InputError and its kin."""
        return await self._estimator.estimate(self.tenant_id, request, concurrency=self.concurrency)

    def default_judge(self, candidates: Iterable[ModelRef]) -> DefaultJudge:
        """The judge to use when none is named: out of the candidates' families where keys allow it."""
        from steelyard.judging.default import choose_judge

        endpoints = self.settings.endpoints
        # A server of one's own that speaks OpenAI's protocol need not have OpenAI's models.
        vendors = [
            name
            for name in self.providers.usable()
            if endpoints[name].base_url is None or endpoints[name].kind == "anthropic"
        ]
        return choose_judge(vendors, list(candidates))


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
    from steelyard.storage.server import ready_server

    env = os.environ if env is None else env
    home = home_of(env)
    settings = load_settings(home, env)
    async with AsyncExitStack() as stack:
        providers = Providers(settings, slots=CallSlots(concurrency))
        stack.push_async_callback(providers.aclose)
        warming = asyncio.create_task(asyncio.to_thread(_warm, providers, list(warm)))
        stack.push_async_callback(_settled, warming)
        server = await asyncio.to_thread(ready_server, home, env)
        yield await _assemble(stack, home, settings, providers, server.dsn, concurrency)


async def _assemble(
    stack: AsyncExitStack, home: Path, settings: ProviderSettings, providers: Providers, dsn: str, concurrency: int
) -> Workbench:
    from functools import partial

    from steelyard.judging import Judge
    from steelyard.pricing import cost
    from steelyard.services.benchmarks import BenchmarkService
    from steelyard.services.estimates import Estimator
    from steelyard.services.skills import SkillService
    from steelyard.storage.database import Database
    from steelyard.storage.queue import Queue
    from steelyard.storage.tenants import LOCAL_TENANT, ensure_tenant

    database = await stack.enter_async_context(Database(dsn))
    async with database.tenant(LOCAL_TENANT) as connection:
        await ensure_tenant(connection, LOCAL_TENANT, "local")
    queue = Queue(database)
    await queue.open()

    def make_judge(ref: ModelRef) -> Judge:
        return Judge(ref, providers.identity(ref))

    price: Pricer = partial(cost, rates=settings.prices)
    benchmarks = BenchmarkService(database, queue, providers, make_judge)
    return Workbench(
        home=home,
        tenant_id=LOCAL_TENANT,
        settings=settings,
        providers=providers,
        database=database,
        skills=SkillService(database),
        benchmarks=benchmarks,
        concurrency=concurrency,
        _estimator=Estimator(database, benchmarks, price),
        _price=price,
        _make_judge=make_judge,
    )


def run_migrations(env: Mapping[str, str] | None = None) -> SchemaState:
    """Bring the database to this version's schema. Blocking. Raises StorageError."""
    from steelyard.storage.migrate import migrate, schema_state
    from steelyard.storage.server import external_server, ready_server

    env = os.environ if env is None else env
    external = external_server(env)
    if external is not None:
        return migrate(external.admin_dsn, external.dsn)
    return schema_state(ready_server(home_of(env), env).dsn)


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
