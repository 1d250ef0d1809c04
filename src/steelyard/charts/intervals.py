"""Models one below the other, each with its quality and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from steelyard.charts import canvas, scales
from steelyard.charts.canvas import SIZE, Frame, Hit, Line, Plot, Symbol, Text
from steelyard.charts.chart import Chart, Drawing, digest
from steelyard.charts.models import (
    ModelFigures,
    briefly,
    fitting_standing,
    models_table,
    ordered,
    says,
    standing_words,
    standings_sentence,
    symbol_of,
)
from steelyard.charts.palette import Ink
from steelyard.charts.words import between, points, short_names, text_width

_MOST = 40
_TOP = 8
_ROW_WIDE = 32
_ROW_NARROW = 42
_MOST_NAME = 190.0
_MOST_STANDING = 210.0


def interval_plot(models: Sequence[ModelFigures]) -> Chart:
    """Quality of models with 95% intervals, highest first; at most 40 are drawn, all are in the table."""
    listed = ordered(models)
    shown = briefly(listed)
    graded = [item for item in shown if item.quality is not None]
    return Chart(
        name="quality-intervals",
        title="Quality of each model",
        sentence=standings_sentence(shown) if graded else nothing_graded(listed),
        reading="Points are mean qualities, lines their 95% intervals.",
        table=models_table(listed),
        etag=digest("quality-intervals", listed),
        draw=partial(draw_intervals, models=graded[:_MOST]) if graded else None,
        heights=intervals_heights(min(_MOST, len(graded))),
    )


def intervals_heights(rows: int) -> dict[str, int]:
    """Pixels by frame of that many models one below the other."""
    return {"wide": _height(rows, _ROW_WIDE), "narrow": _height(rows, _ROW_NARROW)}


def _height(rows: int, row: int) -> int:
    return _TOP + row * rows + 44


def nothing_graded(models: Sequence[ModelFigures]) -> str:
    if not models:
        return "No model has been benchmarked yet. Run a benchmark to see quality here."
    return "No answer has been graded yet. Quality appears here with the first graded cases."


def quality_ticks(models: Sequence[ModelFigures], about: int) -> list[float]:
    """Round values within 0-100 that hold every model's interval."""
    return interval_ticks([(item.quality, item.low, item.high) for item in models], about)


def interval_ticks(figures: Sequence[tuple[float | None, float | None, float | None]], about: int) -> list[float]:
    """Round values within 0-100 that hold every (quality, low, high)."""
    values = [value for item in figures for value in item if value is not None]
    low, high = min(values), max(values)
    if high - low < 4:
        low, high = max(0.0, low - 2), min(100.0, high + 2)
    return [tick for tick in scales.linear_ticks(low, high, about) if 0 <= tick <= 100]


def tick_labels(ticks: Sequence[float]) -> list[str]:
    whole = all(tick == round(tick) for tick in ticks)
    return [f"{tick:.0f}" if whole else f"{tick:.1f}" for tick in ticks]


def draw_intervals(frame: Frame, models: Sequence[ModelFigures]) -> Drawing:
    """One row a model: in a wide frame name, interval and figure beside each other, in a narrow one in two lines."""
    names = short_names([item.model for item in models], SIZE, _MOST_NAME)
    figures = [f"{points(item.quality or 0.0)}{between(item.low, item.high)}" for item in models]
    row = _ROW_NARROW if frame.narrow else _ROW_WIDE
    standings = [fitting_standing(item, SIZE, _MOST_STANDING) for item in models]
    name_width = 0.0 if frame.narrow else max(text_width(words, SIZE) for words in [*names, *standings]) + 14
    figure_width = 0.0 if frame.narrow else max(text_width(figure, SIZE) for figure in figures) + 10
    plot = Plot(name_width + 8, _TOP, frame.width - name_width - figure_width - 16, row * len(models))
    framed = Frame(frame.name, frame.width, _height(len(models), row))
    ticks = quality_ticks(models, 4 if frame.narrow else 5)
    across = scales.Scale(ticks[0], ticks[-1], 0, plot.width)
    grid = [Line(across.at(tick), 0, across.at(tick), plot.height) for tick in ticks]
    words = [
        Text(across.at(tick), plot.height + 14, label, align="center")
        for tick, label in zip(ticks, tick_labels(ticks), strict=True)
    ]
    words.append(Text(plot.width / 2, plot.height + 32, "quality, points of 100", align="center"))
    bars: list[Line] = []
    marks: list[Symbol] = []
    hits: list[Hit] = []
    for index, item in enumerate(models):
        top = index * row
        y = top + (row - 12 if frame.narrow else row / 2)
        x = across.at(item.quality or 0.0)
        if item.low is not None and item.high is not None:
            bars.append(Line(across.at(item.low), y, across.at(item.high), y, Ink.ACCENT, 2))
            bars += [Line(across.at(end), y - 4, across.at(end), y + 4, Ink.ACCENT, 2) for end in (item.low, item.high)]
        shape, ink, area = symbol_of(item)
        marks.append(Symbol(x, y, shape, ink, area))
        words += _row_words(frame, plot, names[index], figures[index], item, top, y)
        hits.append(Hit(-plot.left, top + 1, says(item), frame.width - 8, row - 2))
    layers = [
        *canvas.lines(grid),
        *canvas.lines(bars),
        *canvas.symbols(marks),
        *canvas.texts(words),
        *canvas.hits(hits),
    ]
    return Drawing(framed, plot, layers)


def _row_words(
    frame: Frame, plot: Plot, name: str, figure: str, item: ModelFigures, top: float, y: float
) -> list[Text]:
    bold = bool(item.standings)
    if frame.narrow:
        start = text_width(name, SIZE * 1.05) + 8 if bold else 0.0
        if bold and start + text_width(standing_words(item), SIZE) + text_width(figure, SIZE) + 8 > plot.width:
            # What the verdict says comes first: the interval is drawn below, and said by the mark.
            figure = figure.partition(" ")[0]
        room = plot.width - start - text_width(figure, SIZE) - 8
        standing = fitting_standing(item, SIZE, room)
        words = [Text(start, top + 13, standing, halo=True)] if standing else []
        return [
            Text(0, top + 13, name, Ink.TEXT, bold=bold, halo=True),
            *words,
            Text(plot.width, top + 13, figure, Ink.TEXT, align="right", halo=True),
        ]
    right = Text(plot.width + 12, y, figure, Ink.TEXT)
    if not bold:
        return [Text(-plot.left, y, name, Ink.TEXT), right]
    return [
        Text(-plot.left, y - 7, name, Ink.TEXT, bold=True),
        Text(-plot.left, y + 8, fitting_standing(item, SIZE, _MOST_STANDING)),
        right,
    ]
