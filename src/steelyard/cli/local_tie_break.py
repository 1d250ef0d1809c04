"""Tie-breaks at the desk of this machine, which makes them itself."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from uuid import UUID

from steelyard.cli.local import Local
from steelyard.domain.errors import Conflict
from steelyard.domain.tie_breaks import UNDER_WAY
from steelyard.services.wire import ShownTieBreak

if TYPE_CHECKING:
    from steelyard.cli.terminal import Terminal
    from steelyard.domain.models import ModelRef
    from steelyard.services.tie_breaks import TieBreakOffer
    from steelyard.storage.tie_breaks import TieBreakRow

_TICK_S = 0.5


class LocalTieBreaks(Local):
    """See `Desk`."""

    async def tie_break_offer(self, id_prefix: str, judge: ModelRef | None) -> TieBreakOffer:
        run = await self._workbench.benchmarks.find(self._tenant, id_prefix)
        return await self._workbench.tie_breaks.offer(self._tenant, run.id, judge)

    async def break_tie(
        self, offer: TieBreakOffer, judge: ModelRef | None, budget_microcents: int | None, terminal: Terminal
    ) -> ShownTieBreak:
        service, run_id = self._workbench.tie_breaks, offer.run.id
        row = await service.request(
            self._tenant, run_id, judge, budget_microcents=budget_microcents, requested_by="cli", queued=False
        )
        if row.status in UNDER_WAY:
            self._workbench.providers.warm([offer.judge])
            row = await self._follow(row.id, terminal)
        return ShownTieBreak(row, await service.standing(self._tenant, run_id))

    async def _follow(self, tie_break_id: UUID, terminal: Terminal) -> TieBreakRow:
        """Make it until it ends or the person interrupts: then no call is started, and those in flight are saved."""
        from steelyard.cli.follow import on_interrupt
        from steelyard.cli.progress import clock
        from steelyard.cli.tie_break import TieBreakProgress
        from steelyard.storage.queue import LeftToOthers

        stop, began_s = asyncio.Event(), clock()
        bench, service = self._workbench, self._workbench.tie_breaks
        with on_interrupt(stop.set):
            with TieBreakProgress(terminal) as progress:
                working = asyncio.create_task(bench.break_tie(tie_break_id, stop))
                while not working.done():
                    await asyncio.wait({working}, timeout=_TICK_S)
                    row = await service.get(self._tenant, tie_break_id)
                    if not working.done():
                        progress.update(row, bench.in_flight, bench.troubles, clock() - began_s)
            try:
                await working
            except LeftToOthers as left:
                if not stop.is_set():
                    await service.hand_on(self._tenant, tie_break_id)
                    raise Conflict(
                        left.why or "It cannot be made here as it was asked for.",
                        kept="What was compared is kept, and it waits for a worker that can go on with it.",
                        next_step="Set things as they were, then give the same command again.",
                    ) from None
                await service.cancel(self._tenant, tie_break_id)
        return await service.get(self._tenant, tie_break_id)
