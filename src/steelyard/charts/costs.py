"""The cost of a skill's uses, day by day, with its benchmark runs and with what is not known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial

import altair as alt

from steelyard.charts import canvas, scales
from steelyard.charts.canvas import Frame, Hit, KeyItem, Layer, Line, Plot, Symbol, Text
from steelyard.charts.chart import Chart, Drawing, digest
from steelyard.charts.palette import Ink
from steelyard.charts.tables import Column, Kind, Table
from steelyard.charts.words import change, clean, count, day, money, short_day, text_width
from steelyard.domain.money import MICROCENTS_PER_USD

_MOST_RULES = 16


@dataclass(frozen=True)
class CostDay:
    """One day's uses; `cost_microcents` is the known cost, without that of `unknown_uses` among the uses."""

    day: date
    cost_microcents: int
    uses: int
    unknown_uses: int = 0


@dataclass(frozen=True)
class RunMark:
    """A benchmark run to mark on a day; `label` says which: `3 models, 24 cases`."""

    day: date
    label: str


def cost_trend(days: Sequence[CostDay], runs: Sequence[RunMark], *, last: date, span: int = 90) -> Chart:
    """Daily cost over the `span` days up to and with `last`; days not given had no use and cost nothing.

    `days` holds each day once, in any order. ValueError when `span` is below 2.
    """
    if span < 2:
        raise ValueError(f"A trend needs at least 2 days, not {span}.")
    first = last - timedelta(days=span - 1)
    given = {item.day: item for item in days if first <= item.day <= last}
    filled = [given.get(at, CostDay(at, 0, 0)) for at in (first + timedelta(days=offset) for offset in range(span))]
    marks = [
        RunMark(run.day, clean(run.label)) for run in sorted(runs, key=lambda run: run.day) if first <= run.day <= last
    ]
    used = [item for item in filled if item.uses]
    enough = len(used) > 1 and any(item.uses > item.unknown_uses for item in used)
    return Chart(
        name="cost-trend",
        title=f"Cost per day, last {span} days",
        sentence=_sentence(filled, used, span) if enough else _too_little(used, span),
        reading="Each day's cost of use in US dollars. Benchmark runs are marked; their own cost is not in it.",
        table=_table(filled, marks),
        etag=digest(
            "cost-trend",
            # Tuples: a year has a thousand of these, and a class is looked into one by one.
            [(item.day.toordinal(), item.cost_microcents, item.uses, item.unknown_uses) for item in filled],
            [(mark.day.toordinal(), mark.label) for mark in marks],
            span,
        ),
        draw=partial(_draw, filled=filled, runs=marks) if enough else None,
    )


def _too_little(used: Sequence[CostDay], span: int) -> str:
    if not used:
        return (
            f"No use was recorded in the last {span} days. Uses are sent to POST /v1/measurements or imported from"
            " a CSV file; what a case costs each model stands in the table of models."
        )
    uses = sum(item.uses for item in used)
    if len(used) > 1:
        return f"{count(uses, 'use')} in {span} days, none with a known cost: the models' prices are not known."
    only = used[0]
    spent = f"{_at_least(only)} for {count(only.uses, 'use')}"
    return f"Used on one day so far: {spent} on {day(only.day)}. A trend needs two days."


def _sentence(filled: Sequence[CostDay], used: Sequence[CostDay], span: int) -> str:
    total = sum(item.cost_microcents for item in filled)
    uses = sum(item.uses for item in used)
    unknown = sum(item.unknown_uses for item in used)
    average = f", {money(total / (uses - unknown))} a use" if total else ""
    said = f"{'At least ' if unknown else ''}{money(total)} in {span} days for {count(uses, 'use')}{average}."
    if unknown:
        days = sum(1 for item in used if item.unknown_uses)
        said += f" The cost of {count(unknown, 'use')} on {count(days, 'day')} is not known."
    return said + _movement(filled)


def _movement(filled: Sequence[CostDay]) -> str:
    """How a use's average known cost changed from the first half to the second, where both have a fair number."""
    half = len(filled) // 2
    averages: list[float] = []
    for part in (filled[: len(filled) - half], filled[len(filled) - half :]):
        known = sum(item.uses - item.unknown_uses for item in part)
        if known < 5:
            return ""
        averages.append(sum(item.cost_microcents for item in part) / known)
    if averages[0] == 0:
        return ""
    words, before = change(*averages), f"in the {len(filled) - half} days before"
    than = "as" if words.endswith(("as much", "about the same")) else "than"
    return f" In the last {half} days a use cost {words} {than} {before}."


def _table(filled: Sequence[CostDay], runs: Sequence[RunMark]) -> Table:
    labels = _labels(runs)
    return Table(
        columns=(
            Column("day", "Day", Kind.DAY),
            Column("cost", "Known cost", Kind.MONEY),
            Column("uses", "Uses", Kind.COUNT),
            Column("unknown_uses", "Uses of unknown cost", Kind.COUNT),
            Column("benchmark_runs", "Benchmark runs", Kind.TEXT),
        ),
        rows=tuple(
            (
                item.day.isoformat(),
                item.cost_microcents if item.uses > item.unknown_uses or not item.uses else None,
                item.uses,
                item.unknown_uses,
                labels.get(item.day),
            )
            for item in filled
        ),
    )


def _labels(runs: Sequence[RunMark]) -> dict[date, str]:
    by_day: dict[date, list[str]] = {}
    for run in runs:
        by_day.setdefault(run.day, []).append(run.label)
    return {
        at: labels[0] if len(labels) == 1 else f"{len(labels)} runs: {'; '.join(labels[:3])}{'; …' * (len(labels) > 3)}"
        for at, labels in by_day.items()
    }


def _at_least(item: CostDay) -> str:
    if item.unknown_uses and item.unknown_uses == item.uses:
        return "unknown cost"
    return f"{'at least ' if item.unknown_uses else ''}{money(item.cost_microcents)}"


def _draw(frame: Frame, filled: Sequence[CostDay], runs: Sequence[RunMark]) -> Drawing:
    most = max(item.cost_microcents for item in filled) / MICROCENTS_PER_USD
    ticks = scales.linear_ticks(0, most or 1.0, 4)
    names = scales.money_labels(ticks)
    labels = _labels(runs)
    unknown = [item for item in filled if item.unknown_uses]
    items = [KeyItem("benchmark run", "diamond", Ink.TEXT)] if runs else []
    if unknown:
        items.append(KeyItem("at least: some costs not known", "fringe", Ink.CAUTION))
    unit = "US dollars a day"
    left = max(text_width(name, canvas.SIZE) for name in names) + 10
    top = canvas.key_height(items, unit, frame.width) + (12 if runs else 0)
    plot = Plot(left, top, frame.width - left - 8, frame.height - top - 26)
    across = scales.Scale(0, len(filled) - 1, 0, plot.width)
    up = scales.Scale(0, ticks[-1], plot.height, 0)
    first = filled[0].day

    grid = [Line(0, up.at(tick), plot.width, up.at(tick), Ink.GRID if tick else Ink.AXIS) for tick in ticks]
    words = [Text(-8, up.at(tick), name, align="right", bold=False) for tick, name in zip(ticks, names, strict=True)]
    for at in scales.day_ticks(first, filled[-1].day, 4 if frame.narrow else 7):
        x = across.at((at - first).days)
        grid.append(Line(x, plot.height, x, plot.height + 4, Ink.AXIS))
        words.append(_day_label(at, x, plot, len(filled)))
    fringe = [
        Line(x, up.at(usd) - 1, x, max(-4.0, up.at(usd) - 9), Ink.CAUTION, 2)
        for item in unknown
        for x, usd in [(across.at((item.day - first).days), item.cost_microcents / MICROCENTS_PER_USD)]
    ]
    marked = [across.at((at - first).days) for at in labels]
    rules = [Line(x, -4, x, plot.height, Ink.AXIS, 1, (2, 3)) for x in marked] if len(marked) <= _MOST_RULES else []
    diamonds = [Symbol(x, -9, "diamond", Ink.TEXT, 56) for x in marked]
    width = plot.width / len(filled)
    boxes = [
        Hit(
            min(max(0.0, across.at(index) - width / 2), plot.width - width),
            -12 if runs else 0,
            _says(item, labels.get(item.day)),
            width,
            plot.height + (12 if runs else 0),
        )
        for index, item in enumerate(filled)
    ]
    layers: list[Layer] = [
        *canvas.lines(grid),
        _area(filled, ticks[-1]),
        *canvas.lines(rules),
        *canvas.lines(fringe),
        *canvas.symbols(diamonds),
        *canvas.texts(words),
        *canvas.key(items, unit, plot, frame.width, lift=12 if runs else 0),
        *canvas.hits(boxes),
    ]
    return Drawing(frame, plot, layers)


def _area(filled: Sequence[CostDay], top: float) -> Layer:
    rows = [
        {
            "day": f"{item.day.isoformat()}T00:00:00Z",
            "usd": item.cost_microcents / MICROCENTS_PER_USD,
            "uses": item.uses,
        }
        for item in filled
    ]
    ends = [rows[0]["day"], rows[-1]["day"]]
    mark = (
        alt.Chart()
        .mark_area(
            aria=False,
            fill=Ink.AREA.value,
            fillOpacity=1,
            line=alt.OverlayMarkDef(color=Ink.ACCENT.value, strokeWidth=1.75, aria=False),
        )
        .encode(
            x=alt.X("day:T", axis=None, scale=alt.Scale(type="utc", domain=ends)),
            y=alt.Y("usd:Q", axis=None, scale=alt.Scale(domain=[0, top], nice=False)),
        )
    )
    return Layer(mark, rows)


def _day_label(at: date, x: float, plot: Plot, span: int) -> Text:
    name = (f"{at:%b}" if at.month > 1 else f"{at:%b %Y}") if span > 150 else short_day(at)
    half = text_width(name, canvas.SIZE) / 2
    y = plot.height + 15
    if x + half > plot.width + 8:
        return Text(plot.width + 6, y, name, align="right")
    return Text(x, y, name, align="center")


def _says(item: CostDay, run: str | None) -> str:
    said = f"{day(item.day)}: {_at_least(item)}, {count(item.uses, 'use')}" if item.uses else f"{day(item.day)}: no use"
    if item.unknown_uses and item.unknown_uses < item.uses:
        said += f", {item.unknown_uses:,} of unknown cost"
    return f"{said}. Benchmark: {run}." if run else f"{said}."
