"""Whether the settings file still says what this process was started with."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from steelyard.domain.errors import SettingsError
from steelyard.providers.own_prices import LOOK_S, file_state
from steelyard.providers.settings import SETTINGS_FILE, ProviderSettings, load_settings

_LOG = logging.getLogger("steelyard.settings")


class SettingsWatch:
    """A server runs for weeks, and reads all but prices once: what it says of models may be of another day's file.

    Looked at once a second at most. What is amiss is logged once, for whoever runs a team's server: its pages do not
    tell it, as the file and its place are no tenant's.
    """

    def __init__(
        self,
        home: Path,
        env: Mapping[str, str],
        now: ProviderSettings,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._home = home
        self._env = env
        self._now = now
        self._clock = clock
        self._seen = file_state(home)
        self._looked = clock()
        self._problem: str | None = None

    def problem(self) -> str | None:
        """What is amiss, in a sentence; None while the file says the same, prices apart."""
        if self._clock() - self._looked >= LOOK_S:
            self._looked = self._clock()
            state = file_state(self._home)
            if state != self._seen:
                self._seen = state
                self._problem = self._compare()
                if self._problem is not None:
                    _LOG.warning("%s", self._problem)
        return self._problem

    def _compare(self) -> str | None:
        try:
            found = load_settings(self._home, self._env)
        except SettingsError as error:
            return f"It cannot be read any more; what it said before holds on. {error.message}"
        if replace(found, prices=self._now.prices) == self._now:
            return None
        return (
            f"{self._home / SETTINGS_FILE} says otherwise than when this was started: its prices count already, its"
            " providers and limits do once this is started again."
        )
