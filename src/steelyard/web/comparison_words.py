"""Two runs compared, as a page says it: a sentence, what changed line by line, and intervals as places on a scale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from steelyard.services.comparisons import Difference, RunComparison
from steelyard.services.cost_change import CostChange, CostParts
from steelyard.services.run_changes import CaseName, Change, PricesSeen
from steelyard.web.filters import count, money, percent, plural, points, signed
from steelyard.web.model_names import ModelName, model_name, short_names
from steelyard.web.race_words import AIMS

Direction = Literal["better", "worse", "open"]
_HALF = 50.0
# A change of cost below this share is no news.
_SAME = 0.005


@dataclass(frozen=True)
class ChangeLine:
    """One part of the runs' agreements. `cases` are to be listed below it; `versions` are the digests of a diff."""

    label: str
    text: str
    changed: bool
    cases: tuple[CaseName, ...] = ()
    versions: tuple[str, str] | None = None


@dataclass(frozen=True)
class Place:
    """A difference on a scale of 0-100 whose zero lies at 50."""

    point: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class DifferenceRow:
    """One model's difference, or that over all models (`name` None); `reach` is the scale's half width in points."""

    name: ModelName | None
    difference: Difference
    direction: Direction
    words: str
    place: Place | None


@dataclass(frozen=True)
class CostRow:
    """What one call of a model, or of all of them (`name` None), costs now and why; None where no cost is known."""

    name: ModelName | None
    change: CostChange
    per_call: CostParts | None
    share: float | None


def headline(comparison: RunComparison) -> str:
    """The quality's change in a sentence, or why there is none to speak of."""
    if comparison.refusal is not None:
        return comparison.refusal
    found = comparison.overall
    if found is None or found.difference is None:
        return "The qualities are not compared: no case has a score in both runs."
    interval = "" if found.low is None else f" (95% interval {signed(found.low)} to {signed(found.high)})"
    on = f"on {plural(found.n, 'case')} in both runs"
    size = f"{points(abs(found.difference))} points"
    match direction_of(found):
        case "better":
            return f"Quality rose by {size} {on}{interval}."
        case "worse":
            return f"Quality fell by {size} {on}{interval}."
        case "open":
            return f"No difference in quality is shown {on}: {signed(found.difference)} points{interval}."


def cost_sentence(cost: CostChange) -> str:
    """What a call costs now against before, and how much of that is tokens and how much price."""
    each = cost.per_call
    if each is None:
        return "The cost is not compared: no call in both runs has a known cost."
    if each.change == 0:
        return f"A call costs the same as before, {money(each.after)}."
    if each.before and abs(each.change) / each.before < _SAME:
        return f"A call costs about the same as before: {money(each.after)} against {money(each.before)}."
    share = (
        f" ({percent(abs(each.change) / each.before)} {'more' if each.change > 0 else 'less'})" if each.before else ""
    )
    said = f"A call costs {money(each.after)} instead of {money(each.before)}{share}"
    parts = [
        f"{_signed_money(value)} by {why}"
        for value, why in ((each.tokens, "tokens"), (each.price, "prices"), (each.unexplained, "what neither explains"))
        if value
    ]
    return f"{said}: {', '.join(parts)}." if parts else f"{said}."


def direction_of(difference: Difference) -> Direction:
    """Better or worse where the whole interval lies on one side of zero."""
    if difference.low is not None and difference.low > 0:
        return "better"
    if difference.high is not None and difference.high < 0:
        return "worse"
    return "open"


def difference_rows(comparison: RunComparison) -> tuple[DifferenceRow, ...]:
    """Over all models first, then each; empty where qualities are not compared."""
    found: list[tuple[ModelName | None, Difference]] = []
    if comparison.overall is not None and len(comparison.models) > 1:
        found.append((None, comparison.overall))
    found += [(model_name(model.model), model.quality) for model in comparison.models if model.quality is not None]
    reach = reach_of([difference for _, difference in found])
    return tuple(
        DifferenceRow(
            name, difference, direction_of(difference), _difference_words(difference), place_of(difference, reach)
        )
        for name, difference in found
    )


def reach_of(differences: Sequence[Difference]) -> float:
    """The half width of a scale that holds every interval: 5, 10, 20, 50 or 100 points."""
    ends = [abs(end) for one in differences for end in (one.low, one.high, one.difference) if end is not None]
    most = max(ends, default=0.0)
    return next((reach for reach in (5.0, 10.0, 20.0, 50.0) if most <= reach), 100.0)


def cost_rows(comparison: RunComparison) -> tuple[CostRow, ...]:
    """Over all models first, then each."""
    rows = [_cost_row(None, comparison.cost)] if len(comparison.models) > 1 else []
    return (*rows, *(_cost_row(model_name(model.model), model.cost) for model in comparison.models))


def change_lines(comparison: RunComparison) -> tuple[ChangeLine, ...]:
    """The agreements side by side: skill, models, cases and judge always, the rest where it changed."""
    changes = comparison.changes
    version = changes.skill_version
    lines = [
        ChangeLine(
            "Skill",
            f"version {version.before[:8]} → {version.after[:8]}"
            if version.changed
            else f"the same version, {version.after[:8]}",
            version.changed,
            versions=(version.before, version.after) if version.changed else None,
        ),
        _models_line(comparison),
        _cases_line(comparison),
        _judge_line(comparison),
    ]
    plain: tuple[tuple[str, Change[str]], ...] = (
        ("Rubric", Change(*(_rubric(side) for side in (changes.rubric.before, changes.rubric.after)))),
        ("Arms", Change(_arms(changes.arms.before), _arms(changes.arms.after))),
        ("Trials", Change(count(changes.trials.before), count(changes.trials.after))),
        ("Calls", Change(_calls(changes.race.before), _calls(changes.race.after))),
        ("Longest answer", Change(_tokens(changes.max_tokens.before), _tokens(changes.max_tokens.after))),
        ("Pass threshold", Change(points(changes.threshold.before), points(changes.threshold.after))),
        ("Margin", Change(points(changes.margin.before), points(changes.margin.after))),
    )
    lines += [ChangeLine(label, f"{one.before} → {one.after}", True) for label, one in plain if one.changed]
    if changes.rubric.changed and not any(line.label == "Rubric" for line in lines):
        lines.append(ChangeLine("Rubric", "other criteria", True))
    lines.append(_prices_line(changes.prices))
    return tuple(lines)


def _calls(race: str | None) -> str:
    return "every model on every case" if race is None else f"a race for {AIMS[race]}"


def _models_line(comparison: RunComparison) -> ChangeLine:
    changes = comparison.changes
    names = short_names([*changes.models_common, *changes.models_added, *changes.models_removed])
    said = [f"{plural(len(changes.models_common), 'model')} in both"]
    if changes.models_added:
        said.append(f"added: {', '.join(names[model] for model in changes.models_added)}")
    if changes.models_removed:
        said.append(f"removed: {', '.join(names[model] for model in changes.models_removed)}")
    moved = [names[model] for model, identity in changes.identities.items() if identity.changed]
    if moved:
        said.append(f"something else answers under the same name: {', '.join(moved)}")
    return ChangeLine("Models", "; ".join(said), len(said) > 1)


def _cases_line(comparison: RunComparison) -> ChangeLine:
    changes = comparison.changes
    said = [f"{plural(changes.cases_same, 'case')} in both"]
    for cases, word in (
        (changes.cases_added, "added"),
        (changes.cases_removed, "removed"),
        (changes.cases_changed, "changed"),
    ):
        if cases:
            said.append(f"{count(len(cases))} {word}")
    listed = (*changes.cases_added, *changes.cases_removed, *changes.cases_changed)
    return ChangeLine("Cases", "; ".join(said), bool(listed), cases=listed)


def _judge_line(comparison: RunComparison) -> ChangeLine:
    judge, digest = comparison.changes.judge, comparison.changes.judge_digest
    if judge.changed:
        return ChangeLine("Judge", f"{judge.before or 'checks alone'} → {judge.after or 'checks alone'}", True)
    if digest.changed:
        return ChangeLine("Judge", f"{judge.after}, with another version of its prompt", True)
    return ChangeLine("Judge", f"the same, {judge.after}" if judge.after else "none in either: checks alone", False)


def _prices_line(prices: Mapping[str, Change[PricesSeen]]) -> ChangeLine:
    moved = [change for change in prices.values() if change.changed and change.before.dates and change.after.dates]
    if not moved:
        return ChangeLine("Prices", "of the same days and versions", False)
    before = _days([day for change in moved for day in change.before.dates])
    after = _days([day for change in moved for day in change.after.dates])
    return ChangeLine("Prices", f"of {before} → of {after}, for {plural(len(moved), 'model')}", True)


def _days(days: Sequence[date]) -> str:
    first, last = min(days), max(days)
    return _day(first) if first == last else f"{_day(first)} to {_day(last)}"


def _day(value: date) -> str:
    return f"{value.day} {value:%B %Y}"


def _rubric(criteria: Sequence[str]) -> str:
    return plural(len(criteria), "criterion", "criteria")


def _arms(arms: Sequence[str]) -> str:
    return " and ".join(arm.replace("_", " ") for arm in arms)


def _tokens(most: int) -> str:
    return plural(most, "token")


def _difference_words(difference: Difference) -> str:
    return {"better": "better", "worse": "worse", "open": "no difference shown"}[direction_of(difference)]


def place_of(difference: Difference, reach: float) -> Place | None:
    """Where a difference lies on a scale that reaches so many points to either side; None without one."""
    if difference.difference is None:
        return None

    def at(value: float | None) -> float | None:
        return None if value is None else min(100.0, max(0.0, _HALF + _HALF * value / reach))

    return Place(at(difference.difference) or 0.0, at(difference.low), at(difference.high))


def _cost_row(name: ModelName | None, change: CostChange) -> CostRow:
    each = change.per_call
    share = each.change / each.before if each is not None and each.before else None
    return CostRow(name, change, each, share)


def _signed_money(microcents: int) -> str:
    return f"{'+' if microcents > 0 else '−'}{money(abs(microcents))}"
