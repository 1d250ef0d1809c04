"""Row "race": calls and lost winners of races over real score tables, beside the full grid and beside peeking."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property

import numpy as np

from benchmarks.statistics.claims import FALSE_CLAIMS, MODELS, Claim, by_size, draw, percent, rng_for, some_models
from benchmarks.statistics.tables import Floats, columns_equal
from steelyard.statistics import Race, decide
from steelyard.statistics.race import Target

_RACES = 300
_FIGURES = ("calls", "lost", "named", "peeking calls", "peeking", "grid", "wrong", "top")
_SIZES = (20, 50, 100, 400)


def race(tables: dict[str, Floats]) -> Iterator[Claim]:
    """Lost: the true best was dropped, or another was called best. Of a set its highest mean is the best."""
    table = tables["wildbench"]
    for target in ("set", "future"):
        yield _measured("wildbench, random sets of six", target, table, equal=False)
    yield _measured("wildbench, top two equal", "future", table, equal=True)


class _Peeking(Race):
    """Drops at two-sided .05 on each look, as if it were the only one."""

    @cached_property
    def dropping_alpha(self) -> float:
        return FALSE_CLAIMS / 2


def _measured(name: str, target: Target, table: Floats, *, equal: bool) -> Claim:
    shares = {what: list[tuple[int, float]]() for what in _FIGURES}
    for n in _SIZES:
        rng = rng_for(f"race{name}{target}", n)
        counts = dict.fromkeys(shares, 0.0)
        for seed in range(_RACES):
            scores, truth = _cases(table, n, target, rng, equal=equal)
            kept, claimed, called = _run(Race(n, MODELS, target, seed=seed), scores)
            counts["calls"] += called / (n * MODELS)
            counts["named"] += claimed is not None
            counts["lost"] += _lost(kept, claimed, truth)
            kept, claimed, called = _run(_Peeking(n, MODELS, target, seed=seed), scores)
            counts["peeking"] += _lost(kept, claimed, truth)
            counts["peeking calls"] += called / (n * MODELS)
            grid = decide(scores)
            counts["grid"] += grid.best is not None
            counts["wrong"] += grid.best is not None and {grid.best} != truth
            counts["top"] += int(scores.mean(axis=0).argmax()) not in truth
        for what, count in counts.items():
            shares[what].append((n, count / _RACES))
    beside = f"on the full grid decide names {by_size(shares['grid'])}, wrongly {by_size(shares['wrong'])}"
    if target == "future" and not equal:
        beside += f", and the highest mean is not the best {by_size(shares['top'])}"
    return Claim(
        "race",
        f"{name}, best {'on this case set' if target == 'set' else 'on future cases'}: best lost",
        f"{by_size(shares['lost'])} (dropping at .05 each look {by_size(shares['peeking'])});"
        f" calls {by_size(shares['calls'])}; names {by_size(shares['named'])}; {beside}",
        "<= 5%",
        all(share <= FALSE_CLAIMS for _, share in shares["lost"]),
        _RACES,
        {what: tuple(of) for what, of in shares.items()},
    )


def race_table(claims: Iterable[Claim]) -> list[str]:
    """The same figures with a line for each number of cases, as Markdown. Calls: of the full grid's."""
    rows = [
        "| best on | cases | race: calls | lost | named | peeking: calls | lost | full grid: calls | named | of it"
        " wrong | highest mean not the best |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for claim in claims:
        if claim.part != "race":
            continue
        for place, n in enumerate(_SIZES):
            of = {what: percent(shares[place][1]) for what, shares in claim.figures.items()}
            figures = (of["calls"], of["lost"], of["named"], of["peeking calls"], of["peeking"], f"{n * MODELS:,}")
            figures += (of["grid"], of["wrong"], of["top"])
            rows.append(f"| {_best_on(claim)} | {n} | {' | '.join(figures)} |")
    return rows


def _best_on(claim: Claim) -> str:
    name, rest = claim.setting.split(", best on ")
    what = rest.removesuffix(": best lost")
    return f"{what}, two equal leaders" if "equal" in name else what


def _cases(table: Floats, n: int, target: Target, rng: np.random.Generator, *, equal: bool) -> tuple[Floats, set[int]]:
    """n cases of six random models, and the models that are truly best: two where the top two are made equal."""
    models = some_models(table, rng)
    if target == "set":
        cases = models[rng.choice(len(models), n, replace=False)]
        means = cases.mean(axis=0)
        return cases, set(np.flatnonzero(means == means.max()).tolist())
    order = np.argsort(-models.mean(axis=0)).tolist()
    cases = draw(models, n, rng)
    if equal:
        return columns_equal(cases, rng, order[0], order[1]), set(order[:2])
    return cases, {order[0]}


def _run(race: Race, scores: Floats) -> tuple[set[int], int | None, int]:
    """(models not dropped, the one called best, calls)."""
    calls = 0
    while batch := race.next_batch():
        calls += len(batch)
        for case, model in batch:
            race.record(case, model, float(scores[case, model]))
    return set(race.survivors), race.verdict().best, calls


def _lost(kept: set[int], claimed: int | None, truth: set[int]) -> bool:
    """Of two equal leaders each is as good as the other: calling either best is wrong, dropping one of them is not."""
    return not truth & kept or (claimed is not None and {claimed} != truth)
