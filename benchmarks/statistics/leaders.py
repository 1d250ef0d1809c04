"""Rows "best" and "tied": false claims, looks, power, and whether the true best is held."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from benchmarks.statistics.claims import DRAWS, FALSE_CLAIMS, SIZES, Claim, allowed, by_size, draw, percent, rng_for
from benchmarks.statistics.claims import some_models as random_models
from benchmarks.statistics.tables import Floats, columns_equal, shuffled_within_items
from steelyard.statistics import Verdict, decide

_LOOKS = 6
_FIRST_LOOK = 20
_LOOK_DRAWS = 1_000
_MOST_CASES = 1_000
_NAMED_AT_50 = 0.45
_HELD = 0.95


def best(tables: dict[str, Floats]) -> Iterator[Claim]:
    """False claims where the truth is known, over one look and six, and how often a winner is named."""
    for name, table in tables.items():
        yield _false_best(name, "all equal", table)
        yield _false_best(name, "top two equal", table)
        yield _false_best(name, "real sets", table)
        for null in ("all equal", "top two equal"):
            yield _looks(name, null, table)
    yield _power(tables["wildbench"])


def tied(tables: dict[str, Floats]) -> Iterator[Claim]:
    """How often the tied set holds the true best, and whether "within the margin" is so."""
    for name, table in tables.items():
        rng = rng_for("tied" + name)
        held: list[tuple[int, float]] = []
        counts: list[str] = []
        worst = 1.0
        within = wrong_within = 0
        for n in SIZES:
            inside = total = 0
            for _ in range(DRAWS):
                models = random_models(table, rng)
                truth = models.mean(axis=0)
                verdict = decide(draw(models, n, rng))
                if verdict.kind != "tied":
                    continue
                total += 1
                inside += int(truth.argmax()) in verdict.tied
                if len(verdict.tied) == models.shape[1]:
                    within += 1
                    wrong_within += bool(np.ptp(truth) >= verdict.margin)
            if total:
                held.append((n, inside / total))
                worst = min(worst, inside / total)
                counts.append(f"{n}: {total}")
        yield Claim(
            "tied",
            f"{name}, random sets of six; the set holds the true best",
            f"{by_size(held)} (tied verdicts of {DRAWS:,}: {', '.join(counts)};"
            f" all six within the margin: {within}, wrongly {wrong_within})",
            ">= 95%",
            worst >= _HELD,
        )
    yield _within_margin(tables["wildbench"])


def _within_margin(table: Floats) -> Claim:
    """Two models truly the margin apart: saying they are within it is wrong. Two equal ones: saying so is right."""
    rng = rng_for("within the margin")
    margin = 5.0
    wrong: list[tuple[int, float]] = []
    right: list[tuple[int, float]] = []
    for n in (20, 50, 100, 200, 400):
        mistakes = shown = 0
        for _ in range(DRAWS):
            equal = shuffled_within_items(draw(random_models(table, rng, 2), n, rng), rng) * 0.9
            shown += decide(equal, margin=margin).kind == "tied"
            mistakes += decide(equal + np.array([margin, 0.0]), margin=margin).kind == "tied"
        wrong.append((n, mistakes / DRAWS))
        right.append((n, shown / DRAWS))
    limit = allowed(FALSE_CLAIMS, DRAWS)
    return Claim(
        "tied",
        "wildbench, two models truly 5 points apart: said to be within 5",
        f"{by_size(wrong)} (two equal models: {by_size(right)})",
        "<= 5% + 2 SE",
        all(share <= limit for _, share in wrong),
    )


def _cases(null: str, table: Floats, n: int, rng: np.random.Generator) -> tuple[Floats, int | None]:
    """n cases of six random models, and the column of which a claim "best" is true, if any."""
    models = random_models(table, rng)
    order = np.argsort(-models.mean(axis=0))
    cases = draw(models, n, rng)
    if null == "all equal":
        return shuffled_within_items(cases, rng), None
    if null == "top two equal":
        return columns_equal(cases, rng, int(order[0]), int(order[1])), None
    return cases, int(order[0])


def _false_best(name: str, null: str, table: Floats) -> Claim:
    rng = rng_for(f"best{name}{null}")
    shares: list[tuple[int, float]] = []
    for n in SIZES:
        false = 0
        for _ in range(DRAWS):
            cases, true = _cases(null, table, n, rng)
            verdict = decide(cases)
            false += verdict.best is not None and verdict.best != true
        shares.append((n, false / DRAWS))
    limit = allowed(FALSE_CLAIMS, DRAWS)
    return Claim(
        "best",
        f"{name}, {null}, false claims at look 1",
        by_size(shares),
        "<= 5% + 2 SE",
        all(share <= limit for _, share in shares),
    )


def _looks(name: str, null: str, table: Floats) -> Claim:
    """Six looks at growing cases, adding what the verdict asks for (20 where it asks for nothing)."""
    rng = rng_for(f"looks{name}{null}")
    spent = peeking = 0
    for _ in range(_LOOK_DRAWS):
        cases, _ = _cases(null, table, _MOST_CASES, rng)
        with_shares, without = _follow(cases)
        spent += with_shares
        peeking += without
    limit = allowed(FALSE_CLAIMS, _LOOK_DRAWS)
    return Claim(
        "best",
        f"{name}, {null}, false claims over six looks from n = {_FIRST_LOOK}",
        f"{percent(spent / _LOOK_DRAWS)} (at .05 each look: {percent(peeking / _LOOK_DRAWS)})",
        "<= 5% + 2 SE",
        spent / _LOOK_DRAWS <= limit,
        _LOOK_DRAWS,
    )


def _follow(cases: Floats) -> tuple[bool, bool]:
    """Whether a best was ever claimed with the shares of the looks, and at .05 on each of the same looks."""
    n = _FIRST_LOOK
    claimed = peeked = False
    for look in range(1, _LOOKS + 1):
        verdict = decide(cases[:n], look=look)
        claimed = claimed or verdict.kind == "best"
        peeked = peeked or _largest_p(verdict) < FALSE_CLAIMS
        n = min(n + (verdict.more_cases or 20), _MOST_CASES)
    return claimed, peeked


def _largest_p(verdict: Verdict) -> float:
    return max(gap.p for gap in verdict.gaps)


def _power(table: Floats) -> Claim:
    rng = rng_for("power")
    shares: list[tuple[int, float]] = []
    ratios: list[str] = []
    at_five = 0.0
    for n in (*SIZES, 100):
        named = corrected = uncorrected = 0
        for _ in range(DRAWS):
            verdict = decide(draw(random_models(table, rng), n, rng))
            p = _largest_p(verdict)
            named += verdict.kind == "best"
            corrected += n >= 8 and p < verdict.alpha / len(verdict.gaps)
            uncorrected += p < FALSE_CLAIMS
        shares.append((n, named / DRAWS))
        ratios.append(f"{named / max(corrected, 1):.1f}x")
        if n == 50:
            at_five = uncorrected / DRAWS
    at_50 = dict(shares)[50]
    return Claim(
        "best",
        "wildbench, random sets of six: names a best at look 1",
        f"{by_size(shares)}; against Bonferroni {', '.join(ratios)}; at .05, n = 50: {percent(at_five)}",
        ">= 45% at n = 50; >= Bonferroni",
        at_50 >= _NAMED_AT_50 and all(float(ratio[:-1]) >= 1 for ratio in ratios),
    )
