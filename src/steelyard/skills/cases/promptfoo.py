"""A promptfoo configuration: its tests as cases, and those of its assertions that have a counterpart."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

from steelyard.domain.cases import Check, CheckKind, GoldenCase
from steelyard.skills.cases.checks import any_of, make_check
from steelyard.skills.cases.fields import INPUT_KEYS, case_id_of, fits, label
from steelyard.skills.cases.model import Notebook
from steelyard.skills.text import unstorable
from steelyard.skills.tree import Node

_INPUT_VARS = (*INPUT_KEYS, "message", "text", "user_input")
_SIMPLE = {
    "contains": (CheckKind.CONTAINS, False),
    "icontains": (CheckKind.CONTAINS, True),
    "regex": (CheckKind.REGEX, False),
    "is-json": (CheckKind.JSON_SCHEMA, False),
}
_MANY = {"contains-all": False, "icontains-all": True, "contains-any": False, "icontains-any": True}
_SENTENCES = ("llm-rubric", "model-graded-closedqa", "g-eval")
_HANDLED = frozenset({"id", "vars", "assert", "description"})
_VARIABLE = re.compile(r"\{\{-?\s*([A-Za-z_][\w.]*)\s*-?\}\}")
_LOGIC = re.compile(r"\{%|\{\{[^{}]*\|")


def is_config(value: Any) -> bool:
    """`tests` of mappings with vars or assert, or a file of them beside `prompts`."""
    if not isinstance(value, Mapping):
        return False
    data = cast("Mapping[str, Any]", value)
    return (
        "tests" in data and any(key in data for key in ("prompts", "providers", "defaultTest", "targets"))
    ) or is_tests(data.get("tests"))


def is_tests(value: Any) -> bool:
    """A list of mappings with `vars`."""
    if not isinstance(value, list) or not value:
        return False
    entries = cast("list[Any]", value)
    return all(isinstance(entry, Mapping) and ("vars" in entry or "assert" in entry) for entry in entries)


def read_config(config: Node, book: Notebook) -> list[tuple[GoldenCase, int]]:
    """The cases of `tests`, each with its line; `defaultTest` is merged into each."""
    template = _template(config.get("prompts"), book, config.line)
    default = config.get("defaultTest")
    if default is not None and not isinstance(default, dict):
        book.lost("promptfoo-default", "defaultTest is in another file and is not read.", config.line)
    base = cast("dict[str, Any]", default) if isinstance(default, dict) else {}
    tests = config.get("tests")
    if not isinstance(tests, list):
        raise book.refuse(
            "its tests are not a list in this file.",
            config.line,
            "Write the tests here, or give their file to --cases.",
        )
    cases: list[tuple[GoldenCase, int]] = []
    for number, test in enumerate(cast("list[Any]", tests), 1):
        if not isinstance(test, Node):
            book.lost("promptfoo-test", f"test {number} is in another file ({test}) and is not read.", config.line)
        elif case := _case(test, number, base, template, book):
            cases.append((case, test.line))
    return cases


def _template(prompts: Any, book: Notebook, line: int) -> str | None:
    """The one prompt all tests are put into, when there is exactly one and it stands in this file."""
    listed: list[Any] = (
        cast("list[Any]", prompts) if isinstance(prompts, list) else [] if prompts is None else [prompts]
    )
    texts = [_prompt_text(entry) for entry in listed]
    if len(texts) == 1 and texts[0] and _VARIABLE.search(texts[0]) and not _LOGIC.search(texts[0]):
        return texts[0]
    if listed:
        book.lost("promptfoo-prompts", "its prompts are not used: each case's input comes from its vars alone.", line)
    return None


def _prompt_text(entry: Any) -> str | None:
    if isinstance(entry, dict):
        entry = cast("dict[str, Any]", entry).get("raw")
    if not isinstance(entry, str) or entry.startswith(("file://", "exec:", "python:")):
        return None
    return None if re.match(r"\S+\.(txt|json|ya?ml|md|j2|py|js|ts|csv)\Z", entry) else entry


def _case(test: Node, number: int, base: Mapping[str, Any], template: str | None, book: Notebook) -> GoldenCase | None:
    case_id = case_id_of(test, number, book) or ""
    who = label(case_id, number)
    if reason := unstorable(test) or unstorable(base):
        book.problem(test.line, f"{who} cannot be kept: {reason}.")
        return None
    variables = _mapping(base.get("vars")) | _mapping(test.get("vars"))
    outside = [name for name, value in variables.items() if isinstance(value, str) and value.startswith("file://")]
    if outside:
        book.lost(
            "promptfoo-vars", f"{who}: the vars {', '.join(outside)} are in other files, which are not read.", test.line
        )
    text = _input(variables, template)
    if not text.strip():
        book.problem(test.line, f"{who} has no input; give it vars.")
        return None
    sentences: list[str] = []
    checks: list[Check] = []
    for entry in (*_list(base.get("assert")), *_list(test.get("assert"))):
        for part in _flatten(entry, who, test.line, book):
            _convert(part, variables, who, getattr(part, "line", test.line), sentences, checks, book)
    rest = {key: value for key, value in test.items() if key not in _HANDLED}
    for key in rest:
        if key != "metadata":
            book.lost("promptfoo-key", f"{who}: '{key}' is kept and has no effect.", test.line)
    extra: dict[str, Any] = {"promptfoo": {**rest, "vars": variables}}
    if isinstance(name := test.get("description"), str):
        extra["name"] = name
    metadata = _mapping(test.get("metadata"))
    family = metadata.get("family") if isinstance(metadata.get("family"), str) else None
    case = GoldenCase(
        case_id, text, "", tuple(sentences), tuple(checks), family=family or None, source=book.source, extra=extra
    )
    return case if fits(case, who, test.line, book) else None


def _input(variables: Mapping[str, Any], template: str | None) -> str:
    if template is not None:
        return _fill(template, variables)
    if len(variables) == 1:
        return _plain(next(iter(variables.values())))
    main = next((name for name in _INPUT_VARS if variables.get(name)), None)
    if main is not None:
        return _plain(variables[main])
    return "\n".join(f"{name}: {_plain(value)}" for name, value in variables.items())


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _fill(text: str, variables: Mapping[str, Any]) -> str:
    return _VARIABLE.sub(lambda match: _plain(variables[match[1]]) if match[1] in variables else match[0], text)


def _flatten(entry: Any, who: str, line: int, book: Notebook) -> Iterator[dict[str, Any]]:
    if not isinstance(entry, dict):
        book.lost("promptfoo-assert", f"{who}: an assertion that is no mapping is left out.", line)
        return
    data = cast("dict[str, Any]", entry)
    if data.get("type") != "assert-set":
        yield data
        return
    if "threshold" in data:
        book.lost("promptfoo-assert", f"{who}: the threshold of an assert-set is left out.", line)
    for part in _list(data.get("assert")):
        if isinstance(part, dict):
            yield cast("dict[str, Any]", part)


def _convert(
    entry: dict[str, Any],
    variables: Mapping[str, Any],
    who: str,
    line: int,
    sentences: list[str],
    checks: list[Check],
    book: Notebook,
) -> None:
    kind = str(entry.get("type"))
    value = entry.get("value")
    if isinstance(value, str):
        value = _fill(value, variables)
        if value.startswith(("file://", "package:")):
            book.lost("promptfoo-assert", f"{who}: the assertion {kind} is in another file and is left out.", line)
            return
    if any(key in entry for key in ("transform", "weight", "threshold")):
        book.lost("promptfoo-assert", f"{who}: weight, threshold and transform of {kind} are left out.", line)
    if kind in _SENTENCES:
        sentences.extend(text.strip() for text in _list(value) if isinstance(text, str) and text.strip())
        return
    try:
        made = _checks(kind.removeprefix("not-"), value, negated=kind.startswith("not-"))
    except ValueError as error:
        book.lost("promptfoo-assert", f"{who}: the assertion {kind} is left out: {error}.", line)
        return
    if made is None:
        book.lost("promptfoo-assert", f"{who}: the assertion {kind} has no counterpart.", line)
    else:
        checks.extend(made)


def _checks(kind: str, value: Any, *, negated: bool) -> list[Check] | None:
    if kind == "equals":
        structured = isinstance(value, dict | list)
        return [make_check(CheckKind.JSON_EQUAL if structured else CheckKind.EXACT, value, negated=negated)]
    if kind in _SIMPLE:
        check, ignore_case = _SIMPLE[kind]
        value = {} if check is CheckKind.JSON_SCHEMA and value is None else value
        return [make_check(check, value, negated=negated, ignore_case=ignore_case)]
    if kind == "starts-with" and isinstance(value, str):
        return [make_check(CheckKind.REGEX, rf"\A{re.escape(value)}", negated=negated)]
    if kind in _MANY:
        texts = value.split(",") if isinstance(value, str) else [text for text in _list(value) if isinstance(text, str)]
        texts = [text.strip() for text in texts if text.strip()]
        if not texts:
            raise ValueError("it has no values")
        if kind.endswith("-all") and not negated:
            return [make_check(CheckKind.CONTAINS, text, ignore_case=_MANY[kind]) for text in texts]
        if kind.endswith("-any") and negated:
            return [make_check(CheckKind.NOT_CONTAINS, text, ignore_case=_MANY[kind]) for text in texts]
        if kind.endswith("-any"):
            return [any_of(texts, ignore_case=_MANY[kind])]
    return None


def _mapping(value: Any) -> dict[str, Any]:
    return {**cast("dict[str, Any]", value)} if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else [] if value is None else [value]
