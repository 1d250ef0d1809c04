"""Row "planted bias": how often favour of the own family and a slope on length are found, planted and not."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from benchmarks.statistics.claims import FALSE_CLAIMS, MODELS, Claim, allowed, by_size, draw, percent, rng_for
from benchmarks.statistics.tables import Floats, wildbench_lengths
from steelyard.statistics import decide, length_effect, own_family_bias

_RUNS = 1_000
_CASES = 50
_FOUND = 0.80
_FAVOUR = 5.0
# SD of one judge's score about its mean over repeats: 11 of 100 points for GPT-4 on prometheus_eval.
_NOISE = 11.0
_LENIENCY = 5.0
_LEAD = 8.0
_SLOPES = (2.0, 3.0, 5.0)
_SIZES = (8, 12, 20, 50, 100)
_THREE_FAMILIES = ("a", "a", "b", "b", "c", "c")


def bias(tables: dict[str, Floats]) -> Iterator[Claim]:
    """Real items and models; jurors, their favour and the slope are planted. Scores are squeezed to 10-90 before, so
    that what is planted is not cut off at 0 or 100."""
    table = tables["wildbench"]
    yield _favour("three jurors, each favours its own family", table, ("a", "b", "c"), ("a", "b", "c"))
    yield _favour("two jurors, one of the candidates' families favours its own", table, ("a", "z"), ("a",))
    yield _favour("three jurors, only one favours its own family", table, ("a", "b", "c"), ("a",), bar=False)
    lengths = wildbench_lengths()
    for k in (MODELS, 2):
        yield _slope_of_nothing(table, lengths, k)
    yield _slope(table, lengths)
    yield from _dead_leads(table, lengths)


def _favour(
    setting: str, table: Floats, jurors: tuple[str, ...], favouring: tuple[str, ...], *, bar: bool = True
) -> Claim:
    rng = rng_for("own family" + setting)
    own = np.array([[juror in favouring and juror == model for model in _THREE_FAMILIES] for juror in jurors])
    found = dict[float, float]()
    suspected = 0
    for points in (0.0, _FAVOUR):
        alarms = 0
        for _ in range(_RUNS):
            quality = _squeezed(draw(table[:, rng.choice(table.shape[1], MODELS, replace=False)], _CASES, rng))
            severity = rng.normal(0, _LENIENCY, (len(jurors), 1, 1))
            noise = rng.normal(0, _NOISE, (len(jurors), _CASES, MODELS))
            scores = np.clip(quality + severity + noise + points * own[:, None, :], 0, 100)
            bias = own_family_bias(scores, jurors, _THREE_FAMILIES)
            alarms += bias.found
            alone = dict(bias.families).get(favouring[0], bias.overall)
            suspected += points > 0 and alone is not None and alone.p < FALSE_CLAIMS
        found[points] = alarms / _RUNS
    told = f"; by a test told beforehand which juror to suspect {percent(suspected / _RUNS)}"
    beside = told if len(favouring) == 1 else ""
    met = found[_FAVOUR] >= _FOUND and found[0.0] <= allowed(FALSE_CLAIMS, _RUNS)
    return Claim(
        "planted bias",
        f"wildbench, {setting} by {_FAVOUR:g} points, n = {_CASES}, six models, judge noise SD {_NOISE:g}: found",
        f"{percent(found[_FAVOUR])} (none planted: {percent(found[0.0])}){beside}",
        ">= 80%, none planted <= 5% + 2 SE" if bar else "a known limit, no bar",
        met if bar else None,
        _RUNS,
    )


def _squeezed(table: Floats) -> Floats:
    return 10.0 + 0.8 * table


def _drawn(table: Floats, lengths: Floats, n: int, k: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """n items of k models with the real lengths; the scores in random columns, so that length says nothing of them."""
    models, rows = rng.choice(table.shape[1], k, replace=False), rng.integers(0, table.shape[0], n)
    texts = np.maximum(lengths[rows][:, models], 1.0)
    return _squeezed(rng.permuted(table[rows][:, models], axis=1)), texts


def _longer_is_better(scores: Floats, texts: Floats, slope: float) -> Floats:
    doublings = np.log2(texts)
    return np.clip(scores + slope * (doublings - doublings.mean(axis=1, keepdims=True)), 0, 100)


def _slope_found(scores: Floats, texts: Floats) -> bool:
    p = length_effect(scores, texts, decide(scores)).p
    return p is not None and p < FALSE_CLAIMS


def _slope_of_nothing(table: Floats, lengths: Floats, k: int) -> Claim:
    shares: list[tuple[int, float]] = []
    for n in _SIZES:
        rng = rng_for(f"no slope {k}", n)
        alarms = sum(_slope_found(*_drawn(table, lengths, n, k, rng)) for _ in range(_RUNS))
        shares.append((n, alarms / _RUNS))
    limit = allowed(FALSE_CLAIMS, _RUNS)
    return Claim(
        "planted bias",
        f"wildbench, {k} equal models, real lengths that say nothing of the scores: a slope found",
        by_size(shares),
        "<= 5% + 2 SE",
        all(share <= limit for _, share in shares),
        _RUNS,
    )


def _slope(table: Floats, lengths: Floats) -> Claim:
    rows: list[str] = []
    reached = False
    for slope in _SLOPES:
        shares: list[tuple[int, float]] = []
        for n in (20, 50, 100):
            rng = rng_for(f"slope {slope}", n)
            found = 0
            for _ in range(_RUNS):
                scores, texts = _drawn(table, lengths, n, MODELS, rng)
                found += _slope_found(_longer_is_better(scores, texts, slope), texts)
            shares.append((n, found / _RUNS))
        rows.append(f"{slope:g} points per doubling {by_size(shares)}")
        reached = dict(shares)[_CASES] >= _FOUND
    return Claim(
        "planted bias",
        "wildbench, six models, real lengths, a planted slope on length: found",
        "; ".join(rows),
        ">= 80% of 5 points per doubling at n = 50",
        reached,
        _RUNS,
    )


def _dead_leads(table: Floats, lengths: Floats) -> Iterator[Claim]:
    """Equal models but for length: whoever is called best is flagged. A true lead without a slope: is it flagged?"""
    rng = rng_for("dead leads")
    named = flagged = true_named = true_flagged = 0
    for _ in range(_RUNS):
        scores, texts = _drawn(table, lengths, _CASES, MODELS, rng)
        wordy = texts * np.array([3.0, *[1.0] * (MODELS - 1)])
        by_length = _longer_is_better(scores, wordy, 8.0)
        verdict = decide(by_length)
        if verdict.kind == "best":
            named += 1
            flagged += length_effect(by_length, wordy, verdict).lead_dies
        ahead = scores * 0.9 + np.array([_LEAD, *[0.0] * (MODELS - 1)])
        verdict = decide(ahead)
        if verdict.kind == "best":
            true_named += 1
            true_flagged += length_effect(ahead, texts, verdict).lead_dies
    limit = allowed(FALSE_CLAIMS, max(true_named, 1))
    yield Claim(
        "planted bias",
        "wildbench, equal models but one writes three times as long and 8 points are given per doubling: a best that is"
        " named is flagged",
        f"{percent(flagged / max(named, 1))} of {named} named",
        ">= 80%",
        named > 0 and flagged / named >= _FOUND,
        max(named, 1),
    )
    yield Claim(
        "planted bias",
        f"wildbench, one model truly {_LEAD:g} points ahead, no slope: a best that is named is flagged",
        f"{percent(true_flagged / max(true_named, 1))} of {true_named} named",
        "<= 5% + 2 SE",
        true_named > 0 and true_flagged / true_named <= limit,
        max(true_named, 1),
    )
