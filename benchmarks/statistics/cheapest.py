"""Row "cheapest good enough": wrong names with random prices and with cheaper models planted at the margin."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import numpy as np

from benchmarks.statistics.claims import (
    DRAWS,
    FALSE_CLAIMS,
    MODELS,
    SIZES,
    Claim,
    allowed,
    by_size,
    draw,
    rng_for,
    some_models,
)
from benchmarks.statistics.tables import Floats, shuffled_within_items
from steelyard.statistics import decide
from steelyard.statistics.paired import compare
from steelyard.statistics.special import t_quantile

_MARGIN = 5.0
_LARGER = (*SIZES, 100, 200, 400)


def cheapest(tables: dict[str, Floats]) -> Iterator[Claim]:
    """Wrong: the named model's true gap to the true best is not below the margin."""
    yield _random_prices(tables["wildbench"])
    yield _planted("wildbench, five cheaper models planted at the margin", lambda n, rng: _judge_scores(tables, n, rng))
    yield _planted("pass or fail scores, five cheaper models planted at the margin", _binary_scores)
    rare = "but for rare outright failures that cost the margin"
    for noise in (0.0, 1.0, 5.0):
        judged = f", judge noise SD {noise:.0f}" if noise else ""
        stress = _planted(f"equal {rare}{judged}", partial(_rare_failures, noise=noise))
        yield replace(stress, bar="a known limit, no bar", passed=None)


def _random_prices(table: Floats) -> Claim:
    rng = rng_for("prices")
    named: list[tuple[int, float]] = []
    wrong: list[tuple[int, float]] = []
    for n in _LARGER:
        names = mistakes = 0
        for _ in range(DRAWS):
            models = some_models(table, rng)
            truth = models.mean(axis=0)
            verdict = decide(draw(models, n, rng), costs=rng.random(MODELS) * 1e5, margin=_MARGIN)
            if verdict.cheapest_good_enough is not None:
                names += 1
                mistakes += bool(truth.max() - truth[verdict.cheapest_good_enough] >= _MARGIN)
        named.append((n, names / DRAWS))
        wrong.append((n, mistakes / DRAWS))
    limit = allowed(FALSE_CLAIMS, DRAWS)
    return Claim(
        "cheapest good enough",
        "wildbench, random sets of six, random prices: wrong",
        f"{by_size(wrong)}; named {by_size(named)}",
        "<= 5% + 2 SE",
        all(share <= limit for _, share in wrong),
    )


def _planted(setting: str, population: Callable[[int, np.random.Generator], Floats]) -> Claim:
    """Column 0 is the dearest and truly `margin` above each other one: any other name is wrong."""
    rng = rng_for("planted" + setting)
    wrong: list[tuple[int, float]] = []
    plain: list[tuple[int, float]] = []
    costs = np.array([9e5, *range(1, MODELS)])
    for n in (*SIZES, 100, 200):
        mistakes = uncorrected = 0
        for _ in range(DRAWS):
            scores = population(n, rng)
            named = decide(scores, costs=costs, margin=_MARGIN).cheapest_good_enough
            mistakes += named is not None and named != 0
            uncorrected += _uncorrected_t(scores)
        wrong.append((n, mistakes / DRAWS))
        plain.append((n, uncorrected / DRAWS))
    limit = allowed(FALSE_CLAIMS, DRAWS)
    return Claim(
        "cheapest good enough",
        f"{setting}: wrong",
        f"{by_size(wrong)}; by uncorrected t at .05 {by_size(plain)}",
        "<= 5% + 2 SE",
        all(share <= limit for _, share in wrong),
    )


def _uncorrected_t(scores: Floats) -> bool:
    """Whether one-sided t at .05 against the true leader would have named a model at the margin."""
    pairs = compare(scores)
    bound = pairs.mean[0, 1:] + pairs.se[0, 1:] * t_quantile(scores.shape[0] - 1, 0.95)
    return bool((bound < _MARGIN).any())


def _judge_scores(tables: dict[str, Floats], n: int, rng: np.random.Generator) -> Floats:
    items = draw(some_models(tables["wildbench"], rng), n, rng)
    lead = np.array([_MARGIN] + [0.0] * (MODELS - 1))
    return shuffled_within_items(items, rng) * 0.9 + lead


def _binary_scores(n: int, rng: np.random.Generator) -> Floats:
    passes = np.array([0.9] + [0.9 - _MARGIN / 100] * (MODELS - 1))
    return np.where(rng.random((n, MODELS)) < passes, 100.0, 0.0)


def _rare_failures(n: int, rng: np.random.Generator, noise: float) -> Floats:
    """Equal graded scores but for the noise, and each cheaper model fails a share of cases that costs it the margin."""
    graded = rng.integers(6, 10, (n, 1)) * 100 / 9
    fails = rng.random((n, MODELS)) < _MARGIN / (7.5 * 100 / 9)
    fails[:, 0] = False
    judged = graded if noise == 0 else np.clip(graded + rng.normal(0, noise, (n, MODELS)), 0, 100)
    return np.where(fails, 0.0, np.asarray(judged, dtype=np.float64))
