"""Runs every test: the acceptance tests beside the others, and after them, alone, those that go by the clock.

Each lot is a pytest of its own, with a home and a database of its own: a browser's driver keeps an event loop running,
beside which no asynchronous test can start, so that workers of one pytest cannot share the tests out among them. What
the acceptance tests say is kept until the others have ended.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import tempfile
from typing import IO

_NOT_ALONE = ("-m", "not alone")
# Without a cache: of two that end at about the same time, each would forget what failed in the other.
ACCEPTANCE = (*_NOT_ALONE, "-p", "no:cacheprovider", "tests/acceptance")
OTHERS = (*_NOT_ALONE, "--ignore", "tests/acceptance")
ALONE = ("-m", "alone")


def start(lot: tuple[str, ...], output: IO[bytes] | None = None) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "pytest", *lot]
    return subprocess.Popen(command, stdout=output, stderr=None if output is None else subprocess.STDOUT)


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
    with tempfile.TemporaryFile() as kept:
        running = [start(ACCEPTANCE, kept), start(OTHERS)]
        codes["all others"] = running[1].wait()
        codes["of acceptance"] = running[0].wait()
        kept.seek(0)
        shutil.copyfileobj(kept, sys.stdout.buffer)
        sys.stdout.flush()
    if not stopped:
        running = [start(ALONE)]
        codes["alone"] = running[0].wait()
    for lot, code in codes.items():
        print(f"Tests {lot}: {'passed' if code == 0 else f'not passed (pytest ended with {code})'}.")
    return int(stopped or any(codes.values()))


if __name__ == "__main__":
    sys.exit(main())
