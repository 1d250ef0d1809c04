"""Everything one process works with; a service is made, and its module imported, when it is first asked for.

A command uses three or four of them, and what it does not import it does not wait for.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterable, Mapping
    from datetime import date
    from pathlib import Path
    from uuid import UUID

    from steelyard.domain.calls import Trouble
    from steelyard.domain.models import ModelRef
    from steelyard.domain.usage import Usage
    from steelyard.judging import Judge
    from steelyard.judging.default import DefaultJudge
    from steelyard.pricing import Cost, Price
    from steelyard.providers.own_prices import OwnPrices
    from steelyard.providers.registry import Providers
    from steelyard.providers.settings import ProviderSettings
    from steelyard.providers.settings_watch import SettingsWatch
    from steelyard.services.benchmarks import BenchmarkService
    from steelyard.services.case_drafts import CaseDrafts
    from steelyard.services.case_health import CaseHealthService
    from steelyard.services.case_queue import CaseQueue
    from steelyard.services.case_view import CaseViews
    from steelyard.services.cases import CaseService
    from steelyard.services.catalogue import SkillCatalogue
    from steelyard.services.comparisons import Comparisons
    from steelyard.services.cost_trend import CostTrends
    from steelyard.services.deliveries import Deliveries
    from steelyard.services.draft_versions import DraftVersions
    from steelyard.services.drawings import Drawings
    from steelyard.services.estimates import Estimate
    from steelyard.services.feedback import FeedbackService
    from steelyard.services.history import RunHistory
    from steelyard.services.intake import IntakeService
    from steelyard.services.later_prices import LaterPrices
    from steelyard.services.live import LiveRuns
    from steelyard.services.metrics import Metrics
    from steelyard.services.model_offers import ModelOffers
    from steelyard.services.models_view import ModelViews
    from steelyard.services.notices import NoticeService
    from steelyard.services.opinions import OpinionService
    from steelyard.services.people import PeopleService
    from steelyard.services.production import ProductionService
    from steelyard.services.ratings import RatingService
    from steelyard.services.rebenchmarks import Rebenchmarks
    from steelyard.services.repricing import RunPrices
    from steelyard.services.reviews import ReviewService
    from steelyard.services.rollup import RollupService
    from steelyard.services.run_form import RunForms
    from steelyard.services.run_request import RunRequest
    from steelyard.services.run_view import RunViews
    from steelyard.services.schedule import Schedule
    from steelyard.services.scheduled_check import ScheduledCheck
    from steelyard.services.skills import SkillService
    from steelyard.services.stale_check import StaleChecks, Surroundings
    from steelyard.services.stale_watch import StaleWatch
    from steelyard.services.staleness import StalenessService
    from steelyard.services.suggestions import SuggestionService
    from steelyard.services.tie_breaks import TieBreakService
    from steelyard.services.usage import UsageService
    from steelyard.services.versions import VersionService
    from steelyard.services.worker import LeftRun
    from steelyard.storage.database import Database
    from steelyard.storage.queue import Queue


@dataclass
class Workbench:
    """The services of one process, for the tenant of a single-user installation."""

    home: Path
    tenant_id: UUID
    settings: ProviderSettings
    providers: Providers
    database: Database
    queue: Queue
    concurrency: int
    embedded: bool
    env: Mapping[str, str] = field(default_factory=lambda: os.environ)

    async def aclose(self) -> None:
        """Let go of the viewers of live runs and of the process that draws charts.

        The database and the providers belong to whoever opened them.
        """
        if "live" in self.__dict__:
            await self.live.aclose()
        if "drawings" in self.__dict__:
            await self.drawings.aclose()

    @cached_property
    def own_prices(self) -> OwnPrices:
        from steelyard.providers.own_prices import OwnPrices

        return OwnPrices(self.home, self.settings.prices)

    @cached_property
    def settings_watch(self) -> SettingsWatch:
        from steelyard.providers.settings_watch import SettingsWatch

        return SettingsWatch(self.home, self.env, self.settings)

    def price(self, usage: Usage, model: ModelRef, when: date) -> Cost | None:
        """The cost of a call by the person's own prices, else the known ones; None when neither knows it."""
        from steelyard.pricing import cost

        return cost(usage, model, when, self.own_prices.current())

    def price_today(self, model: ModelRef, when: date) -> Price | None:
        """The rates of `model` on `when`, as `price` uses them."""
        from steelyard.pricing import price_of

        return price_of(model, when, self.own_prices.current())

    def judge(self, model: ModelRef) -> Judge:
        """The judge that asks `model`, bound to where that model is served from."""
        from steelyard.judging import Judge

        return Judge(model, self.providers.identity(model))

    @cached_property
    def metrics(self) -> Metrics:
        """What this process counts; model calls from when it is first asked for."""
        from steelyard.services.metrics import Metrics

        metrics = Metrics(self.database, self.price, lambda: self.in_flight)
        self.providers.on_ended = metrics.call
        return metrics

    @cached_property
    def skills(self) -> SkillService:
        from steelyard.services.skills import SkillService

        return SkillService(self.database)

    @cached_property
    def benchmarks(self) -> BenchmarkService:
        from steelyard.services.benchmarks import BenchmarkService

        return BenchmarkService(self.database, self.queue, self.providers, self.judge)

    @cached_property
    def catalogue(self) -> SkillCatalogue:
        from steelyard.services.catalogue import SkillCatalogue

        return SkillCatalogue(self.database, stale_after_days=self.settings.stale_after_days)

    @cached_property
    def drawings(self) -> Drawings:
        from steelyard.services.drawings import Drawings

        return Drawings()

    @cached_property
    def run_views(self) -> RunViews:
        from steelyard.services.run_view import RunViews

        return RunViews(self.database, self.providers.troubles)

    @cached_property
    def case_views(self) -> CaseViews:
        from steelyard.services.case_view import CaseViews

        return CaseViews(self.database)

    @cached_property
    def comparisons(self) -> Comparisons:
        from steelyard.services.comparisons import Comparisons

        return Comparisons(self.database, self.price)

    @cached_property
    def history(self) -> RunHistory:
        from steelyard.services.history import RunHistory

        return RunHistory(self.database)

    @cached_property
    def run_forms(self) -> RunForms:
        from steelyard.services.run_form import RunForms

        return RunForms(self.database, self.skills, self.offers, self.providers, self.default_judge)

    @cached_property
    def offers(self) -> ModelOffers:
        from steelyard.services.model_offers import ModelOffers

        return ModelOffers(self.database, self.settings, self.providers, self.price_today)

    @cached_property
    def model_views(self) -> ModelViews:
        from steelyard.services.models_view import ModelViews

        return ModelViews(self.database, self.price_today)

    @cached_property
    def live(self) -> LiveRuns:
        from steelyard.services.live import LiveRuns

        return LiveRuns(self.run_views)

    @cached_property
    def cases(self) -> CaseService:
        from steelyard.services.cases import CaseService

        return CaseService(self.database)

    @cached_property
    def case_queue(self) -> CaseQueue:
        from steelyard.services.case_queue import CaseQueue

        return CaseQueue(self.database, self.cases, self.feedback)

    @cached_property
    def case_drafts(self) -> CaseDrafts:
        from steelyard.services.case_drafts import CaseDrafts

        return CaseDrafts(self.database, self.queue, self.providers)

    @cached_property
    def case_health(self) -> CaseHealthService:
        from steelyard.services.case_health import CaseHealthService

        return CaseHealthService(self.database)

    @cached_property
    def intake(self) -> IntakeService:
        from steelyard.services.intake import IntakeService

        return IntakeService(self.database, self.usage)

    @cached_property
    def usage(self) -> UsageService:
        from steelyard.services.usage import UsageService

        return UsageService(self.database, self.price)

    @cached_property
    def later_prices(self) -> LaterPrices:
        from steelyard.services.later_prices import LaterPrices

        return LaterPrices(self.database, self.price)

    @cached_property
    def cost_trends(self) -> CostTrends:
        from steelyard.services.cost_trend import CostTrends

        return CostTrends(self.database, self.price)

    @cached_property
    def production(self) -> ProductionService:
        from steelyard.services.production import ProductionService

        return ProductionService(self.database, self.price)

    @cached_property
    def rollup(self) -> RollupService:
        from steelyard.services.rollup import RollupService

        return RollupService(self.database)

    @cached_property
    def feedback(self) -> FeedbackService:
        from steelyard.services.feedback import FeedbackService

        return FeedbackService(self.database)

    @cached_property
    def opinions(self) -> OpinionService:
        from steelyard.services.opinions import OpinionService

        return OpinionService(self.database)

    @cached_property
    def suggestions(self) -> SuggestionService:
        from steelyard.services.suggestions import SuggestionService

        return SuggestionService(self.database)

    @cached_property
    def ratings(self) -> RatingService:
        from steelyard.services.ratings import RatingService

        return RatingService(self.database)

    @cached_property
    def people(self) -> PeopleService:
        from steelyard.services.people import PeopleService

        return PeopleService(self.database)

    @cached_property
    def reviews(self) -> ReviewService:
        from steelyard.services.reviews import ReviewService

        return ReviewService(self.database, self.queue, self.providers)

    @cached_property
    def tie_breaks(self) -> TieBreakService:
        from steelyard.services.tie_breaks import TieBreakService

        return TieBreakService(self.database, self.queue, self.providers, self.judge, self.price, self.default_judge)

    @cached_property
    def staleness(self) -> StalenessService:
        from steelyard.services.staleness import StalenessService

        return StalenessService(self.database, limit_days=self.settings.stale_after_days)

    @cached_property
    def stale_checks(self) -> StaleChecks:
        from steelyard.services.stale_check import StaleChecks

        return StaleChecks(self.database, self._surroundings)

    @cached_property
    def stale_watch(self) -> StaleWatch:
        from steelyard.services.stale_watch import StaleWatch

        return StaleWatch(self.database, self._surroundings)

    @cached_property
    def _surroundings(self) -> Surroundings:
        from steelyard.services.estimates import Estimator
        from steelyard.services.market import KnownMarket
        from steelyard.services.stale_check import Surroundings

        estimator = Estimator(self.database, self.benchmarks, self.price, self.judge)
        return Surroundings(
            forms=self.run_forms,
            estimate=lambda tenant, request: estimator.estimate(tenant, request, concurrency=self.concurrency),
            price=self.price,
            make_judge=self.judge,
            default_judge=self.default_judge,
            market=KnownMarket(self.settings, self.providers, self.offers.listed, self.settings_watch.problem),
            limit_days=self.settings.stale_after_days,
        )

    @cached_property
    def deliveries(self) -> Deliveries:
        from steelyard.services.deliveries import Deliveries

        return Deliveries(self.database, self.settings.notices)

    @cached_property
    def rebenchmarks(self) -> Rebenchmarks:
        from steelyard.services.rebenchmarks import Rebenchmarks

        return Rebenchmarks(self.database, self.benchmarks, self.stale_checks, self._surroundings.estimate)

    @cached_property
    def notices(self) -> NoticeService:
        from steelyard.services.notices import NoticeService

        return NoticeService(self.database, self.deliveries, self.rebenchmarks, self.settings.notices)

    @cached_property
    def scheduled_check(self) -> ScheduledCheck:
        from steelyard.services.housekeeping import CHORES
        from steelyard.services.scheduled_check import ScheduledCheck

        return ScheduledCheck(
            self.database,
            self.stale_watch,
            self.stale_checks,
            self.rebenchmarks,
            self.deliveries,
            self.settings.notices,
            chores=(*CHORES, lambda _, tenant, __: self.later_prices.price(tenant)),
        )

    @cached_property
    def schedule(self) -> Schedule:
        from steelyard.services.schedule import Schedule

        return Schedule(self.database, self.scheduled_check, self.deliveries, self.rebenchmarks, self.settings.notices)

    @cached_property
    def run_prices(self) -> RunPrices:
        from steelyard.services.repricing import RunPrices

        return RunPrices(self.database, self.price)

    @cached_property
    def draft_versions(self) -> DraftVersions:
        from steelyard.services.draft_versions import DraftVersions

        return DraftVersions(self.database)

    @cached_property
    def versions(self) -> VersionService:
        from steelyard.services.versions import VersionService

        return VersionService(self.database)

    @property
    def in_flight(self) -> int:
        """Calls this process is waiting for; one that waits for a slot or a retry is not yet, or no longer, out."""
        return self.providers.in_flight

    @property
    def troubles(self) -> tuple[Trouble, ...]:
        """What this process's calls keep failing with while they are tried again."""
        return self.providers.troubles()

    async def work(
        self,
        *,
        run_id: UUID | None,
        stop: asyncio.Event,
        ended: Callable[[UUID], None] | None = None,
        left: Callable[[LeftRun], None] | None = None,
    ) -> None:
        """Serve one run's jobs, or every run's, until `stop` is set; what is in flight then finishes and is saved.

        Who serves every run's also does what is due by the clock. `left` hears once of each run that cannot be served
        here as it was planned.
        """
        import asyncio
        from contextlib import suppress
        from functools import partial

        from steelyard.execution.fitness import why_drafts_unfit, why_review_unfit, why_tie_break_unfit, why_unfit
        from steelyard.services.worker import work

        if run_id is None:
            await self.reviews.requeue(self.tenant_id)
            await self.tie_breaks.requeue(self.tenant_id)
            await self.case_drafts.requeue(self.tenant_id)
        clock = None if run_id is not None else asyncio.create_task(self.schedule.run(stop), name="schedule")
        try:
            await work(
                self.database,
                self.providers,
                self.price,
                self.judge,
                unfit=partial(why_unfit, models=self.providers, make_judge=self.judge),
                review_unfit=partial(why_review_unfit, models=self.providers),
                tie_break_unfit=partial(why_tie_break_unfit, models=self.providers, make_judge=self.judge),
                drafts_unfit=partial(why_drafts_unfit, models=self.providers),
                run_id=run_id,
                concurrency=self.concurrency,
                stop=stop,
                ended=ended,
                left=left,
            )
        finally:
            if clock is not None:
                clock.cancel()
                with suppress(asyncio.CancelledError):
                    await clock

    async def break_tie(self, tie_break_id: UUID, stop: asyncio.Event) -> None:
        """Make one tie-break here, until it has ended or `stop` is set; what is in flight then finishes and is saved.

        Raises LeftToOthers where it has not ended.
        """
        from functools import partial

        from steelyard.execution.fitness import why_tie_break_unfit
        from steelyard.execution.tie_breaker import TieBreaker

        unfit = partial(why_tie_break_unfit, models=self.providers, make_judge=self.judge)
        breaker = TieBreaker(self.database, self.providers, self.price, self.judge, unfit=unfit, stopping=stop.is_set)
        await breaker.run(self.tenant_id, tie_break_id)

    async def draft_here(self, draft_id: UUID) -> None:
        """Make the drafts of cases that were asked for in this process, unless a worker has them in hand already."""
        from functools import partial

        from steelyard.execution.drafter import Drafter
        from steelyard.execution.fitness import why_drafts_unfit

        unfit = partial(why_drafts_unfit, models=self.providers)
        await Drafter(self.database, self.providers, self.price, unfit=unfit).run(self.tenant_id, draft_id)

    async def estimate(self, request: RunRequest) -> Estimate:
        """What the run would take. Raises InputError and its kin."""
        from steelyard.services.estimates import Estimator

        estimator = Estimator(self.database, self.benchmarks, self.price, self.judge)
        return await estimator.estimate(self.tenant_id, request, concurrency=self.concurrency)

    def default_judge(self, candidates: Iterable[ModelRef]) -> DefaultJudge:
        """The judge to use when none is named: out of the candidates' families where keys allow it."""
        from steelyard.judging.default import choose_judge

        usable = {name: end for name, end in self.settings.endpoints.items() if end.usable}
        vendors = [name for name, end in usable.items() if end.has_vendors_models]
        elsewhere = {name: end.base_url_from for name, end in usable.items() if not end.has_vendors_models}
        return choose_judge(vendors, list(candidates), elsewhere)
