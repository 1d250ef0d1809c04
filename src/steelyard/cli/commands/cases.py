"""`steelyard cases`: propose, list, accept, reject, history."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC
from typing import Any

from steelyard.cli import exits
from steelyard.cli import text as words
from steelyard.cli.desk import open_desk
from steelyard.cli.jsonout import STDOUT, check_target, write_json
from steelyard.cli.place import chosen_server, typed_again
from steelyard.cli.terminal import Terminal
from steelyard.domain.cases import CaseSource
from steelyard.domain.models import ModelRef
from steelyard.services.case_queue import QueueItem
from steelyard.services.named_cases import NamedCase
from steelyard.services.selection import budget_microcents
from steelyard.storage.case_changes import ChangeRow
from steelyard.storage.case_drafts import DraftsRow
from steelyard.storage.cases import CaseEntry

_KINDS = {
    "drafted": "drafted",
    "proposed": "proposed",
    "example": "from a user",
    "use": "from production",
    "disagreement": "judge contradicted",
}


def list_cases(skill: str, json_to: str | None, *, pending: bool) -> int:
    """The skill's cases in use of whatever status; with `pending` all that waits, which is more than cases."""
    check_target(json_to)

    async def body() -> tuple[Sequence[CaseEntry], Sequence[QueueItem]]:
        async with open_desk() as desk:
            return ((), await desk.waiting(skill)) if pending else (await desk.cases(skill), ())

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
        propose = typed_again(f"cases propose {words.safe(skill)}")
        out.line("Nothing waits." if pending else f"No golden cases yet: {propose}")
    if pending:
        write_json({"schema": "steelyard.queue/1", "waiting": [_item_json(item) for item in items]}, json_to)
    else:
        write_json({"schema": "steelyard.cases/1", "cases": [_case_json(entry) for entry in entries]}, json_to)
    return exits.OK


def propose_cases(skill: str, model: str | None, count: int, budget: float | None, who: str | None) -> int:
    """Have drafts made. 5 where the model gave none, 4 where the budget is too small."""
    limit, terminal = budget_microcents(budget), Terminal()
    ref = None if model is None else ModelRef.typed(model)
    _say_who_decides(who)

    async def body() -> tuple[str, DraftsRow]:
        async with open_desk() as desk:
            return await desk.draft_cases(skill, ref, terminal, count=count, budget_microcents=limit, who=who)

    name, made = asyncio.run(body())
    if made.status in ("pending", "running"):
        return exits.INTERRUPTED
    out = terminal.out
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
    out.line(typed_again(f"cases list {words.safe(name)} --pending"))
    return exits.OK


def accept_case(id_prefix: str, reason: str, who: str | None) -> int:
    """Accept what waits, or a case or user's example that was rejected."""

    _say_who_decides(who)

    async def body() -> tuple[str, NamedCase]:
        async with open_desk() as desk:
            return await desk.accept_case(id_prefix, why=reason, who=who)

    key, found = asyncio.run(body())
    Terminal().out.line(f"Accepted: '{words.safe(key)}' counts from the next run on.")
    _say_overturned(found)
    return exits.OK


def reject_case(id_prefix: str, reason: str, who: str | None) -> int:
    """Reject what waits, or a case that is in use."""

    _say_who_decides(who)

    async def body() -> NamedCase:
        async with open_desk() as desk:
            return await desk.reject_case(id_prefix, why=reason, who=who)

    found = asyncio.run(body())
    Terminal().out.line("Rejected.")
    _say_overturned(found)
    return exits.OK


def show_history(ref: str, limit: int, json_to: str | None) -> int:
    """Of a skill's cases, or of one case or user's example by its id."""
    check_target(json_to)

    async def body() -> Sequence[ChangeRow]:
        async with open_desk() as desk:
            return await desk.case_history(ref, limit)

    rows = asyncio.run(body())
    out = Terminal(json_out=json_to == STDOUT).out
    for row in rows:
        why = f": {words.safe(row.why)}" if row.why else ""
        when = f"{row.changed_at.astimezone(UTC):%Y-%m-%d %H:%M}"
        said = f"{row.change} case {words.safe(row.case_key, 60)} by {words.safe(row.who)}{why}"
        out.line(f"{when}  {words.hang(said, out.width, 18)}")
    if not rows:
        out.line("No change yet.")
    write_json({"schema": "steelyard.case-history/1", "changes": [_change_json(row) for row in rows]}, json_to)
    return exits.OK


def _say_who_decides(who: str | None) -> None:
    if who is not None and chosen_server() is not None:
        Terminal().warn("A server notes who decides by the key it is asked with; --who is left out.")


def _say_overturned(found: NamedCase) -> None:
    if found.decision is not None:
        Terminal().out.line(f"That overturns what was decided: {words.safe(found.decision.words)}")


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
