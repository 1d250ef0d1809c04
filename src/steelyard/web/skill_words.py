"""What is said of a skill's text: its frontmatter as facts, and what to do about each of the linter's remarks."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

_ADVICE = {
    "file-name": "Rename the file to SKILL.md.",
    "no-frontmatter": "Write name and description between two lines of --- at the top of the file.",
    "broken-yaml": "Put the value in double quotes, then add the skill again.",
    "name-missing": "Add `name:` with lowercase letters, digits and hyphens.",
    "name-type": "Write the name as text; in quotes where it is a number.",
    "name-length": "Shorten the name to 64 characters.",
    "name-characters": "Write it with lowercase letters, digits and single hyphens.",
    "name-hyphens": "Keep single hyphens, between letters or digits only.",
    "name-folder": "Rename the folder or the skill, so that both are the same.",
    "description-missing": "Say in a sentence or two what the skill does and when to use it.",
    "description-type": "Write the description as text; in quotes where it holds a colon.",
    "description-length": "Shorten it to 1,024 characters: what it does and when to use it.",
    "compatibility-type": "Write compatibility as one line of text.",
    "compatibility-length": "Say it in 1 to 500 characters, or leave the key out.",
    "metadata-type": "Write metadata as keys and values, one a line and indented.",
    "metadata-values": "Put these values in quotes.",
    "allowed-tools-type": "Write the tools on one line with spaces between them.",
    "unknown-key": "Move it under metadata, or leave it: it changes no benchmark.",
    "empty-body": "Write the instructions below the frontmatter: without them there is nothing to measure.",
    "body-lines": "Move what is needed only sometimes to files under references/ and link to them.",
    "body-tokens": "Move what is needed only sometimes to files under references/: every call pays for the body.",
    "backslash-path": "Write paths with / so that they work everywhere.",
    "script-not-run": "Benchmarks are one call to a model: say in the text what the script's result would be.",
    "binary-reference": "Say in the text what the file holds, or link to a text file.",
    "references-cut": "Shorten the references or link to fewer; models got only a part of them.",
    "missing-file": "Add the file to the folder, or correct the link.",
    "deep-reference": "Link to it from SKILL.md itself.",
    "cases-not-read": "Write the cases in one of the notations that are read, or add them here.",
    "no-cases": "Correct the file and add the skill again, or add the cases here.",
    "file-too-large": "Make the file smaller where the skill needs it.",
    "file-refused": "Put an ordinary file in its place where the skill needs it.",
}


def advice(code: str) -> str | None:
    """What to do about a remark of that code; None where the remark itself says it."""
    return _ADVICE.get(code)


def frontmatter_facts(frontmatter: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """(key, value) in the order written; keys within keys are joined by a point, lists of words by a comma."""
    for key, value in frontmatter.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping) and value and prefix.count(".") < 2:
            yield from frontmatter_facts(cast("Mapping[str, Any]", value), f"{name}.")
        else:
            yield name, _written(value)


def _written(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        parts = cast("Sequence[Any]", value)
        if parts and all(isinstance(part, str) for part in parts):
            return ", ".join(parts)
    return json.dumps(value, ensure_ascii=False, default=str)
