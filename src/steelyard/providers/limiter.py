"""Who may call when: adaptive concurrency per provider and key, under one ceiling, in priority order."""

from __future__ import annotations

import asyncio
import heapq
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import NamedTuple

from steelyard.domain.shares import Shares

_GROWTH = 0.5
_QUIET_S = 30.0


@dataclass(order=True)
class _Waiter:
    ticket: int
    granted: asyncio.Future[None] = field(compare=False)


class _Group(NamedTuple):
    """What calls have in common of which the oldest goes first; `of` is the run, or what else they are made for."""

    priority: int
    model: str
    whose: object
    of: object


@dataclass(frozen=True)
class Silence:
    """Calls of a model that are out without a reply: how many, and for how many seconds the oldest has been."""

    model: str
    calls: int
    since_s: float


@dataclass
class _Model:
    """What one model holds, when it last replied, and how long its slowest reply took, in seconds."""

    in_flight: int = 0
    # When each call that is out began; a call is itself and whose it is.
    out: dict[tuple[object, object], float] = field(default_factory=dict[tuple[object, object], float])
    replied_at: float | None = None
    slowest_s: float = 0.0

    def replied(self, began: float, now: float) -> None:
        self.replied_at = now
        self.slowest_s = max(self.slowest_s, now - began)

    def replies(self, now: float) -> bool:
        """Whether it has replied lately, for what it is."""
        return self.replied_at is not None and now - self.replied_at <= max(_QUIET_S, 2 * self.slowest_s)


class Slot:
    """Leave for one call of one model; tell it how the call ended."""

    def __init__(self, limit: AdaptiveLimit, generation: int, replied: Callable[[], None]) -> None:
        self._limit = limit
        self._generation = generation
        self._replied = replied

    def succeeded(self) -> None:
        self._limit.grow()
        self._replied()

    def throttled(self) -> None:
        """The provider refused for load: fewer calls at once from now on."""
        self._limit.halve(self._generation)


class AdaptiveLimit:
    """How many calls one provider and key bears at once, learnt from its refusals (AIMD).

    `halve` acts at most once per window: calls that started before the last halving do not halve again. Growth is half
    a call per success up to where the last refusal came, and one call per window of successes beyond. `shares` are
    those of its calls: who has many out at other providers is not behind others here.
    """

    def __init__(self, ceiling: int) -> None:
        self.ceiling = max(1, ceiling)
        self.in_flight = 0
        self.generation = 0
        # By priority, model, whose call it is and of what, each a heap: who may not call now stands in no other's way.
        self.waiters: dict[_Group, list[_Waiter]] = {}
        self.shares = Shares()
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

    def push(self, group: _Group, waiter: _Waiter) -> None:
        heapq.heappush(self.waiters.setdefault(group, []), waiter)

    def pop(self, group: _Group) -> None:
        heapq.heappop(self.waiters[group])

    def heads(self) -> Iterator[tuple[_Group, _Waiter]]:
        """The next waiter of each group that has any still waiting; those that have none are forgotten."""
        for group, heap in [*self.waiters.items()]:
            while heap and heap[0].granted.done():
                heapq.heappop(heap)
            if heap:
                yield group, heap[0]
            else:
                del self.waiters[group]

    def waiting(self, priority: int) -> int:
        return sum(len(heap) for group, heap in self.waiters.items() if group.priority == priority)


class CallSlots:
    """At most `ceiling` calls of this process at once, over all providers.

    A waiter is let in when both its provider and the process have room, so a throttled provider never holds a slot.
    Higher `priority` goes first, then the older ticket; a call that retries keeps its ticket and so its place. Calls of
    priority 0 may have others that follow on them: once no more of these wait than may be out at once, they go first,
    for what follows on the last of them would else be waited for with slots idle (the longest remaining path first:
    Graham 1969, https://doi.org/10.1137/0117039).

    A model that has not replied yet, or not for longer than it ever took, holds at most half of the slots: one that
    accepts calls and never answers would else take them all until its calls time out.

    Whoever the calls are for (`whose`, a tenant) gets no further slot over half of them while others wait, but for one
    at each provider where none of theirs is out: else they had no turn at one that others always wait for. Calls that
    are out cannot be taken back: who holds fewer than half gets a slot beyond the ceiling, up to twice of it. Who holds
    the fewest goes first, then what the calls are made for (`of`, a run) and holds the fewest, of equals whichever was
    let in the longest ago, before priority and age, which are a run's own. So the process decides at which provider a
    call is let in, by all that are out, and the provider whose it is, by those that are out there: one that bears two
    calls at once, or one, serves all in turn, whatever they hold elsewhere.
    """

    def __init__(self, ceiling: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        if ceiling < 1:
            raise ValueError("the ceiling of calls at once is 1 or more")
        self.ceiling = ceiling
        self.in_flight = 0
        self._shares = Shares()
        self._limits: dict[str, AdaptiveLimit] = {}
        self._models: dict[str, _Model] = {}
        self._clock = clock
        self._tickets = count()

    def ticket(self) -> int:
        return next(self._tickets)

    def limit(self, provider_key: str, ceiling: int | None = None) -> AdaptiveLimit:
        """The one limit of a provider and key; `ceiling` bounds it below the process's where given at first use."""
        if provider_key not in self._limits:
            self._limits[provider_key] = AdaptiveLimit(min(self.ceiling, ceiling or self.ceiling))
        return self._limits[provider_key]

    @asynccontextmanager
    async def hold(
        self,
        limit: AdaptiveLimit,
        *,
        model: str = "",
        priority: int = 0,
        ticket: int | None = None,
        whose: object = None,
        of: object = None,
    ) -> AsyncGenerator[Slot]:
        """Wait for leave, hold it for the block, give it back whatever happens.

        Calls without `model` are in no silence; `whose` call it is tells silences apart.
        """
        group = _Group(priority, model, whose, of)
        await self._acquire(limit, group, self.ticket() if ticket is None else ticket)
        call, began, held = (object(), whose), self._clock(), self._model(model)
        held.out[call] = began
        try:
            yield Slot(limit, limit.generation, lambda: held.replied(began, self._clock()))
        finally:
            del held.out[call]
            self._release(limit, group)

    def silences(self, whose: object = None) -> tuple[Silence, ...]:
        """The models that have replied to nothing for longer than they ever took, the longest silence first.

        Of `whose` calls alone; None: of all.
        """
        now = self._clock()
        found: list[Silence] = []
        for name, model in self._models.items():
            out = [began for (_, owner), began in model.out.items() if whose in (None, owner)]
            if name and out and not model.replies(now):
                found.append(Silence(name, len(out), now - min(out)))
        return tuple(sorted((one for one in found if one.since_s > _QUIET_S), key=lambda one: -one.since_s))

    async def _acquire(self, limit: AdaptiveLimit, group: _Group, ticket: int) -> None:
        free = self._has_room(group.whose) and self._may_call(limit, group.model)
        if free and next(self._heads(limit), None) is None:
            self._take(limit, group)
            return
        waiter = _Waiter(ticket, asyncio.get_running_loop().create_future())
        limit.push(group, waiter)
        self._let_in()
        try:
            await waiter.granted
        except asyncio.CancelledError:
            # The grant and the cancellation may have come in the same turn of the loop.
            if waiter.granted.done() and not waiter.granted.cancelled():
                self._release(limit, group)
            raise

    def _model(self, name: str) -> _Model:
        return self._models.setdefault(name, _Model())

    def _may_call(self, limit: AdaptiveLimit, model: str) -> bool:
        if not limit.open:
            return False
        found = self._model(model)
        return not model or found.in_flight < -(-self.ceiling // 2) or found.replies(self._clock())

    def _has_half(self, whose: object) -> bool:
        return self._shares.held(whose) >= -(-self.ceiling // 2)

    def _is_beyond(self, limit: AdaptiveLimit, whose: object) -> bool:
        """Whether no further slot at the provider is for `whose` while others wait there."""
        return self._has_half(whose) and limit.shares.held(whose) > 0

    def _has_room(self, whose: object) -> bool:
        beyond = whose is not None and not self._has_half(whose)
        return self.in_flight < (2 * self.ceiling if beyond else self.ceiling)

    def _heads(self, limit: AdaptiveLimit) -> Iterator[tuple[_Group, _Waiter]]:
        """The next waiters of a limit that may call."""
        return (
            (group, waiter)
            for group, waiter in limit.heads()
            if self._may_call(limit, group.model) and self._has_room(group.whose)
        )

    def _take(self, limit: AdaptiveLimit, group: _Group) -> None:
        self.in_flight += 1
        limit.in_flight += 1
        for shares in (self._shares, limit.shares):
            shares.took(group.whose, group.of)
        self._model(group.model).in_flight += 1

    def _release(self, limit: AdaptiveLimit, group: _Group) -> None:
        self.in_flight -= 1
        limit.in_flight -= 1
        for shares in (self._shares, limit.shares):
            shares.gave_back(group.whose, group.of)
        self._model(group.model).in_flight -= 1
        self._let_in()

    def _let_in(self) -> None:
        while self.in_flight < 2 * self.ceiling:
            sign = 1 if self._is_last_round() else -1
            heads = [
                (limit, group, waiter)
                for limit in self._limits.values()
                if limit.open
                for group, waiter in self._heads(limit)
            ]
            if not heads:
                return
            here, _, _ = min(
                heads, key=lambda head: (self._has_half(head[1].whose), *_order(self._shares, head[1], head[2], sign))
            )
            limit, group, waiter = min(
                (head for head in heads if head[0] is here),
                key=lambda head: (self._is_beyond(here, head[1].whose), *_order(here.shares, head[1], head[2], sign)),
            )
            limit.pop(group)
            self._take(limit, group)
            waiter.granted.set_result(None)

    def _is_last_round(self) -> bool:
        limits = self._limits.values()
        room = min(self.ceiling, sum(limit.limit for limit in limits))
        return sum(limit.waiting(0) for limit in limits) <= room


def _order(shares: Shares, group: _Group, waiter: _Waiter, sign: int) -> tuple[int, ...]:
    return (*shares.order(group.whose, group.of), sign * group.priority, waiter.ticket)
