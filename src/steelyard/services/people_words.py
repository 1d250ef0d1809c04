"""What is missing for people's ratings to say more, and why nothing is claimed, in sentences. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from steelyard.statistics import FEWEST_CASES
from steelyard.statistics.calibration import ISOTONIC_FROM, LINEAR_FROM

if TYPE_CHECKING:
    from steelyard.services.people import PeopleReport

REASONS = {
    "too_few_ratings": f"fewer than {FEWEST_CASES} drawn cases are both rated and graded",
    "too_few_clusters": f"fewer than {FEWEST_CASES} families of cases are rated",
    "too_few_differences": "people tell these two apart on fewer than six cases",
    "no_spread": "all ratings are the same",
    "too_few_cases": "fewer than three cases are rated",
    "no_agreement": "people rate no higher what is graded higher",
}


def headline(report: PeopleReport, names: Mapping[str, str]) -> str:
    """What may be said of the run by what people say; `names` are the models as a person reads them."""
    cases = f"{report.cases:,} drawn {'case' if report.cases == 1 else 'cases'}"
    if not report.ratings:
        return "Nobody has rated an output of this run blind yet."
    if report.best is not None:
        return f"People rate {names[report.best]} above each other model, on {cases}."
    if report.claims and report.gaps:
        leader = names[report.gaps[0].leader]
        return f"People rate {leader} highest, but it is not shown to be above each other model, on {cases}."
    if report.claims:
        return f"What people say of its one model rests on {cases}."
    ratings = "1 blind rating" if report.ratings == 1 else f"{report.ratings:,} blind ratings"
    return f"{ratings} so far: too few for a claim on the human scale."


def needs(report: PeopleReport, cases: int) -> tuple[str, ...]:
    """What to do for more to be said; `cases` is how many the run has."""
    found: list[str] = []
    left = report.asked - report.done
    if report.claimable and report.goal is not None and left:
        outputs = f"rate {left:,} more drawn {'output' if left == 1 else 'outputs'}"
        if not report.claims:
            found.append(
                f"For a claim on the human scale {outputs}: all of {report.goal:,} drawn cases, every model that"
                " answered each."
            )
        else:
            found.append(f"The next look is at {report.goal:,} drawn cases: {outputs}.")
    if not report.claimable:
        found.append(
            f"No claim on the human scale can come of this run's {cases:,} {'case' if cases == 1 else 'cases'}:"
            f" it takes {FEWEST_CASES} cases of {FEWEST_CASES} families that are graded for every model."
        )
    rated = report.agreement.n_rated if report.agreement else 0
    if rated < LINEAR_FROM:
        found.append(
            f"The grades are set against people from {LINEAR_FROM} rated outputs on: {LINEAR_FROM - rated} more."
        )
    elif rated < ISOTONIC_FROM:
        found.append(f"From {ISOTONIC_FROM} rated outputs on the scale may bend: {ISOTONIC_FROM - rated} more.")
    if len(report.raters) == 1 and report.ratings:
        found.append("A second person shows how far people agree with each other: nothing else says what is possible.")
    return tuple(found)
