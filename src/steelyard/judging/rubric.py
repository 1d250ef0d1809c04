"""A skill's own rubric: the criteria for cases that have no assertions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast

from steelyard.domain.skills import SkillContent

RUBRIC_FILE = "rubric.md"
_ITEM = re.compile(r"(?:[-*+]|\d+[.)])\s+(\S.*)")


def rubric_of(content: SkillContent) -> tuple[str, ...]:
    """The criteria of `metadata.rubric` (a text or a list), else of a `rubric.md` at the top; empty without.

    Of a text: its list items with the lines that continue them, or every line but the headings where it has no list.
    """
    metadata = content.frontmatter.get("metadata")
    declared = cast(Mapping[str, Any], metadata).get("rubric") if isinstance(metadata, Mapping) else None
    if isinstance(declared, list):
        return tuple(str(item).strip() for item in cast(list[Any], declared) if str(item).strip())
    if isinstance(declared, str):
        return _criteria(declared)
    path = next((path for path in sorted(content.files) if path.lower() == RUBRIC_FILE), None)
    return () if path is None else _criteria(content.files[path].decode("utf-8-sig", "replace"))


def _criteria(text: str) -> tuple[str, ...]:
    lines = text.splitlines()
    items: list[list[str]] = []
    open_item = False
    for line in lines:
        if found := _ITEM.fullmatch(line.strip()):
            items.append([found[1]])
            open_item = True
        elif open_item and line.startswith((" ", "\t")) and line.strip():
            items[-1].append(line.strip())
        else:
            open_item = False
    if items:
        return tuple(" ".join(parts) for parts in items)
    return tuple(line.strip() for line in lines if line.strip() and not line.startswith("#"))
