"""What a run calls models through, and what is asked before it does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Protocol

from steelyard.domain.calls import ModelRequest, ModelResponse, Usage
from steelyard.domain.models import ModelRef
from steelyard.execution.context import RunContext
from steelyard.judging import Judge
from steelyard.pricing import Cost


class ModelCaller(Protocol):
    """Calls any model; `before_call` runs once a slot is free, right before each attempt, and may refuse it.

    It hears whether an earlier attempt was paid for, or may have been.
    """

    async def complete(
        self, request: ModelRequest, *, priority: int = 0, before_call: BeforeCall | None = None
    ) -> ModelResponse: ...


class Asks(Protocol):
    """The models as one task of a tenant sees them (`execution/till.py`)."""

    async def complete(
        self, request: ModelRequest, *, priority: int = 0, before_call: Gate | None = None
    ) -> ModelResponse: ...


# Raises Stopped when a call may not be started: the run stops, or the claim is no longer this worker's.
Gate = Callable[[], None]
BeforeCall = Callable[[bool], Awaitable[None]]

# Judgements go first: an answer waiting for its judge holds memory, one not called for does not.
JUDGE_PRIORITY = 1

Pricer = Callable[[Usage, ModelRef, date], Cost | None]

# None once this judge's grades count in the run, else why they cannot. Raises Stopped when they never will.
Admit = Callable[[RunContext, Judge], Awaitable[str | None]]


class JudgeCaller:
    """The provider as one grading sees it: ahead of the candidates, and refused only before anything was paid."""

    def __init__(self, caller: Asks, gate: Gate) -> None:
        self._caller = caller
        self._gate: Gate | None = gate

    async def complete(self, request: ModelRequest) -> ModelResponse:
        gate, self._gate = self._gate, None
        return await self._caller.complete(request, priority=JUDGE_PRIORITY, before_call=gate)

    async def aclose(self) -> None:
        """The real caller is closed by its owner."""
