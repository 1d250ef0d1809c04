"""Checks of cases, carried out in processes of their own: whatever a case says, nobody else waits for it.

A pattern or schema holds the interpreter's lock while it is worked on, and no thread can be ended. One process serves
all tenants in turn; a tenant whose checks take long is served by a second one for a while, not by that of the others.
"""

from __future__ import annotations

import asyncio
import json
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from typing import IO, Any

from steelyard.domain.cases import Check, CheckKind
from steelyard.domain.errors import CaseError
from steelyard.domain.frames import LENGTH_BYTES, framed
from steelyard.domain.grading import CheckResult
from steelyard.judging.checks import could_not, run_checks
from steelyard.judging.looking import Looked, Work, looked

LIMIT_S = 5.0
# A tenant whose checks took so long is served apart from the others, for so long.
_LONG_S = 1.0
_APART_S = 60.0
# What costs next to nothing on an output of ordinary length is not worth asking for.
_CHEAP = frozenset({CheckKind.EXACT, CheckKind.CONTAINS, CheckKind.NOT_CONTAINS, CheckKind.NUMBER})
# What may take long to be told usable or not.
_COSTLY = frozenset({CheckKind.REGEX, CheckKind.NOT_REGEX, CheckKind.JSON_SCHEMA})
_SHORT = 100_000
_TIMED_OUT = tuple(-getattr(signal, name, 0) for name in ("SIGPROF", "SIGALRM"))
_GONE_S = 1.0


@dataclass(frozen=True)
class _Seen:
    """The answers to the first checks, and why there are no more; without a reason, the processor's seconds it took."""

    answers: Sequence[Looked]
    fault: str | None = None
    took_s: float = 0.0


@dataclass(frozen=True)
class _Request:
    work: Work
    answer: Future[_Seen] = field(default_factory=Future[_Seen])


class Apart:
    """Carries out checks. The processes start with the first of them, and again when they were lost."""

    def __init__(self, *, limit_s: float = LIMIT_S) -> None:
        self._limit_s = limit_s
        self._waiting: OrderedDict[object, deque[_Request]] = OrderedDict()
        self._apart_until: dict[object, float] = {}
        self._changed = threading.Condition()
        self._threads: list[threading.Thread] = []

    async def run(self, whose: object, checks: Sequence[Check], output: str) -> tuple[CheckResult, ...]:
        """Every check of a tenant's case against the output, in order; one that is not done in time has failed."""
        if all(_is_cheap(check, output) for check in checks):
            return run_checks(checks, output)
        seen = await self._ask(whose, Work(checks, output, self._limit_s))
        results = [
            CheckResult(check.to_json(), one.good, one.said) for check, one in zip(checks, seen.answers, strict=False)
        ]
        for check in checks[len(results) :]:
            results.append(CheckResult(check.to_json(), False, could_not(self._why_not(seen, len(results), checks))))
        return tuple(results)

    async def refuse_unusable(self, whose: object, checks: Sequence[Check]) -> None:
        """Raises CaseError, of the field `checks`, where one of them is no pattern or schema, or too costly to tell."""
        costly = [check for check in checks if check.kind in _COSTLY]
        seen = await self._ask(whose, Work(costly, None, self._limit_s)) if costly else _Seen(())
        found = iter(seen.answers)
        for number, check in enumerate(checks, start=1):
            one = looked(check, None) if check.kind not in _COSTLY else next(found, None)
            if one is None:
                raise CaseError(
                    f"Whether check {number} can be used could not be told: {seen.fault}.",
                    field="checks",
                    next_step="Write a simpler pattern or schema.",
                )
            if not one.good:
                raise CaseError(
                    f"Check {number} cannot be used: {one.said[:1].lower()}{one.said[1:]}",
                    field="checks",
                    next_step="Correct it, or leave it out.",
                )

    def _why_not(self, seen: _Seen, place: int, checks: Sequence[Check]) -> str:
        if place == len(seen.answers):
            return seen.fault or ""
        return f"the {place} checks before it took the {self._limit_s:g} s there are for an answer"

    async def _ask(self, whose: object, work: Work) -> _Seen:
        request = _Request(work)
        with self._changed:
            self._waiting.setdefault(whose, deque()).append(request)
            if not self._threads:
                for long in (False, True):
                    thread = threading.Thread(target=self._serve, args=(long,), name="checks", daemon=True)
                    self._threads.append(thread)
                    thread.start()
            self._changed.notify_all()
        return await asyncio.wrap_future(request.answer)

    def _serve(self, long: bool) -> None:
        child = _Child()
        while True:
            whose, request = self._next(long)
            if not request.answer.set_running_or_notify_cancel():
                continue
            try:
                seen = child.ask(request.work)
            except Exception as error:
                request.answer.set_exception(error)
                continue
            if seen.fault is not None or seen.took_s > _LONG_S:
                with self._changed:
                    self._apart_until[whose] = time.monotonic() + _APART_S
                    self._changed.notify_all()
            request.answer.set_result(seen)

    def _next(self, long: bool) -> tuple[object, _Request]:
        """The next request of the tenants served here, each tenant in its turn."""
        with self._changed:
            while True:
                now = time.monotonic()
                for whose in self._waiting:
                    if (self._apart_until.get(whose, 0.0) > now) is long:
                        requests = self._waiting.pop(whose)
                        request = requests.popleft()
                        if requests:
                            self._waiting[whose] = requests
                        return whose, request
                # A tenant may come back to the others only by the time that passes.
                self._changed.wait(_LONG_S if self._waiting else None)


@cache
def apart() -> Apart:
    """The one of this process."""
    return Apart()


class _Child:
    """One process, used by one thread."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def ask(self, work: Work) -> _Seen:
        """The answers; where they are not all there, the process is gone and the next begins anew. Raises OSError."""
        request = framed(pickle.dumps(work))
        seen = _Seen((), "")
        for _ in range(2):
            seen = self._asked(request, work)
            # Ended before the first answer, and not by the time: it was killed, by the system when memory was short.
            if seen.fault is None or seen.answers or seen.fault == _too_long(work):
                break
        return seen

    def _asked(self, request: bytes, work: Work) -> _Seen:
        process = self._started()
        assert process.stdin is not None
        assert process.stdout is not None
        answers: list[Looked] = []
        try:
            process.stdin.write(request)
            process.stdin.flush()
            while len(answers) < len(work.checks):
                good, said = self._read(process.stdout)
                answers.append(Looked(bool(good), str(said)))
            return _Seen(answers, took_s=self._read(process.stdout))
        except (OSError, ValueError):
            return _Seen(answers, _too_long(work) if self._ended(process) in _TIMED_OUT else "its process ended")

    def _read(self, answers: IO[bytes]) -> Any:
        """One frame. Raises ValueError where it is not whole."""
        return json.loads(answers.read(int.from_bytes(answers.read(LENGTH_BYTES), "big")))

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            # -P: nothing of the folder it happens to be started in is imported.
            command = (sys.executable, "-P", "-m", "steelyard.judging.worker")
            self._process = subprocess.Popen(  # noqa: S603 - this very interpreter
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
        return self._process

    def _ended(self, process: subprocess.Popen[bytes]) -> int:
        self._process = None
        try:
            # Its output is closed a moment before it is gone.
            process.wait(_GONE_S)
        except subprocess.TimeoutExpired:
            process.kill()
        with suppress(OSError), process:
            pass
        return process.wait()


def _too_long(work: Work) -> str:
    return f"it took longer than {work.limit_s:g} s"


def _is_cheap(check: Check, output: str) -> bool:
    short = len(output) <= _SHORT and (not isinstance(check.value, str) or len(check.value) <= _SHORT)
    return check.kind in _CHEAP and short
