"""Error shares of successive looks, and how many cases show how large a lead."""

from __future__ import annotations

from math import isfinite, sqrt

from steelyard.statistics.special import noncentral_t_cdf, t_quantile

FIRST_LOOK_ALPHA = 0.03
LATER_LOOKS_ALPHA = 0.02
FEWEST_CASES = 8
"""Below this nothing is claimed, whatever the scores."""
FEWEST_FAMILIES = 8
"""The same of independent families of cases."""
FEWEST_FOR_SPREAD = 3
"""Below so many cases, or families of them, how much differences spread is not known, nor how many cases it takes."""
MOST_MISSING_PERCENT = 5
"""A model that misses more of its scores than this is left out of the verdict."""
TYPICAL_SD = 20.0
"""SD of paired differences of 0-100 judge scores, used before any were seen."""

_LARGEST_STEP = 1_000
_SMALLEST_SHARE_AT = 31


def alpha_for_look(look: int) -> float:
    """The share of the total error of .05 that look 1, 2, ... may spend: .03, then .02/2^(look-1).

    The shares sum to .05 however many looks there are; those after the 31st stay what that one has, too little to add
    anything and enough for quantiles to be finite. ValueError when `look` is below 1.
    """
    if look < 1:
        raise ValueError(f"A look is counted from 1, not {look}.")
    return FIRST_LOOK_ALPHA if look == 1 else LATER_LOOKS_ALPHA / 2.0 ** (min(look, _SMALLEST_SHARE_AT) - 1)


def too_few(n: int, n_clusters: int | None) -> str | None:
    """Why so many cases, in so many families (None where none were given), allow no claim; None where they do."""
    if n < FEWEST_CASES:
        return "too_few_cases"
    return "too_few_clusters" if n_clusters is not None and n_clusters < FEWEST_FAMILIES else None


def misses_too_many(missing: int, n_cases: int) -> bool:
    """Whether a model without a score on `missing` of `n_cases` cases is left out of the verdict."""
    return missing * 100 > MOST_MISSING_PERCENT * n_cases


def power(lead: float, sd: float, n: float, alpha: float, df: float | None = None) -> float:
    """Chance that a two-sided paired t test at `alpha` shows a true `lead` in its direction.

    `sd`: of the paired differences, same units as `lead`; `df`: n - 1 unless given. Noncentral t.
    """
    if sd <= 0:
        return 1.0 if lead > 0 else 0.0
    df = n - 1 if df is None else df
    return 1.0 - noncentral_t_cdf(df, lead / sd * sqrt(n), t_quantile(df, 1 - alpha / 2))


def unseen_share(n: float, alpha: float = 0.05) -> float:
    """The largest share (0-1) of cases to do what none of `n` drawn ones did, in all but `alpha` of draws.

    1 - alpha^(1/n), about 3/n at .05: the rule of three (Hanley & Lippman-Hand 1983).
    """
    return 1.0 - alpha ** (1.0 / n)


def detectable_lead(n_cases: int, sd: float = TYPICAL_SD, alpha: float = FIRST_LOOK_ALPHA, power: float = 0.8) -> float:
    """The smallest true lead, in points, that `n_cases` paired cases show with the given power (MDE).

    `sd`: SD of the paired differences in points. Two-sided paired t at `alpha`, noncentral t.
    Infinite below two cases. ValueError when sd is negative, or alpha or power is outside (0, 1).
    """
    if not (isfinite(sd) and sd >= 0):
        raise ValueError(f"The SD of the differences is a number of at least 0, not {sd}.")
    if not 0 < alpha < 1 or not alpha < power < 1:
        raise ValueError(f"alpha ({alpha}) lies in (0, 1) and power ({power}) between alpha and 1.")
    if n_cases < 2:
        return float("inf")
    df = n_cases - 1
    critical = t_quantile(df, 1 - alpha / 2)
    low, high = 0.0, 1.0
    while 1.0 - noncentral_t_cdf(df, high, critical) < power:
        high *= 2
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if 1.0 - noncentral_t_cdf(df, middle, critical) >= power else (middle, high)
    return high * sd / sqrt(n_cases)


def cases_needed(
    lead: float, sd: float, alpha: float, *, at_most: int, target: float = 0.8, units_per_case: float = 1.0
) -> int | None:
    """The fewest cases that show a true `lead` with power `target`; None when `at_most` do not.

    `sd`: SD of the paired differences per case (with clusters: standard error x sqrt(n), so that their
    correlation is counted). `units_per_case`: clusters per case, for the degrees of freedom.
    """
    low, high = 2, at_most

    def enough(n: int) -> bool:
        df = n * units_per_case - 1
        return df > 0 and power(lead, sd, n, alpha, df) >= target

    if high < low or not enough(high):
        return None
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle + 1, high)
    return low


def step_within_reach(needed: int | None, n: int) -> int | None:
    """Cases still to add (at least 1), or None when more than 1,000 are."""
    if needed is None:
        return None
    step = max(needed - n, 1)
    return step if step <= _LARGEST_STEP else None
