"""A skill's own rubric: the criteria for cases that have no assertions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast

from steelyard.domain.skills import SkillContent

RUBRIC_FILE = "rubric.md"
_ITEM = re.compile(r"^\s*(?:[-*+]|\d+[.)])\s+(.*\S)\s*$")


def rubric_of(content: SkillContent) -> tuple[str, ...]:
    """The criteria of `metadata.rubric` (a text or a list) or the list items of `rubric.md`; empty without."""
    metadata = content.frontmatter.get("metadata")
    declared = cast(Mapping[str, Any], metadata).get("rubric") if isinstance(metadata, Mapping) else None
    if isinstance(declared, str):
        return tuple(line.strip() for line in declared.splitlines() if line.strip())
    if isinstance(declared, list):
        return tuple(str(item).strip() for item in cast(list[Any], declared) if str(item).strip())
    text = content.files.get(RUBRIC_FILE, b"").decode("utf-8", "replace")
    return tuple(found[1] for line in text.splitlines() if (found := _ITEM.match(line)))
