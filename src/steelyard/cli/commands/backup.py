"""`steelyard backup` and `restore`."""

from __future__ import annotations

from pathlib import Path

from steelyard import bootstrap
from steelyard.cli import exits
from steelyard.cli import text as words
from steelyard.cli.terminal import Terminal


def backup(file: str) -> int:
    """Write the backup and say how large it is and what it shows."""
    taken = bootstrap.back_up(Path(file).expanduser())
    made = taken.manifest
    Terminal().out.line(
        words.safe(f"Wrote {file}: {taken.size:,} bytes, schema {made.revision}, as of {made.made_at}.")
    )
    return exits.OK


def restore(file: str, *, force: bool) -> int:
    """Restore the backup and say what it shows, and where what it replaced is."""
    restored = bootstrap.restore(Path(file).expanduser(), force=force)
    screen, made = Terminal().out, restored.manifest
    screen.line(words.safe(f"Restored {file}: as of {made.made_at}, written by Steelyard {made.steelyard}."))
    if restored.replaced is not None:
        screen.line(words.safe(f"What was there before is in {restored.replaced}."))
    return exits.OK
