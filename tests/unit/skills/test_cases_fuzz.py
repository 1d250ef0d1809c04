"""Whatever bytes come in, reading cases ends in cases or in an error meant for a person."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steelyard.domain.errors import InputError
from steelyard.skills.cases import parse_cases

NAMES = st.sampled_from(["c.json", "c.jsonl", "c.yaml", "c.csv", "eval.yaml", "-"])
KEYS = st.sampled_from(
    [
        *("id", "prompt", "input", "query", "question", "expected", "expected_output", "files", "metadata", "family"),
        *("assertions", "checks", "type", "value", "tolerance", "ignore_case", "path", "content", "text", "name"),
        *("evals", "cases", "should_trigger", "prompts", "tests", "vars", "assert", "defaultTest"),
        *("skill", "tasks", "inputs", "graders", "config", "output_contains", "regex_match"),
    ]
)
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(
        [
            "contains",
            "regex",
            "not-regex",
            "number",
            "json_schema",
            "is-json",
            "contains-any",
            "llm-rubric",
            "text",
            "*",
        ]
    ),
)
TREES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5), max_leaves=20
)
TOPS = st.one_of(
    TREES,
    st.lists(st.dictionaries(KEYS, TREES, max_size=6), max_size=3),
    st.builds(
        lambda key, entries: {key: entries}, KEYS, st.lists(st.dictionaries(KEYS, TREES, max_size=6), max_size=3)
    ),
)


def survives(name: str, data: bytes, files: dict[str, bytes] | None = None) -> None:
    try:
        parsed = parse_cases(name, data, files)
    except InputError:
        return
    for case in parsed.cases:
        assert case.input.strip()
        assert len(case.grading_digest) == 64
        json.dumps(case.extra, allow_nan=False)
    assert len({case.case_id for case in parsed.cases}) == len(parsed.cases)


@settings(max_examples=200, deadline=None)
@given(NAMES, st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace")))
def test_arbitrary_bytes(name: str, data: bytes) -> None:
    survives(name, data)


@settings(max_examples=200, deadline=None)
@given(NAMES, TOPS)
def test_arbitrary_values_under_the_keys_the_dialects_use(name: str, tree: Any) -> None:
    survives(name, json.dumps(tree).encode(), {"a": b"text", "tasks/a.yaml": b"inputs: {prompt: p}"})


@settings(max_examples=100, deadline=None)
@given(TOPS, TOPS)
def test_arbitrary_waza_suites_and_tasks(suite: Any, task: Any) -> None:
    suite = {**(suite if isinstance(suite, dict) else {}), "tasks": ["tasks/*.yaml"]}
    task = {**(task if isinstance(task, dict) else {}), "inputs": {"prompt": "p", "files": task}}
    survives("eval.yaml", json.dumps(suite).encode(), {"tasks/a.yaml": json.dumps(task).encode()})


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text('abc,;"\n\r\t{}[]', max_size=12), max_size=6))
def test_arbitrary_tables(lines: list[str]) -> None:
    survives("c.csv", ("id,input,expected,assertions\n" + "\n".join(lines)).encode())


@pytest.mark.parametrize("name", ["c.json", "c.jsonl", "c.yaml", "c.csv", "-"])
@pytest.mark.parametrize(
    "data", [b"", b" \n", b"\x00\x01", b"\xff\xfe", b"\xef\xbb\xbf", b"null", b"[]", b"{}", b"NaN"]
)
def test_almost_nothing(name: str, data: bytes) -> None:
    survives(name, data)
