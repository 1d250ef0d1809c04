"""What the server has seen: counts per model and path, repeated bodies, calls at once."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.modelserver.requests import Call

MAX_DIGESTS = 1_000_000


@dataclass
class Stats:
    """`started` counts every call that arrived, `served` those answered whole (also to a client that left: it
    would be paid for), `faults` the failures by kind; `by_digest` counts served calls by the digest of the body.
    `first_s` and `last_s` are when the first call arrived and the last one was answered, on the monotonic clock.
    `calls` holds, for each call in the order of arrival, when it arrived and when it was over (None: not yet)."""

    started: int = 0
    served: int = 0
    in_flight: int = 0
    max_in_flight: int = 0
    first_s: float | None = None
    last_s: float | None = None
    calls: list[list[float | None]] = field(default_factory=list[list[float | None]])
    by_model: Counter[str] = field(default_factory=Counter[str])
    by_path: Counter[str] = field(default_factory=Counter[str])
    faults: Counter[str] = field(default_factory=Counter[str])
    by_digest: Counter[str] = field(default_factory=Counter[str])
    bodies: deque[Mapping[str, Any]] = field(default_factory=deque[Mapping[str, Any]])
    headers: deque[Mapping[str, str]] = field(default_factory=deque[Mapping[str, str]])

    def arrive(self, path: str) -> list[float | None]:
        """Count a call that arrived; its times, for `leave`."""
        now = time.monotonic()
        times: list[float | None] = [now, None]
        self.calls.append(times)
        self.started += 1
        self.first_s = now if self.first_s is None else self.first_s
        self.by_path[path] += 1
        self.in_flight += 1
        self.max_in_flight = max(self.max_in_flight, self.in_flight)
        return times

    def leave(self, times: list[float | None]) -> None:
        """Note that a call which arrived is over, answered or not."""
        self.in_flight -= 1
        times[1] = time.monotonic()

    def keep(self, call: Call, headers: Mapping[str, str], limit: int) -> None:
        """Keep the last `limit` bodies and headers."""
        self.bodies.append(call.body)
        self.headers.append(headers)
        while len(self.bodies) > limit:
            self.bodies.popleft()
            self.headers.popleft()

    def serve(self, call: Call) -> None:
        self.served += 1
        self.last_s = time.monotonic()
        self.by_model[call.model] += 1
        if len(self.by_digest) < MAX_DIGESTS or call.digest in self.by_digest:
            self.by_digest[call.digest] += 1

    @property
    def duplicates(self) -> dict[str, int]:
        """Digests served more than once, and how often."""
        return {digest: count for digest, count in self.by_digest.items() if count > 1}

    def to_json(self) -> dict[str, Any]:
        duplicates = self.duplicates
        return {
            "started": self.started,
            "served": self.served,
            "in_flight": self.in_flight,
            "max_in_flight": self.max_in_flight,
            "span_s": 0.0 if self.first_s is None or self.last_s is None else self.last_s - self.first_s,
            "by_model": dict(self.by_model),
            "by_path": dict(self.by_path),
            "faults": dict(self.faults),
            "distinct": len(self.by_digest),
            "repeated_calls": sum(count - 1 for count in duplicates.values()),
            "duplicates": duplicates,
        }
