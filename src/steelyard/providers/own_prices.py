"""The operator's prices as the settings file has them now."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from steelyard.domain.errors import SettingsError
from steelyard.pricing import Rates
from steelyard.providers.settings import SETTINGS_FILE, read_prices

LOOK_S = 1.0


class OwnPrices:
    """Read again once the file has changed: a server runs for weeks, and prices calls that others have planned.

    What cannot be read changes nothing; whoever starts a command is told of it. Looked at once a second at most.
    """

    def __init__(self, home: Path, now: Mapping[str, Rates], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._home = home
        self._prices = now
        self._clock = clock
        self._seen = file_state(self._home)
        self._looked = clock()

    def current(self) -> Mapping[str, Rates]:
        """The prices by `provider:name`."""
        if self._clock() - self._looked >= LOOK_S:
            self._looked = self._clock()
            state = file_state(self._home)
            if state != self._seen:
                self._seen = state
                with suppress(SettingsError):
                    self._prices = read_prices(self._home)
        return self._prices


def file_state(home: Path) -> tuple[int, int] | None:
    """What changes with the settings file; None where there is none."""
    try:
        found = (home / SETTINGS_FILE).stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
