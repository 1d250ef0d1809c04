"""A race in the words of its page: how it stands, who was dropped when and by whom, and what that saved. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from steelyard.domain.races import DroppedModel, RaceStanding
from steelyard.execution.outcome import Raced
from steelyard.web.filters import money, plural
from steelyard.web.model_names import short_names

AIMS = {"set": "the best on these very cases", "future": "the best on cases like these"}


@dataclass(frozen=True)
class DroppedLine:
    """`after` says when and by whom; both may hold hostile names."""

    model: str
    after: str


@dataclass(frozen=True)
class RaceWords:
    """`state` is one sentence on how far it is, `saved` one on what was not called, None while it goes on."""

    aim: str
    state: str
    left: tuple[str, ...]
    dropped: tuple[DroppedLine, ...]
    saved: str | None


def race_words(standing: RaceStanding, raced: Raced | None = None) -> RaceWords:
    """With `raced`, what a race that has ended came to."""
    names = short_names([*standing.survivors, *(gone.model for gone in standing.dropped)])
    return RaceWords(
        aim=AIMS[standing.target],
        state=_state(standing) if raced is None or standing.done else _stopped(standing),
        left=tuple(names[model] for model in standing.survivors),
        dropped=tuple(DroppedLine(names[gone.model], dropped_words(gone, names)) for gone in standing.dropped),
        saved=None if raced is None or not standing.done else _saved(raced),
    )


def dropped_words(gone: DroppedModel, names: Mapping[str, str]) -> str:
    """`dropped after 10 cases, behind gpt`."""
    why = "for its missing scores" if gone.by is None else f"behind {names[gone.by]}"
    return f"dropped after {plural(gone.n, 'case')}, {why}"


def drops_of(raced: Raced | None, models: Sequence[str]) -> dict[str, str]:
    """By model, in words, when and by whom it was dropped."""
    if raced is None:
        return {}
    names = short_names(models)
    return {gone.model: dropped_words(gone, names) for gone in raced.standing.dropped}


def _state(standing: RaceStanding) -> str:
    if standing.done:
        rounds = plural(standing.rounds, "round")
        return f"It was over after {plural(standing.n, 'case')} of {standing.cases:,}, in {rounds}."
    return (
        f"Round {standing.rounds + 1} of at most {standing.rounds_at_most}: cases {standing.n + 1:,} to"
        f" {standing.n_next:,} of {standing.cases:,}."
    )


def _stopped(standing: RaceStanding) -> str:
    """Of a race whose run ended before it was over."""
    looked = (
        "before its first look, so no model was dropped"
        if not standing.rounds
        else f"after {plural(standing.n, 'case')} of {standing.cases:,} had been looked at"
    )
    return f"It was stopped in round {standing.rounds + 1} of at most {standing.rounds_at_most}, {looked}."


def _saved(raced: Raced) -> str:
    spared = raced.standing.cells_not_called
    if not spared:
        return "Every model was called for every case, so nothing was saved."
    standing = raced.standing
    grid = standing.cells_per_case * standing.cases * (len(standing.survivors) + len(standing.dropped))
    worth = "" if raced.saved_microcents is None else f" and about {money(raced.saved_microcents)}"
    unknown = " What they would have cost is not known, as a price is not." if raced.saved_microcents is None else ""
    return f"It saved {spared:,} of {plural(grid, 'cell')}{worth} against every model on every case.{unknown}"
