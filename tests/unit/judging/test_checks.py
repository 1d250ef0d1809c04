"""Deterministic checks: what they accept, and that no output can make them raise."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steelyard.domain.cases import Check, CheckKind, GoldenCase
from steelyard.domain.errors import CaseError
from steelyard.judging import grade_by_checks, run_check, validate_check
from steelyard.judging.checks import run_checks

SCHEMA = {"type": "object", "properties": {"g": {"type": "number", "minimum": 1}}, "required": ["g"]}
ONE_OF_EACH = [
    Check(CheckKind.EXACT, "120 g"),
    Check(CheckKind.CONTAINS, "120"),
    Check(CheckKind.NOT_CONTAINS, "kg"),
    Check(CheckKind.REGEX, r"\d+ g"),
    Check(CheckKind.NOT_REGEX, r"\d+ kg"),
    Check(CheckKind.JSON_EQUAL, {"g": 120}),
    Check(CheckKind.JSON_SCHEMA, SCHEMA),
    Check(CheckKind.NUMBER, 120, tolerance=0.5),
]


@pytest.mark.parametrize(
    ("check", "good", "bad"),
    [
        (Check(CheckKind.EXACT, "120 g"), " 120 g\n", "120 g."),
        (Check(CheckKind.EXACT, "Yes", ignore_case=True), "YES", "no"),
        (Check(CheckKind.CONTAINS, "120"), "It is 120 g", "It is 12 g"),
        (Check(CheckKind.NOT_CONTAINS, "kg"), "120 g", "120 kg"),
        (Check(CheckKind.REGEX, r"^\d+ g$"), "120 g", "120 kg"),
        (Check(CheckKind.NOT_REGEX, "sorry", ignore_case=True), "120 g", "Sorry, no"),
        (Check(CheckKind.JSON_EQUAL, {"a": 1, "b": [1, 2]}), '{"b": [1.0, 2], "a": 1}', '{"a": 1, "b": [2, 1]}'),
        (Check(CheckKind.JSON_EQUAL, {"ok": True}), 'Here: ```json\n{"ok": true}\n```', '{"ok": 1}'),
        (Check(CheckKind.JSON_EQUAL, [1]), "The list is [1].", "1"),
        (Check(CheckKind.JSON_SCHEMA, SCHEMA), 'Sure! {"g": 3}', '{"g": 0}'),
        (Check(CheckKind.NUMBER, 1234.5, tolerance=0.1), "2 items weigh 1,234.56 g", "1,234.5 g for 2"),
        (Check(CheckKind.NUMBER, -3), "It is \u22123.", "It is 3."),
    ],
)
def test_each_check_tells_good_from_bad_and_says_why(check: Check, good: str, bad: str) -> None:
    accepted, refused = run_check(check, good), run_check(check, bad)
    assert (accepted.passed, refused.passed) == (True, False)
    assert accepted.evidence
    assert refused.evidence
    assert Check.from_json(accepted.check) == check


@settings(max_examples=300, deadline=None)
@given(
    st.one_of(
        st.text(),
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
        ).map(json.dumps),
    ),
    st.sampled_from(ONE_OF_EACH),
)
def test_no_output_makes_a_check_raise(output: str, check: Check) -> None:
    assert isinstance(run_check(check, output).passed, bool)


@pytest.mark.parametrize(
    "output", ["[" * 100_000, '{"a":' * 50_000, "9" * 5_000, "1e999", "NaN", "\ud800{", "{" * 5000]
)
@pytest.mark.parametrize("check", ONE_OF_EACH, ids=lambda check: check.kind.value)
def test_hostile_outputs_are_only_wrong_and_not_slow(check: Check, output: str) -> None:
    began = time.monotonic()
    run_check(check, output)
    assert time.monotonic() - began < 5


def test_a_pattern_that_would_never_end_is_given_up_on() -> None:
    result = run_check(Check(CheckKind.REGEX, r"(a|a)*(a|aa)+$"), "a" * 5_000 + "b")
    assert not result.passed
    assert "longer than" in result.evidence or "nowhere" in result.evidence


def test_a_timed_out_pattern_fails_its_negation_too() -> None:
    slow = r"^(([a-z])+.)+[A-Z]([a-z])+$"
    text = "a" * 4_000
    seen = [run_check(Check(kind, slow), text) for kind in (CheckKind.REGEX, CheckKind.NOT_REGEX)]
    if "longer than" in seen[0].evidence:
        assert [result.passed for result in seen] == [False, False]
    else:
        assert [result.passed for result in seen] == [False, True]


@pytest.mark.parametrize(
    "check",
    [
        Check(CheckKind.REGEX, "("),
        Check(CheckKind.JSON_SCHEMA, {"type": 7}),
        Check(CheckKind.NUMBER, "many"),
        Check(CheckKind.CONTAINS, 7),
    ],
)
def test_a_check_that_cannot_be_used_is_refused_before_a_run(check: Check) -> None:
    with pytest.raises(CaseError):
        validate_check(check)


def test_a_schema_fetches_nothing() -> None:
    remote: dict[str, Any] = {"$ref": "http://127.0.0.1:9/schema.json"}
    result = run_check(Check(CheckKind.JSON_SCHEMA, remote), "{}")
    assert not result.passed
    assert "cannot be used" in result.evidence


def test_a_checks_only_case_scores_the_share_that_holds() -> None:
    case = GoldenCase("1", "in", checks=(Check(CheckKind.CONTAINS, "a"), Check(CheckKind.CONTAINS, "b")))
    half = grade_by_checks(case, run_checks(case.checks, "a"), threshold=70)
    assert (half.quality, half.passed) == (50.0, False)
    assert grade_by_checks(case, run_checks(case.checks, "ab"), threshold=70).passed


def test_a_case_that_needs_a_judge_has_no_grade_without_one() -> None:
    graded = grade_by_checks(GoldenCase("1", "in", "out", assertions=("good",)), (), threshold=70)
    assert (graded.quality, graded.passed) == (None, None)
    assert "needs a judge" in graded.notes
