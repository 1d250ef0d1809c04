"""`python -m steelyard.judging.worker`: looks at outputs by the checks it is sent, in a process that may be lost.

A pattern or schema of somebody's case may take for ever and all memory there is, and holds the interpreter's lock
meanwhile. Frames come in on standard input and go out on standard output: in a pickled Work, out one answer for each
of its checks and then the seconds it took, as JSON: what worked on hostile texts is not trusted to say more. A work
that takes longer than it may ends the process by SIGPROF: seconds of the processor, so that no check fails because
the machine is busy. Its parent's end ends it too.
"""

from __future__ import annotations

import json
import os
import pickle
import signal
import sys
import time
from typing import BinaryIO

from steelyard.domain.frames import LENGTH_BYTES, framed
from steelyard.judging.looking import MOST_MEMORY_BYTES, Work, looked

_HAS_TIMER = hasattr(signal, "setitimer")
_WAITING = 20


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer until the input ends."""
    while header := requests.read(LENGTH_BYTES):
        # From the process that started this one, by a pipe nobody else has.
        work: Work = pickle.loads(requests.read(int.from_bytes(header, "big")))  # noqa: S301
        _time(work.limit_s)
        began = time.process_time()
        for check in work.checks:
            one = looked(check, work.output)
            answers.write(framed(json.dumps([one.good, one.said]).encode()))
            answers.flush()
        _time(0)
        answers.write(framed(json.dumps(time.process_time() - began).encode()))
        answers.flush()


def _time(limit_s: float) -> None:
    if _HAS_TIMER:
        signal.setitimer(signal.ITIMER_PROF, limit_s)
        # Should it wait for what never comes.
        signal.setitimer(signal.ITIMER_REAL, _WAITING * limit_s)


def main() -> None:
    # Ctrl-C is for the process that started this one; and everything else comes before what may take for ever.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if _HAS_TIMER:
        signal.signal(signal.SIGPROF, signal.SIG_DFL)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
    if hasattr(os, "nice"):
        os.nice(5)
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY_BYTES, MOST_MEMORY_BYTES))
    # Whatever prints must not get between the answers.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    serve(sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()
