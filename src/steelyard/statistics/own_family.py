"""Whether jurors favour models of their own family: the interaction of juror and model, tested over cases."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from steelyard.statistics.families import Families, from_labels
from steelyard.statistics.jury import checked_jurors, own_family
from steelyard.statistics.power import FEWEST_CASES, FEWEST_FAMILIES
from steelyard.statistics.special import Bools, Floats, floats, t_cdf, t_quantile

FOUND_ALPHA = 0.05


@dataclass(frozen=True)
class Advantage:
    """Points that jurors give their own family above what other jurors give it, compared with the same of the other
    models. `low`, `high`: two-sided 95%; `p`: one-sided, that there is no advantage."""

    points: float
    low: float
    high: float
    p: float


@dataclass(frozen=True)
class OwnFamilyBias:
    """`overall` is the mean over all pairs of a juror and a model of its family. `families` has each family's own
    where they can be told apart: with jurors of two families and models of only these, the favour of one looks like
    the disfavour of the other, and only their mean is known.

    `p` is the smallest of all, times their number (Bonferroni); `found`: below .05. `named`: the families whose own
    favour is shown, at most .05 for any wrong one among them (Holm 1979). `n`: cases used. `reason`, where
    nothing could be computed: one_juror, no_own_family, not_comparable, too_few_cases, too_few_clusters.
    """

    n: int
    overall: Advantage | None
    families: tuple[tuple[Hashable, Advantage], ...]
    p: float | None
    found: bool
    reason: str | None
    named: tuple[Hashable, ...] = ()


def own_family_bias(
    scores: npt.ArrayLike,
    juror_family: Sequence[Hashable],
    model_family: Sequence[Hashable],
    clusters: Iterable[Hashable] | None = None,
) -> OwnFamilyBias:
    """Test whether jurors favour their own family, whatever the models are worth and however strict the jurors are.

    scores: (n_jurors, n_cases, n_models) 0-100, NaN where missing; cases that all jurors scored for all models are
    used. juror_family, model_family: a label each, None of no family. clusters: one label per case.

    In each case the scores less the juror's mean (severity) and the output's mean over jurors (quality) leave the
    interaction; its regression on "own family", case by case, gives one estimate per case, and t over cases (over
    families of cases, G - 1 df) tests their mean. One-sided, as favour is what is looked for. With two jurors and one
    model of the family, it is the juror's lead of its own model over the others less the other juror's.

    It cannot tell favour from taste: a juror that rightly sees what only its own family's answers have looks the
    same. ValueError when shapes do not fit or scores are outside 0-100.
    """
    table = checked_jurors(scores)
    n_jurors, n_cases, _ = table.shape
    own = own_family(table.shape, juror_family, model_family)
    complete = np.asarray(~np.isnan(table).any(axis=(0, 2)), dtype=np.bool_)
    families = from_labels(range(n_cases) if clusters is None else clusters, n_cases).of(complete)
    n = int(complete.sum())
    centred = _centred(own.astype(np.float64))
    reason = _why_none(n, n_jurors, own, centred)
    if reason is None and clusters is not None and families.count < FEWEST_FAMILIES:
        reason = "too_few_clusters"
    if reason is not None:
        return OwnFamilyBias(n, None, (), None, False, reason)
    by_case = table[:, complete].transpose(1, 0, 2).reshape(n, -1)
    overall = _advantage(by_case @ (centred.ravel() / (centred**2).sum()), families)
    labels = sorted({str(label): label for label, row in zip(juror_family, own, strict=True) if row.any()}.items())
    singles = _singles([label for _, label in labels], juror_family, own)
    each = tuple((label, _advantage(by_case @ weights, families)) for label, weights in singles)
    # Of one family the overall advantage is that family's.
    tests = [overall.p, *(one.p for _, one in each)] if len(each) > 1 else [overall.p]
    p = min(1.0, min(tests) * len(tests))
    named = _named(each if each or len(labels) > 1 else ((labels[0][1], overall),))
    return OwnFamilyBias(n, overall, each, p, p < FOUND_ALPHA, None, named)


def _named(each: Sequence[tuple[Hashable, Advantage]]) -> tuple[Hashable, ...]:
    """Each family's p allows for favour of the others, so that Holm's steps hold whichever are favoured."""
    found: list[Hashable] = []
    for label, one in sorted(each, key=lambda pair: pair[1].p):
        if one.p * (len(each) - len(found)) >= FOUND_ALPHA:
            break
        found.append(label)
    return tuple(found)


def _why_none(n: int, n_jurors: int, own: Bools, centred: Floats) -> str | None:
    if not own.any():
        return "no_own_family"
    if n_jurors < 2:
        return "one_juror"
    if float((centred**2).sum()) < 1e-9:
        return "not_comparable"
    return "too_few_cases" if n < FEWEST_CASES else None


def _centred(indicator: Floats) -> Floats:
    """Less the means of its rows and columns."""
    return indicator - indicator.mean(axis=0) - indicator.mean(axis=1, keepdims=True) + indicator.mean()


def _singles(labels: Sequence[Hashable], juror_family: Sequence[Hashable], own: Bools) -> list[tuple[Hashable, Floats]]:
    """(family, weights of the scores (n_jurors * n_models,)) of each family's least squares effect, none unless all
    can be told apart."""
    rows = [np.array([family == label for family in juror_family], dtype=np.bool_) for label in labels]
    design = np.stack([_centred((own & row[:, None]).astype(np.float64)).ravel() for row in rows], axis=1)
    if np.linalg.matrix_rank(design, tol=1e-9) < len(labels):
        return []
    return list(zip(labels, floats(np.linalg.pinv(design)), strict=True))


def _advantage(values: Floats, families: Families) -> Advantage:
    """values: (n,) one estimate per case."""
    mean, count = float(values.mean()), families.count
    sums = families.sums(values[:, None] - mean)[0]
    se = float(np.sqrt((sums**2).sum() * count / (count - 1))) / values.size
    half = t_quantile(count - 1, 0.975) * se
    if se < 1e-12:
        return Advantage(mean, mean, mean, 1.0 if mean < 1e-9 else 0.0)
    return Advantage(mean, mean - half, mean + half, float(t_cdf(count - 1, -mean / se)))
