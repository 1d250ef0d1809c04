"""The question before a lot is spent."""

from __future__ import annotations

import signal
import sys

from steelyard.cli.terminal import Terminal
from steelyard.domain.money import MICROCENTS_PER_USD, dollars

ASK_ABOVE_USD = 1.0


def spend_unless_refused(microcents: int, terminal: Terminal) -> bool:
    """Whether to go on: always below a dollar, and where there is nobody to ask."""
    if microcents <= ASK_ABOVE_USD * MICROCENTS_PER_USD or not (sys.stdin.isatty() and terminal.err.live):
        return True
    terminal.err.console.print(f"Spend about {dollars(microcents)}? [y/N] ", end="")
    # The event loop would only note a Ctrl-C; here it has to end the question.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return input().strip().lower() in ("y", "yes")
    except EOFError:
        return False
    finally:
        signal.signal(signal.SIGINT, before)
