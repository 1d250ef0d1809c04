"""Real item x model score tables, 0-100, and populations with a known truth made from them."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"


def wildbench() -> Floats:
    """Items complete for all 12 models under the judge gpt-4-turbo, 1-10 -> 0-100."""
    cells: dict[str, dict[str, float]] = defaultdict(dict)
    for row in _rows(DATA / "wildbench" / "scores.csv"):
        if row["judge"].startswith("gpt-4-turbo"):
            cells[row["item"]][row["model"]] = (float(row["score_1_10"]) - 1) / 9 * 100
    return _complete(cells)


def summeval_human() -> Floats:
    """100 articles x 12 systems: mean of three experts over four dimensions, 1-5 -> 0-100."""
    seen: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in _rows(DATA / "summeval_human" / "human.csv"):
        seen[row["item"]][row["system"]] += [(float(row[f"expert{i}"]) - 1) / 4 * 100 for i in (1, 2, 3)]
    return _complete({item: {name: float(np.mean(of)) for name, of in row.items()} for item, row in seen.items()})


def summeval_raters() -> tuple[Floats, Floats]:
    """(3 experts, 5 turkers) x 100 articles x 12 systems: each rater's mean over four dimensions, 1-5 -> 0-100."""
    return _raters("expert", 3), _raters("turker", 5)


def wildbench_lengths() -> Floats:
    """Characters of the output behind each cell of `wildbench()`; some outputs are empty."""
    lengths: dict[str, dict[str, float]] = defaultdict(dict)
    for row in _rows(DATA / "wildbench" / "scores.csv"):
        if row["judge"].startswith("gpt-4-turbo"):
            lengths[row["item"]][row["model"]] = float(row["len_model_output_chars"])
    return _complete(lengths)


def shuffled_within_items(table: Floats, rng: np.random.Generator) -> Floats:
    """Each item's scores in random columns: all models are equal.

    Shuffle what was drawn, not the population: a finite shuffled population has unequal means by chance.
    """
    return rng.permuted(table, axis=1)


def columns_equal(table: Floats, rng: np.random.Generator, best: int, second: int) -> Floats:
    """The scores of two models swapped on a random half of the items: two equal leaders above the others."""
    out = table.copy()
    swap = rng.random(table.shape[0]) < 0.5
    out[np.ix_(swap, [best, second])] = table[np.ix_(swap, [second, best])]
    return out


def _raters(kind: str, count: int) -> Floats:
    tables: list[Floats] = []
    for rater in range(1, count + 1):
        seen: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
        for row in _rows(DATA / "summeval_human" / "human.csv"):
            seen[row["item"]][row["system"]].append((float(row[f"{kind}{rater}"]) - 1) / 4 * 100)
        tables.append(
            _complete({item: {name: float(np.mean(of)) for name, of in row.items()} for item, row in seen.items()})
        )
    return np.stack(tables)


def _rows(path: Path) -> Iterable[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        yield from csv.DictReader(file)


def _complete(cells: dict[str, dict[str, float]]) -> Floats:
    models = sorted({model for row in cells.values() for model in row})
    return np.array([[cells[item][m] for m in models] for item in sorted(cells) if len(cells[item]) == len(models)])
