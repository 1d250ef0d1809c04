"""What the commands of golden cases ask for, here or of a server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from steelyard.cli.terminal import Terminal
    from steelyard.domain.models import ModelRef
    from steelyard.services.case_queue import QueueItem
    from steelyard.services.named_cases import NamedCase
    from steelyard.storage.case_changes import ChangeRow
    from steelyard.storage.case_drafts import DraftsRow
    from steelyard.storage.cases import CaseEntry


class CaseDesk(Protocol):
    """The use cases of golden cases. Every method raises SteelyardError and its kin."""

    async def cases(self, skill: str) -> Sequence[CaseEntry]:
        """A skill's cases in use, of whatever status."""
        ...

    async def waiting(self, skill: str) -> Sequence[QueueItem]:
        """All that waits to become a case of a skill."""
        ...

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
        """Have a model draft cases: the skill's name, and what came of it.

        They are under way yet where the person interrupted and they go on elsewhere, which was said.
        """
        ...

    async def accept_case(self, id_prefix: str, *, why: str, who: str | None) -> tuple[str, NamedCase]:
        """Make an accepted case of what an id names: the case's key, and what it was before."""
        ...

    async def reject_case(self, id_prefix: str, *, why: str, who: str | None) -> NamedCase:
        """Keep what an id names from being a case; what it was before."""
        ...

    async def case_history(self, ref: str, limit: int) -> Sequence[ChangeRow]:
        """The newest changes of a skill's cases, or of one case or user's example by its id."""
        ...
