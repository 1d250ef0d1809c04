"""Charts as inline SVG, PNG and JSON, from plain figures; imported on first use.

`import steelyard.charts` loads neither Altair nor the converter; a name below loads its module when first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from steelyard.charts.canvas import NARROW, WIDE, Frame
    from steelyard.charts.chart import Chart
    from steelyard.charts.costs import CostDay, RunMark, cost_trend
    from steelyard.charts.feedback import FeedbackDay, feedback_trend
    from steelyard.charts.history import RunQuality, quality_history
    from steelyard.charts.intervals import interval_plot
    from steelyard.charts.models import ModelFigures, Standing
    from steelyard.charts.render import warm
    from steelyard.charts.sparkline import Sparkline, sparkline_of
    from steelyard.charts.tables import Column, Kind, Table
    from steelyard.charts.tradeoff import quality_cost

__all__ = [
    "NARROW",
    "WIDE",
    "Chart",
    "Column",
    "CostDay",
    "FeedbackDay",
    "Frame",
    "Kind",
    "ModelFigures",
    "RunMark",
    "RunQuality",
    "Sparkline",
    "Standing",
    "Table",
    "cost_trend",
    "feedback_trend",
    "interval_plot",
    "quality_cost",
    "quality_history",
    "sparkline_of",
    "warm",
]

_HOMES = {
    "canvas": ("NARROW", "WIDE", "Frame"),
    "chart": ("Chart",),
    "costs": ("CostDay", "RunMark", "cost_trend"),
    "feedback": ("FeedbackDay", "feedback_trend"),
    "intervals": ("interval_plot",),
    "models": ("ModelFigures", "Standing"),
    "tradeoff": ("quality_cost",),
    "history": ("RunQuality", "quality_history"),
    "render": ("warm",),
    "sparkline": ("Sparkline", "sparkline_of"),
    "tables": ("Column", "Kind", "Table"),
}
_MODULE_OF = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    module = _MODULE_OF.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(f"{__name__}.{module}"), name)
    return found
