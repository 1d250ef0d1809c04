"""Several jurors: one score from all of them, how much they add to each other, and what their own families change."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from steelyard.statistics.agreement import correlation, krippendorff_alpha, ranks
from steelyard.statistics.decision import decide
from steelyard.statistics.paired import SCALE
from steelyard.statistics.special import Bools, Floats, floats
from steelyard.statistics.verdict import Verdict


@dataclass(frozen=True, eq=False)
class Jury:
    """The jury's scores and figures.

    `scores`: (n_cases, n_models), 0-100, NaN where a juror that counts has none. `leniency`: points by which each juror
    is above the jury on the same outputs; taken out before the mean of equal weights. `rho`: mean pairwise Pearson
    correlation of the jurors over the outputs all have scored; `n_eff`: k/(1 + (k-1) rho), how many independent jurors
    the k are worth; `spearman` (mean pairwise) and Krippendorff's `alpha`: their agreement. All None of one juror.
    """

    scores: Floats
    leniency: tuple[float, ...]
    rho: float | None
    n_eff: float | None
    spearman: float | None
    alpha: float | None


@dataclass(frozen=True)
class OwnFamilyCheck:
    """Whether a verdict stands without what jurors gave their own families.

    `everyone`: of all jurors' scores; `without_own`: each model scored without the jurors of its family, None where
    that compares no model with another. `holds`: both name the same best, or neither names one. Where it does not, no
    best may be claimed. `reason`: own_family_decides, or not_comparable (nothing to check it with).
    """

    everyone: Verdict
    without_own: Verdict | None
    holds: bool
    reason: str | None


class NotComparable(ValueError):
    """Without own-family scores the jurors have too few models in common to tell their leniency from quality."""


def pool_jurors(
    scores: npt.ArrayLike,
    juror_family: Sequence[Hashable] | None = None,
    model_family: Sequence[Hashable] | None = None,
) -> Jury:
    """The mean of all jurors, equally weighted, after each one's leniency is taken out.

    scores: (n_jurors, n_cases, n_models) 0-100, NaN where missing. With the families of jurors and models given, no
    juror's score of a model of its own family counts, neither for the model nor for the juror's leniency, which would
    carry the favour over to the other models. Leniency is the least squares juror effect beside model effects, over
    the outputs that every juror who counts has scored, each output alike.
    ValueError when shapes do not fit or scores are outside 0-100; NotComparable as it says.
    """
    table = checked_jurors(scores)
    own = np.zeros((table.shape[0], table.shape[2]), dtype=np.bool_)
    if juror_family is not None and model_family is not None:
        own = own_family(table.shape, juror_family, model_family)
    elif juror_family is not None or model_family is not None:
        raise ValueError("Families are given of both jurors and models, or of neither.")
    lenient = _leniency(table, own)
    moved = np.where(own[:, None, :], 0.0, table - lenient[:, None, None])
    mean = moved.sum(axis=0) / (~own).sum(axis=0)
    rho, spearman, alpha = _juror_agreement(table)
    return Jury(
        scores=np.clip(mean, 0.0, SCALE),
        leniency=tuple(lenient.tolist()),
        rho=rho,
        n_eff=None if rho is None else effective_jurors(table.shape[0], rho),
        spearman=spearman,
        alpha=alpha,
    )


def effective_jurors(k: int, rho: float) -> float:
    """k/(1 + (k-1) rho): the independent jurors that k are worth (Kish's design effect); a negative rho counts as 0."""
    return k / (1.0 + (k - 1) * min(max(rho, 0.0), 1.0))


def own_family_check(
    scores: npt.ArrayLike,
    juror_family: Sequence[Hashable],
    model_family: Sequence[Hashable],
    costs: npt.ArrayLike | None = None,
    clusters: Sequence[Hashable] | None = None,
    margin: float = 5.0,
    look: int = 1,
) -> OwnFamilyCheck:
    """`decide` with and without the scores that jurors gave their own families.

    scores: (n_jurors, n_cases, n_models); the other arguments as in `pool_jurors` and `decide`, and so the ValueErrors.
    """
    table = checked_jurors(scores)
    everyone = decide(pool_jurors(table).scores, costs, clusters, margin, look)
    if not own_family(table.shape, juror_family, model_family).any():
        return OwnFamilyCheck(everyone, everyone, True, None)
    try:
        left = pool_jurors(table, juror_family, model_family).scores
    except NotComparable:
        return both_ways(everyone, None)
    return both_ways(everyone, decide(left, costs, clusters, margin, look))


def both_ways(everyone: Verdict, without_own: Verdict | None) -> OwnFamilyCheck:
    """Whether the verdict of all scores and the one without own-family scores, None where there is none, agree."""
    if without_own is None:
        return OwnFamilyCheck(everyone, None, False, "not_comparable")
    holds = everyone.best == without_own.best
    return OwnFamilyCheck(everyone, without_own, holds, None if holds else "own_family_decides")


def checked_jurors(scores: npt.ArrayLike) -> Floats:
    """scores as (n_jurors, n_cases, n_models) float64. ValueError."""
    table = np.asarray(scores, dtype=np.float64)
    if table.ndim != 3 or table.shape[0] == 0 or table.shape[2] == 0:
        raise ValueError(f"scores has the shape {table.shape}; it needs jurors x cases x models.")
    if np.any((table < 0) | (table > SCALE)):
        raise ValueError("scores must lie within 0-100 (NaN where one is missing).")
    return table


def own_family(shape: tuple[int, ...], juror_family: Iterable[Hashable], model_family: Iterable[Hashable]) -> Bools:
    """(n_jurors, n_models) whether they are of one family; None is no family. ValueError when the counts differ."""
    jurors, models = list(juror_family), list(model_family)
    if (len(jurors), len(models)) != (shape[0], shape[2]):
        given, needed = f"{len(jurors)} juror and {len(models)} model families", f"{shape[0]} and {shape[2]}"
        raise ValueError(f"There are {given}; the scores need {needed}.")
    return np.array([[one is not None and one == other for other in models] for one in jurors], dtype=np.bool_)


def _leniency(table: Floats, own: Bools) -> Floats:
    """(n_jurors,) effects that sum to 0, from the cells of `own` False."""
    n_jurors, _, k = table.shape
    if own.all(axis=0).any():
        raise NotComparable("A model has no juror outside its own family.")
    if n_jurors == 1:
        return floats(np.zeros(1))
    usable: Bools = np.asarray((~np.isnan(table) | own[:, None, :]).all(axis=0), dtype=np.bool_)
    outputs = usable.sum(axis=0)
    # Without any output it is still told whether outputs could ever say it.
    seen: Bools = np.asarray(outputs > 0 if outputs.any() else outputs == 0, dtype=np.bool_)
    juror, model = np.nonzero(~own & seen)
    design = np.zeros((juror.size, n_jurors + k))
    design[np.arange(juror.size), juror] = design[np.arange(juror.size), n_jurors + model] = 1.0
    # A juror without any score that counts has no effect to be found, and needs none.
    heard: Bools = np.asarray((~own & seen).any(axis=1), dtype=np.bool_)
    if np.linalg.matrix_rank(design) < int(heard.sum()) + int(seen.sum()) - 1:
        raise NotComparable("Jurors outside their own families share too few models.")
    if not outputs.any():
        return floats(np.zeros(n_jurors))
    sums = floats(np.where(usable & ~own[:, None, :], table, 0.0).sum(axis=1))[juror, model]
    weight = floats(np.sqrt(outputs[model].astype(np.float64)))
    effects = floats(np.linalg.lstsq(design * weight[:, None], sums / weight, rcond=None)[0][:n_jurors])
    return floats(np.where(heard, effects - effects[heard].mean(), 0.0))


def _juror_agreement(table: Floats) -> tuple[float | None, float | None, float | None]:
    """(mean pairwise Pearson, mean pairwise Spearman, Krippendorff's alpha)."""
    n_jurors = table.shape[0]
    if n_jurors < 2:
        return None, None, None
    flat = table.reshape(n_jurors, -1)
    seen = flat[:, ~np.isnan(flat).any(axis=0)]
    pairs = [(i, j) for i in range(n_jurors) for j in range(i + 1, n_jurors)]
    plain = [correlation(seen[i], seen[j]) for i, j in pairs]
    by_rank = [correlation(ranks(seen[i]), ranks(seen[j])) for i, j in pairs]
    return _mean(plain), _mean(by_rank), krippendorff_alpha(flat)


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
