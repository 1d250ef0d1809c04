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
from steelyard.cli.terminal import Terminal
from steelyard.domain.calls import Trouble
from steelyard.domain.money import dollars
from steelyard.domain.runs import CellState

PLAIN_EVERY_S = 5.0
WINDOW_S = 30.0
MAX_BARS = 12


@dataclass(frozen=True)
class Standing:
    """How far a run is at one moment. `ended` maps (model, state) to cells; money in microcents."""

    ended: Mapping[tuple[str, str], int]
    spent_microcents: int
    spent_is_lower_bound: bool
    budget_microcents: int | None
    in_flight: int
    elapsed_s: float
    stopping: bool = False
    troubles: Sequence[Trouble] = ()

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

    @property
    def total(self) -> int:
        return self._per_model * len(self._models)

    def update(self, standing: Standing) -> None:
        """Show this standing; without a terminal at most every few seconds, and each trouble once."""
        left_s = self._pace.left_s(standing.elapsed_s, standing.done(), self.total)
        screen = self._terminal.err
        if self._live is not None:
            lines = bars(standing, self._models, self._per_model, left_s, screen.width)
            self._live.update(Group(*(screen.fit(line) for line in lines)), refresh=True)
            return
        for trouble in standing.troubles:
            # Once each: what follows is the same wait, or the same words with another port of ours in them.
            if (trouble.provider, trouble.message[:40]) not in self._told:
                self._told.add((trouble.provider, trouble.message[:40]))
                self._terminal.warn(trouble_line(trouble))
        if standing.elapsed_s - self._said_s >= PLAIN_EVERY_S:
            self._said_s = standing.elapsed_s
            line = summary(standing, self.total, left_s)
            if line != self._last:
                self._terminal.say(line)
            self._last = line


def summary(standing: Standing, total: int, left_s: float | None) -> str:
    """`120 of 600 cells, 2 failed, 16 calls in flight, $0.0123 spent, 42 s, about 2 min left`."""
    parts = [f"{standing.done():,} of {words.count(total, 'cell')}"]
    if standing.failed():
        parts.append(f"{standing.failed():,} failed")
    parts.append(f"{words.count(standing.in_flight, 'call')} in flight")
    budget = "" if standing.budget_microcents is None else f" of {dollars(standing.budget_microcents)}"
    parts.append(f"{words.spent(standing.spent_microcents, standing.spent_is_lower_bound)}{budget} spent")
    parts.append(words.seconds(round(standing.elapsed_s)))
    if standing.stopping:
        parts.append("stopping")
    elif left_s is not None:
        parts.append(f"about {words.seconds(max(1, round(left_s)))} left")
    return ", ".join(parts)


def trouble_line(trouble: Trouble) -> str:
    """`openai: No connection to http://127.0.0.1:9/v1 – trying 2 calls again, 12 s`."""
    message = words.safe(trouble.message, 160).rstrip(".")
    if trouble.silent:
        out = words.count(trouble.calls, "call")
        return f"{words.safe(trouble.provider)}: {message} – {out} out, {words.seconds(round(trouble.since_s))}"
    calls = "" if trouble.calls == 1 else f" {trouble.calls:,} calls"
    return f"{words.safe(trouble.provider)}: {message} – trying{calls} again, {words.seconds(round(trouble.since_s))}"


def bars(standing: Standing, models: Sequence[str], per_model: int, left_s: float | None, width: int) -> list[Text]:
    """One line per model, then one on the whole; none wider than `width`."""
    shown = models[:MAX_BARS]
    counts = [f"{standing.done(model):,}/{per_model:,}" for model in shown]
    lost = [f"{standing.failed(model):,} failed" if standing.failed(model) else "" for model in shown]
    side = max(map(len, counts)) + max(map(len, lost)) + 6
    label = max(10, min(max(cell_len(words.safe(model)) for model in shown), width - side - 12))
    room = max(5, min(30, width - side - label))
    lines: list[Text] = []
    for model, name, count, failed in zip(shown, words.short_names(shown, label), counts, lost, strict=True):
        filled = int(room * standing.done(model) / per_model) if per_model else room
        line = Text(fill(name, label) + "  ")
        line.append("█" * filled, "green" if filled == room else "cyan").append("░" * (room - filled), "dim")
        line.append("  " + fill(count, max(map(len, counts)), left=False))
        lines.append(line.append(f"  {failed}" if failed else "", "yellow"))
    if len(models) > MAX_BARS:
        lines.append(Text(f"and {words.count(len(models) - MAX_BARS, 'more model')}", style="dim"))
    lines.append(Text(words.safe(summary(standing, per_model * len(models), left_s)), style="dim"))
    lines += [Text(words.hang(trouble_line(trouble), width, 2), style="yellow") for trouble in standing.troubles]
    if standing.stopping:
        lines.append(
            Text("Stopping: the calls in flight finish and are saved. Ctrl-C again leaves at once.", style="yellow")
        )
    return lines


def clock() -> float:
    return time.monotonic()
