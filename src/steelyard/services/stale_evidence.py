"""The evidence for each cause of staleness, from what was read for it. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from steelyard.domain.errors import SteelyardError
from steelyard.domain.models import ModelRef
from steelyard.domain.money import dollars
from steelyard.domain.stale_causes import CauseKind
from steelyard.execution.plan import Plan
from steelyard.execution.summaries import ModelSummary
from steelyard.services.repricing import Pricer, Repriced, cost_of
from steelyard.storage.staleness import CaseChanges, FileChange, UsedCell, UseOfModel

if TYPE_CHECKING:
    from steelyard.statistics import Shift

NAMED = 5


@dataclass(frozen=True)
class Evidence:
    """A cause as it was found; `since` None where nothing records when it came about."""

    kind: CauseKind
    sentence: str
    details: Mapping[str, Any] = field(default_factory=dict[str, Any])
    since: datetime | None = None


def skill_evidence(files: Sequence[FileChange], before: str, after: str, since: datetime) -> Evidence:
    """Which files changed. The versions are given by the starts of their digests."""
    said = [f"{one.path} {one.change}" for one in files[:NAMED]]
    if len(files) > NAMED:
        said.append(f"and {len(files) - NAMED:,} more")
    what = ", ".join(said) or "no file differs, but how they are read does"
    return Evidence(
        CauseKind.SKILL,
        f"Version {before} was run, and {after} is current: {what}.",
        {"before": before, "after": after, "files": [{"path": one.path, "change": one.change} for one in files]},
        since,
    )


def cases_evidence(changes: CaseChanges, since: datetime) -> Evidence:
    """How many golden cases were added, edited and taken out."""
    counts = {"added": changes.added, "edited": changes.edited, "removed": changes.removed}
    said = [f"{count:,} {word}" for word, count in counts.items() if count]
    return Evidence(
        CauseKind.CASES,
        f"Since the benchmark was planned: {', '.join(said) or 'another order'}.",
        counts,
        since,
    )


def judge_evidence(plan: Plan, judge: str, digest: str) -> Evidence | None:
    """The judge that would be used today against the run's; None where it is the same."""
    if plan.judge is None or (judge == plan.judge and digest == plan.judge_digest):
        return None
    details = {"before": plan.judge, "after": judge, "digest_before": plan.judge_digest, "digest_after": digest}
    if judge != plan.judge:
        sentence = f"The benchmark was judged by {plan.judge}, the default then; the default is {judge} now."
    else:
        sentence = (
            f"{judge} {'judge' if plan.jury else 'judges'} otherwise now: instructions, settings or address are not"
            " those of the benchmark, and grades of the two are not compared."
        )
    return Evidence(CauseKind.JUDGE, sentence, details)


def changed_models(plan: Plan, identity: Callable[[ModelRef], str]) -> Evidence | None:
    """Models of the run under whose names something else answers today."""
    changed: list[str] = []
    for text, known in zip(plan.models, plan.identities, strict=True):
        try:
            if identity(ModelRef.parse(text)) != known:
                changed.append(text)
        except (SteelyardError, OSError):
            # One that is not there at all is another cause.
            continue
    if not changed:
        return None
    return Evidence(
        CauseKind.MODEL_CHANGED,
        f"Something else answers under the {_name(changed)} now: the address, the weights or the settings differ.",
        {"models": changed},
    )


def gone_models(fates: Mapping[str, str]) -> Evidence | None:
    """`fates` maps models of the run to what befell them, each as the end of a sentence."""
    if not fates:
        return None
    said = "; ".join(f"{model} {fate}" for model, fate in fates.items())
    return Evidence(CauseKind.MODEL_GONE, f"{said}.", {"models": dict(fates)})


def newer_models(found: Mapping[str, str]) -> Evidence | None:
    """`found` maps models of the run to a later one of their family and tier that is not in it."""
    if not found:
        return None
    said = "; ".join(f"{newer} follows {model}" for model, newer in found.items())
    return Evidence(CauseKind.NEWER, f"Of families in use and not in the benchmark: {said}.", {"newer": dict(found)})


def price_evidence(repriced: Repriced, since: datetime | None) -> Evidence | None:
    """By how much average costs differ at today's prices, and whether that turns anything round."""
    changed = [one for one in repriced.models if one.changed]
    if not changed:
        return None
    parts: list[str] = []
    for one in changed[:NAMED]:
        then = "an unknown cost" if one.then is None else f"{dollars(one.then)} a case"
        now = "an unknown cost" if one.now is None else f"{dollars(one.now)} a case"
        percent = "" if one.percent is None else f" ({one.percent:+,.0f}%)"
        parts.append(f"{one.model} from {then} to {now}{percent}")
    if len(changed) > NAMED:
        parts.append(f"and {len(changed) - NAMED:,} more")
    effect = _effect(repriced)
    return Evidence(CauseKind.PRICE, f"At today's prices: {', '.join(parts)}. {effect}", repriced.to_json(), since)


def _effect(repriced: Repriced) -> str:
    said: list[str] = []
    if repriced.cheapest_then != repriced.cheapest_now:
        said.append(f"the cheapest is {repriced.cheapest_now or 'unknown'}, not {repriced.cheapest_then or 'unknown'}")
    if repriced.good_enough_then != repriced.good_enough_now:
        now, then = repriced.good_enough_now or "none", repriced.good_enough_then or "none"
        said.append(f"the cheapest good enough is {now}, not {then}")
    elsewhere = [
        pair
        for pair in repriced.flips
        if repriced.cheapest_then == repriced.cheapest_now or repriced.cheapest_then not in pair
    ]
    said += [f"{one} is cheaper than {other}" for one, other in elsewhere[:NAMED]]
    if not said:
        return "The cheapest and the order of costs stay as they are."
    text = "; ".join(said)
    return f"{text[0].upper()}{text[1:]}."


def price_since(cells: Sequence[UsedCell], repriced: Repriced, price: Pricer, today: date) -> datetime | None:
    """The first day on which a changed model's stored call costs what it costs today; None where no day tells.

    Prices of the settings file have no days, and neither has data that was corrected. A tenant's own have: one that was
    given or changed for the call's day, or one before it, is as if it had been so when the call was made.
    """
    changed = {one.model for one in repriced.models if one.changed}
    cell = next(
        (one for one in cells if one.model_name in changed and one.came_back and one.price_date is not None), None
    )
    if cell is None or cell.price_date is None:
        return None
    model = ModelRef.parse(cell.model_name)
    now = cost_of(cell, model, price, today)
    before, after = cell.price_date, today
    if now is None or cost_of(cell, model, price, before) == now:
        return None
    while (after - before).days > 1:
        middle = before + timedelta(days=(after - before).days // 2)
        if cost_of(cell, model, price, middle) == now:
            after = middle
        else:
            before = middle
    return datetime.combine(after, time(0), UTC)


def drift_evidence(
    uses: Sequence[UseOfModel],
    opinions: tuple[int, int],
    cells: Sequence[UsedCell],
    costs: Sequence[int | None],
    summaries: Sequence[ModelSummary],
    arm: str,
    first: date,
) -> Evidence | None:
    """Where the model that production uses most is used otherwise than it was benchmarked.

    `costs` are the cells' at today's prices, so that a price alone is no drift. `opinions` are (positive, rated).
    """
    if not uses:
        return None
    # Imported where there is use to look at alone, as it takes scipy.
    from steelyard.statistics import mean_shift, share_shift

    used = uses[0]
    own = [(cell, cost) for cell, cost in zip(cells, costs, strict=True) if cell.model_name == used.model_name]
    own = [(cell, cost) for cell, cost in own if cell.arm == arm and cell.came_back]
    if not own:
        return None
    shifts: list[tuple[str, str, Shift]] = []

    def add(measure: str, unit: str, shift: Shift | None) -> None:
        if shift is not None:
            shifts.append((measure, unit, shift))

    told = (
        ("input", used.input_tokens, [(cell, cell.input_tokens) for cell, _ in own]),
        ("output", used.output_tokens, [(cell, cell.output_tokens) for cell, _ in own]),
    )
    for measure, total, values in told:
        add(measure, "tokens", mean_shift(_case_means(values), total / used.uses, used.uses))
    if used.priced:
        stored = _case_means([(cell, cell.estimated_cost_microcents) for cell, _ in own])
        today = _case_means(own)
        add("cost", "microcents", mean_shift(today, used.cost_microcents / used.priced, used.priced, also=stored))
    summary = next((one for one in summaries if one.model == used.model_name and one.arm == arm), None)
    if summary is not None and summary.pass_rate is not None:
        passed = round(summary.pass_rate * summary.pass_n)
        add("feedback", "percent", share_shift(passed, summary.pass_n, *opinions))
    if not shifts:
        return None
    since = datetime.combine(first, time(0), UTC)
    said = "; ".join(_shift(measure, unit, shift) for measure, unit, shift in shifts)
    return Evidence(
        CauseKind.DRIFT,
        f"In use, {used.model_name} differs from its benchmark ({used.uses:,} uses since {first}): {said}.",
        {
            "model": used.model_name,
            "uses": used.uses,
            "from": first.isoformat(),
            "measures": [
                {
                    "measure": measure,
                    "unit": unit,
                    "benchmark": shift.benchmark,
                    "low": shift.low,
                    "high": shift.high,
                    "in_use": shift.production,
                    "n": shift.n,
                }
                for measure, unit, shift in shifts
            ],
        },
        since,
    )


def _shift(measure: str, unit: str, shift: Shift) -> str:
    match unit:
        case "microcents":
            low, high, now = (dollars(round(value)) for value in (shift.low, shift.high, shift.production))
            return f"{now} a use against {low} to {high} a case"
        case "percent":
            rated = f"{shift.n:,} pieces of feedback"
            return (
                f"{shift.production:.0f}% of {rated} are positive, where {shift.low:.0f} to {shift.high:.0f}% of"
                " cases passed"
            )
        case _:
            return (
                f"{shift.production:,.0f} {measure} tokens a use against {shift.low:,.0f} to {shift.high:,.0f} a case"
            )


def _case_means(values: Sequence[tuple[UsedCell, int | None]]) -> list[float]:
    by_case: dict[int, list[int]] = defaultdict(list)
    for cell, value in values:
        if value is not None:
            by_case[cell.test_case_index].append(value)
    return [sum(found) / len(found) for found in by_case.values()]


def _name(models: Sequence[str]) -> str:
    return f"name {models[0]}" if len(models) == 1 else f"names {', '.join(models)}"
