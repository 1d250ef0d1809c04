"""Row "PPI++": how often the interval on the human scale holds the truth, beside the judge and the people alone."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from benchmarks.statistics.claims import DRAWS, Claim, by_size, percent, rng_for
from benchmarks.statistics.tables import Floats, summeval_raters
from steelyard.statistics import human_difference, human_mean
from steelyard.statistics.paired import compare
from steelyard.statistics.special import normal_quantile, t_quantile

_CASES = 100
_RATED = (8, 12, 20, 30, 50)
_COVERED = 0.92
# "Other cases" needs twice as many rated cases, and some without a rating.
_APART = (8, 12, 20, 30, 40)


def people(tables: dict[str, Floats]) -> Iterator[Claim]:
    """The truth is the mean of the experts over all articles; the judge is made of other annotators."""
    experts, turkers = summeval_raters()
    judges = {
        "turkers as judge": (turkers.mean(axis=0), experts.mean(axis=0)),
        "one expert as judge of the two others": (experts[0], experts[1:].mean(axis=0)),
    }
    for name, (judged, truth) in judges.items():
        agreement = float(np.corrcoef(judged.ravel(), truth.ravel())[0, 1])
        setting = f"summeval_human, {name} (r = {agreement:.2f}), n of {_CASES} cases rated"
        yield _gaps(f"{setting}, gap of two models", judged, truth)
        yield _apart(f"{setting}, gap of two models rated on other cases", judged, truth)
        yield _means(f"{setting}, mean of one model", judged, truth)


def _gaps(setting: str, judged: Floats, truth: Floats) -> Claim:
    shares = {what: list[tuple[int, float]]() for what in ("ours", "z", "judge", "people", "silent")}
    widths: list[str] = []
    for n in _RATED:
        rng = rng_for("people" + setting, n)
        held = dict.fromkeys(shares, 0)
        width = alone = 0.0
        for _ in range(DRAWS):
            pair = rng.choice(truth.shape[1], 2, replace=False)
            rows = rng.integers(0, truth.shape[0], _CASES)
            gap = float(truth[:, pair[0]].mean() - truth[:, pair[1]].mean())
            ours, theirs = judged[rows][:, pair], truth[rows][:, pair]
            found = _intervals(ours, theirs, n)
            if found is None:
                held["silent"] += 1
                continue
            by_judge, by_people = (compare(scores).interval() for scores in (ours, theirs[:n]))
            found |= {"judge": (by_judge[0][0, 1], by_judge[1][0, 1])}
            found |= {"people": (by_people[0][0, 1], by_people[1][0, 1])}
            for what, (low, high) in found.items():
                held[what] += low <= gap <= high
            width += found["ours"][1] - found["ours"][0]
            alone += float(found["people"][1] - found["people"][0])
        claimed = DRAWS - held["silent"]
        for what, count in held.items():
            shares[what].append((n, count / (DRAWS if what == "silent" else claimed)))
        widths.append(f"{n}: {width / alone:.2f}")
    return Claim(
        "PPI++",
        f"{setting}: 95% interval holds the truth",
        f"{by_size(shares['ours'])}; by z and n as in the paper {by_size(shares['z'])};"
        f" judge alone {by_size(shares['judge'])}; people alone {by_size(shares['people'])};"
        f" width against people alone {', '.join(widths)}; no claim {by_size(shares['silent'])}",
        ">= 92%",
        all(share >= _COVERED for _, share in shares["ours"]),
    )


def _intervals(judged: Floats, truth: Floats, n: int) -> dict[str, tuple[float, float]] | None:
    """Our interval, and the paper's: variances over n and N, and z. None where nothing is claimed."""
    rated = truth.copy()
    rated[n:] = np.nan
    found = human_difference(judged, rated)
    if found.mean is None or found.lam is None or found.low is None or found.high is None:
        return None
    apart = judged[:, 0] - judged[:, 1]
    rectified = truth[:n, 0] - truth[:n, 1] - found.lam[0] * apart[:n]
    se = np.sqrt(rectified.var() / n + found.lam[0] ** 2 * apart[n:].var() / (len(apart) - n))
    half = normal_quantile(0.975) * float(se)
    return {"ours": (found.low, found.high), "z": (found.mean - half, found.mean + half)}


def _apart(setting: str, judged: Floats, truth: Floats) -> Claim:
    held: list[tuple[int, float]] = []
    for n in _APART:
        rng = rng_for("people" + setting, n)
        inside = 0
        for _ in range(DRAWS):
            pair = rng.choice(truth.shape[1], 2, replace=False)
            rows = rng.integers(0, truth.shape[0], _CASES)
            gap = float(truth[:, pair[0]].mean() - truth[:, pair[1]].mean())
            rated = np.full((_CASES, 2), np.nan)
            rated[:n, 0], rated[n : 2 * n, 1] = truth[rows[:n], pair[0]], truth[rows[n : 2 * n], pair[1]]
            found = human_difference(judged[rows][:, pair], rated)
            inside += found.low is not None and found.high is not None and found.low <= gap <= found.high
        held.append((n, inside / DRAWS))
    return Claim(
        "PPI++",
        f"{setting}: 95% interval holds the truth",
        by_size(held),
        ">= 92%",
        all(share >= _COVERED for _, share in held),
    )


def _means(setting: str, judged: Floats, truth: Floats) -> Claim:
    held: list[tuple[int, float]] = []
    by_judge = 0
    for n in _RATED:
        rng = rng_for("people" + setting, n)
        inside = 0
        for _ in range(DRAWS):
            model = int(rng.integers(truth.shape[1]))
            rows = rng.integers(0, truth.shape[0], _CASES)
            mean = float(truth[:, model].mean())
            ours, rated = judged[rows, model], truth[rows, model]
            rated[n:] = np.nan
            found = human_mean(ours, rated)
            inside += found.low is not None and found.high is not None and found.low <= mean <= found.high
            half = t_quantile(_CASES - 1, 0.975) * float(ours.std(ddof=1)) / _CASES**0.5
            by_judge += abs(float(ours.mean()) - mean) <= half
        held.append((n, inside / DRAWS))
    return Claim(
        "PPI++",
        f"{setting}: 95% interval holds the truth",
        f"{by_size(held)}; judge alone {percent(by_judge / DRAWS / len(_RATED))}",
        ">= 92%",
        all(share >= _COVERED for _, share in held),
    )
