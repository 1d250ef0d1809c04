"""One case from one mapping: the keys of the evals.json family of dialects."""

from __future__ import annotations

import json
import posixpath
from typing import Any, cast

from steelyard.domain.cases import Check, GoldenCase
from steelyard.domain.check_limits import TooMuch, refuse_many
from steelyard.skills.cases.checks import is_check, read_check
from steelyard.skills.cases.model import MAX_CASE_CHARACTERS, MAX_CASE_ID, Notebook
from steelyard.skills.text import MAX_FILE_BYTES, NotText, decode, size, unstorable
from steelyard.skills.tree import Node

ID_KEYS = ("id", "case_id")
INPUT_KEYS = ("prompt", "input", "question", "query")
EXPECTED_KEYS = ("expected_output", "expected", "ground_truth")
SENTENCE_KEYS = ("assertions", "expectations", "expected_behavior", "knowledge_assertions", "process_assertions")
_TEXT_KEYS = ("text", "assertion", "claim", "description", "criteria", "statement", "name")


class _Bad(ValueError):
    """A field of the wrong type; the message continues "case x: "."""


def label(case_id: str | None, number: int) -> str:
    return f"case {case_id!r}" if case_id else f"case {number}"


def case_id_of(node: Node, number: int, book: Notebook) -> str | None:
    """The id as text; None when there is none. An id of the wrong type is a problem."""
    key = next((key for key in ID_KEYS if node.get(key) is not None), None)
    if key is None:
        return None
    value = node[key]
    if isinstance(value, bool) or not isinstance(value, str | int | float) or not str(value).strip():
        book.problem(node.line, f"case {number}: its id is neither a number nor text.")
        return None
    case_id = node.spelling.get(key, str(value)).strip()
    if len(case_id) > MAX_CASE_ID:
        book.problem(node.line, f"case {number}: its id has {len(case_id):,} characters; {MAX_CASE_ID} are the most.")
        return None
    return case_id


def read_case(node: Node, number: int, book: Notebook) -> GoldenCase | None:
    """The case, or None when it has a problem (noted in `book`). A case without id gets an empty one."""
    case_id = case_id_of(node, number, book)
    who = label(case_id, number)
    if reason := unstorable(node):
        book.problem(node.line, f"{who} cannot be kept: {reason}.")
        return None
    rest: dict[str, Any] = {**node}
    try:
        for key in ID_KEYS[: 1 if "id" in node and node["id"] is not None else 2]:
            rest.pop(key, None)
        text = _take(node, rest, INPUT_KEYS)
        if not text.strip():
            raise _Bad(f"it has no input; give one as '{INPUT_KEYS[0]}'")
        expected = _take(node, rest, EXPECTED_KEYS)
        assertions, checks = take_assertions(rest)
        files, unread = read_files(rest.pop("files", None), who, node.line, book)
        family = _label_of(rest, "family") or _family_of(rest.get("metadata"))
        case_set = _label_of(rest, "case_set")
    except _Bad as error:
        book.problem(node.line, f"{who}: {error}.")
        return None
    if unread:
        rest["files"] = unread
    if rest.get("should_trigger") is False:
        message = f"{who} says the skill should not fire; it is kept as a case, and firing is not measured by it."
        book.lost("should-not-trigger", message, node.line)
    case = GoldenCase(case_id or "", text, expected, assertions, checks, files, family, case_set, book.source, rest)
    return case if fits(case, who, node.line, book) else None


def fits(case: GoldenCase, who: str, line: int, book: Notebook) -> bool:
    """Whether the case is not too long, nor has too many checks; notes what else is remarkable about it."""
    length = len(case.prompt) + len(case.expected)
    if length > MAX_CASE_CHARACTERS:
        book.problem(line, f"{who} has {size(length)} of text; a case may have {size(MAX_CASE_CHARACTERS)}.")
        return False
    try:
        refuse_many(case.checks)
    except TooMuch as error:
        book.problem(line, f"the checks of {who} cannot be kept: {error}.")
        return False
    if not (case.expected or case.assertions or case.checks):
        message = f"{who} says nothing about the output: it can be judged by the skill's rubric only."
        book.lost("nothing-expected", message, line)
    return True


def _take(node: Node, rest: dict[str, Any], keys: tuple[str, ...]) -> str:
    """The first of `keys` with something in it, as text; it is removed from `rest`, as are empty ones before it."""
    for key in keys:
        value = node.get(key)
        if value is None or value == "":
            rest.pop(key, None)
            continue
        rest.pop(key)
        if isinstance(value, str):
            return value
        if isinstance(value, bool | int | float):
            return node.spelling.get(key, json.dumps(value))
        if keys is EXPECTED_KEYS:
            return json.dumps(value, ensure_ascii=False)
        raise _Bad(f"its '{key}' is not text")
    return ""


def _label_of(rest: dict[str, Any], key: str) -> str | None:
    value = rest.pop(key, None)
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise _Bad(f"its '{key}' is not text")
    return str(value)


def _family_of(metadata: Any) -> str | None:
    family = cast("dict[str, Any]", metadata).get("family") if isinstance(metadata, dict) else None
    return str(family) if isinstance(family, str | int) and not isinstance(family, bool) and family != "" else None


def take_assertions(rest: dict[str, Any]) -> tuple[tuple[str, ...], tuple[Check, ...]]:
    """(sentences for the judge, checks) of a case, its keys removed from `rest`.

    What sentences and checks cannot hold of the original (ids, sources, names) stays in `rest`, so that it can be
    written back. Raises ValueError.
    """
    sentences: list[str] = []
    checks: list[Check] = []
    originals: dict[str, Any] = {}
    for key in SENTENCE_KEYS:
        value = rest.pop(key, None)
        if value is None:
            continue
        entries = _entries(key, value)
        its_sentences, its_checks = _sort(entries)
        sentences += its_sentences
        checks += its_checks
        if entries:
            originals[key] = value
    plain = [key for key, value in originals.items() if isinstance(value, list) and _all_text(cast("list[Any]", value))]
    if originals and (len(originals) > 1 or not plain):
        if "assertions" not in originals and "expectations" in originals:
            originals = {"assertions": originals.pop("expectations"), **originals}
        rest |= originals
    for entry in _entries("checks", rest.pop("checks", None) or []):
        if not isinstance(entry, dict):
            raise _Bad("one of its 'checks' is not an object with type and value")
        try:
            checks.append(read_check(cast("dict[str, Any]", entry)))
        except ValueError as error:
            raise _Bad(str(error)) from None
    return tuple(sentences), tuple(checks)


def _all_text(values: list[Any]) -> bool:
    return all(isinstance(value, str) and value.strip() == value and value for value in values)


def _entries(key: str, value: Any) -> list[Any]:
    if isinstance(value, str):
        return [value] if value.strip() else []
    if not isinstance(value, list):
        raise _Bad(f"its '{key}' is not a list")
    return [entry for entry in cast("list[Any]", value) if entry not in (None, "")]


def _sort(entries: list[Any]) -> tuple[list[str], list[Check]]:
    sentences: list[str] = []
    checks: list[Check] = []
    for entry in entries:
        if isinstance(entry, str):
            if entry.strip():
                sentences.append(entry.strip())
        elif isinstance(entry, dict):
            data = cast("dict[str, Any]", entry)
            if is_check(data):
                try:
                    checks.append(read_check(data))
                except ValueError as error:
                    raise _Bad(str(error)) from None
                continue
            text = next((data[key] for key in _TEXT_KEYS if isinstance(data.get(key), str) and data[key].strip()), None)
            if text is None:
                raise _Bad("one of its assertions has no text and is no known check")
            sentences.append(text.strip())
        else:
            raise _Bad("one of its assertions is neither text nor an object")
    return sentences, checks


def read_files(value: Any, who: str, line: int, book: Notebook) -> tuple[dict[str, str], list[Any]]:
    """(texts by path, entries to keep as they are) of a case's `files`: paths, or objects with path and content."""
    read: dict[str, str] = {}
    keep: list[Any] = []
    if not isinstance(value, str | dict | list | None):
        raise _Bad("its 'files' is not a list")
    entries = cast("list[Any]", value if isinstance(value, list) else [value] if value else [])
    for entry in entries:
        data = cast("dict[str, Any]", entry) if isinstance(entry, dict) else dict[str, Any]()
        path: Any = data.get("path") if data else cast("Any", entry)
        if not isinstance(path, str) or not path.strip():
            raise _Bad("one of its 'files' is not a path")
        if data:
            keep.append(entry)
        content: Any = data.get("content")
        if isinstance(content, str):
            read[path] = content
            continue
        text = _read_file(path, who, line, book)
        if text is not None:
            read[path] = text
        elif not data:
            keep.append(entry)
    return read, keep


def _read_file(path: str, who: str, line: int, book: Notebook) -> str | None:
    path = path.replace("\\", "/")
    folder = posixpath.dirname(book.name)
    places = [path, posixpath.join(folder, path)]
    if not posixpath.normpath(path).startswith(".."):
        places += [posixpath.join(folder, "files", path), posixpath.join(folder, "fixtures", path)]
    inside = [place for place in map(posixpath.normpath, places) if not place.startswith(("..", "/"))]
    if not inside or path.startswith("/") or path[1:3] == ":/":
        raise _Bad(f"its file '{path}' is outside the skill's folder; copy it into evals/files/")
    data = next((found for place in inside if (found := book.files.get(place)) is not None), None)
    if data is None:
        book.lost("file-missing", f"{who}: its file '{path}' is not in the folder, so no model sees it.", line)
        return None
    if len(data) > MAX_FILE_BYTES:
        book.lost(
            "file-too-large",
            f"{who}: its file '{path}' has more than {size(MAX_FILE_BYTES)}, so no model sees it.",
            line,
        )
        return None
    try:
        return decode(data)
    except NotText as error:
        book.lost("file-not-text", f"{who}: its file '{path}' is not sent: {error.reason}.", line)
        return None
