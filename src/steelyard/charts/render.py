"""From a Vega-Lite specification to SVG and PNG, once per content: a small cache in the process."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Callable
from functools import cache
from importlib.metadata import version
from typing import Any, TypeVar, cast

import altair as alt
import vl_convert

T = TypeVar("T")

_MOST_KEPT = 256


class Kept:
    """The results used last, by key, safe to use from several threads; two threads may both work out a missing one."""

    def __init__(self, most: int = _MOST_KEPT) -> None:
        self._most = most
        self._results: OrderedDict[tuple[Any, ...], Any] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: tuple[Any, ...], make: Callable[[], T]) -> T:
        with self._lock:
            if key in self._results:
                self._results.move_to_end(key)
                return cast(T, self._results[key])
        made = make()
        with self._lock:
            self._results[key] = made
            self._results.move_to_end(key)
            while len(self._results) > self._most:
                self._results.popitem(last=False)
        return made

    def __len__(self) -> int:
        return len(self._results)


kept = Kept()


@cache
def converter_version() -> str:
    """What the same specification is drawn by; part of every chart's digest."""
    return f"{version('altair')}/{version('vl-convert-python')}"


def to_svg(spec: dict[str, Any]) -> str:
    """The specification as an SVG document. No address is ever read: specifications carry their data."""
    return vl_convert.vegalite_to_svg(json.dumps(spec), allowed_base_urls=[])


def to_png(spec: dict[str, Any], scale: float) -> bytes:
    """The specification as a PNG of `scale` device pixels to one of the picture."""
    return vl_convert.vegalite_to_png(json.dumps(spec), scale=scale, allowed_base_urls=[])


def warm() -> None:
    """Start the converter, which takes about a second the first time; call it from a thread while the server starts."""
    to_svg(alt.Chart(alt.Data(values=[{"x": 1}])).mark_point().encode(x="x:Q").to_dict())
