"""Six models of three families that answer cases as real models did: real scores and lengths of WildBench."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from benchmarks.judge.biased import ScriptedJudge, answer
from benchmarks.statistics.claims import rng_for
from benchmarks.statistics.tables import Floats, wildbench, wildbench_lengths

CASES = 50
FAMILIES = ("claude", "claude", "gpt", "gpt", "gemini", "gemini")
JURORS = ("claude", "gpt", "gemini")
# A text longer than this is shown to a judge with its middle left out.
_LONGEST = 20_000


@dataclass(frozen=True)
class World:
    """`quality`, `lengths`: (cases, models); qualities lie in 10-90, so that what is planted is not cut off."""

    name: str
    quality: Floats
    lengths: Floats

    @cached_property
    def answers(self) -> list[list[str]]:
        """By case and model."""
        return [
            [
                answer(
                    family,
                    float(self.quality[case, model]),
                    int(self.lengths[case, model]),
                    case,
                    f"{self.name} {model}",
                )
                for model, family in enumerate(FAMILIES)
            ]
            for case in range(len(self.quality))
        ]

    @property
    def characters(self) -> Floats:
        """(cases, models) of the answers as they are."""
        return np.array([[len(text) for text in row] for row in self.answers], dtype=np.float64)

    def judged(self, judge: ScriptedJudge, places: Floats | None = None) -> Floats:
        """(cases, models) what the judge gives; `places` of each judgement in its day's work, 0-1."""
        return np.array(
            [
                [
                    judge.quality(text, place=0.0 if places is None else float(places[case, model]))
                    for model, text in enumerate(row)
                ]
                for case, row in enumerate(self.answers)
            ],
            dtype=np.float64,
        )


class Worlds:
    """Draws worlds: real items with replacement, six of the twelve models."""

    def __init__(self) -> None:
        self._scores, self._lengths = 10.0 + 0.8 * wildbench(), wildbench_lengths()

    def draw(self, name: str, run: int, *, equal: bool = False) -> World:
        """A run's world; `equal`: the scores of each item in random columns, so that no model is better."""
        rng = rng_for(f"judge {name}", run)
        models = rng.choice(self._scores.shape[1], len(FAMILIES), replace=False)
        rows = rng.integers(0, len(self._scores), CASES)
        quality = self._scores[rows][:, models]
        if equal:
            quality = rng.permuted(quality, axis=1)
        # An answer has to say what it is worth.
        lengths = np.clip(self._lengths[rows][:, models], 80, _LONGEST)
        return World(f"{name} {run}", quality, lengths)
