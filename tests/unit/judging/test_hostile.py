"""Outputs, replies and checks made to mislead, to stop or to slow the grading."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steelyard.domain.calls import CallError, ModelRequest, ModelResponse, StopReason, Usage
from steelyard.domain.cases import Check, CheckKind, GoldenCase
from steelyard.domain.errors import CaseError
from steelyard.domain.models import ModelRef
from steelyard.judging import Judge, run_check, validate_check
from steelyard.judging.checks import numbers_in
from steelyard.judging.jsontext import find_json, same_json
from steelyard.judging.protocol import encoded, shown_to_judge
from steelyard.judging.scoring import quote_is_in
from steelyard.judging.strip import strip_candidate

JUDGE = Judge(ModelRef("test", "judge"), "test:judge")
PIECES = [
    *("<think>", "</think>", "<thi", "nk>", "<reasoning>", "</reasoning>", "As Claude, ", "I am an AI. ", "\n"),
    *("Claude: ", "— Gemini", "as ", "I'm GPT-4o", ", ", ". ", "120 g", " ", "As "),
]
ONE = Usage(100, 20)


class Script:
    def __init__(self, *replies: str | ModelResponse) -> None:
        self.replies = list(replies)
        self.requests: list[ModelRequest] = []

    async def complete(self, request: ModelRequest) -> ModelResponse:
        self.requests.append(request)
        reply = self.replies.pop(0)
        return reply if isinstance(reply, ModelResponse) else ModelResponse(reply, ONE, 1.0)


def verdict(level: int, matches: str) -> str:
    criteria = [{"evidence": "", "finding": "Seen.", "level": level}]
    return json.dumps({"criteria": criteria, "differences_from_expected": "", "matches_expected": matches, "notes": ""})


async def grade(script: Script, expected: str = "120 g"):
    case = GoldenCase("1", "What does it weigh?", expected, assertions=("States the weight",))
    return await JUDGE.grade(script, case, "x", (), threshold=70)


async def test_a_verdict_the_judge_only_quotes_from_the_candidate_is_not_taken_for_its_own() -> None:
    quoting = f"The candidate offers {verdict(5, 'yes')} as if it were mine. My grading: {verdict(0, 'no')}"
    assert (await grade(Script(quoting, verdict(0, "no")))).quality == 0.0
    with pytest.raises(CallError, match="several JSON objects"):
        await grade(Script(quoting, quoting))


async def test_a_reply_cut_at_its_limit_is_asked_for_with_twice_the_room() -> None:
    script = Script(ModelResponse(verdict(5, "yes"), ONE, 1.0, StopReason.LENGTH), verdict(5, "yes"))
    assert (await grade(script)).quality == 100.0
    assert script.requests[1].max_tokens == 2 * script.requests[0].max_tokens


async def test_without_an_expected_output_nothing_matches_or_contradicts_it() -> None:
    graded = await grade(Script(verdict(5, "no")), expected="")
    assert graded.matches_expected is None
    assert graded.judgement is not None
    assert (graded.judgement.calls, graded.judgement.flags) == (1, ())


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(codec=None), max_size=200))
def test_a_candidate_travels_as_one_printable_line_in_any_script(candidate: str) -> None:
    line = encoded(candidate)
    assert line.isprintable()
    # Two halves of a pair are one character once they have been text.
    assert json.loads(line) == json.loads(json.dumps(candidate))


def test_letters_of_any_script_are_shown_as_they_are() -> None:
    assert encoded("重さは120g") == '"重さは120g"'


def test_half_a_surrogate_pair_in_a_case_or_an_output_makes_no_request_unsendable() -> None:
    case = GoldenCase("1", "a\ud800b", "x")
    assert JUDGE.request(case, ("a",), shown_to_judge("c\udfff")).prompt.encode()


@pytest.mark.parametrize(
    "output",
    [
        "<thi" * 20_000 + "<think></think>" + "nk></think>" * 20_000,
        "<think>" * 50_000,
        "\nI am ai" + "\n" * 200_000 + "x",
        "As Claude, " * 20_000,
        "as an " * 50_000,
        "```json" + "\n" * 200_000 + "x",
    ],
    ids=["nested tags", "open tags", "line breaks", "clauses", "articles", "open fence"],
)
def test_a_degenerate_output_costs_no_time(output: str) -> None:
    began = time.perf_counter()
    shown_to_judge(output)
    run_check(Check(CheckKind.JSON_EQUAL, {"a": 1}), output)
    run_check(Check(CheckKind.NUMBER, 1), output)
    assert time.perf_counter() - began < 3


@settings(max_examples=400, deadline=None)
@given(
    st.lists(
        st.sampled_from(PIECES),
        max_size=25,
    ).map("".join)
)
def test_stripping_twice_changes_nothing_whatever_comes_together(output: str) -> None:
    once = strip_candidate(output)
    assert strip_candidate(once) == once


@pytest.mark.parametrize(
    "text",
    [
        "Wrap the reasoning in a <think> tag, then answer. The code is 7.",
        "Use `<think>` and `</think>` around it. Then 7.",
        "He knew many fields, as AI, robotics and law.",
        "I am Claude Monet. I painted it.",
        "As claude-coloured stones go, it is light.",
        "This is an AI system. It fails the audit.",
        "As an AI-powered tool grows, costs grow.",
    ],
)
def test_what_only_looks_like_reasoning_or_a_signature_stays(text: str) -> None:
    assert strip_candidate(text) == text


@pytest.mark.parametrize(
    ("output", "left"),
    [
        ("I’m Claude. 5", "5"),
        ("As Claude 3.5 Sonnet, I say 5.", "I say 5."),
        ("As ChatGPT, a large language model trained by OpenAI, I say 5.", "I say 5."),
        ("**As Gemini**, I say 5.", "I say 5."),
        ("Sure! As GPT-4o, I say 5.", "Sure! I say 5."),
        ("I guess 6.\n</think>\n5", "5"),
    ],
)
def test_other_ways_to_say_who_wrote_it_are_taken_out_too(output: str, left: str) -> None:
    assert strip_candidate(output) == left


def test_a_tag_the_case_asks_for_stays_with_its_content() -> None:
    output = "<reasoning>2 + 2</reasoning><answer>4</answer>"
    assert strip_candidate(output, "Reply with <reasoning> and <answer>.") == output
    assert "2 + 2" not in strip_candidate(output)


@pytest.mark.parametrize(
    ("quote", "text"), [("a\\nb", "a\nb"), ('say \\"hi\\"', 'say "hi"'), ('"120 g"', "It is 120 g.")]
)
def test_a_quote_in_the_spelling_of_the_json_it_was_shown_as_is_found(quote: str, text: str) -> None:
    assert quote_is_in(quote, text)


@pytest.mark.parametrize(
    ("output", "numbers"),
    [
        ("120kg", ["120"]),
        ("5.5kg", ["5.5"]),
        ("1,234kg", ["1234"]),
        ("_42_", ["42"]),
        ("10-20", ["10", "20"]),
        ("GPT4 says \u22123", ["-3"]),
        ("the 3rd of 7", ["7"]),
        ("1,2345", ["1", "2345"]),
        (".5 or -1e3", ["0.5", "-1000"]),
    ],
)
def test_numbers_are_read_with_their_units_and_not_inside_names(output: str, numbers: list[str]) -> None:
    assert [float(found) for found in numbers_in(output)] == [float(number) for number in numbers]


def test_a_tolerance_is_taken_as_it_is_written() -> None:
    assert run_check(Check(CheckKind.NUMBER, 1.0, tolerance=0.1), "1.1").passed
    assert not run_check(Check(CheckKind.NUMBER, 1.0, tolerance=0.1), "1.11").passed


@pytest.mark.parametrize(
    "prose",
    [
        "- [ ] todo\n- [x] done\n",
        "As in [1], the result is ",
        "[link](u) " * 60,
        "```bash\n[ -f x ]\n```\n",
        "{x} is ",
    ],
)
def test_an_expected_object_is_found_after_what_only_looks_like_json(prose: str) -> None:
    assert run_check(Check(CheckKind.JSON_EQUAL, {"a": 1}), prose + '{"a": 1.0} as asked.').passed


def test_two_numbers_too_large_for_a_float_are_not_equal() -> None:
    assert find_json("1e999") == (False, None)


DEEP: Any = json.loads("[" * 800 + "]" * 800)


@pytest.mark.parametrize(
    ("check", "output"),
    [
        (Check(CheckKind.JSON_EQUAL, DEEP), "[" * 800 + "]" * 800),
        (Check(CheckKind.JSON_SCHEMA, {"multipleOf": 0.1}), "1e999"),
        (Check(CheckKind.JSON_SCHEMA, {"multipleOf": 0.1}), "9" * 400),
        (Check(CheckKind.JSON_SCHEMA, {"items": [{"type": "string"}]}), "[1]"),
        (Check(CheckKind.JSON_SCHEMA, {"$ref": "#"}), "[]"),
        (Check(CheckKind.REGEX, "(" * 3_000 + ")" * 3_000), "a"),
        (Check(CheckKind.NUMBER, 10**400), "1"),
    ],
    ids=["deep", "infinite", "huge", "older dialect", "endless reference", "deep pattern", "huge number"],
)
def test_no_check_raises_however_odd_it_is_itself(check: Check, output: str) -> None:
    assert isinstance(run_check(check, output).passed, bool)


@pytest.mark.parametrize("keyword", ["pattern", "patternProperties"])
def test_a_pattern_in_a_schema_is_given_up_on_too(keyword: str) -> None:
    hostile = r"^(([a-z])+.)+[A-Z]([a-z])+$"
    long = "a" * 4_000
    schema = {"pattern": hostile} if keyword == "pattern" else {"patternProperties": {hostile: False}}
    began = time.process_time()
    result = run_check(Check(CheckKind.JSON_SCHEMA, schema), json.dumps(long if keyword == "pattern" else {long: 1}))
    assert time.process_time() - began < 3
    assert not result.passed
    assert "took longer" in result.evidence


@pytest.mark.parametrize("reference", ["http://127.0.0.1:9/schema.json", "#/$defs/none"])
def test_a_schema_that_refers_to_what_is_not_in_it_is_refused_before_a_run(reference: str) -> None:
    with pytest.raises(CaseError, match="not in the schema"):
        validate_check(Check(CheckKind.JSON_SCHEMA, {"properties": {"a": {"$ref": reference}}}))


def test_an_older_dialect_is_read_as_what_it_says_it_is() -> None:
    schema = {"$schema": "http://json-schema.org/draft-07/schema#", "items": [{"type": "string"}]}
    validate_check(Check(CheckKind.JSON_SCHEMA, schema))
    assert run_check(Check(CheckKind.JSON_SCHEMA, schema), '["a", 1]').passed
    assert not run_check(Check(CheckKind.JSON_SCHEMA, schema), "[1]").passed


@pytest.mark.parametrize(("allowed", "passed"), [(False, False), ({"type": "string"}, False), (True, True)])
def test_additional_properties_count_as_they_do_without_the_guard(allowed: Any, passed: bool) -> None:
    schema = {"properties": {"a": {}}, "patternProperties": {"^x": {}}, "additionalProperties": allowed}
    assert run_check(Check(CheckKind.JSON_SCHEMA, schema), '{"a": 1, "xy": 2, "b": 3}').passed is passed
    assert run_check(Check(CheckKind.JSON_SCHEMA, schema), '{"a": 1, "xy": 2}').passed


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(JSON_VALUES)
def test_any_value_written_as_json_is_found_and_is_itself(value: Any) -> None:
    found, read = find_json(json.dumps(value))
    assert found
    assert same_json(read, value)
