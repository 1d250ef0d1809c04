"""One call to a model: what is asked, what comes back, how it fails, and the Provider protocol."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from steelyard.domain.models import ModelRef

# Characters of a reply that fills a form (a `json_schema`): several times what the token limits of any of them allow.
MOST_OF_A_FORM = 200_000


def too_long_for_a_form(reply: str) -> str:
    return f"the reply has {len(reply):,} characters, more than the {MOST_OF_A_FORM:,} that are read"


@dataclass(frozen=True)
class Usage:
    """Tokens of one call, normalised over vendors.

    `input_tokens` includes cache reads and writes; `output_tokens` includes reasoning.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0

    @property
    def total_tokens(self) -> int:
        return self.input_tokens + self.output_tokens

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cache_read_tokens + other.cache_read_tokens,
            self.cache_write_tokens + other.cache_write_tokens,
            self.reasoning_tokens + other.reasoning_tokens,
        )


class StopReason(StrEnum):
    """Why the model stopped. LENGTH: at the token limit asked for; CONTEXT: where its context window was full.

    Not every provider tells the two apart; LENGTH is what is told then.
    """

    STOP = "stop"
    LENGTH = "length"
    CONTEXT = "context_window"
    REFUSAL = "refusal"
    OTHER = "other"


class FailureKind(StrEnum):
    """Why a cell has no usable answer or no judgement.

    The first four are the model's own failures and score 0; the others are outages of something
    else, and the cell is missing. (Scoring outages 0 makes false winners.)
    """

    EMPTY = "empty"
    REFUSED = "refused"
    CUT = "cut"
    CONTEXT_WINDOW = "context_window"

    AUTHENTICATION = "authentication"
    UNKNOWN_MODEL = "unknown_model"
    BAD_REQUEST = "bad_request"
    RATE_LIMITED = "rate_limited"
    OVERLOADED = "overloaded"
    SERVER = "server"
    NETWORK = "network"
    TIMEOUT = "timeout"
    MALFORMED = "malformed"
    JUDGE = "judge"
    INTERNAL = "internal"

    @property
    def scores_zero(self) -> bool:
        return self in _MODEL_FAILURES

    @property
    def words(self) -> str:
        """As a person says it of a cell: `1 cell not reachable`."""
        return _WORDS[self]

    @property
    def retryable(self) -> bool:
        """Worth another attempt within the deadline."""
        return self in _RETRYABLE


_WORDS = {
    FailureKind.EMPTY: "empty answer",
    FailureKind.REFUSED: "refused",
    FailureKind.CUT: "cut at the token limit",
    FailureKind.CONTEXT_WINDOW: "too long for the model",
    FailureKind.AUTHENTICATION: "key not accepted",
    FailureKind.UNKNOWN_MODEL: "unknown model",
    FailureKind.BAD_REQUEST: "request not accepted",
    FailureKind.RATE_LIMITED: "rate limited",
    FailureKind.OVERLOADED: "overloaded",
    FailureKind.SERVER: "server error",
    FailureKind.NETWORK: "not reachable",
    FailureKind.TIMEOUT: "timed out",
    FailureKind.MALFORMED: "malformed reply",
    FailureKind.JUDGE: "not judged",
    FailureKind.INTERNAL: "fault in Steelyard",
}
_MODEL_FAILURES = frozenset({FailureKind.EMPTY, FailureKind.REFUSED, FailureKind.CUT, FailureKind.CONTEXT_WINDOW})
_RETRYABLE = frozenset(
    {
        FailureKind.RATE_LIMITED,
        FailureKind.OVERLOADED,
        FailureKind.SERVER,
        FailureKind.NETWORK,
        FailureKind.TIMEOUT,
        FailureKind.MALFORMED,
    }
)


@dataclass(frozen=True)
class ModelRequest:
    """One call. `system` may be empty; `json_schema` asks for a reply of that shape (judges)."""

    model: ModelRef
    system: str
    prompt: str
    max_tokens: int
    json_schema: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class ModelResponse:
    """What came back from the one attempt that succeeded, and what it took to get there.

    `latency_ms` is that attempt alone, without queueing or backoff; `ttft_ms` is None where the
    provider was not streamed. `effective_settings` are the settings really sent.
    With a `json_schema` in the request `output` is the JSON text of the reply.
    `wasted` is the usage of earlier attempts that were paid for but gave nothing (malformed replies), `wasted_known`
    False when it may be more: an attempt was sent and what it used was never heard. `usage_known` is False when the
    server reported no usage of the reply itself.
    """

    output: str
    usage: Usage
    latency_ms: float
    stop_reason: StopReason = StopReason.STOP
    ttft_ms: float | None = None
    effective_settings: Mapping[str, Any] = field(default_factory=dict[str, Any])
    attempts: int = 1
    wasted: Usage = Usage()
    wasted_known: bool = True
    usage_known: bool = True


class CallError(Exception):
    """A call that ended without a reply, after whatever retries were allowed; `wasted` as for a ModelResponse.

    `final`: another attempt would end alike, whatever the kind.
    """

    def __init__(
        self,
        kind: FailureKind,
        message: str,
        *,
        attempts: int = 1,
        retry_after_s: float | None = None,
        wasted: Usage = Usage(),
        wasted_known: bool = True,
        final: bool = False,
    ) -> None:
        super().__init__(message)
        self.final = final
        self.kind = kind
        self.message = message
        self.attempts = attempts
        self.retry_after_s = retry_after_s
        self.wasted = wasted
        self.wasted_known = wasted_known


@dataclass(frozen=True)
class Trouble:
    """Calls of one provider that keep failing and are tried again: how many, since when, and what the first one met.

    `silent`: they have not failed; they are out, and the model has replied to none for long.
    """

    provider: str
    message: str
    calls: int
    since_s: float
    silent: bool = False


class Provider(Protocol):
    """Answers requests for the models of one provider."""

    async def prepare(self, request: ModelRequest) -> None:
        """Do what the first such request would have to wait for, without calling. Raises nothing of its own."""
        ...

    async def complete(self, request: ModelRequest) -> ModelResponse:
        """One reply. Raises CallError; cancellation passes through."""
        ...

    async def aclose(self) -> None:
        """Close connections; safe to call twice."""
        ...
