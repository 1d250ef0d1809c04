"""Runs every test in lots, two at a time, and after them, alone, those that go by the clock.

Each lot is a pytest of its own, with a home and a database of its own: a browser's driver keeps an event loop running,
beside which no asynchronous test can start, so that workers of one pytest cannot share the tests out among them. What
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
from typing import IO

AT_ONCE = 2
# Without a cache: of two that end at about the same time, each would forget what failed in the other.
_LOT = ("-m", "not alone", "-p", "no:cacheprovider")
# The longest first, so that the last to end has little to wait for. What is in no other is in the last.
LOTS = {
    "of acceptance": (*_LOT, "tests/acceptance"),
    "of the web": (*_LOT, "tests/integration/web"),
    "of the parts together": (*_LOT, "tests/integration", "--ignore", "tests/integration/web"),
    "all others": (*_LOT, "--ignore", "tests/acceptance", "--ignore", "tests/integration"),
}
ALONE = ("-m", "alone")


def start(lot: tuple[str, ...], output: IO[bytes] | None = None) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "pytest", *lot]
    return subprocess.Popen(command, stdout=output, stderr=None if output is None else subprocess.STDOUT)


def tell(said: IO[bytes]) -> None:
    said.seek(0)
    shutil.copyfileobj(said, sys.stdout.buffer)
    sys.stdout.flush()


def main() -> int:
    running: list[subprocess.Popen[bytes]] = []
    stopped = False

    def stop(number: int, _: object) -> None:
        """Ctrl-C reaches every process from the terminal, SIGTERM this one alone; either way all clean up and end."""
        nonlocal stopped
        stopped = True
        for process in running if number == signal.SIGTERM else ():
            process.send_signal(signal.SIGINT)

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    codes: dict[str, int] = {}
    waiting = dict(LOTS)
    said: dict[str, IO[bytes]] = {}
    at_work: dict[str, subprocess.Popen[bytes]] = {}
    with ExitStack() as stack:
        while at_work or (waiting and not stopped):
            while waiting and len(at_work) < AT_ONCE and not stopped:
                lot = next(iter(waiting))
                said[lot] = stack.enter_context(tempfile.TemporaryFile())
                print(f"Tests {lot}: begun; what they say comes when they have ended.", flush=True)
                at_work[lot] = start(waiting.pop(lot), said[lot])
                running = list(at_work.values())
            for lot in [lot for lot, process in at_work.items() if process.poll() is not None]:
                codes[lot] = at_work.pop(lot).wait()
                tell(said.pop(lot))
            time.sleep(0.2)
    if not stopped:
        running = [start(ALONE)]
        codes["alone"] = running[0].wait()
    for lot, code in codes.items():
        print(f"Tests {lot}: {'passed' if code == 0 else f'not passed (pytest ended with {code})'}.")
    return int(stopped or any(codes.values()))


if __name__ == "__main__":
    sys.exit(main())
