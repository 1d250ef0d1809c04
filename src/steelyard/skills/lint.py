"""What is remarkable about a SKILL.md: official rules are errors, advice and unknown keys are warnings."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Any, cast

from steelyard.domain.skills import LintFinding
from steelyard.skills.markdown import Document

OFFICIAL_KEYS = ("name", "description", "license", "compatibility", "metadata", "allowed-tools")
MAX_NAME = 64
MAX_DESCRIPTION = 1024
MAX_COMPATIBILITY = 500
MAX_BODY_LINES = 500
MAX_BODY_TOKENS = 5_000
_CHARACTERS_PER_TOKEN = 4


def lint_document(document: Document, file: str, folder_name: str | None) -> tuple[LintFinding, ...]:
    """Findings on one SKILL.md, errors first. `folder_name` None leaves out the rules about the folder."""
    found = [*_frontmatter(document, file, folder_name), *_body(document, file)]
    return tuple(sorted(found, key=lambda finding: (finding.level != "error", finding.line or 0)))


def _frontmatter(document: Document, file: str, folder_name: str | None) -> Iterator[LintFinding]:
    data, lines = document.frontmatter, document.keys

    def error(code: str, message: str, key: str = "") -> LintFinding:
        return LintFinding("error", code, message, file, lines.get(key, 1))

    if file != "SKILL.md" and folder_name is not None:
        yield LintFinding("warning", "file-name", f"The file is named {file}; readers look for SKILL.md.", file)
    if not document.has_frontmatter:
        yield error("no-frontmatter", "There is no frontmatter: add name and description between two lines of ---.")
        return
    if document.repaired:
        line, reason = document.repaired
        message = f"The frontmatter was read as if its values were quoted: {reason}. Put that value in quotes."
        yield LintFinding("error", "broken-yaml", message, file, line)
    yield from (error(*problem, "name") for problem in _name(data.get("name"), folder_name))
    yield from (error(*problem, "description") for problem in _description(data.get("description")))
    for key, limit in (("compatibility", MAX_COMPATIBILITY),):
        value = data.get(key)
        if value is not None and not isinstance(value, str):
            yield error(f"{key}-type", f"{key} is not text.", key)
        elif value is not None and not 1 <= len(value) <= limit:
            yield error(f"{key}-length", f"{key} has {len(value)} characters; 1 to {limit} are allowed.", key)
    yield from (error(*problem, "metadata") for problem in _metadata(data.get("metadata")))
    tools = data.get("allowed-tools")
    if tools is not None and not isinstance(tools, str):
        yield error("allowed-tools-type", "allowed-tools is not text with spaces between the tools.", "allowed-tools")
    for key in data:
        if key not in OFFICIAL_KEYS:
            message = f"'{key}' is not a key of the Agent Skills format; it is kept. Custom keys belong under metadata."
            yield LintFinding("warning", "unknown-key", message, file, lines.get(key))


def _name(name: Any, folder_name: str | None) -> Iterator[tuple[str, str]]:
    if not isinstance(name, str) or not name.strip():
        yield ("name-missing", "There is no name.") if name in (None, "") else ("name-type", "name is not text.")
        return
    name = unicodedata.normalize("NFKC", name.strip())
    if len(name) > MAX_NAME:
        yield "name-length", f"name has {len(name)} characters; at most {MAX_NAME} are allowed."
    if name != name.lower() or not all(character.isalnum() or character == "-" for character in name):
        yield "name-characters", f"name '{name}' may hold lowercase letters, digits and hyphens only."
    if name.startswith("-") or name.endswith("-") or "--" in name:
        yield "name-hyphens", f"name '{name}' starts or ends with a hyphen or has two in a row."
    if folder_name is not None and name != unicodedata.normalize("NFKC", folder_name):
        yield "name-folder", f"name '{name}' is not the name of its folder, '{folder_name}'."


def _description(text: Any) -> Iterator[tuple[str, str]]:
    if text is None or (isinstance(text, str) and not text.strip()):
        yield "description-missing", "There is no description: without one no agent knows when to use the skill."
    elif not isinstance(text, str):
        yield "description-type", "description is not text."
    elif len(text) > MAX_DESCRIPTION:
        yield "description-length", f"description has {len(text)} characters; at most {MAX_DESCRIPTION} are allowed."


def _metadata(value: Any) -> Iterator[tuple[str, str]]:
    if value is None:
        return
    if not isinstance(value, dict):
        yield "metadata-type", "metadata is not a list of keys and values."
        return
    odd = [key for key, part in cast("dict[str, Any]", value).items() if not isinstance(part, str)]
    if odd:
        yield "metadata-values", f"metadata holds values that are not text: {', '.join(odd)}."


def _body(document: Document, file: str) -> Iterator[LintFinding]:
    body = document.body.strip()
    if not body:
        yield LintFinding("warning", "empty-body", "There is nothing after the frontmatter.", file, document.body_line)
        return
    count = body.count("\n") + 1
    if count >= MAX_BODY_LINES:
        message = f"The body has {count} lines; keep it under {MAX_BODY_LINES} and move detail to references/."
        yield LintFinding("warning", "body-lines", message, file, document.body_line)
    tokens = len(body) // _CHARACTERS_PER_TOKEN
    if tokens >= MAX_BODY_TOKENS:
        message = f"The body has about {tokens:,} tokens; keep it under {MAX_BODY_TOKENS:,}."
        yield LintFinding("warning", "body-tokens", message, file, document.body_line)
    if re.search(r"(?<![\w/])[A-Za-z]:\\\w", body) or re.search(r"\b(?:references|scripts|assets)\\\w", body):
        yield LintFinding("warning", "backslash-path", "A path uses backslashes; write it with /.", file)
