"""The verdict in full on a terminal: warnings, each model behind the leader, what the skill does, the next claim."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.text import Text

from steelyard.cli import text as words
from steelyard.cli.grid import GAP, Column, heading_lines, row, total_width
from steelyard.domain.money import dollars
from steelyard.services.reports import RunReport
from steelyard.services.skill_effect import WHY_NO_CLAIM, Lift
from steelyard.services.verdict_detail import ModelLine, VerdictDetail, verdict_detail
from steelyard.statistics import SkillEffect

_MIN_NAME = 18
_LABEL = 8
_EFFECTS = {
    SkillEffect.HURTS: "This skill hurts",
    SkillEffect.MAY_HURT: "This skill may hurt",
    SkillEffect.HELPS: "This skill helps",
    SkillEffect.NOT_SHOWN: "No effect of the skill is shown on",
}


def verdict_in_full(report: RunReport, width: int) -> Iterator[Text]:
    """The cautions alone where nothing leads, as before anything was graded."""
    detail = verdict_detail(report, [words.safe(name) for name in report.names])
    leads = report.verdict.leader is not None
    if leads or detail.cautions:
        yield Text("Behind the verdict", style="bold underline")
    for caution in detail.cautions:
        yield _note(width, "Caution", f"{caution.title} {caution.detail}", "yellow")
    if not leads:
        return
    if len(detail.lines) > 1:
        yield from _table(detail, width)
    for label, sentence in _lift_notes(detail.lifts):
        yield _note(width, label, sentence)
    for place, note in enumerate(detail.notes):
        yield _note(width, "" if place else "Note", note)
    yield _note(width, "Next", detail.next_claim)


def _table(detail: VerdictDetail, width: int) -> Iterator[Text]:
    lines = detail.lines
    columns = [
        Column("Behind", "points", [_behind(line) for line in lines]),
        Column("95%, all at once", "points", [words.interval(one.low, one.high, signed=True) or "–" for one in lines]),
        Column("Adjusted", "for length", [words.points(line.adjusted) for line in lines]),
        Column("Accepted", "$/output", [_cost(line) for line in lines]),
    ]
    if not detail.computed:
        columns = columns[-1:]
    room = width - total_width(columns) - GAP
    if room >= _MIN_NAME:
        names = Column("Model", "", words.short_names([line.model for line in lines], room), left=True)
        table = [names, *columns]
        yield from heading_lines(table)
        for index in range(len(lines)):
            yield row(table, index)
        return
    for index, line in enumerate(lines):
        yield Text(words.shorten(words.safe(line.model), width), style="bold")
        for column in columns:
            yield Text(f"  {column.heading} ({column.unit}): {column.values[index]}")


def _lift_notes(lifts: Sequence[Lift]) -> Iterator[tuple[str, str]]:
    """One sentence for each thing the skill does, with the models it does it to."""
    label = "Skill"
    for effect, said in _EFFECTS.items():
        found = [_lift(one) for one in lifts if one.effect is effect]
        if found:
            yield label, f"{said} {'; '.join(found)}."
            label = ""


def _lift(lift: Lift) -> str:
    facts = [f"{words.points(lift.points, signed=True)} points", f"n = {lift.n:,}"]
    if lift.gain is not None and lift.gain > 0:
        facts.append(f"{words.percent(lift.gain)} of what was missing to 100")
    if lift.cost_tax_microcents:
        more = "more" if lift.cost_tax_microcents > 0 else "less"
        facts.append(f"{dollars(abs(lift.cost_tax_microcents))} {more} a case")
    why = "" if lift.reason is None else f"; {WHY_NO_CLAIM[lift.reason]}"
    return f"{words.safe(lift.model)} ({', '.join(facts)}{why})"


def _behind(line: ModelLine) -> str:
    return "leads" if line.behind == 0.0 and line.low is None else words.points(line.behind)


def _cost(line: ModelLine) -> str:
    if line.none_accepted:
        return "none accepted"
    return "unknown" if line.cost_per_accepted_microcents is None else dollars(line.cost_per_accepted_microcents)


def _note(width: int, label: str, text: str, style: str = "") -> Text:
    return Text(f"{label:<{_LABEL}}", style="bold").append(words.hang(text, width, _LABEL), style or "not bold")
