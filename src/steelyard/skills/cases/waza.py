"""A waza suite: eval.yaml, its tasks, and those of its graders that have a counterpart."""

from __future__ import annotations

import fnmatch
import posixpath
from collections.abc import Iterator, Mapping
from typing import Any, cast

from steelyard.domain.cases import Check, CheckKind, GoldenCase
from steelyard.skills.cases.checks import any_of, make_check
from steelyard.skills.cases.fields import case_id_of, fits, label, read_files
from steelyard.skills.cases.model import Notebook
from steelyard.skills.text import NotText, decode, unstorable
from steelyard.skills.tree import Node, Unparsable, parse_yaml

_EXPECTED_CHECKS = ("output_contains", "output_contains_any", "output_not_contains")
_EXPECTED_LOST = ("outcomes", "behavior", "tool_calls", "should_trigger")
_TEXT_GRADER: dict[str, tuple[CheckKind, bool]] = {
    "contains": (CheckKind.CONTAINS, True),
    "not_contains": (CheckKind.NOT_CONTAINS, True),
    "contains_cs": (CheckKind.CONTAINS, False),
    "not_contains_cs": (CheckKind.NOT_CONTAINS, False),
    "regex_match": (CheckKind.REGEX, False),
    "regex_not_match": (CheckKind.NOT_REGEX, False),
}


def is_suite(value: Any) -> bool:
    """`tasks` of file patterns."""
    tasks: Any = cast("Mapping[str, Any]", value).get("tasks") if isinstance(value, Mapping) else None
    if not isinstance(tasks, list):
        return False
    patterns = cast("list[Any]", tasks)
    return bool(patterns) and all(isinstance(pattern, str) for pattern in patterns)


def is_task(value: Any) -> bool:
    """`inputs` with a prompt."""
    inputs = cast("Mapping[str, Any]", value).get("inputs") if isinstance(value, Mapping) else None
    return isinstance(inputs, Mapping) and "prompt" in inputs


def read_suite(suite: Node, book: Notebook) -> list[tuple[GoldenCase, int]]:
    """The cases of a suite's task files, in the order of their names, each with its line."""
    checks = _graders(suite, "every task", suite.line, book)
    cases: list[tuple[GoldenCase, int]] = []
    paths = list(_task_files(suite, book))
    if not paths:
        book.lost("no-tasks", f"no task file matches {', '.join(suite['tasks'])}.", suite.line)
    for number, path in enumerate(paths, 1):
        try:
            task = parse_yaml(decode(book.files[path]))
        except (NotText, Unparsable) as error:
            book.problem(error.line, f"{path} cannot be read: {error.reason}.")
            continue
        if not isinstance(task, Node) or not is_task(task):
            book.problem(getattr(task, "line", 1), f"{path} is no task: it has no inputs with a prompt.")
            continue
        if case := read_task(task, number, book, checks, path):
            cases.append((case, task.line))
    return cases


def _task_files(suite: Node, book: Notebook) -> Iterator[str]:
    folder = posixpath.dirname(book.name)
    patterns = [posixpath.normpath(posixpath.join(folder, pattern)) for pattern in suite["tasks"]]
    seen: set[str] = set()
    for path in sorted(path for path in book.files if path.endswith((".yaml", ".yml"))):
        if path != book.name and path not in seen and any(_matches(path, pattern) for pattern in patterns):
            seen.add(path)
            yield path


def _matches(path: str, pattern: str) -> bool:
    return fnmatch.fnmatchcase(path, pattern) and path.count("/") >= pattern.count("/")


def read_task(
    task: Node, number: int, book: Notebook, shared: tuple[Check, ...] = (), path: str | None = None
) -> GoldenCase | None:
    """One task as a case, or None when it has a problem. `shared`: the checks of the suite's own graders."""
    case_id = case_id_of(task, number, book) or (posixpath.splitext(posixpath.basename(path))[0] if path else "")
    named = label(case_id, number)
    who = f"{path}: {named}" if path else named
    inputs = cast("dict[str, Any]", task["inputs"])
    if reason := unstorable(task):
        book.problem(task.line, f"{who} cannot be kept: {reason}.")
        return None
    if not isinstance(inputs["prompt"], str) or not inputs["prompt"].strip():
        book.problem(task.line, f"{who} has no input; give inputs a prompt of text.")
        return None
    try:
        files, unread = read_files(inputs.get("files"), who, task.line, book)
    except ValueError as error:
        book.problem(task.line, f"{who}: {error}.")
        return None
    rest = {key: value for key, value in task.items() if key not in ("id", "inputs")}
    for key in [key for key in inputs if key not in ("prompt", "files")]:
        book.lost("waza-input", f"{named}: inputs.{key} is kept, and not sent to a model.", task.line, path)
        rest[f"inputs.{key}"] = inputs[key]
    checks = (*_expected(task, named, book, path), *_graders(task, named, task.line, book, path), *shared)
    extra: dict[str, Any] = {"waza": rest}
    # A task names its files as {path}; a path alone is all a file found on disk needs to be written back.
    kept: list[Any] = []
    for entry in unread:
        its_keys = cast("dict[str, Any]", entry).keys() if isinstance(entry, dict) else ()
        if tuple(its_keys) != ("path",) or entry["path"] not in files:
            kept.append(entry)
    if kept:
        extra["files"] = kept
    case = GoldenCase(case_id, inputs["prompt"], checks=checks, files=files, source=book.source, extra=extra)
    return case if fits(case, who, task.line, book) else None


def _expected(task: Node, who: str, book: Notebook, path: str | None) -> Iterator[Check]:
    expected = task.get("expected")
    if not isinstance(expected, dict):
        return
    data = cast("dict[str, Any]", expected)
    for key, value in data.items():
        if key not in _EXPECTED_CHECKS:
            book.lost("waza-expected", f"{who}: expected.{key} has no counterpart.", task.line, path)
            continue
        texts = [str(text) for text in _list(value) if isinstance(text, str | int | float) and str(text)]
        if key == "output_contains_any":
            if texts:
                yield any_of(texts, ignore_case=True)
        else:
            kind = CheckKind.CONTAINS if key == "output_contains" else CheckKind.NOT_CONTAINS
            for text in texts:
                yield make_check(kind, text, ignore_case=True)


def _graders(node: Node, who: str, line: int, book: Notebook, path: str | None = None) -> tuple[Check, ...]:
    found: list[Check] = []
    for grader in _list(node.get("graders")):
        data = cast("dict[str, Any]", grader) if isinstance(grader, dict) else {}
        kind, name = data.get("type"), data.get("name") or "unnamed"
        config = data.get("config")
        settings = cast("dict[str, Any]", config) if isinstance(config, dict) else {}
        at = grader.line if isinstance(grader, Node) else line
        if kind not in ("text", "regex"):
            book.lost("waza-grader", f"{who}: the grader '{name}' of type {kind} has no counterpart.", at, path)
            continue
        for key, values in settings.items():
            if key not in _TEXT_GRADER:
                book.lost("waza-grader", f"{who}: the grader '{name}' has {key}, which has no counterpart.", at, path)
                continue
            check, ignore_case = _TEXT_GRADER[key]
            for value in _list(values):
                try:
                    found.append(make_check(check, value, ignore_case=ignore_case))
                except ValueError as error:
                    book.lost("waza-grader", f"{who}: the grader '{name}' is left out: {error}.", at, path)
    return tuple(found)


def _list(value: Any) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else [] if value is None else [value]
