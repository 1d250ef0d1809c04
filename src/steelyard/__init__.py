"""Steelyard: which model should run each skill, what it will cost, and when to test again.

`record`, `measure` and `feedback` tell a running Steelyard of uses of skills: see docs/measurements.md.
"""

from steelyard.client import Client

__version__ = "0.1.0"

_client = Client()
configure = _client.configure
record = _client.record
measure = _client.measure
feedback = _client.feedback
flush = _client.flush

__all__ = ["Client", "configure", "feedback", "flush", "measure", "record"]
