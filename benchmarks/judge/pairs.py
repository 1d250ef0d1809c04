"""The 419 pairs of LLMBar, each with a known better output, and what a judge's grades of them come to."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from benchmarks.statistics.tables import DATA
from steelyard.domain.cases import GoldenCase
from steelyard.statistics import mean_interval

FOLDER = DATA / "llmbar" / "pairs"
SUBSETS = {
    "Natural": "LLMBar_Natural",
    "Neighbor": "LLMBar_Adversarial_Neighbor",
    "GPTInst": "LLMBar_Adversarial_GPTInst",
    "GPTOut": "LLMBar_Adversarial_GPTOut",
    "Manual": "LLMBar_Adversarial_Manual",
}
_SEED = 419


@dataclass(frozen=True)
class Pair:
    """An input and two outputs; `better` is the place (0 or 1) of the one that people found better."""

    subset: str
    index: int
    input: str
    outputs: tuple[str, str]
    better: int

    @property
    def case(self) -> GoldenCase:
        """Without an expected output, so that the default rubric grades."""
        return GoldenCase(f"{self.subset}-{self.index}", self.input)


def read_pairs() -> list[Pair]:
    """All pairs, the subsets taking turns in a fixed shuffle, so that the first n are of each as far as it goes."""
    rng = random.Random(_SEED)
    columns: list[list[Pair]] = []
    for subset, name in SUBSETS.items():
        rows = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
        found = [
            Pair(subset, index, row["input"], (row["output_1"], row["output_2"]), int(row["label"]) - 1)
            for index, row in enumerate(rows)
        ]
        rng.shuffle(found)
        columns.append(found)
    return [pair for row in zip_longest(*columns) for pair in row if pair is not None]


@dataclass(frozen=True)
class Score:
    """A subset's figures. `accuracy` and its 95% interval are shares of `n` pairs, a tie being half right."""

    subset: str
    n: int
    right: int
    wrong: int
    ties: int
    accuracy: float | None
    low: float | None
    high: float | None


def scores(pairs: Sequence[Pair], qualities: Mapping[tuple[str, int, int], float]) -> list[Score]:
    """By subset, then of all; `qualities` by (subset, index, place). A pair with an ungraded output is not counted."""
    graded = [
        (
            pair.subset,
            qualities[pair.subset, pair.index, pair.better],
            qualities[pair.subset, pair.index, 1 - pair.better],
        )
        for pair in pairs
        if all((pair.subset, pair.index, place) in qualities for place in (0, 1))
    ]
    found = [_score(subset, [(good, bad) for of, good, bad in graded if of == subset]) for subset in SUBSETS]
    return [*found, _score("all", [(good, bad) for _, good, bad in graded])]


def _score(subset: str, graded: Sequence[tuple[float, float]]) -> Score:
    right = sum(good > bad for good, bad in graded)
    ties = sum(good == bad for good, bad in graded)
    points = [100.0 if good > bad else 50.0 if good == bad else 0.0 for good, bad in graded]
    interval = mean_interval(points) if points else None
    ends = (None, None, None) if interval is None else (interval.mean, interval.low, interval.high)
    accuracy, low, high = (None if end is None else end / 100 for end in ends)
    return Score(subset, len(graded), right, len(graded) - right - ties, ties, accuracy, low, high)
