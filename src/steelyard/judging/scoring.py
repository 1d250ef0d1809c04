"""From levels to a score, by code: quotes verified, contradictions noticed, passing decided."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache

from steelyard.domain.cases import GoldenCase
from steelyard.domain.grading import CheckResult, CriterionLevel, Grade, Judgement

TOP_LEVEL = 5
PASSING_LEVEL = 4
CONTRADICTION_ABOVE = 60.0

QUOTE_NOT_FOUND = "quote_not_found"
CONTRADICTION = "contradiction"
CANDIDATE_CUT = "candidate_cut"


def quality_of(levels: Sequence[int]) -> float:
    """The mean of levels 0-5 as 0-100. ValueError without a level."""
    if not levels:
        raise ValueError("A quality needs at least one level.")
    return 100.0 * sum(levels) / (TOP_LEVEL * len(levels))


def with_checks(quality: float, criteria: int, checks: int, held: int) -> float:
    """A judgement's quality with the case's checks counted in, each as much as a criterion, as `combine` has it."""
    return (quality * criteria + 100.0 * held) / (criteria + checks)


def quote_is_in(quote: str, text: str) -> bool:
    """Whether the quote occurs in the text, white space aside; an empty quote claims nothing and is in any text.

    The judge reads the text as a JSON string, so a quote with that string's escapes or quotation marks counts too.
    """
    shown = _flat(text)
    return any(" ".join(spelling.split()) in shown for spelling in set(spellings_of(quote)))


@lru_cache(maxsize=4)
def _flat(text: str) -> str:
    """Kept, because a judge may quote one output thousands of times."""
    return " ".join(text.split())


def spellings_of(quote: str) -> tuple[str, ...]:
    """What a quote may stand for: itself, it without quotation marks, and either with JSON's escapes undone."""
    return quote, quote.strip().strip('"“”'), _unescaped(quote), _unescaped(quote.strip().strip('"'))


def _unescaped(quote: str) -> str:
    try:
        return str(json.loads(f'"{quote}"', strict=False))
    except ValueError:
        return quote


def contradicts(matches_expected: str, quality: float) -> bool:
    """A judge that says the output does not match and yet grades it high has not made up its mind."""
    return matches_expected == "no" and quality > CONTRADICTION_ABOVE


def flags_of(criteria: Sequence[CriterionLevel], *, cut: bool, contradicted: bool) -> tuple[str, ...]:
    """What a reader of the judgement should know."""
    found = {
        QUOTE_NOT_FOUND: not all(item.quote_found for item in criteria),
        CONTRADICTION: contradicted,
        CANDIDATE_CUT: cut,
    }
    return tuple(flag for flag, holds in found.items() if holds)


def combine(case: GoldenCase, checks: Sequence[CheckResult], judgement: Judgement, threshold: float) -> Grade:
    """One grade from a judgement and the case's checks, if it has any.

    Quality: every criterion and every check is one item of equal weight. Passed: all checks hold, and all assertions
    are at level 4 or 5, or, in a case without assertions, quality is at least `threshold`. Without an
    expected output there is nothing to match.
    """
    levels = [item.level for item in judgement.criteria] + [TOP_LEVEL * check.passed for check in checks]
    quality = quality_of(levels)
    if case.assertions:
        judged = all(item.level >= PASSING_LEVEL for item in judgement.criteria)
    else:
        judged = quality >= threshold
    return Grade(
        quality=quality,
        passed=judged and all(check.passed for check in checks),
        matches_expected=judgement.matches_expected == "yes" if case.expected else None,
        notes=judgement.notes,
        checks=tuple(checks),
        judgement=judgement,
    )
