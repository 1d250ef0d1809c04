"""A run under way: bars that move on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rich.cells import cell_len
from rich.console import Group
from rich.live import Live
from rich.text import Text

from steelyard.cli import text as words
from steelyard.cli.grid import fill
from steelyard.cli.race import drop_line, standing_line
from steelyard.cli.terminal import Terminal
from steelyard.domain.calls import Trouble
from steelyard.domain.money import dollars
from steelyard.domain.races import DroppedModel, RaceStanding
from steelyard.domain.runs import CellState
from steelyard.judging.examination import Result
from steelyard.services.examining import ExaminationStanding

PLAIN_EVERY_S = 5.0
WINDOW_S = 30.0
MAX_BARS = 12


@dataclass(frozen=True)
class Standing:
    """How far a run is at one moment. `ended` maps (model, state) to cells; money in microcents.

    `in_flight` is None where another process makes the calls.
    """

    ended: Mapping[tuple[str, str], int]
    spent_microcents: int
    spent_is_lower_bound: bool
    budget_microcents: int | None
    in_flight: int | None
    elapsed_s: float
    stopping: bool = False
    troubles: Sequence[Trouble] = ()
    race: RaceStanding | None = None
    examination: ExaminationStanding | None = None

    def planned(self, model: str, per_model: int) -> int:
        """The cells the model comes to: `per_model`, or in a race at most as many as it is still called for."""
        return per_model if self.race is None else self.race.cases_of(model) * self.race.cells_per_case

    def total(self, models: Sequence[str], per_model: int) -> int:
        """The same of all of them."""
        return sum(self.planned(model, per_model) for model in models)

    def done(self, model: str | None = None) -> int:
        return sum(count for (name, _), count in self.ended.items() if model in (None, name))

    def failed(self, model: str | None = None) -> int:
        return sum(
            count for (name, state), count in self.ended.items() if model in (None, name) and state == CellState.FAILED
        )


@dataclass
class Pace:
    """How fast cells come to their end, over the last half minute."""

    seen: deque[tuple[float, int]] = field(default_factory=deque[tuple[float, int]])

    def left_s(self, now_s: float, done: int, total: int) -> float | None:
        """Seconds until all are done; None until enough was seen."""
        self.seen.append((now_s, done))
        while len(self.seen) > 2 and now_s - self.seen[0][0] > WINDOW_S:
            self.seen.popleft()
        began_s, began = self.seen[0]
        if done >= total or done - began < 3 or now_s - began_s < 2:
            return None
        return (total - done) * (now_s - began_s) / (done - began)


class Progress:
    """Shows a run's standing on standard error; as a context manager it clears the bars away at the end."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._models: Sequence[str] = ()
        self._per_model = 0
        self._pace = Pace()
        self._said_s = -PLAIN_EVERY_S / 2
        self._last = ""
        self._told: set[tuple[str, str]] = set()
        self._dropped: set[DroppedModel] = set()
        self._examined: ExaminationStanding | None = None
        live = terminal.err.live and not terminal.quiet
        self._live = Live(console=terminal.err.console, auto_refresh=False, transient=True) if live else None

    def __enter__(self) -> Progress:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def expect(self, models: Sequence[str], cells_per_model: int) -> None:
        """What the run will come to."""
        self._models, self._per_model = models, cells_per_model

    def update(self, standing: Standing) -> None:
        """Show this standing; without a terminal at most every few seconds, and each trouble once."""
        total = standing.total(self._models, self._per_model)
        left_s = self._pace.left_s(standing.elapsed_s, standing.done(), total)
        screen = self._terminal.err
        if self._live is not None:
            lines = bars(standing, self._models, self._per_model, left_s, screen.width)
            self._live.update(Group(*(screen.fit(line) for line in lines)), refresh=True)
            return
        for trouble in standing.troubles:
            if once(trouble) not in self._told:
                self._told.add(once(trouble))
                self._terminal.warn(trouble_line(trouble))
        self._tell_examination(standing.examination)
        for gone in () if standing.race is None else standing.race.dropped:
            if gone not in self._dropped:
                self._dropped.add(gone)
                self._terminal.say(drop_line(gone))
        if standing.elapsed_s - self._said_s >= PLAIN_EVERY_S:
            self._said_s = standing.elapsed_s
            line = summary(standing, total, left_s)
            if line != self._last and not self._terminal.quiet:
                # Where nothing is redrawn there is no width to keep: one line stays one.
                screen.console.print(screen.fit_text(line), soft_wrap=True)
            self._last = line

    def _tell_examination(self, examination: ExaminationStanding | None) -> None:
        """Once as it begins and once as it has ended; in between the count would be a line each time."""
        before, self._examined = self._examined, examination
        if examination is None or (before is not None and before.under_way is examination.under_way):
            return
        self._terminal.say(*_styled(examination))


def _styled(examination: ExaminationStanding) -> tuple[str, str]:
    style = "" if examination.under_way or examination.result is Result.PASSED else "yellow"
    return f"{words.safe(examination.sentence, 600)}.", style


def summary(standing: Standing, total: int, left_s: float | None) -> str:
    """`120 of 600 cells, 2 failed, 16 calls in flight, $0.0123 spent, 42 s, about 2 min left`."""
    most = "" if standing.race is None or standing.race.done else "at most "
    parts = [f"{standing.done():,} of {most}{words.count(total, 'cell')}"]
    if standing.failed():
        parts.append(f"{standing.failed():,} failed")
    if standing.in_flight is not None:
        parts.append(f"{words.count(standing.in_flight, 'call')} in flight")
    budget = "" if standing.budget_microcents is None else f" of {dollars(standing.budget_microcents)}"
    parts.append(f"{words.spent(standing.spent_microcents, standing.spent_is_lower_bound)}{budget} spent")
    parts.append(words.seconds(round(standing.elapsed_s)))
    if standing.stopping:
        parts.append("stopping")
    elif left_s is not None:
        parts.append(f"{most}about {words.seconds(max(1, round(left_s)))} left")
    return ", ".join(parts)


def trouble_line(trouble: Trouble) -> str:
    """`openai: No connection to http://127.0.0.1:9/v1 – trying 2 calls again, 12 s`."""
    message = words.safe(trouble.message, 160).rstrip(".")
    if trouble.silent:
        out = words.count(trouble.calls, "call")
        return f"{words.safe(trouble.provider)}: {message} – {out} out, {words.seconds(round(trouble.since_s))}"
    calls = "" if trouble.calls == 1 else f" {trouble.calls:,} calls"
    return f"{words.safe(trouble.provider)}: {message} – trying{calls} again, {words.seconds(round(trouble.since_s))}"


def once(trouble: Trouble) -> tuple[str, str]:
    """What tells it from others: the same words with another port of ours in them are the same wait."""
    return trouble.provider, trouble.message[:40]


def bars(standing: Standing, models: Sequence[str], per_model: int, left_s: float | None, width: int) -> list[Text]:
    """One line per model, then one on the whole; none wider than `width`."""
    shown = models[:MAX_BARS]
    planned = [standing.planned(model, per_model) for model in shown]
    counts = [f"{standing.done(model):,}/{cells:,}" for model, cells in zip(shown, planned, strict=True)]
    lost = [f"{standing.failed(model):,} failed" if standing.failed(model) else "" for model in shown]
    side = max(map(len, counts)) + max(map(len, lost)) + 6
    label = max(10, min(max(cell_len(words.safe(model)) for model in shown), width - side - 12))
    room = max(5, min(30, width - side - label))
    lines: list[Text] = []
    names = words.short_names(shown, label)
    for model, name, cells, count, failed in zip(shown, names, planned, counts, lost, strict=True):
        filled = int(room * standing.done(model) / cells) if cells else room
        line = Text(fill(name, label) + "  ")
        line.append("█" * filled, "green" if filled == room else "cyan").append("░" * (room - filled), "dim")
        line.append("  " + fill(count, max(map(len, counts)), left=False))
        lines.append(line.append(f"  {failed}" if failed else "", "yellow"))
    if len(models) > MAX_BARS:
        lines.append(Text(f"and {words.count(len(models) - MAX_BARS, 'more model')}", style="dim"))
    lines.append(Text(words.safe(summary(standing, standing.total(models, per_model), left_s)), style="dim"))
    if standing.examination is not None:
        said, style = _styled(standing.examination)
        lines.append(Text(words.hang(said, width, 2), style=style or "dim"))
    if standing.race is not None:
        lines.append(Text(words.hang(standing_line(standing.race), width, 2), style="dim"))
        lines += [Text(words.hang(drop_line(gone), width, 2), style="dim") for gone in standing.race.dropped]
    lines += [Text(words.hang(trouble_line(trouble), width, 2), style="yellow") for trouble in standing.troubles]
    if standing.stopping:
        lines.append(
            Text("Stopping: the calls in flight finish and are saved. Ctrl-C again leaves at once.", style="yellow")
        )
    return lines


def clock() -> float:
    return time.monotonic()
