"""The verdict in full: what stands behind it, model by model, and what a reader must know before trusting it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from steelyard.domain.errors import ModelRefError
from steelyard.domain.models import ModelRef, model_family
from steelyard.domain.money import about
from steelyard.execution.detail import DETAIL_VERSION
from steelyard.services.skill_effect import Lift, lifts
from steelyard.statistics import FEWEST_CASES, detectable_lead, unseen_share

if TYPE_CHECKING:
    from steelyard.services.reports import RunReport
    from steelyard.statistics import LengthEffect

_SLOPE_ALPHA = 0.05
_NOT_YET = (
    "Gaps at once, length and the next claim were not computed for runs that ended before Steelyard did so; the same"
    " run again works them out of the answers it has."
)
_NOT_OF_RACES = "Gaps at once and length are not worked out of a race, whose models have different numbers of cases."


@dataclass(frozen=True)
class OwnFamily:
    """The candidates of the judge's own family. `decides`: the best or leading model is one of them."""

    judge: str
    models: tuple[str, ...]
    decides: bool


@dataclass(frozen=True)
class Caution:
    """What a reader must know before trusting the verdict."""

    title: str
    detail: str


@dataclass(frozen=True)
class ModelLine:
    """One compared model. `behind` the leader in points, 0 its own, with an interval that holds for all at once;
    `adjusted`: its mean were all answers of a case equally long; `characters` of its answers on average.
    `none_accepted`: none of its outputs passed, so that there is nothing to set their cost against.
    """

    model: str
    mean: float | None
    behind: float | None
    low: float | None
    high: float | None
    adjusted: float | None
    characters: float | None
    cost_per_accepted_microcents: int | None
    none_accepted: bool


@dataclass(frozen=True)
class VerdictDetail:
    """`cautions` and `notes` are in sentences with the names given; `computed`: whether the run stored its figures."""

    computed: bool
    lines: tuple[ModelLine, ...]
    lifts: tuple[Lift, ...]
    own_family: OwnFamily | None
    cautions: tuple[Caution, ...]
    notes: tuple[str, ...]
    next_claim: str


def verdict_detail(
    report: RunReport, names: Sequence[str] | None = None, amount: Callable[[int], str] = about
) -> VerdictDetail:
    """A report's verdict in full.

    `names`: one per model, as sentences are to call them; the report's own without. `amount` writes microcents as the
    rest of the report does.
    """
    shown = list(report.names) if names is None else list(names)
    family = own_family(report)
    notes = [*_length_notes(report, shown), *_curse(report), *_rare_failures(report)]
    if report.detail is None and report.stored:
        notes.append(_NOT_OF_RACES if report.raced is not None else _NOT_YET)
    return VerdictDetail(
        computed=report.detail is not None,
        lines=_lines(report),
        lifts=lifts(report),
        own_family=family,
        cautions=cautions(report, shown),
        notes=tuple(notes),
        next_claim=_next(report, amount),
    )


def cautions(report: RunReport, names: Sequence[str]) -> tuple[Caution, ...]:
    """A judge of a candidate's family, and a lead that does not outlive its length; `names` as sentences call them."""
    return (*_family_caution(report, names), *_jury_caution(report), *_length_caution(report, names))


def detail_json(report: RunReport) -> dict[str, Any]:
    """The key `detail` of `steelyard.run/1`; what was not computed is null."""
    detail = report.detail
    family = own_family(report)
    return {
        "version": None if detail is None else DETAIL_VERSION,
        "gaps": None
        if detail is None
        else [
            {"rival": report.names[gap.rival], "lead": gap.mean, "lead_low": gap.low, "lead_high": gap.high}
            for gap in detail.gaps
        ],
        "length": None if detail is None or detail.length is None else _length_json(report, detail.length),
        "judge_family": None if family is None else asdict(family),
        "lifts": [asdict(one) for one in lifts(report)],
        "next": None if detail is None else asdict(detail.next),
    }


def own_family(report: RunReport) -> OwnFamily | None:
    """None where the judge is of no candidate's family, or a jury or no model judged."""
    if report.run.judge is None or "jury" in report.run.plan:
        return None
    try:
        family = model_family(ModelRef.parse(report.run.judge))
        own = tuple(name for name in report.names if model_family(ModelRef.parse(name)) == family)
    except ModelRefError:
        return None
    head = report.verdict.leader if report.verdict.best is None else report.verdict.best
    return OwnFamily(report.run.judge, own, head is not None and report.names[head] in own) if own else None


def _lines(report: RunReport) -> tuple[ModelLine, ...]:
    """The compared models, the leader first, then by how far they are behind."""
    verdict, detail = report.verdict, report.detail
    summaries = {summary.model: summary for summary in report.summaries if summary.arm == report.arm}
    gaps = {} if detail is None else {gap.rival: gap for gap in detail.gaps}
    adjusted = None if detail is None or detail.length is None else detail.length.adjusted
    lines: list[ModelLine] = []
    for index in verdict.compared:
        gap = gaps.get(index)
        leads = index == verdict.leader and bool(gaps)
        summary = summaries.get(report.names[index])
        lines.append(
            ModelLine(
                model=report.names[index],
                mean=verdict.models[index].mean,
                behind=0.0 if leads else None if gap is None else gap.mean,
                low=None if gap is None else gap.low,
                high=None if gap is None else gap.high,
                adjusted=None if adjusted is None else adjusted[index],
                characters=None if detail is None else detail.characters[index],
                cost_per_accepted_microcents=None if summary is None else summary.cost_per_accepted_microcents,
                none_accepted=summary is not None and summary.pass_rate == 0,
            )
        )
    return tuple(sorted(lines, key=lambda line: (-(line.mean or 0.0), line.behind or 0.0)))


def _family_caution(report: RunReport, names: Sequence[str]) -> Sequence[Caution]:
    family = own_family(report)
    if family is None:
        return ()
    shown = _listed([names[report.names.index(model)] for model in family.models])
    said = f"It is of the family of {shown} and graded alone, so whether it favours them cannot be measured."
    if family.decides and len(report.names) > 1:
        head = "best" if report.verdict.best is not None else "leading"
        said += (
            f" The {head} model is of that family: run with a judge of another one before you rely on it, alone or"
            " beside this one."
        )
    return (Caution("The judge is of a candidate's own family.", said),)


def _jury_caution(report: RunReport) -> Sequence[Caution]:
    jury = report.jury
    if jury is None or jury.holds:
        return ()
    if jury.reason == "not_comparable":
        title = "Without own-family scores the models cannot be compared."
        said = "Too few judges are of another family than the models, so every score is counted and no best is claimed."
    else:
        title = "Own families decide who is best, so no best is claimed."
        said = f"With all scores the verdict would be: {jury.everyone}"
    return (Caution(title, f"{said} Add a judge of another family, or a model of another family."),)


def _length_caution(report: RunReport, names: Sequence[str]) -> Sequence[Caution]:
    length = None if report.detail is None else report.detail.length
    best = report.verdict.best
    if length is None or best is None or not length.lead_dies:
        return ()
    gaps = {gap.rival: gap for gap in length.gaps}
    worst = min((gaps[rival] for rival in length.dead), key=lambda gap: gap.adjusted)
    return (
        Caution(
            f"The lead of {names[best]} may be one of length.",
            f"Were all answers of a case equally long, it would be {_signed(worst.adjusted)} points ahead of"
            f" {names[worst.rival]} (95% interval {_signed(worst.low)} to {_signed(worst.high)}), which is not shown;"
            f" as judged it is {_signed(worst.raw)} on the same {length.n:,} cases.",
        ),
    )


def _length_notes(report: RunReport, names: Sequence[str]) -> Sequence[str]:
    length = None if report.detail is None else report.detail.length
    if length is None:
        return ()
    if length.slope is None or length.low is None or length.high is None or length.p is None:
        why = {
            "too_few_cases": _too_few(length.n, report.verdict.n),
            "too_few_clusters": "with fewer than 8 families of cases",
            "too_few_models": "of one model alone",
            "no_variation": "where answers are equally long",
        }
        return (f"Whether length moves the scores cannot be told {why[length.reason or '']}.",)
    figures = f"95% interval {_signed(length.low)} to {_signed(length.high)}, n = {length.n:,}"
    if length.p >= _SLOPE_ALPHA:
        return (f"Length: no effect shown, {_signed(length.slope)} points for each doubling of an answer ({figures}).",)
    rise = "rise" if length.slope > 0 else "fall"
    said = f"Length: scores {rise} by {abs(length.slope):.1f} points for each doubling of an answer ({figures})."
    leader = max(
        (index for index, mean in enumerate(length.adjusted) if mean is not None),
        key=lambda index: length.adjusted[index] or 0.0,
    )
    still = "still " if leader == report.verdict.leader else ""
    after = f"Adjusted for length {names[leader]} {still}has the highest mean."
    return (f"{said} {after} Longer answers may be better ones, so the scores stay as judged.",)


def _too_few(n: int, scored: int) -> str:
    """`n` of the `scored` cases have a graded text of every model: an empty answer has a score, and no length."""
    if n == scored:
        return f"with fewer than {FEWEST_CASES} cases"
    return f"with fewer than {FEWEST_CASES} cases that have a graded answer of every model: {n:,} of {scored:,} have"


def _curse(report: RunReport) -> Sequence[str]:
    means = {report.verdict.models[index].mean for index in report.verdict.compared}
    if report.verdict.leader is None or len(means) < 2:
        return ()
    said = "The leader's own mean is a little too high, as it was picked for being the highest."
    if report.detail is None:
        return (said,)
    return (
        f"{said} The intervals that hold all at once allow for that; they are wider than a single lead's, and may hold"
        " zero where that lead is shown.",
    )


def _rare_failures(report: RunReport) -> Sequence[str]:
    """What a claim of being within the margin rests on; left out where what nobody saw is a fifth of it at most."""
    verdict = report.verdict
    enough = verdict.cheapest_good_enough
    # What is claimed of these very cases, all of which a race has run, is not of others.
    whole = (
        report.raced is not None and report.raced.standing.target == "set" and verdict.n == report.raced.standing.cases
    )
    within = not whole and (verdict.kind == "tied" or (enough is not None and enough != verdict.best))
    n = verdict.n_clusters or verdict.n
    if not within or n == 0 or 100 * unseen_share(n) <= verdict.margin / 5:
        return ()
    units = "cases" if verdict.n_clusters is None else "families of cases"
    return (
        f"Being within {verdict.margin:g} points takes failures to be about as rare as they are here: what a model does"
        f" in up to {100 * unseen_share(n):.0f}% of cases may not show once in {n:,} {units} (95%).",
    )


def _next(report: RunReport, amount: Callable[[int], str]) -> str:
    """What the next claim takes, in a sentence."""
    verdict = report.verdict
    if verdict.kind == "single":
        n = verdict.models[verdict.leader or 0].n
        if n < FEWEST_CASES:
            return f"A comparison: a second model, and {FEWEST_CASES} cases at least; below that no claim is made."
        lead = detectable_lead(n)
        return f"A second model on the same cases: a lead of about {lead:.0f} points or more would show (80% power)."
    if verdict.kind == "best" and report.detail is not None and report.detail.length and report.detail.length.lead_dies:
        return "A lead that does not rest on length: more cases, until it is shown of answers taken as equally long."
    if verdict.kind == "best":
        return "Nothing more to be shown of quality: the best is ahead of every other."
    if verdict.reason == "identical_scores":
        return "Cases on which the models differ: on these they score the same."
    if verdict.reason in ("own_family_decides", "not_comparable"):
        return "A best model: a judge of another family beside these, or a model of another family."
    if verdict.reason == "one_model_left":
        return "A comparison: the scores that are missing. Resume the run to get them."
    if verdict.too_few_to_tell:
        return f"At least {FEWEST_CASES} cases: how many it takes cannot be told from so few."
    if verdict.kind == "not_enough":
        return _cases("A best model, or a tie", verdict.more_cases, verdict.more_cost_microcents, amount)
    if report.detail is None:
        return "A best one of the tied: more cases."
    step = report.detail.next
    if step.claim == "none":
        return "Cases on which the tied models differ: on these some score the same."
    return _cases("A best one of the tied", step.more_cases, step.more_cost_microcents, amount)


def _cases(claim: str, cases: int | None, microcents: int | None, amount: Callable[[int], str]) -> str:
    if cases is None:
        return f"{claim}: more than 1,000 more cases."
    cost = "cost unknown" if microcents is None else f"about {amount(microcents)}"
    return f"{claim}: about {cases:,} more case{'' if cases == 1 else 's'}, {cost} (80% power)."


def _length_json(report: RunReport, length: LengthEffect) -> dict[str, Any]:
    assert report.detail is not None
    return {
        "points_per_doubling": length.slope,
        "low": length.low,
        "high": length.high,
        "p": length.p,
        "n": length.n,
        "reason": length.reason,
        "lead_dies": length.lead_dies,
        "models": [
            {"model": name, "adjusted": adjusted, "characters": characters}
            for name, adjusted, characters in zip(report.names, length.adjusted, report.detail.characters, strict=True)
        ],
        "gaps": [asdict(gap) | {"rival": report.names[gap.rival]} for gap in length.gaps],
    }


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _signed(value: float) -> str:
    return f"{round(value, 1) + 0.0:+.1f}".replace("-", "−")
