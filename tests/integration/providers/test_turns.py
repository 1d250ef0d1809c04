"""Where a provider bears few calls at once, tenants and each one's runs call in turn, however many one has waiting."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steelyard.providers.limiter import AdaptiveLimit, CallSlots

# A tenant and a run of it.
Whose = tuple[str, str]


class Calls:
    """Calls that take as long as the loop to turn once; `order` has whose they were as they began."""

    def __init__(self, ceiling: int, at_once: int) -> None:
        self.slots = CallSlots(ceiling)
        self.limit = self.slots.limit("local", at_once)
        self.order: list[Whose] = []
        self.priorities: dict[Whose, list[int]] = {}

    async def call(self, tenant: str, run: str, priority: int = 0, limit: AdaptiveLimit | None = None) -> None:
        here = self.limit if limit is None else limit
        async with self.slots.hold(here, model=run, whose=tenant, of=run, priority=priority) as slot:
            self.order.append((tenant, run))
            self.priorities.setdefault((tenant, run), []).append(priority)
            await asyncio.sleep(0)
            slot.succeeded()

    def places(self, tenant: str) -> list[int]:
        return [place for place, (whose, _) in enumerate(self.order) if whose == tenant]


@pytest.mark.parametrize(("at_once", "runs"), [(1, 1), (1, 8), (2, 1), (2, 8), (4, 8), (8, 20)])
async def test_three_calls_of_one_tenant_begin_at_once_beside_two_hundred_of_another(at_once: int, runs: int) -> None:
    made = Calls(50, at_once)
    many = [asyncio.create_task(made.call("ann", f"ann {number % runs}")) for number in range(200)]
    await asyncio.sleep(0)
    few = [asyncio.create_task(made.call("bob", "bob")) for _ in range(3)]
    await asyncio.gather(*many, *few)
    # Those that are out as the first comes, and one after each of its own.
    assert max(made.places("bob")) < 2 * at_once + 6, made.places("bob")
    assert len(made.order) == 203


async def test_a_run_of_three_cases_begins_at_once_beside_a_larger_one_of_its_tenant() -> None:
    made = Calls(50, 1)
    large = [made.call("ann", "large", number % 2) for number in range(100)]
    small = [made.call("ann", "small", number % 2) for number in range(3)]
    await asyncio.gather(*large, *small)
    assert [place for place, (_, run) in enumerate(made.order) if run == "small"] == [1, 3, 5]


async def test_a_tenant_has_its_share_whatever_the_number_of_its_runs() -> None:
    made = Calls(50, 8)
    many = [asyncio.create_task(made.call("ann", f"ann {number % 40}")) for number in range(200)]
    await asyncio.sleep(0)
    one = [asyncio.create_task(made.call("bob", "bob")) for _ in range(40)]
    await asyncio.gather(*many, *one)
    assert max(made.places("bob")) < 100, "half of what is let in from when it comes"


async def test_who_holds_slots_at_another_provider_has_its_turn_here() -> None:
    made = Calls(8, 1)
    vendor, let = made.slots.limit("vendor"), asyncio.Event()

    async def out() -> None:
        async with made.slots.hold(vendor, model="m", whose="ann", of="ann"):
            await let.wait()

    # More than half, for ever; and as many more that wait.
    held = [asyncio.create_task(out()) for _ in range(6)]
    await asyncio.sleep(0)
    many = [asyncio.create_task(made.call("bob", "bob")) for _ in range(50)]
    await asyncio.sleep(0)
    await asyncio.gather(made.call("ann", "ann"), *many)
    assert made.places("ann")[0] <= 2
    let.set()
    await asyncio.gather(*held)
    assert made.slots.in_flight == 0


async def test_who_holds_half_elsewhere_gets_one_slot_here_and_no_second_while_others_wait() -> None:
    slots = CallSlots(12)
    vendor, here = slots.limit("vendor"), slots.limit("here", 4)
    began: list[str] = []

    async def call(limit: AdaptiveLimit, tenant: str, let: asyncio.Event) -> None:
        model = f"{tenant} {limit is here}"
        async with slots.hold(limit, model=model, whose=tenant, of=tenant):
            if limit is here:
                began.append(tenant)
            await let.wait()

    for_ever, done = asyncio.Event(), [asyncio.Event() for _ in range(4)]
    held = [asyncio.create_task(call(vendor, "ann", for_ever)) for _ in range(6)]
    held += [asyncio.create_task(call(here, "bob", one)) for one in done]
    await asyncio.sleep(0)
    held += [asyncio.create_task(call(here, tenant, for_ever)) for _ in range(5) for tenant in ("ann", "bob")]
    for one in done:
        one.set()
        await asyncio.gather(held[6 + done.index(one)])
        await asyncio.sleep(0)
    assert began[4:] == ["ann", "bob", "bob", "bob"]
    for_ever.set()
    await asyncio.gather(*held)
    assert slots.in_flight == 0


async def test_judgements_go_before_answers_within_each_run_that_has_its_turn() -> None:
    made = Calls(50, 1)
    runs = [(tenant, f"{tenant} {number}") for tenant in ("ann", "bob") for number in range(2)]
    first = asyncio.create_task(made.call("cid", "cid"))
    answers = [asyncio.create_task(made.call(*run)) for run in runs for _ in range(20)]
    judged = [asyncio.create_task(made.call(*run, 1)) for run in runs for _ in range(3)]
    await asyncio.gather(first, *answers, *judged)
    assert made.priorities.pop(("cid", "cid")) == [0]
    assert {tuple(priorities[:4]) for priorities in made.priorities.values()} == {(1, 1, 1, 0)}


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("123"), st.integers(0, 1)), min_size=1, max_size=60))
def test_at_one_call_at_once_nobody_waits_for_two_of_another(asked: list[tuple[str, str, int]]) -> None:
    made = Calls(6, 1)

    async def all_of_them() -> None:
        await asyncio.gather(*(made.call(tenant, tenant + run, priority) for tenant, run, priority in asked))

    asyncio.run(all_of_them())
    assert Counter(made.order) == Counter((tenant, tenant + run) for tenant, run, _ in asked)
    # All others wait when the second is let in.
    order = made.order[1:]
    for tenant in {tenant for tenant, _ in order}:
        own = [run for whose, run in order if whose == tenant]
        assert _most_of_another(tenant, [whose for whose, _ in order]) <= len(own)
        for run in {*own}:
            assert _most_of_another(run, own) <= own.count(run)


def _most_of_another(one: str, order: list[str]) -> int:
    """How many of any other were let in before the last of `one`."""
    last = max(place for place, other in enumerate(order) if other == one)
    return max((count for other, count in Counter(order[:last]).items() if other != one), default=0)
