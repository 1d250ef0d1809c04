"""What may be claimed of a skill's effect on one model: the rules of a gap of two models. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from steelyard.statistics.power import misses_too_many, too_few


class SkillEffect(StrEnum):
    """What the skill does to a model: shown at the verdict's alpha, or `MAY_HURT` by the margin at least."""

    HELPS = "helps"
    HURTS = "hurts"
    MAY_HURT = "may_hurt"
    NOT_SHOWN = "not_shown"


@dataclass(frozen=True)
class EffectClaim:
    """`reason`, where a guard allows no claim: too_few_cases, too_few_clusters or missing_scores, else None."""

    effect: SkillEffect
    reason: str | None


def claim_effect(
    points: float,
    p: float | None,
    *,
    n: int,
    n_clusters: int | None,
    scored: Sequence[int],
    n_cases: int,
    alpha: float,
    margin: float,
) -> EffectClaim:
    """The claim of a lift of `points` with its two-sided `p`.

    `n` cases have both scores, in `n_clusters` families (None where none were given); of `n_cases` asked, each arm has
    so many `scored`. `alpha` and `margin` are the verdict's. The guards are those of `decide` on the two arms, and hold
    for `MAY_HURT` too: on a case or two a skill is as often below as above.
    """
    if any(misses_too_many(n_cases - known, n_cases) for known in scored):
        return EffectClaim(SkillEffect.NOT_SHOWN, "missing_scores")
    reason = too_few(n, n_clusters)
    if reason is not None:
        return EffectClaim(SkillEffect.NOT_SHOWN, reason)
    if p is not None and p < alpha and points:
        return EffectClaim(SkillEffect.HELPS if points > 0 else SkillEffect.HURTS, None)
    return EffectClaim(SkillEffect.MAY_HURT if points <= -margin else SkillEffect.NOT_SHOWN, None)
