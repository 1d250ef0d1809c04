"""One grade out of several judges' grades of one output: the plain mean, and what most of them say. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence

from steelyard.domain.grading import Grade

MOST_JUDGES = 5


def panel_grade(grades: Sequence[Grade]) -> Grade:
    """The grade of all judges together, each with a quality, in their order.

    Quality is the mean of equal weights. Passed, and matching the expected output, is what more than half of them say;
    without an expected output there is nothing to match. ValueError without a grade.
    """
    qualities = [grade.quality for grade in grades if grade.quality is not None]
    if not grades or len(qualities) < len(grades):
        raise ValueError("A jury's grade needs a quality of every judge.")
    matching = [grade.matches_expected for grade in grades]
    notes = [f"{grade.judgement.judge}: {grade.notes}" for grade in grades if grade.judgement and grade.notes]
    return Grade(
        quality=math.fsum(qualities) / len(qualities),
        passed=_most([bool(grade.passed) for grade in grades]),
        matches_expected=None if None in matching else _most([bool(one) for one in matching]),
        notes="\n".join(notes),
        checks=grades[0].checks,
    )


def _most(votes: Sequence[bool]) -> bool:
    return 2 * sum(votes) > len(votes)
