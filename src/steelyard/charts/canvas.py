"""What charts are drawn with: frames, and lines, texts, symbols and places to point at as Altair layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import altair as alt

from steelyard.charts.palette import Ink
from steelyard.charts.words import text_width

Align = Literal["left", "center", "right"]

FONT = "Noto Sans, DejaVu Sans, Liberation Sans, Arial, sans-serif"
SIZE = 12.0
LINE = 18.0
_KEY_GAP = 16.0
_TEXT_LOOKS = {"align": "align", "fontSize": "size", "fontWeight": "weight"}


@dataclass(frozen=True)
class Layer:
    """A mark with its channels, and the rows it draws: Altair copies data it is given, which takes longer than the
    rest, so that rows join the specification last."""

    mark: alt.Chart
    rows: Sequence[dict[str, Any]]


@dataclass(frozen=True)
class Frame:
    """The whole picture in pixels; a page shows it no wider than its own text allows."""

    name: str
    width: int
    height: int

    @property
    def narrow(self) -> bool:
        return self.width < 480


WIDE = Frame("wide", 600, 300)
NARROW = Frame("narrow", 340, 290)


@dataclass(frozen=True)
class Plot:
    """The rectangle the data is drawn in; positions of marks count from its upper left corner."""

    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True)
class Text:
    x: float
    y: float
    text: str
    ink: Ink = Ink.MUTED
    align: Align = "left"
    size: float = SIZE
    bold: bool = False
    halo: bool = False


@dataclass(frozen=True)
class Line:
    x: float
    y: float
    x2: float
    y2: float
    ink: Ink = Ink.GRID
    width: float = 1.0
    dash: tuple[int, ...] = ()


@dataclass(frozen=True)
class Symbol:
    """`area` in square pixels, as Vega counts them."""

    x: float
    y: float
    shape: str
    ink: Ink
    area: float = 64.0
    hollow: bool = False


@dataclass(frozen=True)
class Hit:
    """A place to point at or to focus, that says what is there: a box, or a circle where it has no size."""

    x: float
    y: float
    says: str
    width: float = 0.0
    height: float = 0.0


@dataclass(frozen=True)
class KeyItem:
    """One entry of a chart's key; `swatch` is drawn 18 pixels wide around (x, y)."""

    label: str
    swatch: Literal["dashed", "fringe", "diamond", "dot", "ring", "bar", "hollow bar"]
    ink: Ink


def texts(items: Sequence[Text]) -> list[Layer]:
    """The texts above each other's halos."""
    rows = [
        {
            "x": item.x,
            "y": item.y,
            "text": item.text,
            "ink": item.ink.value,
            "align": item.align,
            "size": item.size,
            "weight": 600 if item.bold else 400,
            "halo": item.halo,
        }
        for item in items
    ]
    around = [row | {"ink": Ink.SURFACE.value} for row in rows if row["halo"]]
    looks: dict[str, Any] = {name: alt.ExprRef(f"datum.{field}") for name, field in _TEXT_LOOKS.items()}
    halo: dict[str, Any] = {"stroke": Ink.SURFACE.value, "strokeWidth": 4, "strokeJoin": "round"}
    return [
        Layer(
            alt.Chart()
            .mark_text(aria=False, baseline="middle", **looks, **more)
            .encode(x=pixels("x"), y=pixels("y", alt.Y), text=alt.Text("text:N"), fill=_as_is(alt.Fill, "ink")),
            group,
        )
        for group, more in ((around, halo), (rows, {}))
        if group
    ]


def lines(items: Sequence[Line]) -> list[Layer]:
    rows = [
        {
            "x": item.x,
            "y": item.y,
            "x2": item.x2,
            "y2": item.y2,
            "ink": item.ink.value,
            "width": item.width,
            "dash": list(item.dash),
        }
        for item in items
    ]
    mark = alt.Chart().mark_rule(
        aria=False, strokeWidth=alt.ExprRef("datum.width"), strokeDash=alt.ExprRef("datum.dash")
    )
    drawn = mark.encode(
        x=pixels("x"), y=pixels("y", alt.Y), x2=alt.X2("x2:Q"), y2=alt.Y2("y2:Q"), stroke=_as_is(alt.Stroke, "ink")
    )
    return [Layer(drawn, rows)] if rows else []


def symbols(items: Sequence[Symbol]) -> list[Layer]:
    rows = [
        {
            "x": item.x,
            "y": item.y,
            "shape": item.shape,
            "fill": (Ink.SURFACE if item.hollow else item.ink).value,
            "stroke": (item.ink if item.hollow else Ink.SURFACE).value,
            "area": item.area,
        }
        for item in items
    ]
    mark = alt.Chart().mark_point(aria=False, filled=True, opacity=1, strokeWidth=1.5, size=alt.ExprRef("datum.area"))
    drawn = mark.encode(
        x=pixels("x"),
        y=pixels("y", alt.Y),
        shape=_as_is(alt.Shape, "shape"),
        fill=_as_is(alt.Fill, "fill"),
        stroke=_as_is(alt.Stroke, "stroke"),
    )
    return [Layer(drawn, rows)] if rows else []


def hits(items: Sequence[Hit]) -> list[Layer]:
    """The last layer of a chart: unseen marks in the order of reading, each with what it says."""
    if not items:
        return []
    if all(item.width > 0 for item in items):
        rows = [
            {"x": item.x, "y": item.y, "x2": item.x + item.width, "y2": item.y + item.height, "says": item.says}
            for item in items
        ]
        boxes = alt.Chart().mark_rect(fill=Ink.HIT.value, opacity=0)
        drawn = boxes.encode(
            x=pixels("x"), y=pixels("y", alt.Y), x2=alt.X2("x2:Q"), y2=alt.Y2("y2:Q"), description=_says()
        )
        return [Layer(drawn, rows)]
    rows = [{"x": item.x, "y": item.y, "says": item.says} for item in items]
    circles = alt.Chart().mark_point(filled=True, fill=Ink.HIT.value, opacity=0, size=520, strokeWidth=0)
    return [Layer(circles.encode(x=pixels("x"), y=pixels("y", alt.Y), description=_says()), rows)]


def _says() -> alt.Description:
    return alt.Description("says:N")


def _as_is(channel: type[Any], field: str) -> Any:
    """A channel whose field holds what is to be drawn, not something to be scaled."""
    return channel(f"{field}:N", scale=None, legend=None)


def pixels(field: str, channel: type[Any] = alt.X) -> Any:
    """A channel whose field is a position in pixels from the plot's upper left corner."""
    return channel(f"{field}:Q", axis=None, scale=None)


def key_height(items: Sequence[KeyItem], unit: str, width: float) -> float:
    """The pixels that a chart's first lines, its unit and its key, take above the plot."""
    return LINE * (1 + max((row for _, _, row in _key_places(items, unit, width)), default=0)) + 6


def key(items: Sequence[KeyItem], unit: str, plot: Plot, width: float, lift: float = 0.0) -> list[Layer]:
    """The unit of the upright axis at the upper left, and the key at its right or below it where it has no room.

    `lift` pixels between the key and the plot are left to something else.
    """
    top = -key_height(items, unit, width) - lift + LINE / 2
    start = -plot.left
    words = [Text(start, top, unit)]
    strokes: list[Line] = []
    points: list[Symbol] = []
    for item, x, row in _key_places(items, unit, width):
        left, y = start + x, top + row * LINE
        words.append(Text(left + 24, y, item.label))
        match item.swatch:
            case "dashed":
                strokes.append(Line(left, y, left + 18, y, item.ink, 1.75, (5, 3)))
            case "fringe":
                strokes += [
                    Line(left + 3 + 4 * step, y + 4, left + 3 + 4 * step, y - 5, item.ink, 2) for step in range(4)
                ]
            case "diamond":
                strokes.append(Line(left + 9, y - 7, left + 9, y + 7, Ink.AXIS, 1, (2, 2)))
                points.append(Symbol(left + 9, y, "diamond", item.ink, 56))
            case "dot":
                points.append(Symbol(left + 9, y, "circle", item.ink))
            case "ring":
                points.append(Symbol(left + 9, y, "circle", item.ink, hollow=True))
            case "bar":
                points.append(Symbol(left + 9, y, "square", item.ink, 110))
            case "hollow bar":
                points.append(Symbol(left + 9, y, "square", item.ink, 90, hollow=True))
    return [*lines(strokes), *symbols(points), *texts(words)]


def _key_places(items: Sequence[KeyItem], unit: str, width: float) -> list[tuple[KeyItem, float, int]]:
    """Each item's left edge and row; row 0 is the unit's."""
    places: list[tuple[KeyItem, float, int]] = []
    x, row = text_width(unit, SIZE) + 2 * _KEY_GAP, 0
    for item in items:
        takes = 24 + text_width(item.label, SIZE)
        if x + takes > width and x > 0:
            x, row = 0.0, row + 1
        places.append((item, x, row))
        x += takes + _KEY_GAP
    return places


def compose(layers: Sequence[Layer], frame: Frame, plot: Plot, head: Sequence[Text] = ()) -> dict[str, Any]:
    """The Vega-Lite specification of the layers in a frame; `head` lines are put above everything, on a background."""
    above = LINE * len(head) + 12 if head else 0.0
    lifted = [replace(line, x=-plot.left, y=line.y - plot.top - above) for line in head]
    edge = 16.0 if head else 0.0
    drawn = [*layers, *texts(lifted)]
    names = [f"layer_{index}" for index in range(len(drawn))]
    marks = [layer.mark.properties(data=alt.NamedData(name=name)) for layer, name in zip(drawn, names, strict=True)]
    chart = alt.layer(
        *marks,
        width=plot.width,
        height=plot.height,
        config=alt.Config(font=FONT, view=alt.ViewConfig(stroke=None)),
        autosize=alt.AutoSizeParams(type="none"),
        padding={
            "left": plot.left + edge,
            "top": plot.top + above + edge,
            "right": frame.width - plot.left - plot.width + edge,
            "bottom": frame.height - plot.top - plot.height + edge,
        },
        background=Ink.SURFACE.value if head else "transparent",
    )
    spec = chart.to_dict(validate=False)
    spec["datasets"] = {name: list(layer.rows) for name, layer in zip(names, drawn, strict=True)}
    return spec
