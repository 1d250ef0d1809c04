"""Trying a call again: what the server asked for, else full-jitter backoff, within a deadline."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace

from steelyard.domain.calls import CallError, FailureKind, ModelResponse, Usage
from steelyard.providers.limiter import Slot

Attempt = Callable[[], Awaitable[ModelResponse]]
Hold = Callable[[], AbstractAsyncContextManager[Slot]]

_THROTTLES = frozenset({FailureKind.RATE_LIMITED, FailureKind.OVERLOADED})


@dataclass(frozen=True)
class RetryPolicy:
    """When another attempt may start.

    No attempt is queued later than `deadline_s` after the first one started. The n-th wait is uniform in
    [0, min(cap_s, base_s * 2^n)] (full jitter, Brooker 2015), but never less than Retry-After, and a little more than
    it so that callers sent away together do not come back together. `max_paid` bounds the malformed attempts, since
    those are paid for.
    """

    deadline_s: float = 120.0
    base_s: float = 0.5
    cap_s: float = 20.0
    max_attempts: int = 50
    max_paid: int = 3
    clock: Callable[[], float] = field(default=time.monotonic, repr=False)
    sleep: Callable[[float], Awaitable[None]] = field(default=asyncio.sleep, repr=False)
    uniform: Callable[[float, float], float] = field(default=random.uniform, repr=False)

    def wait_s(self, attempt: int, retry_after_s: float | None) -> float:
        """Seconds to wait after the `attempt`-th failure (from 1)."""
        jitter = self.uniform(0.0, min(self.cap_s, self.base_s * 2.0 ** min(attempt, 30)))
        return jitter if retry_after_s is None else retry_after_s + min(jitter, self.base_s)


class _Refused(Exception):
    def __init__(self, paid_error: CallError) -> None:
        super().__init__()
        self.paid_error = paid_error


async def call_with_retries(
    attempt: Attempt,
    policy: RetryPolicy,
    hold: Hold,
    before_call: Callable[[bool], Awaitable[None]] | None = None,
    failed: Callable[[CallError], None] | None = None,
) -> ModelResponse:
    """The first reply of `attempt`, with the count of attempts and what the failed ones cost.

    Each attempt runs inside `hold()`, a slot that is given back while waiting for the next. Waiting for the first slot
    is queueing, and not counted against the deadline. `before_call` runs with the slot held, right before each attempt,
    and may refuse it by raising; it hears whether one since it ran last was paid for, or may have been. Where any was,
    its CallError is raised instead, so that the cost is not lost. `failed` hears of each failure that is followed by
    another attempt. Raises the last CallError; cancellation passes through.
    """
    attempts = paid = 0
    owed = False
    wasted, wasted_known = Usage(), True
    last_start_s: float | None = None
    last_error: CallError | None = None
    while True:
        attempts += 1
        try:
            async with hold() as slot:
                if last_start_s is None:
                    last_start_s = policy.clock() + policy.deadline_s
                if before_call is not None:
                    await _ask_leave(before_call, last_error if wasted != Usage() or not wasted_known else None, owed)
                    owed = False
                try:
                    response = await attempt()
                except CallError as error:
                    if error.kind in _THROTTLES:
                        slot.throttled()
                    raise
                slot.succeeded()
        except _Refused as refused:
            raise refused.paid_error from refused
        except CallError as error:
            owed = owed or error.wasted != Usage() or not error.wasted_known
            wasted += error.wasted
            wasted_known = wasted_known and error.wasted_known
            paid += error.kind is FailureKind.MALFORMED
            error.attempts, error.wasted, error.wasted_known = attempts, wasted, wasted_known
            last_error = error
            if error.final or not error.kind.retryable or attempts >= policy.max_attempts or paid >= policy.max_paid:
                raise
            wait_s = policy.wait_s(attempts, error.retry_after_s)
            if last_start_s is None or policy.clock() + wait_s > last_start_s:
                raise
            if failed is not None:
                failed(error)
            await policy.sleep(wait_s)
        else:
            return replace(
                response,
                attempts=attempts,
                wasted=wasted + response.wasted,
                wasted_known=wasted_known and response.wasted_known,
            )


async def _ask_leave(before_call: Callable[[bool], Awaitable[None]], paid_error: CallError | None, owed: bool) -> None:
    try:
        await before_call(owed)
    except Exception as refusal:
        # Whatever the refusal is, an attempt already paid for must be told of instead.
        if paid_error is not None:
            raise _Refused(paid_error) from refusal
        raise
