"""JSON for other programs: to a file, or alone on standard output."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from steelyard.domain.errors import InputError

STDOUT = "-"


def check_target(target: str | None) -> None:
    """Fail before anything is paid for when the file cannot be written. Raises InputError."""
    if target is None or target == STDOUT:
        return
    path = Path(target).expanduser()
    if path.is_dir() or not os.access(path if path.exists() else path.absolute().parent, os.W_OK):
        raise InputError("--json cannot be written there.", file=target, next_step="Give a file in a folder of yours.")


def write_json(data: Any, target: str | None) -> None:
    """Write `data`; nothing when no target was given. Raises InputError."""
    if target is None:
        return
    text = json.dumps(data, indent=2, ensure_ascii=target == STDOUT and not _utf8(), allow_nan=False) + "\n"
    if target == STDOUT:
        sys.stdout.write(text)
        sys.stdout.flush()
        return
    path = Path(target).expanduser()
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"the result cannot be written ({error.strerror}).",
            file=target,
            kept="The run is kept: `steelyard runs show ID --json FILE` writes it.",
        ) from error


def _utf8() -> bool:
    return (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
