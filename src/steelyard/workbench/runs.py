"""The services of benchmark runs and of models."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from steelyard.workbench.library import Library

if TYPE_CHECKING:
    from uuid import UUID

    from steelyard.services.benchmarks import BenchmarkService
    from steelyard.services.case_view import CaseViews
    from steelyard.services.comparisons import Comparisons
    from steelyard.services.drawings import Drawings
    from steelyard.services.estimates import Estimate
    from steelyard.services.history import RunHistory
    from steelyard.services.live import LiveRuns
    from steelyard.services.model_offers import ModelOffers
    from steelyard.services.models_view import ModelViews
    from steelyard.services.people import PeopleService
    from steelyard.services.ratings import RatingService
    from steelyard.services.repricing import RunPrices
    from steelyard.services.run_form import RunForms
    from steelyard.services.run_request import RunRequest
    from steelyard.services.run_view import RunViews
    from steelyard.services.staleness import StalenessService
    from steelyard.services.tie_breaks import TieBreakService


class Runs(Library):
    """The services of benchmark runs and of models."""

    @cached_property
    def benchmarks(self) -> BenchmarkService:
        from steelyard.services.benchmarks import BenchmarkService

        return BenchmarkService(self.database, self.queue, self.providers, self.judge, price=self.price)

    async def estimate(self, tenant_id: UUID, request: RunRequest) -> Estimate:
        """What the run would take. Raises InputError and its kin."""
        from steelyard.services.estimates import Estimator

        estimator = Estimator(self.database, self.benchmarks, self.price, self.judge)
        return await estimator.estimate(tenant_id, request, concurrency=self.concurrency)

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
    def run_prices(self) -> RunPrices:
        from steelyard.services.repricing import RunPrices

        return RunPrices(self.database, self.price)

    @cached_property
    def offers(self) -> ModelOffers:
        from steelyard.services.model_offers import ModelOffers

        tenants = self.providers.settings
        return ModelOffers(self.database, self.settings, self.providers, self.price_today, tenants=tenants)

    @cached_property
    def model_views(self) -> ModelViews:
        from steelyard.services.models_view import ModelViews

        return ModelViews(self.database, self.price_today)

    @cached_property
    def live(self) -> LiveRuns:
        from steelyard.services.live import LiveRuns

        return LiveRuns(self.run_views)

    @cached_property
    def ratings(self) -> RatingService:
        from steelyard.services.ratings import RatingService

        return RatingService(self.database)

    @cached_property
    def people(self) -> PeopleService:
        from steelyard.services.people import PeopleService

        return PeopleService(self.database)

    @cached_property
    def tie_breaks(self) -> TieBreakService:
        from steelyard.services.tie_breaks import TieBreakService

        return TieBreakService(self.database, self.queue, self.providers, self.judge, self.price, self.default_judge)

    @cached_property
    def staleness(self) -> StalenessService:
        from steelyard.services.staleness import StalenessService

        return StalenessService(self.database, limit_days=self.settings.stale_after_days)
