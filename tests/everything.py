"""Runs every test in lots, three at a time, and after them, two at a time, those that go by the clock.

Each lot is a pytest of its own, with a home and a database of its own: a browser's driver keeps an event loop running,
beside which no asynchronous test can start, so that workers of one pytest cannot share the tests out among them. Tests
wait for answers, processes and pages for much of their time, so that two lots would leave two cores idle. What
a lot says is kept until it has ended.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

# Without a cache: of two that end at about the same time, each would forget what failed in the other.
_BUSY = ("-p", "no:cacheprovider", "-m", "not alone")
_QUIET = ("-p", "no:cacheprovider", "-m", "alone")
_CRASH = "tests/acceptance/test_crash.py"

_STRANGERS = ("tests/attacks", "tests/isolation")


def ignored(*folders: str) -> tuple[str, ...]:
    """Leaves the folders out."""
    return tuple(f"--ignore={folder}" for folder in folders)


def halves(name: str, folder: str, but: str = "") -> dict[str, tuple[str, ...]]:
    """Every other test file below `folder`, and the rest of them, without those below `but`."""
    files = [str(path) for path in sorted(Path(folder).rglob("test_*.py")) if not but or Path(but) not in path.parents]
    return {f"{name}, one half": (*_BUSY, *files[::2]), f"{name}, the other": (*_BUSY, *files[1::2])}


# Of each stage the longest first, so that the last to end has little to wait for. What is in no other is in the last.
STAGES = (
    (
        3,
        {
            **halves("of the commands", "tests/acceptance", but="tests/acceptance/web"),
            **halves("of the browser", "tests/acceptance/web"),
            **halves("of the parts together", "tests/integration", but="tests/integration/web"),
            **halves("of the web", "tests/integration/web"),
            "of strangers": (*_BUSY, *_STRANGERS),
            "all others": (*_BUSY, *ignored("tests/acceptance", "tests/integration", *_STRANGERS)),
        },
    ),
    (2, {"of crashes": (*_QUIET, _CRASH), "by the clock": (*_QUIET, "--ignore", _CRASH)}),
)


@dataclass(frozen=True)
class AtWork:
    """A lot that was begun."""

    process: subprocess.Popen[bytes]
    began_s: float = field(default_factory=time.monotonic)

    def outcome(self) -> str | None:
        """What came of it, with the time and the CPU time of it and its children; None while it is at work."""
        pid, status, used = os.wait4(self.process.pid, os.WNOHANG)
        if not pid:
            return None
        code = os.waitstatus_to_exitcode(status)
        # Whoever sends a signal later must not reach another process of that number.
        self.process.returncode = code
        told = "passed" if code == 0 else f"not passed (pytest ended with {code})"
        return f"{told} in {time.monotonic() - self.began_s:.0f} s, {used.ru_utime + used.ru_stime:.0f} s of CPU"


def start(lot: tuple[str, ...], output: IO[bytes]) -> AtWork:
    command = [sys.executable, "-m", "pytest", *lot]
    # What one lot has compiled the others and their commands need not compile again.
    env = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    return AtWork(subprocess.Popen(command, env=env, stdout=output, stderr=subprocess.STDOUT))


def tell(said: IO[bytes]) -> None:
    said.seek(0)
    shutil.copyfileobj(said, sys.stdout.buffer)
    sys.stdout.flush()


def main() -> int:
    at_work: dict[str, AtWork] = {}
    stopped = False

    def stop(number: int, _: object) -> None:
        """Ctrl-C reaches every process from the terminal, SIGTERM this one alone; either way all clean up and end."""
        nonlocal stopped
        stopped = True
        for lot in at_work.values() if number == signal.SIGTERM else ():
            lot.process.send_signal(signal.SIGINT)

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    outcomes: dict[str, str] = {}
    for at_once, lots in STAGES:
        waiting = dict(lots)
        said: dict[str, IO[bytes]] = {}
        with ExitStack() as stack:
            while at_work or (waiting and not stopped):
                while waiting and len(at_work) < at_once and not stopped:
                    lot = next(iter(waiting))
                    said[lot] = stack.enter_context(tempfile.TemporaryFile())
                    print(f"Tests {lot}: begun; what they say comes when they have ended.", flush=True)
                    at_work[lot] = start(waiting.pop(lot), said[lot])
                ended = {name: told for name, lot in at_work.items() if (told := lot.outcome()) is not None}
                for name in ended:
                    del at_work[name]
                    tell(said.pop(name))
                outcomes |= ended
                time.sleep(0.2)
    for lot, told in outcomes.items():
        print(f"Tests {lot}: {told}.")
    return int(stopped or not all(told.startswith("passed") for told in outcomes.values()))


if __name__ == "__main__":
    sys.exit(main())
