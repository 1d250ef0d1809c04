"""Rows "tie-break": whom a scripted judge of pairs names among models tied by real scores, and among equal ones."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from benchmarks.statistics.claims import (
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
from benchmarks.statistics.tables import Floats, columns_equal, shuffled_within_items
from steelyard.statistics import Orders, TieBreak, break_tie, decide

_DRAWS = 1_000
# Of one look at two outputs, in points of quality; the SD of one GPT-4 grade over repeats.
_NOISE = 11.0
# A difference below this is none to the judge.
_BAND = 5.0
_PLACE = 20.0
_PURE = 1_000.0
_MODELS = 3


def ties(tables: dict[str, Floats]) -> Iterator[Claim]:
    """False names where the truth is known, with a judge drawn to a place, and what is named of real ties."""
    table = tables["wildbench"]
    yield _false("all equal", table, place=0.0)
    yield _false("top two equal", table, place=0.0)
    yield _false("all equal", table, place=_PLACE)
    yield _place_alone(table)
    yield _real_ties(table)


def _false(name: str, table: Floats, *, place: float) -> Claim:
    shares: list[tuple[int, float]] = []
    refused = 0.0
    for n in SIZES:
        rng = rng_for(f"ties{name}{place:g}", n)
        named = 0
        for _ in range(_DRAWS):
            found = _broken(_equal(name, some_models(table, rng, _MODELS), n, rng), place, rng)
            named += found.ahead is not None
            refused += found.reason == "follows_position"
        shares.append((n, named / _DRAWS))
    drawn = "" if not place else f", one place worth {place:g} points"
    follows = "" if not place else f" (refused for following the place: {percent(refused / _DRAWS / len(SIZES))})"
    return Claim(
        "tie-break",
        f"wildbench, three models, {name}{drawn}: one is named",
        by_size(shares) + follows,
        "<= 5% + 2 SE",
        all(share <= allowed(FALSE_CLAIMS, _DRAWS) for _, share in shares),
        _DRAWS,
    )


def _place_alone(table: Floats) -> Claim:
    rng = rng_for("ties place alone")
    found = [_broken(draw(some_models(table, rng, _MODELS), 50, rng), _PURE, rng) for _ in range(_DRAWS)]
    named = sum(one.ahead is not None for one in found) / _DRAWS
    told = sum(one.reason == "follows_position" for one in found) / _DRAWS
    return Claim(
        "tie-break",
        "wildbench, real sets of three, a judge that goes by the place alone, n = 50: one is named",
        f"{percent(named)} (said to follow the place: {percent(told)})",
        "0%, always said",
        named == 0 and told == 1,
        _DRAWS,
    )


def _real_ties(table: Floats) -> Claim:
    """Sets of six of which the scores say that some are tied; the judge sees the same outputs, noise of its own."""
    shares: list[tuple[int, float]] = []
    wrong = total = 0
    for n in (20, 30, 50):
        rng = rng_for("ties real", n)
        tied = named = 0
        while tied < _DRAWS // 2:
            models = some_models(table, rng)
            cases = draw(models, n, rng)
            verdict = decide(cases)
            if verdict.kind != "tied" or len(verdict.tied) < 2:
                continue
            tied += 1
            found = _broken(cases[:, list(verdict.tied)], 0.0, rng)
            if found.ahead is not None:
                named += 1
                wrong += verdict.tied[found.ahead] != int(models.mean(axis=0).argmax())
        total += named
        shares.append((n, named / tied))
    return Claim(
        "tie-break",
        "wildbench, tied sets of random sets of six: one is named",
        f"{by_size(shares)}; of {total:,} named not the best over all items: {percent(wrong / max(1, total))}",
        "no bar",
        None,
        _DRAWS // 2,
    )


def _equal(name: str, models: Floats, n: int, rng: np.random.Generator) -> Floats:
    cases = draw(models, n, rng)
    if name == "all equal":
        return shuffled_within_items(cases, rng)
    order = np.argsort(-models.mean(axis=0)).tolist()
    return columns_equal(cases, rng, order[0], order[1])


def _broken(cases: Floats, place: float, rng: np.random.Generator) -> TieBreak:
    """The tie-break of a judge that sees each output's real quality through noise, and one place `place` points up."""
    n, k = cases.shape
    pairs = list(combinations(range(k), 2))
    votes = np.zeros((len(pairs), n))
    kept = flipped = even = half = 0
    for row, (one, other) in enumerate(pairs):
        gap = cases[:, one] - cases[:, other]
        seen = [gap + sign * place + rng.normal(scale=_NOISE, size=n) for sign in (1, -1)]
        first, second = (np.where(np.abs(way) < _BAND, 0, np.sign(way)) for way in seen)
        votes[row] = np.where(first == second, first, 0.0)
        kept += int(((first == second) & (first != 0)).sum())
        flipped += int((first * second < 0).sum())
        even += int(((first == 0) & (second == 0)).sum())
        half += int(((first == 0) != (second == 0)).sum())
    return break_tie(k, pairs, votes, Orders(kept, flipped, even, half), [None] * n, [0] * len(pairs))
