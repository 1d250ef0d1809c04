"""Rows "intervals" and "clusters": coverage of the intervals, singly and at once, and type I error with families."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from benchmarks.statistics.claims import (
    DRAWS,
    FALSE_CLAIMS,
    SIZES,
    Claim,
    allowed,
    by_size,
    draw,
    percent,
    rng_for,
    some_models,
)
from benchmarks.statistics.tables import Floats, shuffled_within_items
from steelyard.statistics import decide, gaps_to_leader
from steelyard.statistics.families import from_codes
from steelyard.statistics.intervals import column_intervals
from steelyard.statistics.paired import compare

_LOWEST, _HIGHEST = 0.93, 0.97
_TYPE_ONE = (0.04, 0.06)
_NAIVE = 0.10
_NULLS = 10_000


def intervals(tables: dict[str, Floats]) -> Iterator[Claim]:
    """Coverage of the 95% intervals of every gap and of every model's mean; the worst single one beside it."""
    for name, table in tables.items():
        means = table.mean(axis=0)
        truth = means[:, None] - means
        upper = np.triu_indices(means.size, 1)
        gaps: list[Floats] = []
        models: list[Floats] = []
        for n in SIZES:
            rng = rng_for("intervals" + name, n)
            held = np.zeros_like(truth)
            within = np.zeros_like(means)
            for _ in range(DRAWS):
                cases = draw(table, n, rng)
                low, high = compare(cases).interval()
                held += (low <= truth) & (truth <= high)
                ends = np.array([(one.low, one.high) for one in column_intervals(cases, None)], dtype=np.float64)
                within += (ends[:, 0] <= means) & (means <= ends[:, 1])
            gaps.append(held[upper] / DRAWS)
            models.append(within / DRAWS)
        yield _covered(f"{name}, gaps of {upper[0].size} pairs", gaps)
        alone = _covered(f"{name}, means of {means.size} models", models)
        # The claim, and so the bar, is about paired gaps: no verdict rests on a single model's interval.
        yield replace(alone, bar="a known limit, no bar", passed=None)


def simultaneous(tables: dict[str, Floats]) -> Iterator[Claim]:
    """How often all gaps of the leader, whichever the drawn cases make it, lie within their intervals at once."""
    for name, table in tables.items():
        together: list[tuple[int, float]] = []
        singly: list[tuple[int, float]] = []
        for n in SIZES:
            rng = rng_for("simultaneous" + name, n)
            held = single = 0
            for _ in range(DRAWS):
                models = some_models(table, rng)
                truth = models.mean(axis=0)
                cases = draw(models, n, rng)
                verdict = decide(cases)
                assert verdict.leader is not None
                gaps = truth[verdict.leader] - truth
                held += all(gap.low <= gaps[gap.rival] <= gap.high for gap in gaps_to_leader(cases, verdict))
                ends = [(gap.low, gaps[gap.rival], gap.high) for gap in verdict.gaps]
                single += all(low is not None and high is not None and low <= at <= high for low, at, high in ends)
            together.append((n, held / DRAWS))
            singly.append((n, single / DRAWS))
        yield Claim(
            "intervals",
            f"{name}, random sets of six: all five gaps to the leader within their simultaneous intervals",
            f"{by_size(together)} (within the single 95% intervals: {by_size(singly)})",
            ">= 95% - 2 SE",
            all(1 - share <= allowed(FALSE_CLAIMS, DRAWS) for _, share in together),
        )


def _covered(setting: str, covered: list[Floats]) -> Claim:
    shares = [(n, float(of.mean())) for n, of in zip(SIZES, covered, strict=True)]
    singles = ", ".join(f"{percent(float(of.min()))}-{percent(float(of.max()))}" for of in covered)
    return Claim(
        "intervals",
        f"{setting}: 95% interval holds the truth",
        f"{by_size(shares)} (single ones: {singles})",
        "93-97%",
        all(_LOWEST <= share <= _HIGHEST for _, share in shares),
    )


def clusters(tables: dict[str, Floats]) -> Iterator[Claim]:
    """Items duplicated into families of equal models: how often p < .05 with and without the families."""
    table = tables["wildbench"]
    for label, sizes in (("families of 4", (4, 4)), ("families of 1 to 7", (1, 7))):
        for count in (20, 50):
            rng = rng_for("clusters" + label, count)
            robust = naive = 0
            for _ in range(_NULLS):
                pair = table[:, rng.choice(table.shape[1], 2, replace=False)]
                items = shuffled_within_items(draw(pair, count, rng), rng)
                codes = np.repeat(np.arange(count), rng.integers(sizes[0], sizes[1] + 1, count))
                scores = items[codes]
                robust += compare(scores, from_codes(codes)).p[0, 1] < 0.05
                naive += compare(scores).p[0, 1] < 0.05
            rate, ignored = robust / _NULLS, naive / _NULLS
            even = sizes[0] == sizes[1]
            met = _TYPE_ONE[0] <= rate <= _TYPE_ONE[1] and ignored > _NAIVE
            yield Claim(
                "clusters",
                f"wildbench, two equal models, {count} {label}: p < .05",
                f"{percent(rate)} (families ignored: {percent(ignored)})",
                "4-6%, ignored > 10%" if even else "a known limit, no bar",
                met if even else None,
                _NULLS,
            )
