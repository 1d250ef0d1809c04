"""Whatever a file of golden cases holds, in every notation: cases that can be kept, or an error for a person, soon."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.domain.errors import InputError
from steelyard.skills.cases import parse_cases
from tests.conftest import SHARED
from tests.fuzz.damage import at_most, damaged, fuzzed
from tests.fuzz.test_skills import ROOT

ENDINGS = {".json", ".jsonl", ".yaml", ".yml", ".csv"}
_FOUND = [*ROOT.glob("examples/skills/*/evals/*"), *SHARED.glob("skills/**/evals/*"), *SHARED.glob("skills/**/*.yaml")]
REAL = sorted({path.read_bytes() for path in _FOUND if path.suffix in ENDINGS and path.stat().st_size < 20_000})[:60]
WRITTEN = [
    b'{"evals": [{"id": 1, "prompt": "p", "expected": "o", "assertions": ["a", {"type": "regex", "value": "x+"}]}]}',
    b'{"prompt": "p", "expected": "o"}\n{"prompt": "q", "checks": [{"type": "json_schema", "value": {"a": {}}}]}\n',
    b"cases:\n- &a {prompt: p, expected: o, files: {a: b}}\n- <<: *a\n  id: 2\n  family: f\n",
    b'id;input;expected;assertions\n1;"a ""b""";o;["x", {"type": "number", "value": 3, "tolerance": 1}]\n',
    b"prompts: ['{{x}}']\ntests:\n- vars: {x: 1}\n  assert: [{type: contains-any, value: [a, b]}, {type: is-json}]\n",
    b"tasks: ['tasks/*.yaml']\ngraders:\n- {type: regex, config: {regex_match: ['(a+)+$']}}\n",
]
NAMES = st.sampled_from(["evals/evals.json", "c.jsonl", "c.yaml", "c.csv", "eval.yaml", "-", "c"])
BESIDE = {"a": b"text", "tasks/a.yaml": b"id: t\ninputs: {prompt: p, files: [{path: ../../etc/passwd}, {path: a}]}\n"}


def survives(name: str, data: bytes) -> None:
    with at_most(3):
        try:
            parsed = parse_cases(name, data, BESIDE)
        except InputError:
            return
        for case in parsed.cases:
            json.dumps([case.input, case.expected, case.extra, dict(case.files)], allow_nan=False)
            "".join([case.input, case.expected, *case.assertions]).encode()
            assert set(case.files) <= set(BESIDE)


@fuzzed
@given(NAMES, damaged([*WRITTEN, *REAL]))
def test_a_damaged_file_of_cases(name: str, data: bytes) -> None:
    survives(name, data)


@fuzzed
@given(st.lists(damaged(WRITTEN), max_size=3), NAMES)
def test_damaged_files_one_after_another(parts: list[bytes], name: str) -> None:
    survives(name, b"\n".join(parts))


DEEP = 100_000
LONG = 1_000_000


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("c.json", b"[" * DEEP),
        ("c.json", b'{"evals": ' + b'[{"a": ' * DEEP),
        ("c.json", b'{"evals": [{"prompt": "p", "x": ' + b"[" * 900 + b"]" * 900 + b"}]}"),
        ("c.json", b'{"evals": [{"prompt": 1' + b"0" * 5000 + b"}]}"),
        ("c.json", b'{"evals": [' + b'{"prompt": "p"},' * 10_000 + b"]}"),
        ("c.json", b'{"a"' * DEEP),
        ("c.jsonl", b"{}\n" * 10_000),
        ("c.json", b"{\n" * DEEP),
        ("c.yaml", b"- " * DEEP),
        ("c.yaml", b"a: &a " + b"x" * LONG + b"\ncases: [" + b"*a, " * DEEP + b"]"),
        ("c.yaml", b"b: &b {prompt: " + b"x" * LONG + b"}\ncases: [" + b"*b, " * DEEP + b"]"),
        ("c.yaml", b"b: &b {prompt: x, files: [" + b"a, " * 5000 + b"]}\ncases: [" + b"*b, " * 20_000 + b"]"),
        ("c.csv", b"input,expected\n" + b'"' + b"x" * LONG),
        ("c.csv", b"input" + b"," * LONG),
        ("c.csv", b"input\n" + b'"\n' * DEEP),
        ("c.csv", b"input,expected,assertions\n" + b'a,b,"' + b"[" * DEEP + b'"\n'),
        ("-", b"(" * DEEP),
        ("-", b" " * LONG + b"{"),
        ("c.json", b'{"evals": [{"prompt": "p", "checks": [{"type": "regex", "value": "' + b"(" * 5000 + b')"}]}]}'),
        ("c.json", b'{"evals": [{"prompt": "p", "checks": [{"type": "regex", "value": "a{1,99999}{1,99999}"}]}]}'),
        ("c.json", b'{"evals": [{"prompt": "p", "checks": [{"type": "json_schema", "value": {"$ref": "#"}}]}]}'),
        (
            "c.json",
            b'{"evals": [{"prompt": "p", "checks": [{"type": "json_schema", "value": {"pattern": "(a+)+$", "$ref":'
            b' "http://169.254.169.254/"}}]}]}',
        ),
        ("eval.yaml", b"tasks: ['" + b"*" * 400 + b"a']\n"),
        ("eval.yaml", b"tasks: [" + b"'tasks/*.yaml', " * 20_000 + b"]\n"),
    ],
    ids=lambda it: it if isinstance(it, str) else repr(it[:12]),
)
def test_a_file_made_to_cost_much(name: str, data: bytes) -> None:
    with at_most(20, megabytes=900):
        try:
            parsed = parse_cases(name, data, BESIDE)
        except InputError:
            return
        for case in parsed.cases:
            json.dumps(case.extra, allow_nan=False)
