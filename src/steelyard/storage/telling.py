"""Trouble that lasts is told as it begins and again every minute: once is overlooked, every try would bury the rest."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable

EVERY_S = 60.0


class Telling:
    """Knows what has been told lately."""

    def __init__(self, every_s: float = EVERY_S, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._every_s = every_s
        self._clock = clock
        self._told: dict[Hashable, float] = {}

    def due(self, trouble: Hashable) -> bool:
        """Whether this is to be told now; it counts as told then."""
        now = self._clock()
        self._told = {one: at for one, at in self._told.items() if now - at < self._every_s}
        if trouble in self._told:
            return False
        self._told[trouble] = now
        return True
