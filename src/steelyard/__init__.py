"""Steelyard: which model should run each skill, what it will cost, and when to test again.

`record`, `measure` and `feedback` tell a running Steelyard of uses of skills: see docs/measurements.md. `Client` does
what its pages do, by its API: see docs/api.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from steelyard.client import Recorder

if TYPE_CHECKING:
    from steelyard.client.api import Client

__version__ = "0.1.0"

_recorder = Recorder()
configure = _recorder.configure
record = _recorder.record
measure = _recorder.measure
feedback = _recorder.feedback
flush = _recorder.flush

__all__ = ["Client", "Recorder", "configure", "feedback", "flush", "measure", "record"]


def __getattr__(name: str) -> Any:
    """`Client` once it is asked for: every `import steelyard` comes by here, and most only record."""
    if name == "Client":
        from steelyard.client.api import Client

        return Client
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
