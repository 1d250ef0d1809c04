"""Runs every test in lots, three at a time, and after them, two at a time, those that go by the clock.

Each lot is a pytest of its own, with a home and a database of its own: a browser's driver keeps an event loop running,
beside which no asynchronous test can start, so that workers of one pytest cannot share the tests out among them. Tests
wait for answers, processes and pages for much of their time, so that two lots would leave two cores idle. What
a lot says is kept until it has ended.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
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


def start(lot: tuple[str, ...], output: IO[bytes]) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "pytest", *lot], stdout=output, stderr=subprocess.STDOUT)


def tell(said: IO[bytes]) -> None:
    said.seek(0)
    shutil.copyfileobj(said, sys.stdout.buffer)
    sys.stdout.flush()


def main() -> int:
    at_work: dict[str, subprocess.Popen[bytes]] = {}
    stopped = False

    def stop(number: int, _: object) -> None:
        """Ctrl-C reaches every process from the terminal, SIGTERM this one alone; either way all clean up and end."""
        nonlocal stopped
        stopped = True
        for process in at_work.values() if number == signal.SIGTERM else ():
            process.send_signal(signal.SIGINT)

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    codes: dict[str, int] = {}
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
                for lot in [lot for lot, process in at_work.items() if process.poll() is not None]:
                    codes[lot] = at_work.pop(lot).wait()
                    tell(said.pop(lot))
                time.sleep(0.2)
    for lot, code in codes.items():
        print(f"Tests {lot}: {'passed' if code == 0 else f'not passed (pytest ended with {code})'}.")
    return int(stopped or any(codes.values()))


if __name__ == "__main__":
    sys.exit(main())
