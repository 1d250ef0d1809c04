"""Cases and what waits to become one by how an id starts: to be decided on, or to be told the history of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from steelyard.domain.cases import CaseSource, CaseStatus, WaitingKind
from steelyard.domain.errors import InputError, NotFound
from steelyard.domain.feedback import FeedbackStatus, FeedbackType
from steelyard.services.case_decisions import Decision
from steelyard.services.case_queue import CaseQueue
from steelyard.services.cases import CaseService
from steelyard.services.catalogue import SkillCatalogue
from steelyard.storage.case_changes import ChangeRow
from steelyard.storage.cases import CaseEntry
from steelyard.storage.feedback import FeedbackRow

_NO_CASE = "No case starts with"


@dataclass(frozen=True)
class NamedCase:
    """What an id names, the status it has, and the decision that another one overturns, None where it waits."""

    kind: WaitingKind
    id: UUID
    seen: CaseStatus
    decision: Decision | None


class NamedCases:
    """Use cases on what an id names, for one tenant at a time."""

    def __init__(self, catalogue: SkillCatalogue, cases: CaseService, queue: CaseQueue) -> None:
        self._catalogue = catalogue
        self._cases = cases
        self._queue = queue

    async def find(self, tenant_id: UUID, id_prefix: str, *, none: str = _NO_CASE) -> NamedCase:
        """What is called so, decided on or not. Raises NotFound, which says `none` and the id where nothing is."""
        found = await self._queue.find(tenant_id, id_prefix, none=none)
        decision = await self._queue.decision(tenant_id, found)
        if isinstance(found, CaseEntry):
            drafted = found.case.source is CaseSource.DRAFTED
            kind = WaitingKind.DRAFTED if drafted else WaitingKind.PROPOSED
            return NamedCase(kind, found.id, found.status, decision)
        if isinstance(found, FeedbackRow):
            kind = WaitingKind.EXAMPLE if found.feedback_type == FeedbackType.TRAINING_EXAMPLE else WaitingKind.USE
            rejected = found.status == FeedbackStatus.REJECTED
            return NamedCase(kind, found.id, CaseStatus.REJECTED if rejected else CaseStatus.ACCEPTED, decision)
        return NamedCase(WaitingKind(found.kind), found.id, CaseStatus.PENDING, decision)

    async def history(self, tenant_id: UUID, ref: str, limit: int) -> Sequence[ChangeRow]:
        """The newest changes of a skill's cases by its name or id, else of one case or user's example by its id.

        Raises NotFound, and InputError for what is no case yet.
        """
        try:
            row = await self._catalogue.find(tenant_id, ref)
        except NotFound:
            found = await self.find(tenant_id, ref, none="Neither a skill nor a case is called")
        else:
            return await self._cases.history(tenant_id, row.id, limit=limit)
        if found.kind is WaitingKind.DISAGREEMENT:
            raise InputError(
                "That is not a case yet: it has no history.", next_step="`cases list SKILL` shows the cases."
            )
        of_example = found.kind in (WaitingKind.EXAMPLE, WaitingKind.USE)
        changes = await (self._cases.example_changes if of_example else self._cases.changes)(tenant_id, found.id)
        return list(reversed(changes))[:limit]
