"""Who may call when: adaptive concurrency per provider and key, under one ceiling, in priority order."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count

_GROWTH = 0.5


@dataclass(order=True)
class _Waiter:
    ticket: int
    granted: asyncio.Future[None] = field(compare=False)


class Slot:
    """Leave for one call of one provider; tell it how the call ended."""

    def __init__(self, limit: AdaptiveLimit, generation: int) -> None:
        self._limit = limit
        self._generation = generation

    def succeeded(self) -> None:
        self._limit.grow()

    def throttled(self) -> None:
        """The provider refused for load: fewer calls at once from now on."""
        self._limit.halve(self._generation)


class AdaptiveLimit:
    """How many calls one provider and key bears at once, learnt from its refusals (AIMD).

    `halve` acts at most once per window: calls that started before the last halving do not halve again. Growth is half
    a call per success up to where the last refusal came, and one call per window of successes beyond.
    """

    def __init__(self, ceiling: int) -> None:
        self.ceiling = max(1, ceiling)
        self.in_flight = 0
        self.generation = 0
        # By priority, each a heap.
        self.waiters: dict[int, list[_Waiter]] = {}
        self._value = float(self.ceiling)
        self._threshold = float(self.ceiling)

    @property
    def limit(self) -> int:
        return int(self._value)

    def grow(self) -> None:
        step = _GROWTH if self._value < self._threshold else 1 / self._value
        self._value = min(float(self.ceiling), self._value + step)

    def halve(self, generation: int) -> None:
        if generation < self.generation:
            return
        self.generation += 1
        self._threshold = self._value
        self._value = max(1.0, self._value / 2)

    @property
    def open(self) -> bool:
        return self.in_flight < self.limit

    def push(self, priority: int, waiter: _Waiter) -> None:
        heapq.heappush(self.waiters.setdefault(priority, []), waiter)

    def pop(self, priority: int) -> _Waiter:
        return heapq.heappop(self.waiters[priority])

    def heads(self) -> Iterator[tuple[int, _Waiter]]:
        """The next waiter of each priority that has any still waiting."""
        for priority, heap in self.waiters.items():
            while heap and heap[0].granted.done():
                heapq.heappop(heap)
            if heap:
                yield priority, heap[0]


class CallSlots:
    """At most `ceiling` calls of this process at once, over all providers.

    A waiter is let in when both its provider and the process have room, so a throttled provider never holds a slot.
    Higher `priority` goes first, then the older ticket; a call that retries keeps its ticket and so its place. Calls of
    priority 0 may have others that follow on them: once no more of these wait than may be out at once, they go first,
    for what follows on the last of them would else be waited for with slots idle (the longest remaining path first:
    Graham 1969, https://doi.org/10.1137/0117039).
    """

    def __init__(self, ceiling: int) -> None:
        if ceiling < 1:
            raise ValueError("the ceiling of calls at once is 1 or more")
        self.ceiling = ceiling
        self.in_flight = 0
        self._limits: dict[str, AdaptiveLimit] = {}
        self._tickets = count()

    def ticket(self) -> int:
        return next(self._tickets)

    def limit(self, provider_key: str, ceiling: int | None = None) -> AdaptiveLimit:
        """The one limit of a provider and key; `ceiling` bounds it below the process's where given at first use."""
        if provider_key not in self._limits:
            self._limits[provider_key] = AdaptiveLimit(min(self.ceiling, ceiling or self.ceiling))
        return self._limits[provider_key]

    @asynccontextmanager
    async def hold(self, limit: AdaptiveLimit, *, priority: int = 0, ticket: int | None = None) -> AsyncGenerator[Slot]:
        """Wait for leave, hold it for the block, give it back whatever happens."""
        await self._acquire(limit, priority, self.ticket() if ticket is None else ticket)
        try:
            yield Slot(limit, limit.generation)
        finally:
            self._release(limit)

    async def _acquire(self, limit: AdaptiveLimit, priority: int, ticket: int) -> None:
        if self.in_flight < self.ceiling and limit.open and next(limit.heads(), None) is None:
            self._take(limit)
            return
        waiter = _Waiter(ticket, asyncio.get_running_loop().create_future())
        limit.push(priority, waiter)
        self._let_in()
        try:
            await waiter.granted
        except asyncio.CancelledError:
            # The grant and the cancellation may have come in the same turn of the loop.
            if waiter.granted.done() and not waiter.granted.cancelled():
                self._release(limit)
            raise

    def _take(self, limit: AdaptiveLimit) -> None:
        self.in_flight += 1
        limit.in_flight += 1

    def _release(self, limit: AdaptiveLimit) -> None:
        self.in_flight -= 1
        limit.in_flight -= 1
        self._let_in()

    def _let_in(self) -> None:
        while self.in_flight < self.ceiling:
            sign = 1 if self._is_last_round() else -1
            heads = [
                ((sign * priority, waiter.ticket), priority, limit, waiter)
                for limit in self._limits.values()
                if limit.open
                for priority, waiter in limit.heads()
            ]
            if not heads:
                return
            _, priority, limit, waiter = min(heads, key=lambda entry: entry[0])
            limit.pop(priority)
            self._take(limit)
            waiter.granted.set_result(None)

    def _is_last_round(self) -> bool:
        limits = self._limits.values()
        room = min(self.ceiling, sum(limit.limit for limit in limits))
        return sum(len(limit.waiters.get(0, ())) for limit in limits) <= room
