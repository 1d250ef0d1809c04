"""What people say of a run, on a screen: the claim first, then figures, then what is missing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.text import Text

from steelyard.cli import text as words
from steelyard.cli.grid import GAP, Column, heading_lines, row, total_width
from steelyard.services.people_words import REASONS, headline

if TYPE_CHECKING:
    from steelyard.cli.terminal import Terminal
    from steelyard.services.people import PeopleReport
    from steelyard.statistics import Agreement, HumanEstimate

_LABEL = 8
_LEAST_NAME = 14


def tell_people(report: PeopleReport, terminal: Terminal) -> None:
    """One line in a run's report; nothing where nobody has rated."""
    if terminal.quiet or not report.ratings:
        return
    said = f"{headline(report, _names(report))} More: steelyard ratings {str(report.run_id)[:8]}"
    terminal.out.line(
        Text(f"{'People':<{_LABEL}}", style="bold").append(words.hang(said, terminal.out.width, _LABEL), "not bold")
    )


def render_people(report: PeopleReport, width: int) -> Iterator[Text]:
    """Paragraphs from top to bottom; sentences are to be wrapped at `width`."""
    names = _names(report)
    yield Text(headline(report, names), style="bold")
    if report.cases and report.models:
        yield Text()
        yield from _models(report, names, width)
    if report.agreement is not None:
        yield Text()
        yield from _agreement(report)
    if report.raters:
        yield Text()
        for rater in report.raters:
            mean = "" if rater.mean is None else f", mean {rater.mean:.1f} of 10"
            more = f", {rater.skipped:,} skipped" if rater.skipped else ""
            more += f", {rater.in_view:,} with the model in view" if rater.in_view else ""
            yield Text(f"{words.safe(rater.name, 40)}: {words.count(rater.rated, 'blind rating')}{mean}{more}")
    if report.needs:
        yield Text()
        for need in report.needs:
            yield Text("- " + words.hang(need, width, 2), style="dim")


def _names(report: PeopleReport) -> dict[str, str]:
    return {model.model: words.safe(model.model) for model in report.models}


def _models(report: PeopleReport, names: dict[str, str], width: int) -> Iterator[Text]:
    columns = [
        Column("People", "points", [words.points(one.people.mean) for one in report.models]),
        Column("95%", "interval", [_interval(one.people) for one in report.models]),
        Column("Rated", "cases", [f"{one.people.n_rated:,}" for one in report.models]),
        Column("Graded", "points", [words.points(one.graded) for one in report.models]),
    ]
    room = max(_LEAST_NAME, width - total_width(columns) - GAP)
    models = Column("Model", "", [words.shorten(names[one.model], room) for one in report.models], left=True)
    yield from heading_lines([models, *columns])
    for index in range(len(report.models)):
        yield row([models, *columns], index)
    for gap in report.gaps:
        said = f"{names[gap.leader]} above {names[gap.rival]}: {_gap(gap.difference)}"
        yield Text("- " + words.hang(said, width, 2))


def _gap(difference: HumanEstimate) -> str:
    if difference.mean is None or difference.p is None:
        return f"nothing is claimed, as {REASONS.get(difference.reason or '', 'too little is rated')}"
    p = "p < 0.001" if difference.p < 0.001 else f"p = {difference.p:.3f}"
    interval = words.interval(difference.low, difference.high, signed=True)
    return f"{words.points(difference.mean, signed=True)} points, 95% interval {interval}, {p}"


def _interval(estimate: HumanEstimate) -> str:
    return words.interval(estimate.low, estimate.high) or "–"


def _agreement(report: PeopleReport) -> Iterator[Text]:
    found = report.agreement
    assert found is not None
    grader = "the judge" if report.judge else "the checks"
    kinds = [
        (f"{grader} with people", found.judge),
        ("people with each other", found.people),
        ('"the longest wins" with people', found.length),
    ]
    lines = [(who, one) for who, one in kinds if one is not None]
    columns = [
        Column("Agreement", "", [who for who, _ in lines], left=True),
        Column("Outputs", "", [f"{one.n:,}" for _, one in lines]),
        Column("Rank", "correlation", [_correlation(one) for _, one in lines]),
        Column("Same", "order", [words.percent(one.order) for _, one in lines]),
    ]
    yield from heading_lines(columns)
    for index in range(len(lines)):
        yield row(columns, index)


def _correlation(one: Agreement) -> str:
    if one.spearman is None:
        return "–"
    return f"{one.spearman:.2f}" + (
        "" if one.low is None or one.high is None else f" ({one.low:.2f} to {one.high:.2f})"
    )
