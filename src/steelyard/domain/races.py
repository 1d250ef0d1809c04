"""A race between models: how it stands after its last look, by the models' names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from steelyard.domain.errors import InputError

RaceTarget = Literal["set", "future"]


@dataclass(frozen=True)
class DroppedModel:
    """Called no more after `n` cases: `by` was shown ahead of it with a two-sided `p`; both are None where it missed
    too many scores."""

    model: str
    n: int
    by: str | None
    p: float | None


@dataclass(frozen=True)
class RaceStanding:
    """A race on `cases` cases, of which `n` belong to rounds that are over.

    `rounds` counts those, `rounds_at_most` all there may be; the round under way ends with `n_next` cases. `due` is how
    many of the run's cells have to come to their end before the next look. `cells_per_case` are a model's, arms and
    trials together.
    """

    target: RaceTarget
    cases: int
    n: int
    n_next: int
    rounds: int
    rounds_at_most: int
    due: int
    cells_per_case: int
    done: bool
    survivors: tuple[str, ...]
    dropped: tuple[DroppedModel, ...]

    def cases_of(self, model: str) -> int:
        """How many cases the model is called for, at most: one still in the race may come to all of them."""
        gone = self.gone(model)
        if gone is not None:
            return gone.n
        return self.n if self.done else self.cases

    def gone(self, model: str) -> DroppedModel | None:
        """How the model was dropped; None while it is in the race."""
        return next((one for one in self.dropped if one.model == model), None)

    @property
    def cells_not_called(self) -> int:
        """What the full grid would have called for besides."""
        models = (*self.survivors, *(one.model for one in self.dropped))
        return self.cells_per_case * sum(self.cases - self.cases_of(model) for model in models)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types; `from_json` gives an equal standing back."""
        data = asdict(self)
        return data | {"survivors": list(self.survivors), "dropped": list(data["dropped"])}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> RaceStanding:
        """The inverse of `to_json`."""
        values = dict(data)
        values["survivors"] = tuple(data["survivors"])
        values["dropped"] = tuple(DroppedModel(**one) for one in data["dropped"])
        return cls(**values)


def race_target(text: str) -> RaceTarget:
    """ "set" or "future". Raises InputError."""
    for target in get_args(RaceTarget):
        if text == target:
            return target
    raise InputError(
        f"'{text}' is no aim of a race.",
        field="race",
        next_step="Give set, for the best on these very cases, or future, for the best on cases like these.",
    )
