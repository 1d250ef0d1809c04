"""Quality against cost: what each model scores, how sure that is, and what it costs a case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise

from steelyard.charts import canvas, scales
from steelyard.charts.canvas import SIZE, Frame, Hit, KeyItem, Line, Plot, Symbol, Text
from steelyard.charts.chart import Chart, Drawing, digest
from steelyard.charts.intervals import draw_intervals, intervals_heights, nothing_graded, quality_ticks, tick_labels
from steelyard.charts.labels import Anchor, Box, Segment, place
from steelyard.charts.models import (
    ModelFigures,
    briefly,
    models_table,
    ordered,
    says,
    standing_lines,
    standings_sentence,
    symbol_of,
)
from steelyard.charts.palette import Ink
from steelyard.charts.words import short_names, text_width
from steelyard.domain.money import MICROCENTS_PER_USD

_MOST_DRAWN = 60
_MOST_LABELS = 12
_LOG_FROM = 10.0
_LANE_GAP = 14.0
_LOG_MARGIN = 1.4
_TICK_ROOM = 54.0
_HEIGHTS = {"wide": 360, "narrow": 400}


def quality_cost(models: Sequence[ModelFigures]) -> Chart:
    """Each model's quality against its average cost of a case.

    The cost axis is logarithmic where costs differ tenfold. On it models that cost nothing have a lane of their own at
    the left; models of unknown cost always have one at the right. Where no model costs anything, quality alone is
    drawn. Beyond 12 models only those that stand out are named.
    """
    listed = ordered(models)
    shown = briefly(listed)
    graded = [item for item in shown if item.quality is not None]
    priced = any(item.cost_microcents for item in graded)
    said = standings_sentence(shown) if graded else nothing_graded(listed)
    if graded and not priced:
        known = any(item.cost_microcents is not None for item in graded)
        said += " No model here costs anything." if known else " No cost is known, so quality alone is drawn."
    return Chart(
        name="quality-cost",
        title="Quality against cost",
        sentence=said,
        reading=_READING if priced else "Points are mean qualities, lines their 95% intervals.",
        table=models_table(listed),
        etag=digest("quality-cost", listed),
        draw=partial(_draw, models=graded[:_MOST_DRAWN], priced=priced) if graded else None,
        heights=_HEIGHTS if priced else intervals_heights(min(_MOST_DRAWN, len(graded))),
    )


_READING = (
    "Up is better, left is cheaper. Upright lines are 95% intervals. The dashed line joins the models that no other "
    "beats on both mean quality and cost."
)


def frontier(models: Sequence[ModelFigures]) -> list[ModelFigures]:
    """The models of known cost that no other beats on one of mean quality and cost without losing on the other."""
    known = [item for item in models if item.quality is not None and item.cost_microcents is not None]
    found: list[ModelFigures] = []
    for item in sorted(known, key=lambda item: (item.cost_microcents or 0.0, -(item.quality or 0.0))):
        if not found or (item.quality or 0.0) > (found[-1].quality or 0.0):
            found.append(item)
    return found


@dataclass(frozen=True)
class _Costs:
    """The cost axis laid out: pixels of models, ticks with names, and the lanes beside the scale."""

    scale: scales.Scale
    ticks: tuple[tuple[float, str], ...]
    free: float | None
    unknown: float | None
    edges: tuple[float, ...] = field(default=())

    def at(self, cost_microcents: float | None) -> float:
        if cost_microcents is None:
            return self.unknown or 0.0
        if cost_microcents == 0 and self.free is not None:
            return self.free
        return self.scale.at(cost_microcents / MICROCENTS_PER_USD)


def _costs(models: Sequence[ModelFigures], frame: Frame, width: float) -> _Costs:
    usd = [item.cost_microcents / MICROCENTS_PER_USD for item in models if item.cost_microcents]
    log = max(usd) / min(usd) >= _LOG_FROM
    lane = 58.0 if frame.narrow else 84.0
    unknown = lane if any(item.cost_microcents is None for item in models) else 0.0
    free = lane * 0.6 if log and any(item.cost_microcents == 0 for item in models) else 0.0
    if log:
        low, high = min(usd) / _LOG_MARGIN, max(usd) * _LOG_MARGIN
        ticks = scales.log_ticks(low, high, max(2, int((width - free - unknown) / _TICK_ROOM)))
        names = [scales.log_money_label(tick) for tick in ticks]
    else:
        ticks = scales.linear_ticks(0.0, max(usd), 3 if frame.narrow else 5)
        low, high = ticks[0], ticks[-1]
        names = scales.money_labels(ticks)
    start, end = (free + _LANE_GAP if free else 0.0), (width - unknown - _LANE_GAP if unknown else width)
    scale = scales.Scale(low, high, start, end, log)
    placed = [(scale.at(tick), name) for tick, name in zip(ticks, names, strict=True)]
    return _Costs(
        scale,
        tuple(_apart(placed)),
        free / 2 if free else None,
        width - unknown / 2 if unknown else None,
        tuple(edge for edge in (free, width - unknown if unknown else 0.0) if edge),
    )


def _apart(ticks: Sequence[tuple[float, str]]) -> list[tuple[float, str]]:
    """The ticks whose names do not run into the one before."""
    kept: list[tuple[float, str]] = []
    for x, name in ticks:
        half = text_width(name, SIZE) / 2
        if not kept or x - half > kept[-1][0] + text_width(kept[-1][1], SIZE) / 2 + 6:
            kept.append((x, name))
    return kept


def _draw(frame: Frame, models: Sequence[ModelFigures], priced: bool) -> Drawing:
    if not priced:
        return draw_intervals(frame, models)
    framed = Frame(frame.name, frame.width, _HEIGHTS.get(frame.name, frame.height))
    ticks = quality_ticks(models, 5)
    names = tick_labels(ticks)
    items = [KeyItem("none is both better and cheaper", "dashed", Ink.LINK)]
    unit = "Quality, points of 100"
    top = canvas.key_height(items, unit, framed.width) + 4
    left = max(text_width(name, SIZE) for name in names) + 10
    plot = Plot(left, top, framed.width - left - 14, framed.height - top - 46)
    costs = _costs(models, framed, plot.width)
    up = scales.Scale(ticks[0], ticks[-1], plot.height, 0)
    spots = [(costs.at(item.cost_microcents), up.at(item.quality or 0.0)) for item in models]
    best = frontier(models)
    path = [spots[models.index(item)] for item in best]
    pareto = [Line(*start, *end, Ink.LINK, 1.75, (5, 3)) for start, end in pairwise(path)]
    whiskers = [
        Line(x, up.at(item.low), x, up.at(item.high), Ink.AXIS, 1.5)
        for item, (x, _) in zip(models, spots, strict=True)
        if item.low is not None and item.high is not None
    ]
    caps = [Line(line.x - 4, y, line.x + 4, y, Ink.AXIS, 1.5) for line in whiskers for y in (line.y, line.y2)]
    marks = [
        Symbol(*spot, *symbol_of(item), hollow=item not in best and not item.standings)
        for item, spot in zip(models, spots, strict=True)
    ]
    layers = [
        *canvas.lines(_grid(plot, up, ticks, costs)),
        *canvas.lines(pareto),
        *canvas.lines([*whiskers, *caps]),
        *canvas.symbols(marks),
        *_names(frame, plot, models, spots, [*pareto, *whiskers], best),
        *canvas.texts(_axis_words(framed, plot, up, ticks, names, costs)),
        *canvas.key(items, unit, plot, framed.width, lift=4),
        *canvas.hits([Hit(x, y, says(item)) for item, (x, y) in zip(models, spots, strict=True)]),
    ]
    return Drawing(framed, plot, layers)


def _grid(plot: Plot, up: scales.Scale, ticks: Sequence[float], costs: _Costs) -> list[Line]:
    grid = [Line(0, up.at(tick), plot.width, up.at(tick), Ink.GRID) for tick in ticks]
    grid += [Line(x, plot.height, x, plot.height + 4, Ink.AXIS) for x, _ in costs.ticks]
    grid += [Line(edge, -4, edge, plot.height + 22, Ink.AXIS, 1, (2, 3)) for edge in costs.edges]
    return [*grid, Line(0, plot.height, plot.width, plot.height, Ink.AXIS)]


def _axis_words(
    frame: Frame, plot: Plot, up: scales.Scale, ticks: Sequence[float], names: Sequence[str], costs: _Costs
) -> list[Text]:
    words = [Text(-8, up.at(tick), name, align="right") for tick, name in zip(ticks, names, strict=True)]
    words += [Text(x, plot.height + 14, name, align="center") for x, name in costs.ticks]
    if costs.free is not None:
        words.append(Text(costs.free, plot.height + 14, "free", align="center"))
    if costs.unknown is not None:
        words.append(Text(costs.unknown, plot.height + 14, "unknown", align="center"))
    scale = " (log scale)" if costs.scale.log else ""
    words.append(Text(plot.width / 2, plot.height + 34, f"average cost of a case, US dollars{scale}", align="center"))
    return words


def _names(
    frame: Frame,
    plot: Plot,
    models: Sequence[ModelFigures],
    spots: Sequence[tuple[float, float]],
    lines: Sequence[Line],
    best: Sequence[ModelFigures],
) -> list[canvas.Layer]:
    """Names beside the points, what the verdict says of a model below its name, thin leads where a name is far off."""
    ranked = sorted(range(len(models)), key=lambda i: (not models[i].standings, models[i] not in best, i))
    named = sorted(ranked[:_MOST_LABELS])
    widest = 120.0 if frame.narrow else 170.0
    shown = short_names([models[i].model for i in named], SIZE, widest)
    under = [standing_lines(models[i], SIZE, widest) for i in named]
    anchors = [
        Anchor(
            *spots[i],
            max([text_width(name, SIZE) * (1.06 if lines else 1.0), *(text_width(line, SIZE) for line in lines)]),
            15.0 + 15.0 * len(lines),
        )
        for i, name, lines in zip(named, shown, under, strict=True)
    ]
    taken = [Box(x - 6, y - 6, x + 6, y + 6) for i, (x, y) in enumerate(spots) if i not in named]
    boxes = place(
        anchors,
        Box(-4, -8, plot.width + 12, plot.height - 2),
        [Segment(line.x, line.y, line.x2, line.y2) for line in lines],
        taken,
    )
    words: list[Text] = []
    leads: list[Line] = []
    for anchor, box, name, standing in zip(anchors, boxes, shown, under, strict=True):
        at_left = box.right < anchor.x
        x = box.right if at_left else box.left
        align: canvas.Align = "right" if at_left else "left"
        words.append(Text(x, box.top + 7.5, name, Ink.TEXT, align, bold=bool(standing), halo=True))
        words += [
            Text(x, box.top + 22.5 + 15 * line, said, Ink.MUTED, align, halo=True) for line, said in enumerate(standing)
        ]
        nearest = (min(max(anchor.x, box.left), box.right), min(max(anchor.y, box.top), box.bottom))
        if abs(nearest[0] - anchor.x) + abs(nearest[1] - anchor.y) > 22:
            leads.append(Line(anchor.x, anchor.y, *nearest, Ink.AXIS, 1))
    return [*canvas.lines(leads), *canvas.texts(words)]
