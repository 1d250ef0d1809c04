"""One door for every notation and dialect of golden cases."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any, cast

from steelyard.domain.cases import CaseSource, GoldenCase
from steelyard.skills.cases import promptfoo, triggers, waza
from steelyard.skills.cases.families import number_cases, share_families
from steelyard.skills.cases.fields import EXPECTED_KEYS, INPUT_KEYS, SENTENCE_KEYS, read_case
from steelyard.skills.cases.model import NotCases, Notebook, ParsedCases
from steelyard.skills.cases.table import has_case_header, parse_csv
from steelyard.skills.text import NotText, decode, size, unstorable
from steelyard.skills.tree import Node, Unparsable, parse_json, parse_yaml

MAX_CASES_BYTES = 64_000_000
LIST_KEYS = ("evals", "cases", "test_cases", "eval_cases", "examples")
_STANDARD_INPUT = "-"
_NOTATIONS = {
    ".json": "JSON",
    ".jsonl": "JSONL",
    ".ndjson": "JSONL",
    ".yaml": "YAML",
    ".yml": "YAML",
    ".csv": "CSV",
    ".tsv": "CSV",
}


def parse_cases(
    name: str,
    data: bytes,
    files: Mapping[str, bytes] | None = None,
    *,
    shown_as: str | None = None,
    source: CaseSource | None = None,
) -> ParsedCases:
    """The golden cases in `data`, in every dialect that is read.

    `name`: the file's path relative to the skill folder; its ending says the notation, and without one (as `-` for
    standard input, whose cases are ad hoc) the content does. `files`: what the cases' `files` are looked up in.
    `shown_as`: the path named in messages. Raises CaseError, once, with every problem and its line.
    """
    shown = shown_as or ("standard input" if name == _STANDARD_INPUT else name)
    source = source or (CaseSource.AD_HOC if name == _STANDARD_INPUT else CaseSource.FILE)
    book = Notebook(name, files or {}, shown, source)
    if len(data) > MAX_CASES_BYTES:
        raise book.refuse(f"it has {size(len(data))}; at most {size(MAX_CASES_BYTES)} are read.", None, "Split it.")
    try:
        text = decode(data)
    except NotText as error:
        raise book.refuse(f"it cannot be read: {error.reason}.", error.line, "Save it as UTF-8 text.") from None
    if not text.strip():
        raise NotCases("it is empty.", file=shown, next_step="Write cases into it; each needs a prompt.")
    try:
        tree = _parse(text, _NOTATIONS.get(PurePosixPath(name).suffix.lower()))
    except Unparsable as error:
        raise book.refuse(f"{error.reason}.", error.line, "Correct that line.") from None
    return _read(tree, book)


def _parse(text: str, notation: str | None) -> Any:
    notation = notation or _guess(text)
    if notation == "CSV":
        return parse_csv(text)
    if notation == "YAML":
        return parse_yaml(text)
    if notation == "JSONL":
        return _parse_lines(text)
    try:
        return parse_json(text)
    except Unparsable:
        # JSON Lines under the name of JSON are common; anything else keeps the error of the whole file.
        if text.count("\n") and (rows := _lines_or_none(text)):
            return rows
        raise


def _guess(text: str) -> str:
    text = text.lstrip()
    if text.startswith(("{", "[")):
        return "JSON"
    return "CSV" if has_case_header(text.split("\n", 1)[0]) else "YAML"


def _parse_lines(text: str) -> list[Any]:
    return [parse_json(line, number) for number, line in enumerate(text.split("\n"), 1) if line.strip()]


def _lines_or_none(text: str) -> list[Any] | None:
    first = text.strip().split("\n", 1)[0]
    try:
        if not isinstance(parse_json(first), dict):
            return None
    except Unparsable:
        return None
    return _parse_lines(text)


def _read(tree: Any, book: Notebook) -> ParsedCases:
    skill_name: str | None = None
    extra: dict[str, Any] = {}
    if triggers.is_trigger_set(tree):
        book.lost("trigger-set", "it is a trigger set: its prompts are no cases.")
        return ParsedCases(lossy=tuple(book.lossy))
    if isinstance(tree, Node):
        named = tree.get("skill_name", tree.get("skill"))
        skill_name = named if isinstance(named, str) else None
    if isinstance(tree, Node) and waza.is_suite(tree):
        found = waza.read_suite(tree, book)
    elif isinstance(tree, Node) and promptfoo.is_config(tree):
        found = promptfoo.read_config(tree, book)
    elif promptfoo.is_tests(tree):
        found = promptfoo.read_config(Node(1, {"tests": tree}), book)
    else:
        entries, extra = _entries(tree, book)
        found = _cases(entries, book)
    return ParsedCases(_finish(found, book), tuple(book.lossy), skill_name, extra)


def _entries(tree: Any, book: Notebook) -> tuple[list[Any], dict[str, Any]]:
    """(the list of cases, unknown keys beside it); a single case stands for a list of one."""
    if isinstance(tree, list):
        return cast("list[Any]", tree), {}
    if isinstance(tree, Node):
        key = next((key for key in LIST_KEYS if isinstance(tree.get(key), list)), None)
        if key is not None:
            extra = {name: value for name, value in tree.items() if name not in (key, "skill_name")}
            if reason := unstorable(extra):
                raise book.refuse(f"what stands beside '{key}' cannot be kept: {reason}.", tree.line, "Remove it.")
            return cast("list[Any]", tree[key]), extra
        has = set(tree)
        if waza.is_task(tree) or (has & {*INPUT_KEYS} and has & {*EXPECTED_KEYS, *SENTENCE_KEYS, "checks"}):
            return [tree], {}
    raise NotCases(
        "there is no list of cases in it.",
        file=book.shown_as,
        line=1,
        next_step='Write {"skill_name": …, "evals": [{"id": 1, "prompt": …, "expected_output": …}]}.',
    )


def _cases(entries: list[Any], book: Notebook) -> list[tuple[GoldenCase, int]]:
    found: list[tuple[GoldenCase, int]] = []
    for number, entry in enumerate(entries, 1):
        if not isinstance(entry, Node):
            book.problem(None, f"case {number} is not an object with a prompt.")
            continue
        case = waza.read_task(entry, number, book) if waza.is_task(entry) else read_case(entry, number, book)
        if case is not None:
            found.append((case, entry.line))
    return found


def _finish(found: list[tuple[GoldenCase, int]], book: Notebook) -> tuple[GoldenCase, ...]:
    lines: dict[str, int] = {}
    for case, line in found:
        if case.case_id and case.case_id in lines:
            first = lines[case.case_id]
            book.problem(line, f"the id {case.case_id!r} is used twice (first on line {first}).")
        lines.setdefault(case.case_id, line)
    book.check()
    return share_families(number_cases([case for case, _ in found]))
