"""The question before a lot is spent."""

from __future__ import annotations

import signal
import sys

from steelyard.cli.terminal import Terminal
from steelyard.domain.errors import InputError
from steelyard.domain.money import MICROCENTS_PER_USD, dollars

ASK_ABOVE_USD = 1.0


def spend_unless_refused(microcents: int, terminal: Terminal) -> bool:
    """Whether to go on: always up to a dollar, above it by the answer of whoever sits at the terminal.

    Raises InputError where nobody can be asked: standard input or standard error is no terminal.
    """
    if microcents <= ASK_ABOVE_USD * MICROCENTS_PER_USD:
        return True
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise InputError(
            f"This takes about {dollars(microcents)}, and above ${ASK_ABOVE_USD:.0f} it is asked first: here is no"
            " terminal to ask at.",
            kept="Nothing was called.",
            next_step="Give --yes to go on without asking, or --budget USD to set a limit.",
        )
    terminal.err.console.print(f"Spend about {dollars(microcents)}? [y/N] ", end="")
    # The event loop would only note a Ctrl-C; here it has to end the question.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return input().strip().lower() in ("y", "yes")
    except EOFError:
        return False
    finally:
        signal.signal(signal.SIGINT, before)
