"""Tie-breaks at the desk of a team's server, whose workers make them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from steelyard.cli import text as words
from steelyard.cli.progress import clock
from steelyard.cli.remote import Remote, Waits, apart, watched
from steelyard.domain.tie_breaks import UNDER_WAY
from steelyard.services import wire

if TYPE_CHECKING:
    from steelyard.cli.terminal import Terminal
    from steelyard.domain.models import ModelRef
    from steelyard.services.tie_breaks import TieBreakOffer
    from steelyard.services.wire import ShownTieBreak


class RemoteTieBreaks(Remote):
    """See `Desk`."""

    async def tie_break_offer(self, id_prefix: str, judge: ModelRef | None) -> TieBreakOffer:
        named = None if judge is None else judge.text
        return await self._value(
            wire.tie_break_offer(), lambda: self._client.get_tie_break_offer_parts(id_prefix, judge=named)
        )

    async def break_tie(
        self, offer: TieBreakOffer, judge: ModelRef | None, budget_microcents: int | None, terminal: Terminal
    ) -> ShownTieBreak:
        from steelyard.cli.follow import whole
        from steelyard.cli.tie_break import TieBreakProgress

        run_id = str(offer.run.id)
        body: Any = {"judge": None if judge is None else judge.text, "budget_microcents": budget_microcents}
        asked, interrupted = await whole(apart(lambda: self._client.request_tie_break(run_id, body)), terminal)
        tie_break_id = asked["id"]

        def look() -> ShownTieBreak:
            told = self._client.get_tie_break_parts(tie_break_id)
            return wire.shown_tie_break().of(told["value"], told["made_by"])

        found = await apart(look)
        if not interrupted:
            waits, began_s = Waits("The tie-break", terminal), clock()
            with TieBreakProgress(terminal) as progress:

                def show(now: ShownTieBreak) -> None:
                    waits.see(now.row.waits, left=now.row.left)
                    progress.update(now.row, None, now.troubles, clock() - began_s)

                found = await watched(
                    found, look, _goes_on, show, what="The tie-break", later="the same command follows it"
                )
        if _goes_on(found):
            server = self._client.server
            left = f"the tie-break goes on at {server}. The same command follows it; {server}/runs/{run_id} stops it."
            terminal.err.line(words.safe(f"Interrupted; {left}"), "yellow")
        return found


def _goes_on(found: ShownTieBreak) -> bool:
    return found.row.status in UNDER_WAY
