"""What the server should do: latency, faults, and what it answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from steelyard.domain.calls import Usage
from tests.modelserver.requests import Call


@dataclass(frozen=True)
class Reply:
    """One answer. `stop_reason`: stop, length, refusal or, of Anthropic, context.

    `usage` is as in the domain: input includes cache tokens.
    """

    text: str
    stop_reason: str = "stop"
    usage: Usage | None = None


@dataclass(frozen=True)
class Fault:
    """One failure instead of an answer.

    `kind`: status (an HTTP error of `status` in the vendor's error format), reset (the connection is dropped),
    malformed (status 200, half a JSON document), hang (no answer for `hang_s`), prose (status 200, HTML).
    `location` is where a redirect (a status of 300-399) points.
    `code` is the vendor's error type or code where the default for the status will not do.
    """

    kind: str = "status"
    status: int = 500
    message: str = ""
    code: str | None = None
    retry_after: str | None = None
    location: str | None = None
    hang_s: float = 3600.0


@dataclass(frozen=True)
class FaultRates:
    """Share of calls, each 0-1, that end in a fault; drawn from one seeded generator."""

    rate_limited: float = 0.0
    overloaded: float = 0.0
    server: float = 0.0
    reset: float = 0.0
    malformed: float = 0.0
    retry_after: str | None = "0.05"

    @property
    def any(self) -> bool:
        return bool(self.rate_limited or self.overloaded or self.server or self.reset or self.malformed)

    def pick(self, draw: float) -> Fault | None:
        """The fault of a uniform `draw` in [0, 1), or None."""
        for rate, fault in (
            (self.rate_limited, Fault(status=429, retry_after=self.retry_after)),
            (self.overloaded, Fault(status=529)),
            (self.server, Fault(status=500)),
            (self.reset, Fault(kind="reset")),
            (self.malformed, Fault(kind="malformed")),
        ):
            if draw < rate:
                return fault
            draw -= rate
        return None


Script = Callable[[Call], "Reply | Fault | str | None"]


@dataclass(frozen=True)
class ServerConfig:
    """Behaviour of a server; replace `ModelServer.config` to change it while it runs.

    `reply` and `schema_reply` (calls that ask for JSON of a schema) may return a Reply, a Fault, a plain text or None
    (the default deterministic reply). `ttft_s` is when a streamed reply's first piece leaves (default: half the
    latency), in pieces of `chunk_chars`. `max_in_flight` answers 429 above that many calls at once. `api_key` other
    than None is the only key accepted. `record_bodies` keeps the last so many request bodies.
    """

    latency_s: float = 0.0
    ttft_s: float | None = None
    chunk_chars: int = 24
    faults: FaultRates = field(default_factory=FaultRates)
    seed: int = 0
    reply: Script | None = None
    schema_reply: Script | None = None
    max_in_flight: int | None = None
    api_key: str | None = None
    models: tuple[str, ...] = ("model-a", "model-b", "model-c")
    record_bodies: int = 0
