"""What people say of a run, in the words and rows of its page. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from steelyard.services.people_words import REASONS, headline
from steelyard.web.filters import plural, points, signed
from steelyard.web.model_names import short_names

if TYPE_CHECKING:
    from steelyard.services.people import Calibrated, PeopleReport
    from steelyard.statistics import Agreement, HumanEstimate


@dataclass(frozen=True)
class AgreementLine:
    """How far two kinds of raters agree, each figure as text."""

    who: str
    outputs: int
    spearman: str
    interval: str
    pearson: str
    order: str


@dataclass(frozen=True)
class ModelLine:
    """A model as graded, as calibrated and as people would rate it; `why` where no claim is made."""

    name: str
    graded: str
    calibrated: str
    people: str
    interval: str
    cases: int
    why: str


@dataclass(frozen=True)
class GapLine:
    rival: str
    difference: str
    interval: str
    p: str
    why: str


@dataclass(frozen=True)
class PeopleView:
    """`headline` is what may be said; `leader` is whom `gaps` are about; `grader` names what graded in words."""

    headline: str
    grader: str
    agreement: tuple[AgreementLine, ...]
    alpha: str
    calibration: str
    models: tuple[ModelLine, ...]
    leader: str
    gaps: tuple[GapLine, ...]


def people_view(report: PeopleReport) -> PeopleView:
    """The page's words for this report."""
    names = short_names([model.model for model in report.models])
    grader = "the judge" if report.judge else "the checks"
    return PeopleView(
        headline=headline(report, names),
        grader=grader,
        agreement=tuple(_agreements(report, grader)),
        alpha=_number(report.agreement.alpha if report.agreement else None),
        calibration="" if report.calibration is None else _calibration(report.calibration, grader),
        models=tuple(
            ModelLine(
                names[one.model],
                points(one.graded),
                points(one.calibrated) if one.calibrated is not None else "–",
                points(one.people.mean) if one.people.mean is not None else "–",
                _interval(one.people),
                one.people.n_rated,
                _why(one.people),
            )
            for one in report.models
        ),
        leader=names[report.gaps[0].leader] if report.gaps else "",
        gaps=tuple(
            GapLine(
                names[gap.rival],
                signed(gap.difference.mean) if gap.difference.mean is not None else "–",
                _interval(gap.difference, sign=True),
                "–"
                if gap.difference.p is None
                else f"{gap.difference.p:.3f}"
                if gap.difference.p >= 0.001
                else "< .001",
                _why(gap.difference),
            )
            for gap in report.gaps
        ),
    )


def _agreements(report: PeopleReport, grader: str) -> list[AgreementLine]:
    found = report.agreement
    if found is None:
        return []
    kinds: list[tuple[str, Agreement | None]] = [
        (f"{grader.capitalize()} with people", found.judge),
        ("People with each other", found.people),
        ("“The longest wins” with people", found.length),
    ]
    return [
        AgreementLine(
            who,
            one.n,
            _number(one.spearman),
            "" if one.low is None or one.high is None else f"{_number(one.low)} to {_number(one.high)}",
            _number(one.pearson),
            "–" if one.order is None else f"{100 * one.order:.0f}%",
        )
        for who, one in kinds
        if one is not None
    ]


def _calibration(found: Calibrated, grader: str) -> str:
    rated = plural(found.n_rated, "rated output")
    if found.method == "none" or found.error_before is None or found.error_after is None:
        if found.reason == "too_few_ratings":
            return f"From 10 rated outputs on the grades are set against people; {rated} so far."
        return f"The grades are not set against people: {REASONS.get(found.reason or '', 'too little is rated')}."
    how = "a shift and a scale" if found.method == "linear" else "a rising curve (isotonic)"
    return (
        f"Set against people by {how} over {rated} of {plural(found.n_cases, 'case')}, each case by the others,"
        f" {grader} is typically {found.error_after:.1f} points off (root mean square); as it stands"
        f" {found.error_before:.1f}. Calibrated grades are still grades: what is given one model too much against"
        " another stays."
    )


def _interval(estimate: HumanEstimate, *, sign: bool = False) -> str:
    if estimate.low is None or estimate.high is None:
        return ""
    shown = signed if sign else points
    return f"{shown(estimate.low)} to {shown(estimate.high)}"


def _why(estimate: HumanEstimate) -> str:
    return "" if estimate.reason is None else REASONS.get(estimate.reason, estimate.reason.replace("_", " "))


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}".replace("-", "−")
