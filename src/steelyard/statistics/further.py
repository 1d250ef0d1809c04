"""What evidence the next claim after a verdict would take."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Literal

from steelyard.statistics.power import alpha_for_look, cases_needed, step_within_reach
from steelyard.statistics.verdict import Verdict

# Cases beyond those seen that are still looked at.
_REACH = 1_000


@dataclass(frozen=True)
class NextClaim:
    """`claim`: what could be said next: a best model, a best one of the tied, or nothing that cases would add.

    `more_cases` would show it with 80% power at the next look; None where it takes more than 1,000, or none would do.
    """

    claim: Literal["best", "best_of_tied", "none"]
    more_cases: int | None


def next_claim(verdict: Verdict) -> NextClaim:
    """What more cases would add to a verdict.

    Of not enough evidence it is the verdict's own number. Of a tie it is what would show its leader ahead of each other
    tied model, from the SD of its own differences: by the larger of its observed gap and the margin, or by its observed
    gap where the 95% interval leaves no room for the margin. A tied model that scores the same on every case differs on
    none like these. After a best nothing is left to be shown of quality.
    """
    if verdict.kind == "not_enough":
        return NextClaim("best", verdict.more_cases)
    if verdict.kind != "tied" or verdict.reason == "identical_scores":
        return NextClaim("none", None)
    alpha = alpha_for_look(verdict.look + 1)
    units = 1.0 if not verdict.n_clusters else verdict.n_clusters / verdict.n
    rivals = [gap for gap in verdict.gaps if gap.rival in verdict.tied]
    if any(gap.se == 0 and gap.mean == 0 for gap in rivals):
        return NextClaim("none", None)
    needed = 0
    for gap in rivals:
        if gap.se is None or gap.high is None:
            return NextClaim("best_of_tied", None)
        cases = cases_needed(
            gap.mean if gap.high < verdict.margin else max(gap.mean, verdict.margin),
            gap.se * sqrt(gap.n),
            alpha,
            at_most=verdict.n + _REACH,
            units_per_case=units,
        )
        if cases is None:
            return NextClaim("best_of_tied", None)
        needed = max(needed, cases)
    return NextClaim("best_of_tied", step_within_reach(needed, verdict.n))
