"""Puts the concrete parts together for one process; the only module that names them all."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
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
    from steelyard.services.case_view import CaseViews
    from steelyard.services.cases import CaseService
    from steelyard.services.catalogue import SkillCatalogue
    from steelyard.services.comparisons import Comparisons
    from steelyard.services.doctor import Finding
    from steelyard.services.estimates import Estimate, Estimator, Pricer
    from steelyard.services.feedback import FeedbackService
    from steelyard.services.history import RunHistory
    from steelyard.services.live import LiveRuns
    from steelyard.services.model_offers import ModelOffers
    from steelyard.services.models_view import ModelViews
    from steelyard.services.reviews import ReviewService
    from steelyard.services.run_form import RunForms
    from steelyard.services.run_view import RunViews
    from steelyard.services.skills import SkillService
    from steelyard.services.staleness import StalenessService
    from steelyard.services.suggestions import SuggestionService
    from steelyard.services.usage import UsageService
    from steelyard.services.versions import VersionService
    from steelyard.services.worker import LeftRun
    from steelyard.storage.database import Database
    from steelyard.storage.migrate import SchemaState
    from steelyard.storage.server import Server

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
    catalogue: SkillCatalogue
    run_views: RunViews
    case_views: CaseViews
    comparisons: Comparisons
    history: RunHistory
    run_forms: RunForms
    offers: ModelOffers
    model_views: ModelViews
    live: LiveRuns
    cases: CaseService
    usage: UsageService
    feedback: FeedbackService
    suggestions: SuggestionService
    reviews: ReviewService
    staleness: StalenessService
    versions: VersionService
    concurrency: int
    embedded: bool
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
        left: Callable[[LeftRun], None] | None = None,
    ) -> None:
        """Serve one run's jobs, or every run's, until `stop` is set; what is in flight then finishes and is saved.

        `left` hears once of each run that cannot be served here as it was planned.
        """
        from functools import partial

        from steelyard.execution.fitness import why_review_unfit, why_unfit
        from steelyard.services.worker import work

        if run_id is None:
            await self.reviews.requeue(self.tenant_id)
        await work(
            self.database,
            self.providers,
            self._price,
            self._make_judge,
            unfit=partial(why_unfit, models=self.providers, make_judge=self._make_judge),
            review_unfit=partial(why_review_unfit, models=self.providers),
            run_id=run_id,
            concurrency=self.concurrency,
            stop=stop,
            ended=ended,
            left=left,
        )

    async def estimate(self, request: RunRequest) -> Estimate:
        """What the run would take. Raises InputError and its kin."""
        return await self._estimator.estimate(self.tenant_id, request, concurrency=self.concurrency)

    def default_judge(self, candidates: Iterable[ModelRef]) -> DefaultJudge:
        """The judge to use when none is named: out of the candidates' families where keys allow it."""
        return _default_judge(self.settings, candidates)


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
    from steelyard.storage.server import keep_running, ready_server

    env = os.environ if env is None else env
    home = home_of(env)
    settings = load_settings(home, env)
    async with AsyncExitStack() as stack:
        providers = Providers(settings, slots=CallSlots(concurrency))
        stack.push_async_callback(providers.aclose)
        warming = asyncio.create_task(asyncio.to_thread(_warm, providers, list(warm)))
        stack.push_async_callback(_settled, warming)
        server = await asyncio.to_thread(ready_server, home, env)
        if server.embedded:
            stack.push_async_callback(_cancelled, asyncio.create_task(keep_running(home), name="database watch"))
        yield await _assemble(stack, home, settings, providers, server, concurrency)


async def _assemble(
    stack: AsyncExitStack,
    home: Path,
    settings: ProviderSettings,
    providers: Providers,
    server: Server,
    concurrency: int,
) -> Workbench:
    from functools import partial

    from steelyard.judging import Judge
    from steelyard.pricing import cost, price_of
    from steelyard.services.benchmarks import BenchmarkService
    from steelyard.services.case_view import CaseViews
    from steelyard.services.cases import CaseService
    from steelyard.services.catalogue import SkillCatalogue
    from steelyard.services.comparisons import Comparisons
    from steelyard.services.estimates import Estimator
    from steelyard.services.feedback import FeedbackService
    from steelyard.services.history import RunHistory
    from steelyard.services.live import LiveRuns
    from steelyard.services.model_offers import ModelOffers
    from steelyard.services.models_view import ModelViews
    from steelyard.services.reviews import ReviewService
    from steelyard.services.run_form import RunForms
    from steelyard.services.run_view import RunViews
    from steelyard.services.skills import SkillService
    from steelyard.services.staleness import StalenessService
    from steelyard.services.suggestions import SuggestionService
    from steelyard.services.usage import UsageService
    from steelyard.services.versions import VersionService
    from steelyard.storage.database import Database
    from steelyard.storage.queue import Queue
    from steelyard.storage.tenants import LOCAL_TENANT, ensure_tenant

    database = await stack.enter_async_context(Database(server.dsn))
    async with database.tenant(LOCAL_TENANT) as connection:
        await ensure_tenant(connection, LOCAL_TENANT, "local")
    queue = Queue(database)
    await queue.open()

    def make_judge(ref: ModelRef) -> Judge:
        return Judge(ref, providers.identity(ref))

    price: Pricer = partial(cost, rates=settings.prices)
    benchmarks = BenchmarkService(database, queue, providers, make_judge)
    skills = SkillService(database)
    price_today = partial(price_of, rates=settings.prices)
    offers = ModelOffers(database, settings, providers, price_today)
    views = RunViews(database)
    live = LiveRuns(views)
    stack.push_async_callback(live.aclose)
    return Workbench(
        home=home,
        tenant_id=LOCAL_TENANT,
        settings=settings,
        providers=providers,
        database=database,
        skills=skills,
        benchmarks=benchmarks,
        catalogue=SkillCatalogue(database, stale_after_days=settings.stale_after_days),
        run_views=views,
        case_views=CaseViews(database),
        comparisons=Comparisons(database, price),
        history=RunHistory(database),
        run_forms=RunForms(database, skills, offers, providers, partial(_default_judge, settings)),
        offers=offers,
        model_views=ModelViews(database, price_today),
        live=live,
        cases=CaseService(database),
        usage=UsageService(database, price),
        feedback=FeedbackService(database),
        suggestions=SuggestionService(database),
        reviews=ReviewService(database, queue, providers),
        staleness=StalenessService(database, limit_days=settings.stale_after_days),
        versions=VersionService(database),
        concurrency=concurrency,
        embedded=server.embedded,
        _estimator=Estimator(database, benchmarks, price),
        _price=price,
        _make_judge=make_judge,
    )


def _default_judge(settings: ProviderSettings, candidates: Iterable[ModelRef]) -> DefaultJudge:
    from steelyard.judging.default import choose_judge

    vendors = [name for name, end in settings.endpoints.items() if end.usable and end.has_vendors_models]
    return choose_judge(vendors, list(candidates))


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


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
