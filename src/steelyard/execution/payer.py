"""A judge's way to its model where replies are kept: what is stored is read first, what is called for is committed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from steelyard.domain.calls import CallError, ModelRequest, ModelResponse, StopReason, Usage
from steelyard.execution.callers import Asks, Gate, JudgeCaller


class Keep(Protocol):
    """Commits what a call gave; `anew` for the first one of a grading or a comparison."""

    async def __call__(self, response: ModelResponse | None, usage: Usage, *, known: bool, anew: bool) -> None: ...


class Payer:
    """The judge's asker: gives back the replies that are stored already, then calls, and commits before it returns."""

    def __init__(self, caller: Asks, gate: Gate, keep: Keep, replies: list[Mapping[str, Any]]) -> None:
        self._caller = JudgeCaller(caller, gate)
        self._keep = keep
        self._replies = replies
        self._anew = not replies

    async def complete(self, request: ModelRequest) -> ModelResponse:
        """One reply, stored or called for. Raises CallError, what it wasted committed too, and Stopped."""
        if self._replies:
            stored = self._replies.pop(0)
            return ModelResponse(stored["output"], Usage(), 0.0, StopReason(stored["stop_reason"]))
        anew, self._anew = self._anew, False
        try:
            response = await self._caller.complete(request)
        except CallError as error:
            if error.wasted != Usage() or not error.wasted_known:
                await self._keep(None, error.wasted, known=error.wasted_known, anew=anew)
            raise
        known = response.usage_known and response.wasted_known
        await self._keep(response, response.usage + response.wasted, known=known, anew=anew)
        return response
