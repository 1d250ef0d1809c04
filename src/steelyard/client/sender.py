"""Sends what was recorded in the background: never in the way of the program that records, and nothing twice."""

from __future__ import annotations

import atexit
import os
import sys
import threading
import time
from collections import deque
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_WAITING = 10_000
_BATCH = 500
_BATCH_WAIT_S = 0.5
_ANSWER_S = 15.0
_LONGEST_PAUSE_S = 30.0
_EXIT_S = 15.0

# (path, name of the list it is sent in or None to be sent by itself, the item as JSON)
Waiting = tuple[str, str | None, str]

# Kept for as long as the process: what waits is to be sent, whoever has let go of the client.
_senders: list[Sender] = []
_told_exit_in = 0


class Sender:
    """A bounded queue and the thread that empties it. What does not fit is dropped and counted, never waited for.

    `dropped` did not fit, `refused` the server would not keep. Both are also logged, once for each kind of reason.
    """

    def __init__(self, url: str, key: str | None, *, most: int = MOST_WAITING) -> None:
        self.url = url.rstrip("/")
        self._key = key
        self._most = most
        self.dropped = 0
        self.refused = 0
        self._said: set[str] = set()
        self._begin()
        _senders.append(self)

    def _begin(self) -> None:
        """With nothing waiting; also in a process that was forked, where what waits is the parent's to send."""
        self._waiting: deque[Waiting] = deque()
        self._out = 0
        self._hurry = 0
        self._change = threading.Condition()
        self._thread: threading.Thread | None = None

    @property
    def waiting(self) -> int:
        """What is not yet known to have arrived."""
        return len(self._waiting) + self._out

    def put(self, path: str, within: str | None, item: str) -> None:
        """Send it in time. Returns at once."""
        _at_exit_of_this_process()
        with self._change:
            if self.waiting >= self._most:
                self.dropped += 1
                self._say("full", f"{self._most:,} are waiting to be sent to {self.url}; what comes now is dropped.")
                return
            self._waiting.append((path, within, item))
            self._run()
            self._change.notify_all()

    def drop(self, reason: str) -> None:
        """Count what could not be recorded."""
        with self._change:
            self.refused += 1
            self._say(reason, reason)

    def flush(self, timeout_s: float) -> bool:
        """Wait until all of it has arrived or was refused; False when `timeout_s` was over before."""
        until = time.monotonic() + timeout_s
        with self._change:
            self._hurry += 1
            if self._waiting and not self._run():
                self._change.release()
                try:
                    self._send_until(until)
                finally:
                    self._change.acquire()
            self._change.notify_all()
            while self.waiting and (left := until - time.monotonic()) > 0:
                self._change.wait(left)
            self._hurry -= 1
            return not self.waiting

    def say_lost(self) -> None:
        """Log what waits as not sent, at the end of the program."""
        if self.waiting:
            self._say("lost", f"{self.waiting:,} were not sent: {self.url} did not take them before the program ended.")

    def _run(self) -> bool:
        """False where the interpreter starts no more threads: it is about to end."""
        # Here and not in the thread: a process forked while a thread imports can never import the same.
        for name in ("encodings.idna", "steelyard.client.post"):
            import_module(name)
        if self._thread is None or not self._thread.is_alive():
            thread = threading.Thread(target=self._loop, args=(self._change,), name="steelyard", daemon=True)
            try:
                thread.start()
            except RuntimeError:
                return False
            self._thread = thread
        return True

    def _loop(self, change: threading.Condition) -> None:
        # Another condition than at the start is that of a forked process, whose thread is another.
        while self._change is change:
            with change:
                while not self._waiting:
                    change.wait()
                until = time.monotonic() + _BATCH_WAIT_S
                while not self._hurry and len(self._waiting) < _BATCH and (left := until - time.monotonic()) > 0:
                    change.wait(left)
            self._send_some(None)

    def _send_until(self, until: float) -> None:
        while self._waiting and time.monotonic() < until:
            self._send_some(until)

    def _send_some(self, until: float | None) -> None:
        """Send a batch of the same kind, again and again until it is answered."""
        with self._change:
            if not self._waiting:
                return
            path, within, first = self._waiting.popleft()
            items = [first]
            while within and self._waiting and len(items) < _BATCH and self._waiting[0][:2] == (path, within):
                items.append(self._waiting.popleft()[2])
            self._out = len(items)
        body = f'{{"{within}": [{",".join(items)}]}}' if within else items[0]
        pause = 0.2
        while True:
            wait = self._attempt(path, body.encode(), len(items))
            if wait is None or (until is not None and time.monotonic() > until):
                break
            with self._change:
                seen = self._hurry
                self._change.wait_for(
                    lambda seen=seen: self._hurry > seen, max(wait, pause * (0.5 + os.urandom(1)[0] / 255))
                )
            # Who waits for it at the end of a program has no half minute.
            pause = min(pause * 2, 1.0 if self._hurry else _LONGEST_PAUSE_S)
        with self._change:
            self._out = 0
            self._change.notify_all()

    def _attempt(self, path: str, body: bytes, count: int) -> float | None:
        """None when it is settled, else how many seconds to wait at least before the next attempt."""
        from steelyard.client.post import post

        answer = post(self.url + path, body, self._key, _ANSWER_S)
        if answer.again:
            self._say("again", f"{self.url} did not take what was sent ({answer.reason}); it is sent again.")
            return answer.wait_s
        if answer.refused is not None:
            refused = min(count, answer.refused or count)
            with self._change:
                self.refused += refused
            self._say(answer.reason, f"{refused:,} sent to {self.url}{path} were refused: {answer.reason}")
        self._said.discard("again")
        return None

    def _say(self, kind: str, message: str) -> None:
        if kind not in self._said and len(self._said) < 100:
            import logging

            self._said.add(kind)
            logging.getLogger("steelyard").warning("%s", message)

    def _forked(self) -> None:
        self.dropped = self.refused = 0
        self._begin()


def _at_exit_of_this_process() -> None:
    """Flush when this process ends, also one that multiprocessing made, which ends without what atexit was told."""
    global _told_exit_in
    if _told_exit_in == os.getpid():
        return
    _told_exit_in = os.getpid()
    atexit.register(_at_exit)
    forks = sys.modules.get("multiprocessing.util")
    if forks is not None:
        forks.Finalize(None, _at_exit, exitpriority=100)


def flush_all(senders: Sequence[Sender], timeout_s: float) -> bool:
    """Flush them all within the one time; False where something still waits."""
    until = time.monotonic() + timeout_s
    done = True
    for sender in senders:
        done = sender.flush(max(0.0, until - time.monotonic())) and done
    return done


def _at_exit() -> None:
    flush_all(_senders, _EXIT_S)
    for sender in _senders:
        sender.say_lost()


def _after_fork() -> None:
    for sender in _senders:
        sender._forked()  # pyright: ignore[reportPrivateUsage]


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
