"""The quick figures of a skill as cards: what a use costs and takes, how good it is, what users say, what runs it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from steelyard.services.feedback import FeedbackDay, FeedbackStats
from steelyard.services.reports import RunReport
from steelyard.services.usage import SkillUsage, UsageWindow
from steelyard.storage.usage import BenchmarkPoint, UsageDay
from steelyard.web.filters import compact, count, money, percent, plural, points, signed
from steelyard.web.model_names import model_name
from steelyard.web.used_model import standing_line

LINE_DAYS = 30
RUNS_IN_CARD = 30
_MOST_SHARES = 4
# A change below this is not coloured as good or bad.
_TELLING_PERCENT = 2.0


@dataclass(frozen=True)
class Delta:
    """A change beside a figure; `tone` is good or bad where the direction says which."""

    text: str
    title: str
    tone: Literal["good", "bad"] | None = None


@dataclass(frozen=True)
class Line:
    """A sparkline: values oldest first, None a gap; `says` is what it shows in words."""

    values: tuple[float | None, ...]
    says: str
    from_zero: bool = False


@dataclass(frozen=True)
class Bar:
    """One day of feedback as a bar: its height and the positive part of it, 0-1 of the highest."""

    height: float
    positive: float
    says: str


@dataclass(frozen=True)
class Bars:
    bars: tuple[Bar, ...]
    says: str


@dataclass(frozen=True)
class Share:
    """A stretch of a bar, from `start` over `width`, both 0-100."""

    start: float
    width: float


@dataclass(frozen=True)
class Shares:
    shares: tuple[Share, ...]
    says: str


@dataclass(frozen=True)
class StatCard:
    """One card. `value` None: there is nothing to say yet, and the notes say what will change that."""

    label: str
    value: str | None
    notes: tuple[str, ...]
    delta: Delta | None = None
    figure: Line | Bars | Shares | None = None


def stat_cards(
    usage: SkillUsage,
    days: Sequence[UsageDay],
    runs: Sequence[BenchmarkPoint],
    feedback: FeedbackStats,
    report: RunReport | None,
) -> tuple[StatCard, ...]:
    """The cards in the order they are shown. `days` are the last days of use and `runs` the completed runs of record,
    both oldest first; `report` is the last of these.
    """
    return (
        _cost(usage, days[-LINE_DAYS:]),
        _tokens(usage, days[-LINE_DAYS:]),
        _quality(runs),
        _feedback(feedback),
        _model(usage, report),
    )


def _window(usage: SkillUsage) -> tuple[UsageWindow, str]:
    """The last 30 days where there was any use in them, else all time."""
    recent = usage.last_30_days
    return (recent, "last 30 days") if recent.uses else (usage.total, "all time")


def _average(span: str, change_percent: float | None) -> str:
    """What the figure is, and what its change stands against."""
    return f"average, {span}" if change_percent is None else f"average, {span}; change on the 30 before"


def _cost(usage: SkillUsage, days: Sequence[UsageDay]) -> StatCard:
    if not usage.total.uses:
        return StatCard("Cost per use", None, ("No use measured yet.",))
    window, span = _window(usage)
    total = money(usage.total.cost_microcents)
    known = usage.total.uses - usage.total.cost_unknown
    said = "cost unknown" if not known else f"{'at least ' if usage.total.cost_unknown else ''}{total}"
    return StatCard(
        "Cost per use",
        money(window.avg_cost_microcents),
        (_average(span, usage.change.avg_cost_percent), f"all time: {said} for {plural(usage.total.uses, 'use')}"),
        _change(usage.change.avg_cost_percent, fewer_is_better=True),
        Line(
            tuple(_each(day.cost_microcents, day.uses - day.cost_unknown) for day in days),
            f"Average cost per use, day by day, last {len(days)} days",
            from_zero=True,
        ),
    )


def _tokens(usage: SkillUsage, days: Sequence[UsageDay]) -> StatCard:
    if not usage.total.uses:
        return StatCard("Tokens per use", None, ("No use measured yet.",))
    window, span = _window(usage)
    parts = f"{_whole(window.avg_input_tokens)} in, {_whole(window.avg_output_tokens)} out"
    return StatCard(
        "Tokens per use",
        _whole(window.avg_total_tokens),
        (_average(span, usage.change.avg_tokens_percent), parts),
        _change(usage.change.avg_tokens_percent, fewer_is_better=True),
        Line(
            tuple(_each(day.input_tokens + day.output_tokens, day.uses) for day in days),
            f"Average tokens per use, day by day, last {len(days)} days",
            from_zero=True,
        ),
    )


def _quality(runs: Sequence[BenchmarkPoint]) -> StatCard:
    if not runs:
        return StatCard("Quality", None, ("No benchmark of record yet.",))
    last = runs[-1]
    known = last.quality_low is not None and last.quality_high is not None
    interval = f"95% interval {points(last.quality_low)} to {points(last.quality_high)}" if known else "one case"
    return StatCard(
        "Quality, of 100",
        points(last.quality),
        (interval, model_name(last.model).short),
        _moved(runs),
        None
        if len(runs) < 2
        else Line(
            tuple(run.quality for run in runs[-RUNS_IN_CARD:]),
            f"Quality of the last {plural(min(RUNS_IN_CARD, len(runs)), 'benchmark')}, the newest"
            f" {points(last.quality)}",
        ),
    )


def _moved(runs: Sequence[BenchmarkPoint]) -> Delta | None:
    """Against the run before, where it is of the same model and the same judge graded both."""
    if len(runs) < 2:
        return None
    if (runs[-1].judge_digest, runs[-1].model) != (runs[-2].judge_digest, runs[-2].model):
        return None
    return Delta(signed(runs[-1].quality - runs[-2].quality), "points against the benchmark before; not tested")


def _feedback(stats: FeedbackStats) -> StatCard:
    if not stats.total:
        return StatCard("Feedback", None, ("No feedback yet.",))
    recent = f"{plural(stats.last_30_days, 'piece')} in 30 days"
    if stats.last_30_days_positive_percent is not None:
        recent += f", {percent(stats.last_30_days_positive_percent / 100)} positive"
    value = "not rated" if stats.positive_percent is None else f"{percent(stats.positive_percent / 100)} positive"
    return StatCard("Feedback", value, (f"of {count(stats.total)} in all", recent), figure=_bars(stats.trend))


def _bars(days: Sequence[FeedbackDay]) -> Bars:
    most = max((day.total for day in days), default=0) or 1
    total = sum(day.total for day in days)
    return Bars(
        tuple(
            Bar(
                day.total / most,
                day.positive / most,
                f"{day.day.day} {day.day:%B}: {plural(day.total, 'piece')} of feedback, {count(day.positive)} positive",
            )
            for day in days
        ),
        f"Feedback of the last {plural(len(days), 'day')}: {count(total)} in all, "
        f"{count(sum(day.positive for day in days))} positive",
    )


def _model(usage: SkillUsage, report: RunReport | None) -> StatCard:
    if usage.predominant_model is None:
        return StatCard("Most used model", None, ("No use measured yet.",))
    _, span = _window(usage)
    others = len(usage.models) - 1
    beside = f"{plural(others, 'other model')} beside it" if others else "the only one used"
    shown = usage.models[:_MOST_SHARES]
    starts = [sum(100 * share.share for share in shown[:place]) for place in range(len(shown))]
    name = model_name(usage.predominant_model)
    # A variant's settings would make five lines of a card's large type.
    settings = (f"with {name.settings}",) if name.settings else ()
    return StatCard(
        "Most used model",
        name.name,
        (
            *settings,
            standing_line(usage.predominant_model, report),
            f"{percent(usage.predominant_share)} of uses, {span}; {beside}",
        ),
        figure=Shares(
            tuple(Share(start, 100 * item.share) for start, item in zip(starts, shown, strict=True)),
            "; ".join(f"{model_name(item.model).short} {percent(item.share)}" for item in shown),
        ),
    )


def _change(change_percent: float | None, *, fewer_is_better: bool) -> Delta | None:
    if change_percent is None:
        return None
    tone = None
    if abs(change_percent) >= _TELLING_PERCENT:
        tone = "good" if (change_percent < 0) is fewer_is_better else "bad"
    return Delta(f"{signed(change_percent, 0)}%", "the last 30 days against the 30 before", tone)


def _each(total: int, uses: int) -> float | None:
    return total / uses if uses else None


def _whole(number: float | None) -> str:
    if number is None:
        return "unknown"
    return count(round(number)) if number < 1e6 else compact(number)
