"""`steelyard spend` and `steelyard budget`: what a month's money went to, and what may be spent."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from rich.text import Text

from steelyard.bootstrap import open_workbench
from steelyard.cli import exits
from steelyard.cli import text as words
from steelyard.cli.desk import open_desk
from steelyard.cli.jsonout import STDOUT, check_target, write_json
from steelyard.cli.terminal import Terminal
from steelyard.domain.errors import InputError
from steelyard.domain.money import dollars, usd_digits
from steelyard.domain.spending import SpendKind
from steelyard.services.spend import SpendReport, Split
from steelyard.storage.spend_view import By, Slice
from steelyard.storage.spending import MonthStanding

NONE = "none"
_HEADINGS: dict[By, str] = {
    "kind": "What for",
    "skill": "By skill",
    "model": "By model, answers alone",
    "judge": "By judge",
    "member": "By whom",
}


def show_spend(month: str | None, json_to: str | None) -> int:
    """The month's report."""
    check_target(json_to)

    async def body() -> SpendReport:
        async with open_desk() as desk:
            return await desk.spend(month)

    report = asyncio.run(body())
    terminal = Terminal(json_out=json_to == STDOUT)
    terminal.out.lines(spend_lines(report, terminal.out.width))
    write_json(report.to_json(), json_to)
    return exits.OK


def show_budget(json_to: str | None) -> int:
    """The budgets and this month."""
    check_target(json_to)

    async def body() -> MonthStanding:
        async with open_workbench() as workbench:
            return await workbench.budgets.standing(workbench.tenant_id)

    stands = asyncio.run(body())
    terminal = Terminal(json_out=json_to == STDOUT)
    terminal.out.lines(budget_lines(stands))
    data = {
        "month": f"{stands.month:%Y-%m}",
        "month_budget_microcents": stands.budget.month_microcents,
        "run_budget_microcents": stands.budget.run_microcents,
        "refuse_unpriced": stands.budget.refuse_unpriced,
        "spent_microcents": stands.spent,
        "spent_is_lower_bound": stands.is_lower_bound,
        "held_microcents": stands.held,
        "lost_microcents": stands.lost,
        "left_microcents": stands.left,
    }
    write_json({"schema": "steelyard.budget/1", **data}, json_to)
    return exits.OK


def set_budget(month: str | None, run: str | None, unpriced: str | None) -> int:
    """Set what was given."""
    if month is None and run is None and unpriced is None:
        raise InputError("Nothing to set was given.", next_step="Give --month, --run or --unpriced.")
    if unpriced not in (None, "refuse", "allow"):
        raise InputError(f"'{unpriced[:20]}' is neither.", field="unpriced", next_step="Give `refuse` or `allow`.")

    async def body() -> MonthStanding:
        async with open_workbench() as workbench:
            tenant, service = workbench.tenant_id, workbench.budgets
            now = (await service.standing(tenant)).budget
            await service.set(
                tenant,
                month_usd=_typed(month, now.month_microcents),
                run_usd=_typed(run, now.run_microcents),
                refuse_unpriced=now.refuse_unpriced if unpriced is None else unpriced == "refuse",
            )
            return await service.standing(tenant)

    Terminal().out.lines(budget_lines(asyncio.run(body())))
    return exits.OK


def _typed(given: str | None, before: int | None) -> str | None:
    if given is None:
        return None if before is None else usd_digits(before)
    return None if given.strip().lower() == NONE else given


def budget_lines(stands: MonthStanding) -> Iterator[str]:
    """What is set, and how the month stands."""
    limits = stands.budget
    spent = words.spent(stands.spent, stands.is_lower_bound)
    if limits.month_microcents is None:
        yield f"A month: no budget; {spent} spent in {stands.month:%B %Y}."
    else:
        held = f", {dollars(stands.held)} held for calls that are out" if stands.held else ""
        yield (
            f"A month: {dollars(limits.month_microcents)}; {spent} spent in {stands.month:%B %Y}{held},"
            f" {dollars(stands.left or 0)} left."
        )
    if stands.lost:
        yield f"Up to {dollars(stands.lost)} more may have been spent by calls whose worker was lost; it counts."
    yield from _lost_unheld(stands)
    if stands.unknown_calls:
        yield f"What {words.count(stands.unknown_calls, 'call')} cost is not known."
    yield f"One run: {'no limit' if limits.run_microcents is None else dollars(limits.run_microcents) + ' at most'}."
    verb = "refused" if limits.refuse_unpriced else "called, and no budget holds for them"
    yield f"Models without a known price, while the month has a budget: {verb}."


def spend_lines(report: SpendReport, width: int) -> Iterator[str | Text]:
    """The month in a line or two, then a table for each split."""
    stands = report.stands
    of = ""
    if report.current and stands.budget.month_microcents is not None:
        of = f" of {dollars(stands.budget.month_microcents)}, {dollars(stands.left or 0)} left"
    spent = words.spent(stands.spent, stands.is_lower_bound)
    yield Text(f"{stands.month:%B %Y}: {spent}{of}, {words.count(stands.calls, 'call')}.", style="bold")
    if stands.lost:
        yield f"Up to {dollars(stands.lost)} more may have been spent by calls whose worker was lost."
    yield from _lost_unheld(stands)
    if stands.unknown_calls:
        yield f"What {words.count(stands.unknown_calls, 'call')} cost is not known; no budget holds for those."
    if report.projected_microcents is not None:
        least = "at least " if stands.is_lower_bound else "about "
        yield f"As so far, the month comes to {least}{dollars(report.projected_microcents)}."
    for by, split in report.splits.items():
        if split.lines:
            yield ""
            yield Text(_HEADINGS[by], style="bold")
            yield from _split_lines(by, split, width)
    if not stands.calls:
        yield "Nothing was called for. Runs, reviews, tie-breaks and drafts that are paid appear here."


def _lost_unheld(stands: MonthStanding) -> Iterator[str]:
    if stands.calls_lost:
        which = "Others" if stands.lost else "Calls"
        yield f"{which} whose worker was lost may have been paid for too; how much is not known."


def _split_lines(by: By, split: Split, width: int) -> Iterator[str]:
    room = max(16, min(48, width - 40))
    for line in split.lines:
        share = split.share(line)
        told = "" if share is None else "<1%" if 0 < share < 0.005 else f"{share * 100:.0f}%"
        money = words.spent(line.spent_microcents, line.unknown_calls > 0)
        yield f"  {words.safe(_name(by, line), room):<{room}} {money:>18} {told:>5} {line.calls:>9,}"
    if split.others:
        yield f"  {f'{split.others:,} more':<{room}} {dollars(split.others_microcents):>18}"


def _name(by: By, line: Slice) -> str:
    if by == "kind":
        return SpendKind(line.key).words
    if by == "skill" and line.name is None:
        return f"a deleted skill, {line.key[:8]}"
    return line.name or line.key
