"""A verdict in the words a page begins with, and how each model stands by it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from steelyard.charts.models import Standing
from steelyard.execution.summaries import ModelSummary
from steelyard.services.reports import RunReport
from steelyard.statistics import Verdict
from steelyard.statistics.verdict import EXACT, GapFigures
from steelyard.statistics.wording import FAMILY
from steelyard.web.filters import UNKNOWN, money, percent, plural, points, signed
from steelyard.web.model_names import short_names

_MOST_NAMED = 5


@dataclass(frozen=True)
class Part:
    """A stretch of a sentence; `model` marks a model's name, to be set off from the words around it."""

    text: str
    model: bool = False


Sentence = tuple[Part, ...]


@dataclass(frozen=True)
class LeadRow:
    """A lead over one rival on the same cases: points with their interval, p, the test and how many cases it is of."""

    rival: str
    lead: str
    interval: str
    p: str
    test: str
    n: int


@dataclass(frozen=True)
class VerdictWords:
    """`claim` is the verdict in a sentence, `further` what follows from it; `evidence` is the stored sentence with the
    statistics behind both, and `leads` are those of the best or leading model, named `ahead`, the least certain first.
    """

    kind: str
    claim: Sentence
    further: tuple[Sentence, ...]
    evidence: str
    ahead: str | None
    leads: tuple[LeadRow, ...]

    @property
    def text(self) -> str:
        """All of it as plain text, evidence aside."""
        return " ".join("".join(part.text for part in sentence) for sentence in (self.claim, *self.further))


def verdict_words(report: RunReport) -> VerdictWords:
    """What a report's verdict claims, and no more."""
    verdict = report.verdict
    names = [short_names(report.names)[name] for name in report.names]
    match verdict.kind:
        case "best":
            claim, further = _best(verdict, names), _least_certain(verdict, names)
        case "tied":
            claim, further = _tied(verdict, names), (*_leading(verdict, names), *_between_tied(verdict))
        case "single":
            claim, further = _single(verdict, names), (_words("There is nothing to compare it with yet."),)
        case "not_enough":
            lone = len(names) == 1
            claim = _words(f"Not enough evidence to {'say how good it is' if lone else 'name a best model'}.")
            further = _why_not(verdict, names, ungraded=report.ungraded)
    good = _good_enough(report, names)
    head = verdict.leader if verdict.best is None else verdict.best
    ahead = None if head is None or not verdict.gaps else names[head]
    leads = tuple(_lead_row(gap, names) for gap in sorted(verdict.gaps, key=lambda gap: (-gap.p, gap.mean)))
    return VerdictWords(verdict.kind, claim, further + ((good,) if good else ()), report.sentence, ahead, leads)


def standings_of(report: RunReport) -> dict[str, tuple[Standing, ...]]:
    """How each model stands, the weightiest first; those that do not stand out have none."""
    verdict = report.verdict
    found: dict[str, list[Standing]] = {name: [] for name in report.names}

    def add(index: int | None, standing: Standing) -> None:
        if index is not None:
            found[report.names[index]].append(standing)

    add(verdict.best, Standing.BEST)
    if verdict.kind == "tied":
        for index in verdict.tied:
            add(index, Standing.TIED)
    if verdict.kind in ("tied", "not_enough"):
        add(verdict.leader, Standing.LEADING)
    add(verdict.cheapest_good_enough, Standing.GOOD_ENOUGH)
    cheapest = report.run.cheapest_model
    free = sum(_cost(report, name) == 0 for name in report.names)
    # Of several that cost nothing, as on one's own machine, none is the cheapest.
    if cheapest in found and len(report.names) > 1 and (free < 2 or _cost(report, cheapest) != 0):
        found[cheapest].append(Standing.CHEAPEST)
    return {name: tuple(standings) for name, standings in found.items()}


def _lead_row(gap: GapFigures, names: Sequence[str]) -> LeadRow:
    known = gap.low is not None and gap.high is not None and gap.test != EXACT
    interval = f"{signed(gap.low)} to {signed(gap.high)}" if known else UNKNOWN
    p = "< 0.001" if gap.p < 0.001 else f"{gap.p:.3f}"
    return LeadRow(names[gap.rival], signed(gap.mean), interval, p, gap.test, gap.n)


def _best(verdict: Verdict, names: Sequence[str]) -> Sentence:
    assert verdict.best is not None
    best = Part(names[verdict.best], model=True)
    here = " on these cases" if verdict.of_set else ""
    if len(verdict.gaps) > 1:
        return best, Part(f" is best{here}, ahead of all {len(verdict.gaps)} others.")
    gap = _nearest(verdict)
    lead, interval = _lead(gap)
    return best, Part(f" is best{here}, {lead} ahead of "), Part(names[gap.rival], model=True), Part(f" ({interval}).")


def _least_certain(verdict: Verdict, names: Sequence[str]) -> tuple[Sentence, ...]:
    """Of several leads the one that carries the claim, which need not be the one over the second highest mean."""
    if len(verdict.gaps) < 2:
        return ()
    gap = _nearest(verdict)
    lead, interval = _lead(gap)
    rival = Part(names[gap.rival], model=True)
    return ((Part(f"Its least certain lead is {lead} over "), rival, Part(f" ({interval}).")),)


def _lead(gap: GapFigures) -> tuple[str, str]:
    assert gap.low is not None
    assert gap.high is not None
    if gap.test == EXACT:
        return _points(gap.mean), f"counted on all {gap.n} cases"
    return _points(gap.mean), f"95% interval {gap.low:.1f} to {gap.high:.1f}"


def _tied(verdict: Verdict, names: Sequence[str]) -> Sentence:
    by_quality = sorted(verdict.tied, key=lambda index: -(verdict.models[index].mean or 0.0))
    tied = _listed([names[index] for index in by_quality])
    if verdict.reason == "identical_scores":
        return (*tied, Part(" are tied: they score the same on every case."))
    return (*tied, Part(f" are tied: {'either' if len(verdict.tied) == 2 else 'any'} of them may be the best."))


def _leading(verdict: Verdict, names: Sequence[str]) -> tuple[Sentence, ...]:
    if verdict.leader is None or verdict.reason == "identical_scores":
        return ()
    return ((Part(names[verdict.leader], model=True), Part(" is leading, which is not proven.")),)


def _between_tied(verdict: Verdict) -> tuple[Sentence, ...]:
    """What to do about a tie that no cheapest good enough settles."""
    if verdict.cheapest_good_enough is not None:
        return ()
    if verdict.reason == "identical_scores":
        return (_words("Take the cheapest or the fastest, or add cases on which they differ."),)
    return (_words("Cost and speed may decide between them below; only more cases can show a difference in quality."),)


def _single(verdict: Verdict, names: Sequence[str]) -> Sentence:
    assert verdict.leader is not None
    figures = verdict.models[verdict.leader]
    known = figures.low is not None and figures.high is not None
    interval = f" (95% interval {points(figures.low)} to {points(figures.high)})" if known else ""
    return (Part(names[verdict.leader], model=True), Part(f" scores {points(figures.mean)} of 100{interval}."))


def _why_not(verdict: Verdict, names: Sequence[str], *, ungraded: bool) -> tuple[Sentence, ...]:
    said = list(_leading(verdict, names))
    reasons = {
        "too_few_cases": f"{plural(verdict.n, 'case')} can be compared; a verdict needs at least 8.",
        "too_few_clusters": "The cases come from too few families; a verdict needs at least 8.",
        "no_cases": "No case has been graded.",
        "no_complete_cases": "No case was answered and graded for every model.",
        "missing_scores": f"{'The' if len(names) == 1 else 'Every'} model misses more than 5% of its scores.",
        "one_model_left": "All models but one miss more than 5% of their scores.",
        "race_unfinished": "The race was stopped before its end, and claims nothing before.",
    } | {reason: f"{said[:1].upper()}{said[1:]}." for reason, said in FAMILY.items()}
    if ungraded:
        return (_words("Not one answer was graded: the judge gave no grade."),)
    if verdict.reason in reasons:
        said.append(_words(reasons[verdict.reason]))
    if verdict.reason in ("one_model_left", "missing_scores") and len(names) > 1:
        said += [
            (Part(names[index], model=True), Part(f" misses {count:,} of {of:,}."))
            for index, count, of in verdict.scores_missing
            if of is not None
        ]
    if verdict.reason == "one_model_left":
        said.append(_words("Resume the run to get what is missing."))
    if verdict.reason == "race_unfinished" and verdict.more_cases is not None:
        said.append(_words(f"It has up to {plural(verdict.more_cases, 'case')} to go."))
    elif verdict.too_few_to_tell:
        said.append(_words("How many more cases it takes cannot be told from so few: run at least 8."))
    elif verdict.more_cases is not None:
        cost = "" if verdict.more_cost_microcents is None else f", for about {money(verdict.more_cost_microcents)}"
        said.append(_words(f"About {plural(verdict.more_cases, 'more case')} would settle it{cost}."))
    elif verdict.reason is None:
        said.append(_words("More than 1,000 more cases would be needed to tell them apart."))
    return tuple(said)


def _good_enough(report: RunReport, names: Sequence[str]) -> Sentence | None:
    """The cheapest good enough, what it costs, and how much less than the best or leading one that is."""
    verdict = report.verdict
    index = verdict.cheapest_good_enough
    if index is None or verdict.kind == "single":
        return None
    head = verdict.leader if verdict.best is None else verdict.best
    costs = [_cost(report, name) for name in report.names]
    price = "" if costs[index] is None else f" at {money(costs[index])} a case"
    if index == verdict.best:
        return _words(f"It is also the cheapest good enough{price}.")
    saved = None if head is None or head == index else _saved(costs[head], costs[index])
    less = "" if saved is None or head is None else f", {percent(saved)} less than "
    than = (Part(names[head], model=True),) if less and head is not None else ()
    return (
        Part(names[index], model=True),
        Part(f" is the cheapest good enough{price}{less}"),
        *than,
        Part("."),
    )


def _saved(dear: int | None, cheap: int | None) -> float | None:
    return 1 - cheap / dear if dear and cheap is not None and cheap < dear else None


def _cost(report: RunReport, name: str) -> int | None:
    summary = summary_of(report, name)
    return None if summary is None else summary.avg_cost_microcents


def summary_of(report: RunReport, name: str) -> ModelSummary | None:
    """The model's figures in the arm the models are compared in."""
    return next((s for s in report.summaries if s.model == name and s.arm == report.arm), None)


def _nearest(verdict: Verdict) -> GapFigures:
    """The rival whose gap carries the claim: the largest p."""
    return max(verdict.gaps, key=lambda gap: (gap.p, -gap.mean))


def _listed(names: Sequence[str]) -> Sentence:
    """`A, B and C`; of many the first few and how many more."""
    shown = names if len(names) <= _MOST_NAMED else names[: _MOST_NAMED - 1]
    left = len(names) - len(shown)
    parts: list[Part] = []
    for place, name in enumerate(shown):
        if place:
            parts.append(Part(" and " if place == len(names) - 1 else ", "))
        parts.append(Part(name, model=True))
    return (*parts, Part(f" and {left} more")) if left else tuple(parts)


def _words(text: str) -> Sentence:
    return (Part(text),)


def _points(value: float) -> str:
    if 0 < value < 0.05:
        return "less than 0.1 points"
    shown = points(value)
    return f"{shown} point" if shown in ("1", "1.0") else f"{shown} points"
