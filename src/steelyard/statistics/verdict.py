"""The verdict: what may be claimed of the models compared, with the figures that carry it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args

from steelyard.statistics.power import FEWEST_FOR_SPREAD

Kind = Literal["best", "tied", "not_enough", "single"]
EXACT = "exact on this set"
"""The test of a race that has run every case of its set: means are compared as they are, with no error left."""


@dataclass(frozen=True)
class ModelFigures:
    """One model's own figures, in points of 0-100.

    A compared model's are over the cases complete for all compared models, an excluded model's over its own cases.
    `low` and `high` are the 95% interval of the mean; `missing` is the share (0-1) of all cases without a score;
    `excluded` says that this share is above 5%. What cannot be computed is None.
    """

    n: int
    mean: float | None
    low: float | None
    high: float | None
    missing: float
    excluded: bool


@dataclass(frozen=True)
class GapFigures:
    """The leader minus one rival, in points, over the complete cases.

    `p` is two-sided; `low` and `high` are the two-sided 95% interval; `upper` is the one-sided
    1 - alpha/(k-1) bound: the rival is at most so far behind. `se`, `low` and `high` are None below two cases or
    families.
    """

    rival: int
    mean: float
    se: float | None
    p: float
    low: float | None
    high: float | None
    upper: float
    test: str
    n: int


@dataclass(frozen=True)
class Verdict:
    """What may be claimed. Models are column indices of the scores.

    `tied` holds the best alone for "best", the models that may be the best for "tied", and is empty otherwise.
    `leader` has the highest observed mean, proven or not; of equal ones the cheapest of known cost, then the first.
    `n` counts the complete cases, `n_clusters` their families (None where none were given). `test` names the test of
    the gap that decided. `reason` is a machine word or None: too_few_cases, too_few_clusters, no_cases,
    no_complete_cases, missing_scores, one_model_left, identical_scores, race_unfinished, and of a jury
    own_family_decides, not_comparable.
    "single" is of a run of one model; several of which one alone can be compared are "not_enough", one_model_left.
    `more_cases` and `more_cost_microcents` are given for "not_enough" where they are known. `decide` counts in the
    latter one call of each compared model per case, at the costs it was given; the verdict of a run has instead what
    its next cases would really take: all models, arms, trials and judgements.
    """

    kind: Kind
    best: int | None
    tied: tuple[int, ...]
    cheapest_good_enough: int | None
    more_cases: int | None
    more_cost_microcents: int | None
    models: tuple[ModelFigures, ...]
    gaps: tuple[GapFigures, ...]
    leader: int | None
    look: int
    alpha: float
    margin: float
    n: int
    n_clusters: int | None
    test: str | None
    reason: str | None
    method: str

    @property
    def of_set(self) -> bool:
        """Whether the claim is on these very cases and on no others."""
        return self.method.startswith("race-set/")

    @property
    def too_few_to_tell(self) -> bool:
        """Whether so few cases were seen that `more_cases` is what the guards ask for, not what a claim takes."""
        units = self.n if self.n_clusters is None else min(self.n, self.n_clusters)
        guarded = self.reason in ("too_few_cases", "too_few_clusters", "no_complete_cases")
        return self.kind == "not_enough" and guarded and units < FEWEST_FOR_SPREAD

    @property
    def scores_missing(self) -> tuple[tuple[int, int, int | None], ...]:
        """(model, scores missing, of so many) of those left out; the last None where no model has any score."""
        whole = [round(one.n / (1 - one.missing)) for one in self.models if one.n and one.missing < 1]
        most = max(whole, default=None)
        found: list[tuple[int, int, int | None]] = []
        for index, one in enumerate(self.models):
            if one.excluded:
                of = round(one.n / (1 - one.missing)) if one.n and one.missing < 1 else most
                found.append((index, 0 if of is None else of - one.n, of))
        return tuple(found)

    @property
    def compared(self) -> tuple[int, ...]:
        """The models not left out for missing scores."""
        return tuple(index for index, figures in enumerate(self.models) if not figures.excluded)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types; `from_json` gives an equal verdict back."""
        data = asdict(self)
        return data | {"tied": list(self.tied), "models": list(data["models"]), "gaps": list(data["gaps"])}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Verdict:
        """The inverse of `to_json`; ValueError when a key is absent or the kind is unknown."""
        absent = [field.name for field in fields(cls) if field.name not in data]
        if absent:
            raise ValueError(f"Not a stored verdict: it has no {', '.join(absent)}.")
        if data["kind"] not in get_args(Kind):
            raise ValueError(f"Not a stored verdict: its kind is {data['kind']!r}.")
        values = {field.name: data[field.name] for field in fields(cls)}
        values["tied"] = tuple(data["tied"])
        values["models"] = tuple(ModelFigures(**row) for row in data["models"])
        values["gaps"] = tuple(GapFigures(**row) for row in data["gaps"])
        return cls(**values)
