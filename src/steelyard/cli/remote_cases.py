"""Golden cases at the desk of a team's server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from steelyard.cli import text as words
from steelyard.cli.place import typed_again
from steelyard.cli.remote import Remote, Waits, apart, watched
from steelyard.services import wire

if TYPE_CHECKING:
    from steelyard.cli.terminal import Terminal
    from steelyard.client.documents import CaseDrafts
    from steelyard.domain.models import ModelRef
    from steelyard.services.case_queue import QueueItem
    from steelyard.services.named_cases import NamedCase
    from steelyard.storage.case_changes import ChangeRow
    from steelyard.storage.case_drafts import DraftsRow
    from steelyard.storage.cases import CaseEntry

_UNDER_WAY = ("pending", "running")


class RemoteCases(Remote):
    """See `CaseDesk`. The server notes a decision under the key's name, whoever is named."""

    async def cases(self, skill: str) -> Sequence[CaseEntry]:
        return await self._value(wire.case_entries(), lambda: self._client.list_case_parts(skill))

    async def waiting(self, skill: str) -> Sequence[QueueItem]:
        from steelyard.services.case_queue import MAX_LIMIT

        items: list[QueueItem] = []
        after: str | None = None
        while True:
            page = await self._value(
                wire.queue_page(),
                lambda after=after: self._client.list_queue_parts(skill, after=after, limit=MAX_LIMIT),
            )
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
        """Made by whichever worker of the server takes them."""
        from steelyard.cli.follow import whole

        body: Any = {
            "model": None if model is None else model.text,
            "count": count,
            "budget_microcents": budget_microcents,
        }
        name = (await apart(lambda: self._client.get_skill(skill)))["name"]
        shown = typed_again(f"cases list {name} --pending")
        told, interrupted = await whole(apart(lambda: self._client.draft_cases(skill, body)), terminal)
        if not interrupted:
            waits, draft_id = Waits("The drafts", terminal), told["id"]
            told = await watched(
                told,
                lambda: self._client.get_case_drafts(draft_id),
                lambda now: now["status"] in _UNDER_WAY,
                lambda now: waits.see(now["waits"], left=now["left"]),
                what="What is drafted",
                later=f"`{shown}` shows what was drafted",
            )
        if told["status"] in _UNDER_WAY:
            left = f"the drafts go on at {self._client.server}. `{shown}` shows them once they are made."
            terminal.err.line(words.safe(f"Interrupted; {left}"), "yellow")
        return name, _row(told)

    async def accept_case(self, id_prefix: str, *, why: str, who: str | None) -> tuple[str, NamedCase]:
        from steelyard.services.case_words import by_of

        found = await self._named(id_prefix)
        body: Any = {"why": by_of(None, why).why, "seen": found.seen.value}
        told = await apart(lambda: self._client.accept_waiting(found.kind.value, str(found.id), body))
        return told["key"], found

    async def reject_case(self, id_prefix: str, *, why: str, who: str | None) -> NamedCase:
        from steelyard.services.case_words import by_of

        found = await self._named(id_prefix)
        # Refused in the words of the service: the API's own are of a field.
        body: Any = {"why": by_of(None, why, needs_why=True).why, "seen": found.seen.value}
        await apart(lambda: self._client.reject_waiting(found.kind.value, str(found.id), body))
        return found

    async def case_history(self, ref: str, limit: int) -> Sequence[ChangeRow]:
        return await self._value(wire.changes(), lambda: self._client.list_case_history_parts(ref, limit=limit))

    async def _named(self, id_prefix: str) -> NamedCase:
        return await self._value(wire.named_case(), lambda: self._client.get_named_case_parts(id_prefix))


def _row(told: CaseDrafts) -> DraftsRow:
    """The document as the row it is of, without what only a worker needs."""
    return wire.drafts().of({**told, "protocol": "", "raw_reply": None, "stop_reason": None, "price_date": None})
