"""Turns at what takes a good part of a second and memory: shared among tenants, and within each among its senders."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from fastapi import Request

from steelyard.domain.access import Principal
from steelyard.domain.errors import TooMany
from steelyard.domain.shares import Shares


@dataclass(frozen=True)
class Sender:
    """Whose a request is, a tenant's, and who of it sent it: a key or a member."""

    whose: object
    of: object


def sender_of(request: Request) -> Sender:
    """Strangers are refused before anything of their body is read; were they not, all of them had one share together,
    and each address one of it."""
    principal: Principal | None = getattr(request.state, "principal", None)
    if principal is None:
        return Sender(None, None if request.client is None else request.client.host)
    return Sender(principal.tenant_id, principal.key_id or principal.user_id)


@dataclass(frozen=True, eq=False)
class _Waiter:
    sender: Sender
    granted: asyncio.Future[None]


class Turns:
    """So many at a time, and so many waiting, of one event loop.

    One alone may have all of both. A turn that gets free is for who has the fewest and had one the longest ago. Turns
    that are taken cannot be taken back: where all are one tenant's, another one gets a turn beyond them, a single one
    at a time. Where too many wait, the newest of whoever has the most waiting is told to come again.
    """

    def __init__(self, at_a_time: int, most_waiting: int) -> None:
        self._at_a_time = at_a_time
        self._most_waiting = most_waiting
        self._shares = Shares()
        self._in_hand = 0
        # In the order they came; few enough to be gone through.
        self._waiting: list[_Waiter] = []

    @asynccontextmanager
    async def turn(self, sender: Sender) -> AsyncGenerator[None]:
        """Wait for a turn, have it for the block. Raises TooMany where too many wait."""
        waiter = _Waiter(sender, asyncio.get_running_loop().create_future())
        self._waiting.append(waiter)
        self._let_in()
        if len(self._waiting) > self._most_waiting:
            self._put_out()
        try:
            await waiter.granted
        except asyncio.CancelledError:
            if waiter in self._waiting:
                self._waiting.remove(waiter)
            elif not waiter.granted.cancelled() and waiter.granted.exception() is None:
                # The turn and the cancellation came at the same time.
                self._give_back(sender)
            raise
        try:
            yield
        finally:
            self._give_back(sender)

    def _has_room(self, whose: object) -> bool:
        if self._in_hand < self._at_a_time:
            return True
        return self._in_hand == self._at_a_time and self._shares.holders == 1 and not self._shares.held(whose)

    def _let_in(self) -> None:
        while able := [one for one in self._waiting if self._has_room(one.sender.whose)]:
            # Of equals min has the one that came first.
            waiter = min(able, key=lambda one: self._shares.order(one.sender.whose, one.sender.of))
            self._waiting.remove(waiter)
            if not waiter.granted.done():
                self._in_hand += 1
                self._shares.took(waiter.sender.whose, waiter.sender.of)
                waiter.granted.set_result(None)

    def _give_back(self, sender: Sender) -> None:
        self._in_hand -= 1
        self._shares.gave_back(sender.whose, sender.of)
        self._let_in()

    def _put_out(self) -> None:
        """Of whoever has as many as the newest it is the newest that goes: nobody gains by coming again."""
        last = self._waiting[-1].sender
        tenants = Counter(one.sender.whose for one in self._waiting)
        whose = max(tenants, key=lambda one: (tenants[one], one == last.whose))
        senders = Counter(one.sender for one in self._waiting if one.sender.whose == whose)
        sender = max(senders, key=lambda one: (senders[one], one == last))
        waiter = next(one for one in reversed(self._waiting) if one.sender == sender)
        self._waiting.remove(waiter)
        if not waiter.granted.done():
            waiter.granted.set_exception(
                TooMany(
                    "Too many large requests came at this moment.",
                    retry_after_s=5,
                    next_step="Send it again in a few seconds.",
                )
            )
