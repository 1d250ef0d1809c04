"""Golden cases at the desk of this machine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from steelyard.cli.local import Local
from steelyard.domain.errors import Conflict

if TYPE_CHECKING:
    from steelyard.cli.terminal import Terminal
    from steelyard.domain.models import ModelRef
    from steelyard.services.case_queue import QueueItem
    from steelyard.services.named_cases import NamedCase
    from steelyard.storage.case_changes import ChangeRow
    from steelyard.storage.case_drafts import DraftsRow
    from steelyard.storage.cases import CaseEntry


class LocalCases(Local):
    """See `CaseDesk`."""

    async def cases(self, skill: str) -> Sequence[CaseEntry]:
        row = await self._workbench.catalogue.find(self._tenant, skill)
        return await self._workbench.cases.list(self._tenant, row.id)

    async def waiting(self, skill: str) -> Sequence[QueueItem]:
        from steelyard.services.case_queue import MAX_LIMIT

        row = await self._workbench.catalogue.find(self._tenant, skill)
        items: list[QueueItem] = []
        after: str | None = None
        while True:
            page = await self._workbench.case_queue.page(self._tenant, skill_id=row.id, after=after, limit=MAX_LIMIT)
            items += page.items
            if page.next is None:
                return items
            after = page.next

    async def draft_cases(
        self,
        skill: str,
        model: ModelRef | None,
        terminal: Terminal,
        *,
        count: int,
        budget_microcents: int | None,
        who: str | None,
    ) -> tuple[str, DraftsRow]:
        """Made here, unless a worker is quicker."""
        from steelyard.storage.queue import LeftToOthers

        service = self._workbench.case_drafts
        row = await self._workbench.catalogue.find(self._tenant, skill)
        draft_id = await service.request(
            self._tenant, row.id, model, wanted=count, budget_microcents=budget_microcents, who=who
        )
        try:
            await self._workbench.draft_here(draft_id)
        except LeftToOthers as left:
            # It was asked for earlier, and stays queued: a worker that can goes on with it.
            raise Conflict(
                left.why or "The drafts cannot be made here as they were asked for.",
                kept="They wait for a worker that can make them as they were asked for.",
                next_step="Set things as they were, then give the same command again; or name another model.",
            ) from None
        return row.name, await service.get(self._tenant, draft_id)

    async def accept_case(self, id_prefix: str, *, why: str, who: str | None) -> tuple[str, NamedCase]:
        bench = self._workbench
        found = await bench.named_cases.find(self._tenant, id_prefix)
        entry = await bench.case_queue.accept(self._tenant, found.kind, found.id, who=who, why=why, seen=found.seen)
        return entry.case.case_id, found

    async def reject_case(self, id_prefix: str, *, why: str, who: str | None) -> NamedCase:
        bench = self._workbench
        found = await bench.named_cases.find(self._tenant, id_prefix)
        await bench.case_queue.reject(self._tenant, found.kind, found.id, who=who, why=why, seen=found.seen)
        return found

    async def case_history(self, ref: str, limit: int) -> Sequence[ChangeRow]:
        return await self._workbench.named_cases.history(self._tenant, ref, limit)
