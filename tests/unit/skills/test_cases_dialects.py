"""Cases imported from promptfoo and waza: what has a counterpart comes over, what has none is listed."""

from __future__ import annotations

import pytest

from steelyard.domain.cases import Check, CheckKind
from steelyard.domain.errors import CaseError
from steelyard.skills.cases import ParsedCases, parse_cases

PROMPTFOO = """
prompts:
  - "Translate to {{language}}: {{text}}"
providers: [openai:gpt]
defaultTest:
  vars: {language: French}
  assert:
    - {type: latency, threshold: 5}
tests:
  - description: greeting
    vars: {text: Hello}
    assert:
      - {type: icontains, value: bonjour}
      - {type: contains-any, value: [monde, a.b]}
      - {type: llm-rubric, value: It is polite.}
      - {type: javascript, value: output.length > 3}
  - vars: {text: Bye, language: German}
    assert:
      - {type: equals, value: "Tschüss {{text}}"}
      - {type: not-icontains, value: bye}
      - {type: contains-all, value: [a, b]}
      - {type: regex, value: "^T"}
      - {type: is-json, value: {type: object}}
      - {type: starts-with, value: "T."}
"""


def promptfoo(text: str) -> ParsedCases:
    return parse_cases("promptfooconfig.yaml", text.encode())


def test_promptfoo_tests_become_cases_with_their_template_filled() -> None:
    first, second = promptfoo(PROMPTFOO).cases
    assert first.input == "Translate to French: Hello"
    assert second.input == "Translate to German: Bye"
    assert first.assertions == ("It is polite.",)
    assert first.checks == (
        Check(CheckKind.CONTAINS, "bonjour", ignore_case=True),
        Check(CheckKind.REGEX, r"monde|a\.b"),
    )
    assert second.checks == (
        Check(CheckKind.EXACT, "Tschüss Bye"),
        Check(CheckKind.NOT_CONTAINS, "bye", ignore_case=True),
        Check(CheckKind.CONTAINS, "a"),
        Check(CheckKind.CONTAINS, "b"),
        Check(CheckKind.REGEX, "^T"),
        Check(CheckKind.JSON_SCHEMA, {"type": "object"}),
        Check(CheckKind.REGEX, r"\AT\."),
    )
    assert first.extra["name"] == "greeting"


def test_promptfoo_assertions_without_a_counterpart_are_listed_with_their_line() -> None:
    lost = [(finding.line, finding.message) for finding in promptfoo(PROMPTFOO).lossy]
    assert (16, "case 1: the assertion javascript has no counterpart.") in lost
    assert sum("latency has no counterpart" in message for _, message in lost) == 2


@pytest.mark.parametrize(
    ("variables", "text"),
    [
        ("{only: X}", "X"),
        ("{context: C, question: Q}", "Q"),
        ("{city: Rome, days: 3}", "city: Rome\ndays: 3"),
    ],
)
def test_promptfoo_vars_without_a_usable_template_are_the_input(variables: str, text: str) -> None:
    parsed = promptfoo(
        f"prompts: [file://a.txt]\ntests:\n  - vars: {variables}\n    assert: [{{type: contains, value: x}}]\n"
    )
    assert parsed.cases[0].input == text
    assert "promptfoo-prompts" in {finding.code for finding in parsed.lossy}


def test_promptfoo_files_elsewhere_and_missing_vars_are_clear() -> None:
    with pytest.raises(CaseError, match="not a list in this file"):
        promptfoo("prompts: [p]\ntests: file://tests.csv\n")
    with pytest.raises(CaseError, match=r"promptfooconfig\.yaml:3: case 1 has no input"):
        promptfoo("prompts: [p]\ntests:\n  - assert: []\n")


SUITE = b"""skill: demo
graders:
  - {type: code, name: length, config: {assertions: ["len(output) > 10"]}}
  - {type: text, name: clean, config: {regex_not_match: ["(?i)crashed"], contains: [done], odd: [1]}}
tasks: ["tasks/*.yaml"]
"""
TASK = b"""id: t1
tags: [a]
inputs:
  prompt: Explain
  context: {language: python}
  files: [{path: code.py}]
expected:
  output_contains: [recursive]
  output_contains_any: [base case, "n <= 1"]
  output_not_contains: [sorry]
  outcomes: [{type: task_completed}]
"""


def test_a_waza_suite_gives_its_tasks_with_fixtures_and_checks() -> None:
    files = {"eval.yaml": SUITE, "tasks/one.yaml": TASK, "fixtures/code.py": b"def f(): ...", "other/two.yaml": TASK}
    parsed = parse_cases("eval.yaml", SUITE, files)
    (case,) = parsed.cases
    assert (case.case_id, case.input) == ("t1", "Explain")
    assert case.files == {"code.py": "def f(): ..."}
    assert case.checks == (
        Check(CheckKind.CONTAINS, "recursive", ignore_case=True),
        Check(CheckKind.REGEX, r"base\ case|n\ <=\ 1", ignore_case=True),
        Check(CheckKind.NOT_CONTAINS, "sorry", ignore_case=True),
        Check(CheckKind.NOT_REGEX, "(?i)crashed"),
        Check(CheckKind.CONTAINS, "done", ignore_case=True),
    )
    assert case.extra["waza"]["tags"] == ["a"]
    told = " ".join(finding.message for finding in parsed.lossy)
    for word in ("'length' of type code", "has odd", "expected.outcomes", "inputs.context"):
        assert word in told


def test_waza_tasks_that_cannot_be_read_are_told_together() -> None:
    files = {"tasks/a.yaml": b"inputs: {prompt: ''}", "tasks/b.yaml": b"x: [", "tasks/c.yaml": b"id: 3"}
    with pytest.raises(CaseError, match="3 problems") as caught:
        parse_cases("eval.yaml", SUITE, files)
    for path in files:
        assert path in str(caught.value)


def test_a_single_waza_task_is_a_case() -> None:
    assert parse_cases("task.yaml", TASK, {"fixtures/code.py": b"x"}).cases[0].case_id == "t1"
