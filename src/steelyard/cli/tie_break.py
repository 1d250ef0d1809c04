"""A tie-break on a screen: what it would take, how far it is, and what came of it beside the verdict."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Group
from rich.live import Live
from rich.text import Text

from steelyard.cli import text as words
from steelyard.cli.progress import PLAIN_EVERY_S, once, trouble_line
from steelyard.cli.terminal import Terminal
from steelyard.domain.calls import Trouble
from steelyard.domain.money import dollars
from steelyard.domain.tie_breaks import UNDER_WAY
from steelyard.services.reports import RunReport
from steelyard.services.tie_break_words import KEPT, can_be_broken, tie_break_words
from steelyard.services.tie_breaks import TieBreakOffer
from steelyard.storage.tie_breaks import TieBreakRow

_LABEL = 8


def offer_lines(offer: TieBreakOffer) -> Iterator[str]:
    """What is compared, who judges, and what it takes."""
    yield f"Tied: {words.safe(', '.join(offer.models))}."
    same = f", {offer.identical:,} of them identical and so ties without a call" if offer.identical else ""
    yield f"To compare: {words.count(offer.meetings, 'pair')} of outputs on {words.count(offer.cases, 'case')}{same}."
    if offer.paid:
        yield f"{words.count(offer.paid, 'comparison')} are paid for already and are not asked for again."
    if not offer.calls:
        yield "To do: nothing is left to be asked."
        return
    gate = f", {offer.gate_calls:,} of them to try the judge on junk first" if offer.gate_calls else ""
    cost = "cost unknown" if offer.cost_microcents is None else f"about {dollars(offer.cost_microcents)}"
    tokens = words.rounded(offer.input_tokens + offer.output_tokens)
    yield f"To do: {words.count(offer.calls, 'call')} of the judge{gate}, about {tokens} tokens, {cost}."
    if offer.cost_microcents is None:
        yield (
            f"No price is known for {words.safe(offer.judge.text)}, and a budget cannot count it."
            " `steelyard providers set-price` gives one to a model of your own provider, `[providers.NAME.prices]` in"
            " settings.toml to one of the server's."
        )


def progress_line(row: TieBreakRow, in_flight: int | None) -> str:
    """`Comparing: 120 of 400 comparisons, 12 calls in flight, $0.0123 spent`; `in_flight` None: it is not known."""
    of = "the answers are read" if row.planned is None else f"{row.done:,} of {row.planned:,} comparisons"
    spent = words.spent(row.spent_microcents, row.spent_is_lower_bound)
    budget = "" if row.budget_microcents is None else f" of {dollars(row.budget_microcents)}"
    flying = "" if in_flight is None else f" {words.count(in_flight, 'call')} in flight,"
    return f"Comparing: {of},{flying} {spent}{budget} spent"


class TieBreakProgress:
    """How far it is: redrawn on a terminal, else a line every few seconds, unless it is the same as the last."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._said_s = 0.0
        self._last = ""
        self._told: set[tuple[str, str]] = set()
        live = terminal.err.live and not terminal.quiet
        self._live = Live(console=terminal.err.console, auto_refresh=False, transient=True) if live else None

    def __enter__(self) -> TieBreakProgress:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def update(self, row: TieBreakRow, in_flight: int | None, troubles: Sequence[Trouble], elapsed_s: float) -> None:
        """Show how it stands and which provider fails, and why; without a terminal each trouble once."""
        screen = self._terminal.err
        line = progress_line(row, in_flight)
        if self._live is not None:
            lines = [Text(line, style="dim")]
            lines += [Text(words.hang(trouble_line(one), screen.width, 2), style="yellow") for one in troubles]
            self._live.update(Group(*(screen.fit(one) for one in lines)), refresh=True)
            return
        for trouble in troubles:
            if once(trouble) not in self._told:
                self._told.add(once(trouble))
                self._terminal.warn(trouble_line(trouble))
        if elapsed_s - self._said_s >= PLAIN_EVERY_S:
            self._said_s = elapsed_s
            if line != self._last:
                self._terminal.say(line)
            self._last = line


def tie_break_lines(row: TieBreakRow, width: int, beside: Sequence[TieBreakRow]) -> Iterator[Text]:
    """The claim with its label, then what stands behind it."""
    said = tie_break_words(row, {model: words.safe(model) for model in row.models}, beside)
    style = "bold red" if said.bad else "bold green" if said.named is not None else "bold yellow"
    yield Text(words.safe(said.claim), style="bold" if row.status in UNDER_WAY else style)
    for fact in said.facts:
        yield Text("  " + words.hang(words.safe(fact, 600), width, 2))
    if row.calls:
        spent = words.spent(row.spent_microcents, row.spent_is_lower_bound)
        yield Text(f"  It took {words.count(row.calls, 'call')}, {spent}, beside what the run did.")


def tie_breaks(report: RunReport, width: int) -> Iterator[Text]:
    """In a run's report; of a tie nobody has tried to break only how to."""
    for row in report.tie_breaks:
        yield from tie_break_lines(row, width, report.tie_breaks)
    if report.tie_breaks:
        yield Text(KEPT, style="dim")
    elif can_be_broken(report):
        hint = f"steelyard tie-break {str(report.run.id)[:8]} has a judge compare the tied models' outputs pair by pair"
        yield Text(f"{'Tie':<{_LABEL}}", style="bold").append(words.hang(hint, width, _LABEL), "not bold")
