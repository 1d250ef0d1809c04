"""The comparison of the models, what the skill adds to each, and their intervals on one scale."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.cells import cell_len
from rich.text import Text

from steelyard.cli import text as words
from steelyard.cli.grid import GAP, Column, fill, heading_lines, row, total_width
from steelyard.domain.money import dollars
from steelyard.domain.runs import Arm
from steelyard.execution.summaries import ModelSummary
from steelyard.services.reports import RunReport

MIN_NAME = 18
_BEST, _LEADING, _GOOD_ENOUGH, _CHEAPEST = "★", "☆", "✓", "$"
_LEGEND = {
    _BEST: "best",
    _LEADING: "leading, not proven",
    _GOOD_ENOUGH: "cheapest good enough",
    _CHEAPEST: "lowest known cost",
}


def arm_phrase(arm: str) -> str:
    return "with the skill" if arm == Arm.WITH_SKILL else "without the skill"


def comparison(report: RunReport, width: int) -> Iterator[Text]:
    """One row per model in the arm compared; on a narrow screen the name stands above its figures."""
    rows = [summary for summary in report.summaries if summary.arm == report.arm]
    marks = [_marks(report, rows, summary.model) for summary in rows]
    yield Text(f"{words.count(len(rows), 'model')} {arm_phrase(report.arm)}", style="bold underline")
    columns = _columns(rows)
    mark = Column("", "", marks, left=True, style="green")
    room = width - total_width([mark, *columns]) - GAP
    if room >= _least_room(rows):
        names = Column("Model", "", words.short_names([summary.model for summary in rows], room), left=True)
        table = [mark, names, *columns]
        yield from heading_lines(table)
        for index in range(len(rows)):
            yield row(table, index)
    else:
        yield from _stacked(rows, marks, columns, width)
    used = [symbol for symbol in _LEGEND if any(symbol in shown for shown in marks)]
    if used:
        legend = dict(_LEGEND)
        if _equals(rows, report.run.best_model):
            legend[_LEADING] += " (of equal means the cheaper)"
        said = (f"{symbol} {legend[symbol]}" for symbol in used)
        yield Text("   ".join(said), style="dim")


def _least_room(rows: Sequence[ModelSummary]) -> int:
    """Columns of the screen that names take beside their figures: as many as the longest has, 18 where it has more."""
    return min(MIN_NAME, max((cell_len(words.safe(summary.model)) for summary in rows), default=0))


def _equals(rows: Sequence[ModelSummary], leading: str | None) -> list[ModelSummary]:
    """The other models that have the leading one's very mean."""
    best = next((summary.quality for summary in rows if summary.model == leading), None)
    return [one for one in rows if best is not None and one.quality == best and one.model != leading]


def _leads(rows: Sequence[ModelSummary], model: str) -> bool:
    """Whether the model of the highest mean is set apart by it, or of equal ones by a lower known cost."""
    cost = next((summary.avg_cost_microcents for summary in rows if summary.model == model), None)
    equal = [summary.avg_cost_microcents for summary in _equals(rows, model)]
    return not equal or (cost is not None and all(other is None or other > cost for other in equal))


def skill_effect(report: RunReport, width: int) -> Iterator[Text]:
    """What the skill adds to each model, where both arms were run."""
    rows = [summary for summary in report.summaries if summary.arm == Arm.WITH_SKILL]
    without = {summary.model: summary for summary in report.summaries if summary.arm == Arm.WITHOUT_SKILL}
    if not without or all(summary.lift is None for summary in rows):
        return
    yield Text("What the skill adds (the same cases with minus without it)", style="bold underline")
    columns = [
        Column("Without", "points", [words.points(_quality(without.get(s.model))) for s in rows]),
        Column("With", "points", [words.points(s.quality) for s in rows]),
        Column("Lift", "points", [words.points(s.lift, signed=True) for s in rows]),
        Column("95% interval", "points", [words.interval(s.lift_low, s.lift_high, signed=True) or "–" for s in rows]),
        Column("Adds", "tokens in", [_whole(s.token_tax, signed=True) for s in rows]),
    ]
    room = width - total_width(columns) - GAP
    if room >= _least_room(rows):
        names = Column("Model", "", words.short_names([s.model for s in rows], room), left=True)
        table = [names, *columns]
        yield from heading_lines(table)
        for index, summary in enumerate(rows):
            line = row(table, index)
            if summary.lift is not None and summary.lift < 0:
                line.stylize("red")
            yield line
    else:
        yield from _stacked(rows, [""] * len(rows), columns, width)
    if any(_on_fewer_cases(summary, without.get(summary.model)) for summary in rows):
        yield Text("Lift is of the cases that have both scores, so it is not With minus Without here.", style="dim")


def _on_fewer_cases(having: ModelSummary, lacking: ModelSummary | None) -> bool:
    """Whether the arms' means are of other cases than their difference is."""
    if having.lift is None or having.quality is None or lacking is None or lacking.quality is None:
        return False
    return abs(having.quality - lacking.quality - having.lift) > 0.05


def plot(report: RunReport, width: int) -> Iterator[Text]:
    """Each model's quality and its 95% interval on one scale from 0 to 100 points."""
    rows = [s for s in report.summaries if s.arm == report.arm and s.quality is not None]
    if not rows:
        return
    label = min(max(cell_len(words.safe(s.model)) for s in rows), max(12, width // 3))
    room = width - label - 9
    if room < 21:
        return
    yield Text("Quality and its 95% interval on a scale of 0 to 100 points", style="bold underline")
    for summary, name in zip(rows, words.short_names([s.model for s in rows], label), strict=True):
        line = Text(fill(name, label) + "  ")
        line.append_text(_bar(summary, room))
        line.append(f"  {words.points(summary.quality):>5}")
        yield line
    yield Text(" " * (label + 2) + _scale(room), style="dim")


def _columns(rows: Sequence[ModelSummary]) -> list[Column]:
    return [
        Column("Quality", "points, 95%", [_with_interval(s) for s in rows]),
        Column("Pass", "cases", [words.percent(s.pass_rate) for s in rows]),
        Column("Cost", "/case", [_cost(s) for s in rows]),
        Column("Tokens", "/case", [_tokens(s) for s in rows]),
        Column("Latency", "p50/p95 s", [_latency(s) for s in rows]),
        Column("Fail", "/miss", [f"{s.failures}/{s.missing}" for s in rows]),
    ]


def _stacked(
    rows: Sequence[ModelSummary], marks: Sequence[str], columns: Sequence[Column], width: int
) -> Iterator[Text]:
    """Names above figures; below the width of all columns, each figure with its heading."""
    fits = total_width(columns) + 2 <= width
    if fits:
        for line in heading_lines(columns):
            yield Text("  ").append_text(line)
    for index, (summary, mark) in enumerate(zip(rows, marks, strict=True)):
        name = Text(f"{mark} " if mark else "", style="green")
        yield name.append(words.shorten(words.safe(summary.model), width - cell_len(name.plain)), "bold")
        if fits:
            yield Text("  ").append_text(row(columns, index))
        else:
            for column in columns:
                unit = f" ({column.unit})" if column.unit else ""
                yield Text(f"  {column.heading}{unit}: {column.values[index]}")


def _marks(report: RunReport, rows: Sequence[ModelSummary], model: str) -> str:
    verdict, run = report.verdict, report.run
    alone = verdict.kind == "single" or len(report.names) == 1
    shown = ""
    if verdict.best is not None and report.names[verdict.best] == model:
        shown += _BEST
    elif verdict.best is None and run.best_model == model and not alone and _leads(rows, model):
        shown += _LEADING
    if verdict.cheapest_good_enough is not None and report.names[verdict.cheapest_good_enough] == model:
        shown += _GOOD_ENOUGH
    if run.cheapest_model == model and not alone and run.cheapest_cost_microcents:
        shown += _CHEAPEST
    return shown


def _with_interval(summary: ModelSummary) -> str:
    shown = words.interval(summary.quality_low, summary.quality_high)
    return words.points(summary.quality) + (f" ({shown})" if shown else "")


def _quality(summary: ModelSummary | None) -> float | None:
    return None if summary is None else summary.quality


def _cost(summary: ModelSummary) -> str:
    """What is unknown is the price; a model that gave no answer has no cost to know."""
    if summary.avg_cost_microcents is None:
        return "unknown" if summary.heard else "–"
    return dollars(summary.avg_cost_microcents)


def _tokens(summary: ModelSummary) -> str:
    return "unknown" if summary.avg_tokens is None and summary.heard else _whole(summary.avg_tokens)


def _whole(value: float | None, *, signed: bool = False) -> str:
    if value is None:
        return "–"
    return f"{value:+,.0f}" if signed else f"{value:,.0f}"


def _latency(summary: ModelSummary) -> str:
    if summary.latency_ms_p50 is None:
        return "–"
    return f"{words.latency(summary.latency_ms_p50)}/{words.latency(summary.latency_ms_p95)}"


def _bar(summary: ModelSummary, room: int) -> Text:
    def place(value: float) -> int:
        return round(min(max(value, 0.0), 100.0) / 100 * (room - 1))

    cells = ["·"] * room
    for tick in (0, 25, 50, 75, 100):
        cells[place(tick)] = "│"
    low, high = summary.quality_low, summary.quality_high
    assert summary.quality is not None
    start, end = place(summary.quality), place(summary.quality)
    if low is not None and high is not None:
        start, end = place(low), place(high)
        cells[start : end + 1] = ["━"] * (end - start + 1)
    cells[place(summary.quality)] = "●"
    bar = Text("".join(cells), style="dim")
    bar.stylize("not dim cyan", start, end + 1)
    return bar


def _scale(room: int) -> str:
    marks = [" "] * room
    for value in (0, 25, 50, 75, 100):
        shown = str(value)
        at = round(value / 100 * (room - 1))
        start = min(max(0, at - len(shown) // 2), room - len(shown))
        marks[start : start + len(shown)] = shown
    return "".join(marks)
