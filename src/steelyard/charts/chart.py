"""A chart: its sentence, its table, and its picture in the forms a page, a download or a report needs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from enum import Enum
from typing import Any, cast

from altair.utils import schemapi
from markupsafe import Markup

from steelyard.charts import render
from steelyard.charts.canvas import LINE, NARROW, SIZE, WIDE, Frame, Layer, Plot, Text, compose
from steelyard.charts.inline import inline
from steelyard.charts.palette import Ink
from steelyard.charts.tables import Column, Kind, Table
from steelyard.charts.words import wrap

# Raised whenever the same figures are to look different.
_LOOK = 1


@dataclass(frozen=True)
class Drawing:
    """A chart laid out for one frame."""

    frame: Frame
    plot: Plot
    layers: Sequence[Layer]


@dataclass(frozen=True)
class Chart:
    """One chart of fixed figures. `draw` is None where there is too little to draw; `sentence` then says what to do.

    A chart can be pickled, to be drawn in another process: `draw` is a function of a module with its figures.

    `sentence` says what the chart shows, `reading` how to read it; `etag` is the same for the same figures and look,
    whatever the form. `heights` are in pixels by frame, of pictures that are not as high as the frame.
    """

    name: str
    title: str
    sentence: str
    reading: str
    table: Table
    etag: str
    draw: Callable[[Frame], Drawing] | None = field(repr=False, compare=False)
    heights: Mapping[str, int] = field(default_factory=dict[str, int], repr=False, compare=False)

    @property
    def empty(self) -> bool:
        return self.draw is None

    def marked(self, mark: str) -> Chart:
        """The same with what must be said of its figures first: on its pictures, and on every row of its files."""
        column = Column("judge_examination", "Judge's examination", Kind.TEXT, shown=False)
        return replace(
            self,
            sentence=f"{mark} {self.sentence}",
            table=Table((*self.table.columns, column), tuple((*row, mark) for row in self.table.rows)),
            etag=digest("marked", self.etag, mark),
        )

    @property
    def frames(self) -> tuple[Frame, ...]:
        """The frames `figure` is drawn in."""
        return WIDE, NARROW

    def size(self, frame: Frame = WIDE) -> tuple[int, int]:
        """Width and height in pixels of the picture in this frame, known without drawing it."""
        return frame.width, self.heights.get(frame.name, frame.height)

    def spec(self, frame: Frame = WIDE, *, standalone: bool = False) -> dict[str, Any]:
        """The Vega-Lite specification with its data; `standalone` puts title and sentence on it. {} when empty."""
        if self.draw is None:
            return {}
        # Altair checks every mark against its schema, which takes longer than drawing; the tests do that once for all.
        with schemapi.debug_mode(False):
            drawing = self.draw(frame)
            return compose(drawing.layers, drawing.frame, drawing.plot, self._head(drawing.frame) if standalone else ())

    def svg(self, frame: Frame = WIDE) -> Markup:
        """The picture as inline SVG for a page under a strict policy; empty markup when there is nothing to draw."""
        if self.draw is None:
            return Markup()
        return render.kept.get(
            (self.etag, "svg", frame.name),
            lambda: inline(
                render.to_svg(self.spec(frame)),
                name=frame.name,
                label=self.title,
                description=f"{self.sentence} {self.reading}".strip(),
            ),
        )

    def figure(self) -> Markup:
        """The wide and the narrow picture, of which charts.css shows the one that fits; empty markup without either."""
        if self.draw is None:
            return Markup()
        return Markup('<div class="chart" data-chart="{}">{}{}</div>').format(
            self.name, self.svg(WIDE), self.svg(NARROW)
        )

    def svg_file(self) -> str:
        """The wide picture with its title and sentence on white as an SVG document of its own; "" when empty."""
        if self.draw is None:
            return ""
        return render.kept.get((self.etag, "file"), lambda: render.to_svg(self.spec(WIDE, standalone=True)))

    def png(self, scale: float = 2.0) -> bytes:
        """The wide picture with its title and sentence on white, `scale` (at most 4) device pixels to one; b"" when
        empty."""
        if self.draw is None:
            return b""
        scale = min(4.0, max(0.5, scale))
        return render.kept.get(
            (self.etag, "png", scale), lambda: render.to_png(self.spec(WIDE, standalone=True), scale)
        )

    def document(self) -> dict[str, Any]:
        """The chart as JSON: title, sentence, figures, and the specification to draw it elsewhere."""
        return {
            "chart": self.name,
            "title": self.title,
            "sentence": self.sentence,
            "reading": self.reading,
            "columns": [
                {"key": column.key, "title": column.title, "unit": column.unit} for column in self.table.columns
            ],
            "rows": self.table.records(),
            "spec": self.spec(WIDE, standalone=True),
        }

    def _head(self, frame: Frame) -> list[Text]:
        title = Text(0, LINE / 2, self.title, Ink.TEXT, size=15, bold=True)
        lines = wrap(self.sentence, SIZE, frame.width)
        return [
            title,
            *(Text(0, LINE * (index + 1.5) + 2, line, Ink.TEXT, size=SIZE) for index, line in enumerate(lines)),
        ]


def digest(name: str, *figures: Any) -> str:
    """What identifies a chart's content: name, figures (dataclasses and plain values), look and converter."""
    canonical = json.dumps(
        [name, _LOOK, render.converter_version(), figures], default=_plain, sort_keys=True, separators=(",", ":")
    )
    return hashlib.sha256(canonical.encode("utf-8", "backslashreplace")).hexdigest()[:32]


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (frozenset, set)):
        return sorted(str(item) for item in cast("frozenset[object]", value))
    return {name: getattr(value, name) for name in value.__dataclass_fields__}
