"""The last line of defence of every command: errors become one clear sentence and an exit code."""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Generator
from contextlib import contextmanager

from steelyard.cli import exits
from steelyard.cli.place import refuse_server
from steelyard.domain.actors import LOCAL, Actor, acting_as
from steelyard.domain.errors import SteelyardError
from steelyard.domain.masking import masked

DEBUG = "STEELYARD_DEBUG"


@contextmanager
def guarded(*, verbose: bool = False) -> Generator[None]:
    """Turn what a command raises into a message on standard error and the documented exit code.

    What the command does is done on behalf of the user of the operating system.
    """
    try:
        refuse_server(_command())
        with acting_as(_user()):
            yield
        sys.stdout.flush()
    except SteelyardError as error:
        if verbose or os.environ.get(DEBUG):
            raise
        tell(error)
        sys.exit(exits.code_of(error))
    except BrokenPipeError:
        from steelyard.cli.terminal import silence_broken_pipe

        silence_broken_pipe()
        sys.exit(exits.OK)
    except KeyboardInterrupt:
        sys.stderr.write("\nInterrupted. Every answer received so far is saved.\n")
        sys.exit(exits.INTERRUPTED)
    except Exception as error:
        # The boundary of the process: whatever it is, the person gets a sentence, not a traceback.
        if verbose or os.environ.get(DEBUG):
            raise
        tell(_fault(error))
        sys.exit(exits.FAULT)


def _command() -> str:
    """The command's words without the program's name, as `runs list`; empty outside of one."""
    # Typer brings a copy of click with it, or takes the one that is installed.
    for name in ("typer._click.globals", "click.globals"):
        context = name in sys.modules and sys.modules[name].get_current_context(silent=True)
        if context:
            return str(context.command_path).partition(" ")[2]
    return ""


def _user() -> Actor:
    try:
        return Actor(LOCAL.kind, f"local ({getpass.getuser()})")
    except (OSError, KeyError, ImportError):
        # A container's user often has no name.
        return LOCAL


def _fault(error: Exception) -> SteelyardError:
    detail = masked(str(error)).strip().split("\n", 1)[0][:300]
    return SteelyardError(
        f"Something went wrong inside Steelyard ({type(error).__name__}{': ' + detail if detail else ''}).",
        kept="Every answer received so far is saved.",
        next_step=f"Run it again with {DEBUG}=1 to see where; `steelyard doctor` checks the installation.",
    )


def tell(error: SteelyardError) -> None:
    from rich.text import Text

    from steelyard.cli.terminal import Screen
    from steelyard.cli.text import hang, safe

    screen = Screen(sys.stderr)
    first, *others = [line for line in error.message.split("\n") if line.strip()] or ["Something went wrong."]
    screen.line(Text.assemble(("error: ", "bold red"), (safe(first), "red")))
    for line in others:
        screen.line(Text("  " + hang(safe(line), screen.width, 2)))
    if error.kept:
        screen.line(Text("  " + hang(safe(error.kept), screen.width, 2)))
    if error.next_step:
        screen.line(Text.assemble(("  next: ", "bold"), hang(safe(error.next_step), screen.width, 8)))
