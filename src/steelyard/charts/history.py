"""The quality of a skill over its runs of record, with how sure each figure was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise

from steelyard.charts import canvas, scales
from steelyard.charts.canvas import SIZE, Frame, Hit, Line, Plot, Symbol, Text
from steelyard.charts.chart import Chart, Drawing, digest
from steelyard.charts.intervals import interval_ticks, tick_labels
from steelyard.charts.palette import Ink
from steelyard.charts.tables import Column, Kind, Table
from steelyard.charts.words import between, clean, count, day, points, short_day, text_width

_MOST_DRAWN = 200
_MOST_POINTS = 60
_HEIGHTS = {"wide": 240, "narrow": 240}


@dataclass(frozen=True)
class RunQuality:
    """One run of record: when it ended, and the quality, 0-100, of the model that was best or led in it."""

    at: datetime
    quality: float
    low: float | None
    high: float | None
    model: str
    cases: int


def quality_history(runs: Sequence[RunQuality]) -> Chart:
    """Quality over time, of the 200 runs last in time; times are aware and shown in UTC."""
    listed = sorted(
        (replace(run, model=clean(run.model), at=run.at.astimezone(UTC)) for run in runs), key=lambda r: r.at
    )
    drawn = listed[-_MOST_DRAWN:]
    enough = len(drawn) > 1
    return Chart(
        name="quality-history",
        title="Quality over runs",
        sentence=_sentence(drawn) if enough else _too_little(drawn),
        reading="Points are mean qualities of each run's best or leading model, upright lines their 95% intervals.",
        table=_table(listed),
        etag=digest("quality-history", listed),
        draw=partial(_draw, runs=drawn) if enough else None,
        heights=_HEIGHTS,
    )


def _too_little(runs: Sequence[RunQuality]) -> str:
    if not runs:
        return "No run of record yet. Each finished benchmark of accepted golden cases adds a point here."
    only = runs[0]
    figures = f"{points(only.quality)} of 100{between(only.low, only.high)}"
    return f"One run of record so far: {figures} by {only.model} on {day(only.at)}. A history needs two."


def _sentence(runs: Sequence[RunQuality]) -> str:
    last, before = runs[-1], runs[-2]
    moved = last.quality - before.quality
    said = f"{points(last.quality)} of 100{between(last.low, last.high)} in the last of {count(len(runs), 'run')}"
    if abs(moved) < 0.05:
        return f"{said}, the same as in the run before."
    direction = f"{abs(moved):.1f} points {'above' if moved > 0 else 'below'} the run before"
    overlapping = (
        last.low is not None
        and last.high is not None
        and before.low is not None
        and before.high is not None
        and last.low <= before.high
        and before.low <= last.high
    )
    return f"{said}, {direction}{'; their intervals overlap' if overlapping else ''}."


def _table(runs: Sequence[RunQuality]) -> Table:
    return Table(
        columns=(
            Column("at", "Run ended", Kind.TIME),
            Column("model", "Best or leading model", Kind.TEXT),
            Column("quality", "Quality", Kind.POINTS),
            Column("quality_low", "95% from", Kind.POINTS),
            Column("quality_high", "95% to", Kind.POINTS),
            Column("cases", "Cases", Kind.COUNT),
        ),
        rows=tuple(
            (f"{run.at:%Y-%m-%dT%H:%M:%SZ}", run.model, run.quality, run.low, run.high, run.cases) for run in runs
        ),
    )


def _draw(frame: Frame, runs: Sequence[RunQuality]) -> Drawing:
    framed = Frame(frame.name, frame.width, _HEIGHTS.get(frame.name, frame.height))
    ticks = interval_ticks([(run.quality, run.low, run.high) for run in runs], 4)
    names = tick_labels(ticks)
    unit = "Quality, points of 100"
    top = canvas.key_height([], unit, frame.width)
    left = max(text_width(name, SIZE) for name in names) + 10
    plot = Plot(left, top, frame.width - left - 12, framed.height - top - 26)
    first, last = runs[0].at, runs[-1].at
    span = (last - first).total_seconds() or 1.0
    across = scales.Scale(0, span, 8, plot.width - 8)
    up = scales.Scale(ticks[0], ticks[-1], plot.height, 0)
    spots = [(across.at((run.at - first).total_seconds()), up.at(run.quality)) for run in runs]
    grid = [Line(0, up.at(tick), plot.width, up.at(tick)) for tick in ticks]
    words = [Text(-8, up.at(tick), name, align="right") for tick, name in zip(ticks, names, strict=True)]
    words += _day_words(first, last, across, plot, 3 if frame.narrow else 5)
    whiskers = [
        Line(x, up.at(run.low), x, up.at(run.high), Ink.AXIS, 1.5)
        for run, (x, _) in zip(runs, spots, strict=True)
        if run.low is not None and run.high is not None
    ]
    joined = [Line(*start, *end, Ink.ACCENT, 1.75) for start, end in pairwise(spots)]
    marks = [Symbol(x, y, "circle", Ink.ACCENT, 56) for x, y in spots] if len(runs) <= _MOST_POINTS else []
    layers = [
        *canvas.lines([*grid, *whiskers, *joined]),
        *canvas.symbols(marks),
        *canvas.texts(words),
        *canvas.key([], unit, plot, frame.width),
        *canvas.hits([Hit(x, y, _says(run)) for run, (x, y) in zip(runs, spots, strict=True)]),
    ]
    return Drawing(framed, plot, layers)


def _day_words(first: datetime, last: datetime, across: scales.Scale, plot: Plot, most: int) -> list[Text]:
    """Days under the axis; within one day there is one."""
    if first.date() == last.date():
        return [Text(plot.width / 2, plot.height + 15, day(first), align="center")]
    words: list[Text] = []
    long = (last - first) > timedelta(days=150)
    for at in scales.day_ticks(first.date(), last.date(), most):
        seconds = (datetime(at.year, at.month, at.day, tzinfo=UTC) - first).total_seconds()
        x = min(max(across.at(seconds), 0.0), plot.width)
        name = f"{at:%b %Y}" if long else short_day(at)
        half = text_width(name, SIZE) / 2
        if not words or x - half > words[-1].x + text_width(words[-1].text, SIZE) / 2 + 6:
            words.append(Text(min(x, plot.width + 10 - half), plot.height + 15, name, align="center"))
    return words


def _says(run: RunQuality) -> str:
    figures = f"quality {points(run.quality)} of 100{between(run.low, run.high)}"
    return f"{day(run.at)}: {figures}, {run.model}, {count(run.cases, 'case')}."
