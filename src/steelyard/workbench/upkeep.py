"""The services that look after benchmarks that age."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from steelyard.workbench.runs import Runs

if TYPE_CHECKING:
    from steelyard.services.budgets import BudgetService
    from steelyard.services.deliveries import Deliveries
    from steelyard.services.mail_limits import MailLimits
    from steelyard.services.notices import NoticeService
    from steelyard.services.rebenchmarks import Rebenchmarks
    from steelyard.services.schedule import Schedule
    from steelyard.services.scheduled_check import ScheduledCheck
    from steelyard.services.spend import SpendService
    from steelyard.services.stale_check import StaleChecks, Surroundings
    from steelyard.services.stale_watch import StaleWatch


class Upkeep(Runs):
    """The services that look after benchmarks that age."""

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
            market=KnownMarket(
                self.settings,
                self.providers,
                self.offers.listed,
                self.settings_watch.problem,
                self.providers.settings,
            ),
            limit_days=self.settings.stale_after_days,
        )

    @cached_property
    def budgets(self) -> BudgetService:
        from steelyard.services.budgets import BudgetService

        return BudgetService(self.database)

    @cached_property
    def spend(self) -> SpendService:
        from steelyard.services.spend import SpendService

        return SpendService(self.database)

    @cached_property
    def deliveries(self) -> Deliveries:
        from steelyard.services.deliveries import Deliveries

        return Deliveries(self.database, self.settings.notices, self.secrets)

    @cached_property
    def rebenchmarks(self) -> Rebenchmarks:
        from steelyard.services.rebenchmarks import Rebenchmarks

        return Rebenchmarks(self.database, self.benchmarks, self.stale_checks, self._surroundings.estimate)

    @cached_property
    def mail_limits(self) -> MailLimits:
        from steelyard.services.mail_limits import MailLimits

        return MailLimits(self.database)

    @cached_property
    def notices(self) -> NoticeService:
        from steelyard.services.notices import NoticeService

        return NoticeService(self.database, self.deliveries, self.rebenchmarks, self.settings.notices, self.mail_limits)

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

        return Schedule(
            self.database,
            self.scheduled_check,
            self.deliveries,
            self.rebenchmarks,
            self.settings.notices,
            serving=self.providers.serving,
        )
