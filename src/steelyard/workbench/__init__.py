"""Everything one process works with; a service is made, and its module imported, when it is first asked for.

A command uses three or four of them, and what it does not import it does not wait for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from steelyard.workbench.people import People

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable
    from uuid import UUID

    from steelyard.services.worker import LeftRun


class Workbench(People):
    """The services of one process. `tenant_id` is the installation's own: of the command line, and of no request."""

    async def aclose(self) -> None:
        """Let go of the viewers of live runs and of the process that draws charts.

        The database and the providers belong to whoever opened them.
        """
        if "live" in self.__dict__:
            await self.live.aclose()
        if "drawings" in self.__dict__:
            await self.drawings.aclose()

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
        from steelyard.storage.tenants import tenants_with_paid_jobs

        if run_id is None:
            if self.team:
                self.providers.require_tenant()
            for tenant_id in await tenants_with_paid_jobs(self.database):
                await self.reviews.requeue(tenant_id)
                await self.tie_breaks.requeue(tenant_id)
                await self.case_drafts.requeue(tenant_id)
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
                serving=self.providers.serving,
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
