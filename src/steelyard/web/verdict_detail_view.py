"""The verdict in full as a page shows it: every figure a text with its unit."""

from __future__ import annotations

from dataclasses import dataclass

from steelyard.services.reports import RunReport
from steelyard.services.skill_effect import WHY_NO_CLAIM, Lift
from steelyard.services.verdict_detail import Caution, ModelLine, verdict_detail
from steelyard.statistics import SkillEffect
from steelyard.web.filters import UNKNOWN, count, money, percent, points, signed
from steelyard.web.model_names import short_names

_EFFECTS = {
    SkillEffect.HURTS: ("This skill hurts it", "bad"),
    SkillEffect.MAY_HURT: ("This skill may hurt it", "warn"),
    SkillEffect.HELPS: ("This skill helps it", "good"),
    SkillEffect.NOT_SHOWN: ("No effect shown", "neutral"),
}


@dataclass(frozen=True)
class LineView:
    model: str
    behind: str
    interval: str
    adjusted: str
    characters: str
    accepted: str


@dataclass(frozen=True)
class LiftView:
    """`tone` is that of a badge; `why` no more is said, a sentence's part, blank where there is nothing to explain."""

    model: str
    says: str
    why: str
    tone: str
    n: str
    points: str
    interval: str
    gain: str
    tokens: str
    cost: str


@dataclass(frozen=True)
class DetailView:
    """`computed`: whether there are gaps and lengths to show; `judged`: whether any length was asked after."""

    computed: bool
    judged: bool
    cautions: tuple[Caution, ...]
    lines: tuple[LineView, ...]
    lifts: tuple[LiftView, ...]
    notes: tuple[str, ...]
    next_claim: str


def detail_view(report: RunReport) -> DetailView | None:
    """None where nothing was graded, so that there is nothing behind the verdict."""
    if report.verdict.leader is None:
        return None
    names = short_names(report.names)
    detail = verdict_detail(report, [names[name] for name in report.names], money)
    return DetailView(
        computed=detail.computed,
        judged=report.detail is not None and report.detail.length is not None,
        cautions=detail.cautions,
        lines=tuple(_line(line, names[line.model]) for line in detail.lines),
        lifts=tuple(_lift(lift, names[lift.model]) for lift in detail.lifts),
        notes=detail.notes,
        next_claim=detail.next_claim,
    )


def _line(line: ModelLine, name: str) -> LineView:
    leads = line.behind is not None and line.low is None
    return LineView(
        model=name,
        behind="leads" if leads else UNKNOWN if line.behind is None else points(line.behind),
        interval="" if leads else _interval(line.low, line.high),
        adjusted=UNKNOWN if line.adjusted is None else points(line.adjusted),
        characters=UNKNOWN if line.characters is None else count(round(line.characters)),
        accepted="none accepted" if line.none_accepted else money(line.cost_per_accepted_microcents),
    )


def _lift(lift: Lift, name: str) -> LiftView:
    says, tone = _EFFECTS[lift.effect]
    why = "" if lift.reason is None else WHY_NO_CLAIM[lift.reason].removeprefix("no claim is made ")
    tax = lift.cost_tax_microcents
    return LiftView(
        model=name,
        says="No claim" if why else says,
        why=why,
        tone=tone,
        n=count(lift.n),
        points=signed(lift.points),
        interval=_interval(lift.low, lift.high),
        gain=UNKNOWN if lift.gain is None else percent(lift.gain),
        tokens=UNKNOWN if lift.token_tax is None else signed(lift.token_tax, 0),
        cost=UNKNOWN if tax is None else f"{'+' if tax > 0 else '−' if tax < 0 else ''}{money(abs(tax))}",
    )


def _interval(low: float | None, high: float | None) -> str:
    return UNKNOWN if low is None or high is None else f"{signed(low)} to {signed(high)}"
