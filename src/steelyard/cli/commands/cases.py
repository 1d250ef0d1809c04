"""`steelyard cases`: propose, list, accept, reject, history."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any
from uuid import UUID

from steelyard.bootstrap import open_workbench
from steelyard.cli import exits
from steelyard.cli import text as words
from steelyard.cli.jsonout import STDOUT, check_target, write_json
from steelyard.cli.terminal import Terminal
from steelyard.domain.cases import CaseSource, CaseStatus, WaitingKind
from steelyard.domain.errors import InputError, NotFound
from steelyard.domain.feedback import FeedbackStatus, FeedbackType
from steelyard.domain.models import ModelRef
from steelyard.services.case_decisions import Decision
from steelyard.services.case_queue import MAX_LIMIT, QueueItem
from steelyard.services.selection import budget_microcents
from steelyard.storage.case_changes import ChangeRow
from steelyard.storage.case_drafts import DraftsRow
from steelyard.storage.cases import CaseEntry
from steelyard.storage.feedback import FeedbackRow
from steelyard.workbench import Workbench

_KINDS = {
    "drafted": "drafted",
    "proposed": "proposed",
    "example": "from a user",
    "use": "from production",
    "disagreement": "judge contradicted",
}


@dataclass(frozen=True)
class _Found:
    """What an id names, the status it has, and the decision that another one overturns, None where it waits."""

    kind: WaitingKind
    id: UUID
    seen: CaseStatus
    decision: Decision | None


def list_cases(skill: str, json_to: str | None, *, pending: bool) -> int:
    """The skill's cases in use of whatever status; with `pending` all that waits, which is more than cases."""
    check_target(json_to)

    async def body() -> tuple[Sequence[CaseEntry], Sequence[QueueItem]]:
        async with open_workbench() as workbench:
            row = await workbench.catalogue.find(workbench.tenant_id, skill)
            if pending:
                return (), await _all_waiting(workbench, row.id)
            return await workbench.cases.list(workbench.tenant_id, row.id), ()

    entries, items = asyncio.run(body())
    out = Terminal(json_out=json_to == STDOUT).out
    for entry in entries:
        drafted = f", drafted by {words.safe(entry.author or 'a model')}" if _drafted(entry) else ""
        said = f"{str(entry.id)[:8]}  {entry.status.value}{drafted}  {words.safe(entry.case.case_id, 40)}: "
        out.line(said + words.safe(entry.case.input, max(20, out.width - len(said))))
    for item in items:
        one = item.waiting
        open_ = "" if one.complete else ", what is expected still to be written"
        said = f"{str(one.id)[:8]}  {_KINDS[one.kind]}{open_}: "
        out.line(said + words.safe(one.input, max(20, out.width - len(said))))
        for near in item.alike:
            key, share = words.safe(near.case.key, 40), f"{100 * near.similarity:.0f}%"
            out.line(f"          {share} the same as {key} ({near.case.status})", "dim")
    if not entries and not items:
        out.line("Nothing waits." if pending else f"No golden cases yet: steelyard cases propose {words.safe(skill)}")
    if pending:
        write_json({"schema": "steelyard.queue/1", "waiting": [_item_json(item) for item in items]}, json_to)
    else:
        write_json({"schema": "steelyard.cases/1", "cases": [_case_json(entry) for entry in entries]}, json_to)
    return exits.OK


def propose_cases(skill: str, model: str | None, count: int, budget: float | None, who: str | None) -> int:
    """Drafts, made here unless a worker is quicker. 5 where the model gave none, 4 where the budget is too small."""
    limit = budget_microcents(budget)

    async def body() -> tuple[str, DraftsRow]:
        async with open_workbench() as workbench:
            tenant = workbench.tenant_id
            row = await workbench.catalogue.find(tenant, skill)
            ref = ModelRef.parse(model) if model is not None else workbench.default_judge([]).ref
            if ref is None:
                raise InputError(
                    "No model is named, and none with a key is there by default.",
                    next_step="Name one: --model provider:name.",
                )
            draft_id = await workbench.case_drafts.request(
                tenant, row.id, ref, wanted=count, budget_microcents=limit, who=who
            )
            await workbench.draft_here(draft_id)
            return row.name, await workbench.case_drafts.get(tenant, draft_id)

    name, made = asyncio.run(body())
    out = Terminal().out
    spent = words.spent(made.cost_microcents, made.cost_is_lower_bound)
    if made.status != "completed":
        out.line(f"No cases were drafted. {words.safe(made.error_message or 'No reason was kept.')} Spent: {spent}.")
        return exits.BUDGET if made.budget_microcents is not None and not made.calls else exits.PROVIDERS
    out.line(
        f"{words.safe(made.model)} drafted {words.count(made.kept, 'case')} for {words.safe(name)} for {spent}."
        " They wait for a decision; none is used before."
    )
    if made.doubles:
        out.line(f"{words.count(made.doubles, 'draft')} left out: nearly the same as a case there is.")
    if made.unusable:
        out.line(f"{words.count(made.unusable, 'draft')} could not be a case.")
    out.line(f"steelyard cases list {words.safe(name)} --pending")
    return exits.OK


def accept_case(id_prefix: str, reason: str, who: str | None) -> int:
    """Accept what waits, or a case or user's example that was rejected."""

    async def body() -> tuple[CaseEntry, _Found]:
        async with open_workbench() as workbench:
            found = await _found(workbench, id_prefix)
            entry = await workbench.case_queue.accept(
                workbench.tenant_id, found.kind, found.id, who=who, why=reason, seen=found.seen
            )
            return entry, found

    entry, found = asyncio.run(body())
    Terminal().out.line(f"Accepted: '{words.safe(entry.case.case_id)}' counts from the next run on.")
    _say_overturned(found)
    return exits.OK


def reject_case(id_prefix: str, reason: str, who: str | None) -> int:
    """Reject what waits, or a case that is in use."""

    async def body() -> _Found:
        async with open_workbench() as workbench:
            found = await _found(workbench, id_prefix)
            await workbench.case_queue.reject(
                workbench.tenant_id, found.kind, found.id, who=who, why=reason, seen=found.seen
            )
            return found

    found = asyncio.run(body())
    Terminal().out.line("Rejected.")
    _say_overturned(found)
    return exits.OK


def show_history(ref: str, limit: int, json_to: str | None) -> int:
    """Of a skill's cases, or of one case or user's example by its id."""
    check_target(json_to)

    async def body() -> Sequence[ChangeRow]:
        async with open_workbench() as workbench:
            tenant = workbench.tenant_id
            try:
                row = await workbench.catalogue.find(tenant, ref)
            except NotFound:
                found = await _found(workbench, ref, none="Neither a skill nor a case is called")
                if found.kind in (WaitingKind.EXAMPLE, WaitingKind.USE):
                    return list(reversed(await workbench.cases.example_changes(tenant, found.id)))[:limit]
                if found.kind is WaitingKind.DISAGREEMENT:
                    raise InputError(
                        "That is not a case yet: it has no history.", next_step="`cases list SKILL` shows the cases."
                    ) from None
                return list(reversed(await workbench.cases.changes(tenant, found.id)))[:limit]
            return await workbench.cases.history(tenant, row.id, limit=limit)

    rows = asyncio.run(body())
    out = Terminal(json_out=json_to == STDOUT).out
    for row in rows:
        why = f": {words.safe(row.why)}" if row.why else ""
        when = f"{row.changed_at.astimezone(UTC):%Y-%m-%d %H:%M}"
        said = f"{when}  {row.change} {words.safe(row.case_key, 60)} by {words.safe(row.who)}{why}"
        out.line(words.hang(said, out.width, 18))
    if not rows:
        out.line("No change yet.")
    write_json({"schema": "steelyard.case-history/1", "changes": [_change_json(row) for row in rows]}, json_to)
    return exits.OK


async def _found(workbench: Workbench, id_prefix: str, *, none: str = "No case starts with") -> _Found:
    found = await workbench.case_queue.find(workbench.tenant_id, id_prefix, none=none)
    decision = await workbench.case_queue.decision(workbench.tenant_id, found)
    if isinstance(found, CaseEntry):
        kind = WaitingKind.DRAFTED if _drafted(found) else WaitingKind.PROPOSED
        return _Found(kind, found.id, found.status, decision)
    if isinstance(found, FeedbackRow):
        kind = WaitingKind.EXAMPLE if found.feedback_type == FeedbackType.TRAINING_EXAMPLE else WaitingKind.USE
        rejected = found.status == FeedbackStatus.REJECTED
        return _Found(kind, found.id, CaseStatus.REJECTED if rejected else CaseStatus.ACCEPTED, decision)
    return _Found(WaitingKind(found.kind), found.id, CaseStatus.PENDING, decision)


def _say_overturned(found: _Found) -> None:
    if found.decision is not None:
        Terminal().out.line(f"That overturns what was decided: {words.safe(found.decision.words)}")


async def _all_waiting(workbench: Workbench, skill_id: UUID) -> list[QueueItem]:
    items: list[QueueItem] = []
    after: str | None = None
    while True:
        page = await workbench.case_queue.page(workbench.tenant_id, skill_id=skill_id, after=after, limit=MAX_LIMIT)
        items += page.items
        if page.next is None:
            return items
        after = page.next


def _drafted(entry: CaseEntry) -> bool:
    return entry.case.source is CaseSource.DRAFTED


def _case_json(entry: CaseEntry) -> dict[str, Any]:
    case = entry.case
    return {
        "id": str(entry.id),
        "key": case.case_id,
        "status": entry.status.value,
        "source": case.source.value,
        "author": entry.author,
        "input": case.input,
        "expected_output": case.expected,
        "created_at": entry.created_at.isoformat(),
    }


def _item_json(item: QueueItem) -> dict[str, Any]:
    one = item.waiting
    return {
        "id": str(one.id),
        "kind": one.kind,
        "since": one.since.isoformat(),
        "input": one.input,
        "expected_output": one.expected,
        "output": one.output,
        "said": one.said,
        "complete": one.complete,
        "alike": [
            {"key": near.case.key, "id": str(near.case.id), "similarity": near.similarity} for near in item.alike
        ],
    }


def _change_json(row: ChangeRow) -> dict[str, Any]:
    return {
        "case": None if row.case_id is None else str(row.case_id),
        "example": None if row.feedback_id is None else str(row.feedback_id),
        "key": row.case_key,
        "source": row.source,
        "change": row.change,
        "who": row.who,
        "why": row.why,
        "digest_before": row.digest_before,
        "digest_after": row.digest_after,
        "at": row.changed_at.isoformat(),
    }
