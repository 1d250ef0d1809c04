"""Trigger sets ask whether a description fires; they are no golden cases."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any, cast

from steelyard.skills.cases.fields import EXPECTED_KEYS, SENTENCE_KEYS

_SUFFIXES = (".json", ".jsonl", ".yaml", ".yml")


def is_trigger_file(path: str) -> bool:
    """Whether a file is a trigger set by its name: triggering.json, trigger_tests.yaml and the like."""
    name = PurePosixPath(path).name.lower()
    return name.startswith("trigger") and name.endswith(_SUFFIXES)


def is_trigger_set(value: Any) -> bool:
    """Whether a parsed file is a trigger set: prompts with should_trigger, and nothing expected of an output."""
    if isinstance(value, Mapping):
        data = cast("Mapping[str, Any]", value)
        if "should_trigger_prompts" in data or "should_not_trigger_prompts" in data:
            return True
        value = data.get("prompts", data.get("evals"))
    if not isinstance(value, list) or not value:
        return False
    return all(_is_trigger(entry) for entry in cast("list[Any]", value))


def _is_trigger(entry: Any) -> bool:
    if not isinstance(entry, Mapping):
        return False
    data = cast("Mapping[str, Any]", entry)
    return "should_trigger" in data and not any(data.get(key) for key in (*EXPECTED_KEYS, *SENTENCE_KEYS, "checks"))
