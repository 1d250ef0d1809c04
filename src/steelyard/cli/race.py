"""A race as the terminal tells it: how it stands while it runs, and what it came to."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from steelyard.cli import text as words
from steelyard.domain.money import dollars
from steelyard.domain.races import DroppedModel, RaceStanding
from steelyard.domain.runs import RunStatus
from steelyard.services.reports import RunReport

_AIMS = {"set": "the best on these very cases", "future": "the best on cases like these"}


def standing_line(race: RaceStanding) -> str:
    """`Race, round 2 of at most 4: cases 11 to 20 of 40, 2 of 3 models left`."""
    left = f"{len(race.survivors):,} of {words.count(len(race.survivors) + len(race.dropped), 'model')} left"
    if race.done:
        return f"Race over after {words.count(race.n, 'case')} of {race.cases:,}: {left}"
    return (
        f"Race, round {race.rounds + 1} of at most {race.rounds_at_most}: cases {race.n + 1:,} to {race.n_next:,} of"
        f" {race.cases:,}, {left}"
    )


def drop_line(gone: DroppedModel) -> str:
    """`openai:c dropped after 10 cases, behind openai:a`."""
    why = "for its missing scores" if gone.by is None else f"behind {words.safe(gone.by)}"
    return f"{words.safe(gone.model)} dropped after {words.count(gone.n, 'case')}, {why}"


def race(report: RunReport, width: int) -> Iterator[Text]:
    """What the race was for, who was dropped when and by whom, and what that saved; nothing without a race."""
    if report.raced is None:
        return
    standing = report.raced.standing
    yield Text(f"Race for {_AIMS[standing.target]}", style="bold underline")
    for gone in standing.dropped:
        p = "" if gone.p is None else f", {_p(gone.p)}"
        yield Text(words.hang(f"{drop_line(gone)}{p}", width, 2))
    ran = f"{words.count(standing.n, 'case')} of {standing.cases:,} in {words.count(standing.rounds, 'round')}"
    if not standing.done:
        under_way = report.run.status in (RunStatus.PENDING, RunStatus.RUNNING)
        where = f"round {standing.rounds + 1} of at most {standing.rounds_at_most}"
        before = ", before its first look" if not standing.rounds else f", after {ran}"
        yield Text(words.hang(f"{'In' if under_way else 'Stopped in'} {where}{before}", width, 2))
        return
    left = ", ".join(words.safe(model) for model in standing.survivors) or "none"
    yield Text(words.hang(f"Left at its end, after {ran}: {left}", width, 2))
    yield Text(words.hang(_saved(report), width, 2))


def _saved(report: RunReport) -> str:
    assert report.raced is not None
    spared, saved = report.raced.standing.cells_not_called, report.raced.saved_microcents
    if not spared:
        return "Nothing was saved: every model was called for every case"
    worth = "what they would have cost is not known" if saved is None else f"about {dollars(saved)} not spent"
    grid = words.count(report.counts.planned + spared, "cell")
    return f"Saved: {spared:,} of the {grid} of all models on all cases not called, {worth}"


def _p(p: float) -> str:
    return "p < .001" if p < 0.001 else f"p = {p:.3f}".replace("0.", ".", 1)
