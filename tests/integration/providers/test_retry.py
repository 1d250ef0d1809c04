"""The retry loop on a clock of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.domain.calls import CallError, FailureKind, ModelResponse, Usage
from steelyard.providers.limiter import CallSlots
from steelyard.providers.retry import RetryPolicy, call_with_retries


class Clock:
    """Time that passes only in sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def policy(self, **fields: Any) -> RetryPolicy:
        return RetryPolicy(clock=lambda: self.now, sleep=self.sleep, **fields)


def run(failures: list[CallError], policy: RetryPolicy, **fields: Any) -> ModelResponse:
    """One call that fails as listed, then answers."""
    remaining = iter(failures)
    slots = CallSlots(2)

    async def attempt() -> ModelResponse:
        failure = next(remaining, None)
        if failure is not None:
            raise failure
        return ModelResponse("done", Usage(1, 1), 1.0)

    async def call() -> ModelResponse:
        return await call_with_retries(attempt, policy, lambda: slots.hold(slots.limit("p")), **fields)

    return asyncio.run(call())


@pytest.mark.parametrize("kind", list(FailureKind))
def test_exactly_the_retryable_kinds_are_tried_again(kind: FailureKind) -> None:
    if kind.retryable:
        assert run([CallError(kind, "no")], Clock().policy()).attempts == 2
    else:
        with pytest.raises(CallError) as failure:
            run([CallError(kind, "no")], Clock().policy())
        assert failure.value.attempts == 1


def test_it_gives_up_at_the_deadline_with_the_last_failure() -> None:
    clock = Clock()
    with pytest.raises(CallError, match="busy") as failure:
        run([CallError(FailureKind.OVERLOADED, "busy") for _ in range(1000)], clock.policy(deadline_s=60))
    assert clock.now <= 60
    assert failure.value.attempts == len(clock.slept) + 1


@given(st.integers(1, 60), st.one_of(st.none(), st.floats(0, 1000)))
def test_waits_are_full_jitter_under_a_cap_and_never_before_retry_after(
    attempt: int, retry_after_s: float | None
) -> None:
    shortest = RetryPolicy(uniform=lambda low, high: low).wait_s(attempt, retry_after_s)
    longest = RetryPolicy(uniform=lambda low, high: high).wait_s(attempt, retry_after_s)
    if retry_after_s is None:
        assert shortest == 0
        assert longest == min(20, 0.5 * 2.0**attempt)
    else:
        assert retry_after_s <= shortest <= longest <= retry_after_s + 0.5


def test_what_failed_attempts_cost_is_kept_in_the_reply() -> None:
    paid = [CallError(FailureKind.MALFORMED, "odd", wasted=Usage(10, 2)) for _ in range(2)]
    reply = run([*paid, CallError(FailureKind.SERVER, "down")], Clock().policy())
    assert (reply.attempts, reply.wasted) == (4, Usage(20, 4))


def test_replies_that_are_paid_and_unusable_are_not_bought_forever() -> None:
    with pytest.raises(CallError) as failure:
        run([CallError(FailureKind.MALFORMED, "odd", wasted=Usage(10, 2)) for _ in range(9)], Clock().policy())
    assert (failure.value.attempts, failure.value.wasted) == (3, Usage(30, 6))


def test_no_slot_is_held_while_waiting() -> None:
    slots = CallSlots(1)
    held: list[int] = []

    async def sleep(seconds: float) -> None:
        held.append(slots.in_flight)

    answers: list[Callable[[], ModelResponse]] = [lambda: ModelResponse("done", Usage(), 1.0)]

    async def attempt() -> ModelResponse:
        if not held:
            raise CallError(FailureKind.RATE_LIMITED, "slow down")
        return answers[0]()

    asyncio.run(call_with_retries(attempt, RetryPolicy(sleep=sleep), lambda: slots.hold(slots.limit("p"))))
    assert held == [0]


def _lost(known: bool) -> CallError:
    return CallError(FailureKind.TIMEOUT, "silence", wasted_known=known)


@pytest.mark.parametrize("unknown", [0, 1, 2])
def test_what_an_attempt_used_and_never_told_makes_the_whole_waste_unknown(unknown: int) -> None:
    answered = run([_lost(index != unknown) for index in range(2)], Clock().policy())
    assert answered.wasted_known is (unknown == 2)
    with pytest.raises(CallError) as failure:
        run([_lost(index != unknown) for index in range(3)], Clock().policy(max_attempts=3))
    assert failure.value.wasted_known is False


def test_a_refusal_after_an_attempt_that_may_have_been_paid_tells_of_the_attempt() -> None:
    asked = 0

    async def leave(paid: bool) -> None:
        nonlocal asked
        asked += 1
        if asked > 1:
            raise RuntimeError("stopped")

    with pytest.raises(CallError, match="silence"):
        run([_lost(known=False)], Clock().policy(), before_call=leave)
    asked = 0
    with pytest.raises(RuntimeError, match="stopped"):
        run([_lost(known=True)], Clock().policy(), before_call=leave)


def test_every_failure_but_the_last_is_told_of_while_it_is_waited_out() -> None:
    told: list[str] = []
    run(
        [CallError(FailureKind.NETWORK, "no"), CallError(FailureKind.SERVER, "down")],
        Clock().policy(),
        failed=lambda e: told.append(e.message),
    )
    assert told == ["no", "down"]
    with pytest.raises(CallError):
        run([CallError(FailureKind.AUTHENTICATION, "key")], Clock().policy(), failed=lambda e: told.append(e.message))
    assert told == ["no", "down"]


def test_a_failure_that_would_only_repeat_itself_is_not_tried_again() -> None:
    with pytest.raises(CallError) as failure:
        run([CallError(FailureKind.TIMEOUT, "too slow", final=True)], Clock().policy())
    assert failure.value.attempts == 1
