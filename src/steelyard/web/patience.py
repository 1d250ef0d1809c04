"""Connections that stand still are cut off: a request's head, what is left of its body, an answer nobody reads.

uvicorn waits for each of them without end, and a process can have only so many connections. How slowly a body may come
while it is read is in web/security/body.py.
"""

from __future__ import annotations

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_S = 20.0
# A browser that is still sending shows no answer until it is done.
REST_S = 30.0
UNREAD_S = 60.0


class PatientProtocol(H11Protocol):
    """uvicorn's own protocol with a clock for whatever the other side owes."""

    # What is waited for, by which states of h11, and what ends the wait.
    _owed: str | None = None
    _clock: asyncio.TimerHandle | None = None
    _unread: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._count()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._count()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._count()

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._unread is None:
            self._unread = self.loop.call_later(UNREAD_S, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def connection_lost(self, exc: Exception | None) -> None:
        for timer in (self._clock, self._unread):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def _count(self) -> None:
        """Begin a wait, or end it. What arrives meanwhile does not make it any longer."""
        owed = self._what_is_owed()
        if owed == self._owed:
            return
        if self._clock is not None:
            self._clock.cancel()
        self._owed = owed
        seconds = {"head": HEAD_S, "rest": REST_S}.get(owed or "")
        self._clock = None if seconds is None else self.loop.call_later(seconds, self.transport.close)

    def _what_is_owed(self) -> str | None:
        theirs = self.conn.their_state
        if theirs is h11.IDLE:
            # Between two requests uvicorn's own, shorter clock goes.
            return "head" if self.timeout_keep_alive_task is None else None
        return "rest" if theirs is h11.SEND_BODY and self.conn.our_state is h11.DONE else None
