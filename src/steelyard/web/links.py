"""Addresses of pages, made in one place so that a name can never break one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, cast
from urllib.parse import urlencode
from uuid import UUID

RESERVED = frozenset({"new"})
_PLAIN = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}\Z")


def skill_key(name: str, skill_id: UUID) -> str:
    """What stands for a skill in an address: its name where that is plain, else its id."""
    return name if _PLAIN.match(name) and name not in RESERVED else str(skill_id)


def skill_url(name: str, skill_id: UUID, tab: str = "") -> str:
    """`/skills/invoice-extractor`, with `tab` below it: `benchmark`, `details`, `review`, `suggestions`, …"""
    base = f"/skills/{skill_key(name, skill_id)}"
    return f"{base}/{tab}" if tab else base


def run_url(run_id: UUID, rest: str = "") -> str:
    """`/runs/<id>`, with `rest` below it."""
    return f"/runs/{run_id}/{rest}" if rest else f"/runs/{run_id}"


def case_url(run_id: UUID, index: int, rest: str = "") -> str:
    """`/runs/<id>/cases/1` of the case at place 0: addresses count as the pages do."""
    return run_url(run_id, f"cases/{index + 1}/{rest}" if rest else f"cases/{index + 1}")


def with_query(path: str, /, **values: Any) -> str:
    """`path` with a query of the values that say something.

    None, False and "" are left out, True is 1, and a list or tuple repeats its key.
    """
    given = [
        (key, "1" if one is True else str(one))
        for key, value in values.items()
        for one in (cast("Sequence[Any]", value) if isinstance(value, list | tuple) else (value,))
        if one is not None and one is not False and one != ""
    ]
    return f"{path}?{urlencode(given)}" if given else path
