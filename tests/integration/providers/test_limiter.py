"""Leave to call: ceilings, priority, fairness, adaptive limits, and nothing leaked by cancellation."""

from __future__ import annotations

import asyncio
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steelyard.providers.limiter import AdaptiveLimit, CallSlots


async def test_never_more_calls_at_once_than_the_ceiling_over_all_providers() -> None:
    slots = CallSlots(5)
    limits = [slots.limit(name) for name in "abc"]
    running = most = 0

    async def call(number: int) -> None:
        nonlocal running, most
        async with slots.hold(limits[number % 3]):
            running += 1
            most = max(most, running)
            await asyncio.sleep(0)
            running -= 1

    await asyncio.gather(*(call(i) for i in range(60)))
    assert most == 5
    assert slots.in_flight == 0


async def test_higher_priority_goes_first_and_equals_in_order_of_arrival() -> None:
    slots = CallSlots(1)
    limit = slots.limit("a")
    order: list[str] = []

    async def call(name: str, priority: int) -> None:
        async with slots.hold(limit, priority=priority):
            order.append(name)
            await asyncio.sleep(0)

    names = [("first", 0), ("candidate 1", 0), ("candidate 2", 0), ("judge 1", 1), ("judge 2", 1)]
    await asyncio.gather(*(call(name, priority) for name, priority in names))
    assert order == ["first", "judge 1", "judge 2", "candidate 1", "candidate 2"]


async def test_the_last_candidates_go_before_judgements_since_their_own_have_yet_to_follow() -> None:
    slots = CallSlots(2)
    limit = slots.limit("a")
    order: list[str] = []

    async def call(name: str, priority: int) -> None:
        async with slots.hold(limit, priority=priority):
            order.append(name)
            await asyncio.sleep(0)

    candidates = [(f"candidate {number}", 0) for number in range(3)]
    judges = [(f"judge {number}", 1) for number in range(3)]
    await asyncio.gather(*(call(*one) for one in [("running", 0), ("running", 0), *candidates[:2], *judges]))
    assert order[2:] == ["candidate 0", "candidate 1", "judge 0", "judge 1", "judge 2"]
    order.clear()
    await asyncio.gather(*(call(*one) for one in [("running", 0), ("running", 0), *candidates, *judges]))
    assert order[2:] == ["judge 0", "judge 1", "judge 2", "candidate 0", "candidate 1", "candidate 2"]


async def test_a_retry_keeps_its_place_by_its_ticket() -> None:
    slots = CallSlots(1)
    limit = slots.limit("a")
    old = slots.ticket()
    order: list[str] = []

    async def call(name: str, ticket: int | None) -> None:
        async with slots.hold(limit, ticket=ticket):
            order.append(name)
            await asyncio.sleep(0)

    await asyncio.gather(call("running", None), call("new", None), call("retry", old))
    assert order == ["running", "retry", "new"]


async def test_a_throttled_provider_does_not_keep_others_from_calling() -> None:
    slots = CallSlots(4)
    slow, other = slots.limit("slow"), slots.limit("other")
    while slow.limit > 1:
        slow.halve(slow.generation)
    blocked = [asyncio.create_task(_hold_until_cancelled(slots, slow)) for _ in range(10)]
    await asyncio.sleep(0)
    assert slow.in_flight == 1
    async with slots.hold(other), slots.hold(other), slots.hold(other):
        assert slots.in_flight == 4
    for task in blocked:
        task.cancel()
    await asyncio.gather(*blocked, return_exceptions=True)
    assert (slots.in_flight, slow.in_flight) == (0, 0)


async def _hold_until_cancelled(slots: CallSlots, limit: AdaptiveLimit, model: str = "") -> None:
    async with slots.hold(limit, model=model):
        await asyncio.Event().wait()


async def _reply(slots: CallSlots, limit: AdaptiveLimit, model: str) -> None:
    async with slots.hold(limit, model=model) as slot:
        slot.succeeded()


async def test_a_model_that_never_answers_leaves_others_of_its_provider_half_of_the_slots() -> None:
    slots = CallSlots(6)
    limit = slots.limit("a")
    silent = [asyncio.create_task(_hold_until_cancelled(slots, limit, "silent")) for _ in range(20)]
    await asyncio.sleep(0)
    assert slots.in_flight == 3
    async with asyncio.timeout(1):
        for _ in range(10):
            await _reply(slots, limit, "lively")
    for task in silent:
        task.cancel()
    await asyncio.gather(*silent, return_exceptions=True)
    assert slots.in_flight == 0


async def test_a_model_that_replies_may_have_every_slot_until_it_falls_silent() -> None:
    now = 0.0
    slots = CallSlots(6, clock=lambda: now)
    limit = slots.limit("a")
    await _reply(slots, limit, "m")
    first = [asyncio.create_task(_hold_until_cancelled(slots, limit, "m")) for _ in range(6)]
    await asyncio.sleep(0)
    assert slots.in_flight == 6
    now = 31.0
    for task in first[:4]:
        task.cancel()
    await asyncio.gather(*first[:4], return_exceptions=True)
    more = [asyncio.create_task(_hold_until_cancelled(slots, limit, "m")) for _ in range(6)]
    await asyncio.sleep(0)
    assert slots.in_flight == 3
    assert [(one.model, one.calls, one.since_s) for one in slots.silences()] == [("m", 3, 31.0)]
    for task in [*first, *more]:
        task.cancel()
    await asyncio.gather(*first, *more, return_exceptions=True)
    assert slots.in_flight == 0
    assert slots.silences() == ()


def test_one_window_of_refusals_halves_once_and_never_below_one() -> None:
    limit = AdaptiveLimit(16)
    window = limit.generation
    for _ in range(16):
        limit.halve(window)
    assert limit.limit == 8
    for _ in range(20):
        limit.halve(limit.generation)
    assert limit.limit == 1


def test_successes_bring_the_limit_back_to_the_ceiling_and_no_further() -> None:
    limit = AdaptiveLimit(10)
    limit.halve(limit.generation)
    for _ in range(200):
        limit.grow()
    assert limit.limit == 10


def test_a_ceiling_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="1 or more"):
        CallSlots(0)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 6), st.integers(1, 3))
def test_whatever_is_cancelled_refused_or_done_no_slot_leaks(seed: int, ceiling: int, providers: int) -> None:
    rng = random.Random(seed)

    async def storm() -> None:
        slots = CallSlots(ceiling)
        limits = [slots.limit(f"p{i}") for i in range(providers)]

        async def call() -> None:
            limit = rng.choice(limits)
            model = rng.choice(("", "one", "other"))
            async with slots.hold(limit, model=model, priority=rng.randint(0, 1)) as slot:
                assert slots.in_flight <= ceiling
                for _ in range(rng.randint(0, 3)):
                    await asyncio.sleep(0)
                (slot.succeeded if rng.random() < 0.7 else slot.throttled)()
                if rng.random() < 0.2:
                    raise RuntimeError("the call failed")

        tasks = [asyncio.create_task(call()) for _ in range(30)]
        for task in tasks:
            if rng.random() < 0.4:
                task.cancel()
            if rng.random() < 0.5:
                await asyncio.sleep(0)
        for task in rng.sample(tasks, 10):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert slots.in_flight == 0
        assert [limit.in_flight for limit in limits] == [0] * providers
        for limit in limits:
            async with asyncio.timeout(1), slots.hold(limit):
                pass

    asyncio.run(storm())


async def test_what_holds_the_fewest_slots_goes_first_and_within_it_priority_and_the_older_ticket() -> None:
    slots = CallSlots(4)
    limit = slots.limit("a")
    order: list[str] = []

    async def call(of: str, number: int, priority: int = 0) -> None:
        async with slots.hold(limit, whose="ann", of=of, priority=priority):
            order.append(f"{of}{number}")
            await asyncio.sleep(0)

    large = [call("large", number) for number in range(40)]
    small = [call("small", number, number == 2) for number in range(3)]
    await asyncio.gather(*large, *small)
    assert order[:4] == [f"large{number}" for number in range(4)], "one alone has them all"
    assert {"small0", "small1", "small2"} <= set(order[4:10])
    assert [one for one in order if one.startswith("small")] == ["small2", "small0", "small1"]
    assert [one for one in order if one.startswith("large")] == [f"large{number}" for number in range(40)]
    assert (slots.in_flight, next(limit.heads(), None), limit.waiters) == (0, None, {})
