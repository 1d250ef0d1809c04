"""Feedback by day: what was positive above the line, the rest below it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import Any

import altair as alt

from steelyard.charts import canvas, scales
from steelyard.charts.canvas import SIZE, Frame, Hit, KeyItem, Layer, Line, Plot, Text
from steelyard.charts.chart import Chart, Drawing, digest
from steelyard.charts.palette import Ink
from steelyard.charts.tables import Column, Kind, Table
from steelyard.charts.words import count, day, short_day, text_width

_HEIGHTS = {"wide": 200, "narrow": 200}


@dataclass(frozen=True)
class FeedbackDay:
    """One day's feedback: how many in all, and how many of them were positive."""

    day: date
    total: int
    positive: int


def feedback_trend(days: Sequence[FeedbackDay], *, last: date, span: int = 14) -> Chart:
    """Feedback over the `span` days up to and with `last`; days not given had none. ValueError when span is below 1."""
    if span < 1:
        raise ValueError(f"A trend needs at least a day, not {span}.")
    first = last - timedelta(days=span - 1)
    given = {item.day: item for item in days if first <= item.day <= last}
    filled = [given.get(at, FeedbackDay(at, 0, 0)) for at in (first + timedelta(days=i) for i in range(span))]
    total = sum(item.total for item in filled)
    return Chart(
        name="feedback-trend",
        title=f"Feedback, last {span} days",
        sentence=_sentence(filled, total) if total else f"No feedback in the last {span} days.",
        reading="Positive is a thumb up or a rating of 7 or more.",
        table=Table(
            columns=(
                Column("day", "Day", Kind.DAY),
                Column("total", "Feedback", Kind.COUNT),
                Column("positive", "Positive", Kind.COUNT),
                Column("positive_share", "Positive share", Kind.SHARE),
            ),
            rows=tuple(
                (item.day.isoformat(), item.total, item.positive, item.positive / item.total if item.total else None)
                for item in filled
            ),
        ),
        etag=digest("feedback-trend", filled),
        draw=partial(_draw, filled=filled) if total else None,
        heights=_HEIGHTS,
    )


def _sentence(filled: Sequence[FeedbackDay], total: int) -> str:
    positive = sum(item.positive for item in filled)
    return f"{positive} of {total:,} positive ({100 * positive / total:.0f}%) in {len(filled)} days."


def _draw(frame: Frame, filled: Sequence[FeedbackDay]) -> Drawing:
    framed = Frame(frame.name, frame.width, _HEIGHTS.get(frame.name, frame.height))
    others = [item.total - item.positive for item in filled]
    most = max(1, max(item.positive for item in filled))
    least = max(others)
    step = max(1, scales.linear_ticks(0, most + least, 3)[1])
    ticks = [step * at for at in range(-int(-(-least // step)), int(-(-most // step)) + 1)]
    items = [KeyItem("positive", "bar", Ink.ACCENT), KeyItem("other", "hollow bar", Ink.LINK)]
    unit = "Feedback a day"
    top = canvas.key_height(items, unit, frame.width)
    left = max(text_width(f"{abs(tick):.0f}", SIZE) for tick in ticks) + 10
    plot = Plot(left, top, frame.width - left - 8, framed.height - top - 26)
    up = scales.Scale(ticks[0], ticks[-1], plot.height, 0)
    slot = plot.width / len(filled)
    width = min(26.0, slot * 0.7)
    grid = [Line(0, up.at(tick), plot.width, up.at(tick), Ink.GRID if tick else Ink.AXIS) for tick in ticks]
    words = [Text(-8, up.at(tick), f"{abs(tick):.0f}", align="right") for tick in ticks]
    middles = [slot * (index + 0.5) for index in range(len(filled))]
    words += [
        Text(middles[(at - filled[0].day).days], plot.height + 15, short_day(at), align="center")
        for at in scales.day_ticks(filled[0].day, filled[-1].day, 4 if frame.narrow else 7)
    ]
    layers: list[Layer] = [
        *canvas.lines(grid),
        *_bars(
            [(x, up.at(item.positive), up.at(0)) for x, item in zip(middles, filled, strict=True)], width, Ink.ACCENT
        ),
        *_bars([(x, up.at(0), up.at(-n)) for x, n in zip(middles, others, strict=True)], width, Ink.LINK, hollow=True),
        *canvas.texts(words),
        *canvas.key(items, unit, plot, frame.width),
        *canvas.hits([Hit(slot * index, 0, _says(item), slot, plot.height) for index, item in enumerate(filled)]),
    ]
    return Drawing(framed, plot, layers)


def _bars(spans: Sequence[tuple[float, float, float]], width: float, ink: Ink, *, hollow: bool = False) -> list[Layer]:
    rows = [
        {"x": x - width / 2, "x2": x + width / 2, "y": high, "y2": low} for x, high, low in spans if low - high > 0.01
    ]
    looks: dict[str, Any] = {"stroke": ink.value, "strokeWidth": 1.5, "fill": (Ink.SURFACE if hollow else ink).value}
    mark = alt.Chart().mark_rect(aria=False, **looks)
    drawn = mark.encode(x=canvas.pixels("x"), x2=alt.X2("x2:Q"), y=canvas.pixels("y", alt.Y), y2=alt.Y2("y2:Q"))
    return [Layer(drawn, rows)] if rows else []


def _says(item: FeedbackDay) -> str:
    if not item.total:
        return f"{day(item.day)}: no feedback."
    return f"{day(item.day)}: {count(item.total, 'feedback', 'feedbacks')}, {item.positive:,} positive."
