"""What a tenant spends in a month: kinds of paid calls, and why another one may not be made."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from steelyard.domain.money import dollars


class SpendKind(StrEnum):
    """What a paid call was for."""

    ANSWERS = "answers"
    JUDGING = "judging"
    EXAMINATION = "examination"
    TIE_BREAKS = "tie_breaks"
    REVIEWS = "reviews"
    DRAFTS = "drafts"

    @property
    def words(self) -> str:
        return _WORDS[self]


_WORDS = {
    SpendKind.ANSWERS: "Answers",
    SpendKind.JUDGING: "Judging",
    SpendKind.EXAMINATION: "Judges’ examinations",
    SpendKind.TIE_BREAKS: "Tie-breaks",
    SpendKind.REVIEWS: "Reviews",
    SpendKind.DRAFTS: "Drafts of cases",
}

MONTH_BUDGET = "month_budget"
"""The cause of a run's stop: the tenant's budget of the month covers no further call."""


@dataclass(frozen=True)
class TenantBudget:
    """What may be spent, in microcents, None for no limit: in a UTC month by the tenant, and by one run.

    `refuse_unpriced`: models whose price is not known are not called while a month has a budget, as none can hold then.
    """

    month_microcents: int | None = None
    run_microcents: int | None = None
    refuse_unpriced: bool = True


def month_spent(
    month: date, budget_microcents: int, spent_microcents: int, lost_microcents: int, most_microcents: int
) -> str:
    """Why a call that may cost up to `most_microcents` is not made, in a sentence.

    `lost_microcents`: what calls whose worker was lost may have cost at most.
    """
    lost = (
        f", and up to {dollars(lost_microcents)} may have been, by calls whose worker was lost"
        if lost_microcents
        else ""
    )
    return (
        f"The budget of {dollars(budget_microcents)} for {month:%B %Y} does not cover the next call, which may cost up"
        f" to {dollars(most_microcents)}: {dollars(spent_microcents)} is spent{lost}."
    )


def unpriced(model: str) -> str:
    """Why a model is not called while the month has a budget, in a sentence."""
    return (
        f"The price of {model} is not known, so that this month's budget cannot hold for it: it was not called."
        " An admin gives the price under Settings, Providers; that of a model of the server's, whoever runs the server."
    )
