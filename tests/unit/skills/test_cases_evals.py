"""Golden cases of the evals.json family: every notation, every dialect, and nothing lost on the way back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steelyard.domain.cases import CaseSource, Check, CheckKind, GoldenCase
from steelyard.domain.errors import CaseError
from steelyard.skills.cases import ad_hoc_cases, parse_cases, write_evals_json


def parse(data: Any, name: str = "evals/evals.json", **files: bytes) -> tuple[GoldenCase, ...]:
    return parse_cases(name, json.dumps(data).encode(), files).cases


def one(**fields: Any) -> GoldenCase:
    (case,) = parse([{"id": 1, "prompt": "p", **fields}])
    return case


def test_the_official_shape_is_read() -> None:
    document = {
        "skill_name": "demo",
        "schema_version": 2,
        "evals": [{"id": 7, "prompt": "p", "expected_output": "e", "files": [], "assertions": ["A.", "B."]}],
    }
    parsed = parse_cases("evals/evals.json", json.dumps(document).encode())
    assert parsed.skill_name == "demo"
    assert parsed.extra == {"schema_version": 2}
    assert parsed.lossy == ()
    assert parsed.cases == (GoldenCase("7", "p", "e", ("A.", "B.")),)


@pytest.mark.parametrize("key", ["assertions", "expectations", "expected_behavior"])
def test_sentences_for_the_judge_have_many_names(key: str) -> None:
    assert one(**{key: ["A.", "B."]}).assertions == ("A.", "B.")


def test_an_id_too_long_to_be_kept_is_refused_with_its_line_and_without_the_whole_of_it() -> None:
    longest = {"id": "i" * 200, "prompt": "p"}
    assert [case.case_id for case in parse([longest])] == [longest["id"]]
    text = json.dumps([longest, {"id": "j" * 6_000, "prompt": "p"}, {"id": "k" * 201, "prompt": "q"}], indent=1)
    with pytest.raises(CaseError) as caught:
        parse_cases("evals/evals.json", text.encode())
    lines = [str(number) for number, line in enumerate(text.split("\n"), 1) if line.strip() == "{"]
    assert f"line {lines[1]}: case 2: its id has 6,000 characters; 200 are the most." in caught.value.message
    assert f"line {lines[2]}: case 3: its id has 201 characters; 200 are the most." in caught.value.message
    assert len(caught.value.message) < 400


def test_claims_about_knowledge_and_process_are_assertions_too() -> None:
    case = one(
        assertions=["A."],
        knowledge_assertions=[{"claim": "K.", "source": "book", "rationale": "r"}],
        process_assertions=["P."],
    )
    assert case.assertions == ("A.", "K.", "P.")
    assert case.extra["knowledge_assertions"][0]["source"] == "book"


def test_a_bare_array_of_questions_is_read() -> None:
    (case,) = parse(
        [{"id": "q1", "question": "Q?", "ground_truth": "G", "expected_behavior": ["B"], "expected_skill": None}]
    )
    assert (case.input, case.expected, case.assertions) == ("Q?", "G", ("B",))
    assert case.extra == {"expected_skill": None}


def test_assertion_objects_give_their_text_and_keep_the_rest() -> None:
    case = one(assertions=[{"name": "n", "description": "D."}, {"id": "a", "text": "T.", "type": "quality"}])
    assert case.assertions == ("D.", "T.")
    assert case.checks == ()
    assert json.loads(write_evals_json([case], "s"))["evals"][0]["assertions"] == [
        {"name": "n", "description": "D."},
        {"id": "a", "text": "T.", "type": "quality"},
    ]


@pytest.mark.parametrize(
    ("assertion", "check"),
    [
        ({"type": "exact", "value": "x"}, Check(CheckKind.EXACT, "x")),
        ({"type": "equals", "value": "x"}, Check(CheckKind.EXACT, "x")),
        ({"type": "contains", "value": "x"}, Check(CheckKind.CONTAINS, "x")),
        ({"type": "icontains", "value": "x"}, Check(CheckKind.CONTAINS, "x", ignore_case=True)),
        ({"type": "not-contains", "value": "x"}, Check(CheckKind.NOT_CONTAINS, "x")),
        ({"type": "not_icontains", "value": "x"}, Check(CheckKind.NOT_CONTAINS, "x", ignore_case=True)),
        ({"type": "regex", "pattern": "x+"}, Check(CheckKind.REGEX, "x+")),
        ({"type": "not_regex", "value": "x", "ignore_case": True}, Check(CheckKind.NOT_REGEX, "x", ignore_case=True)),
        ({"type": "json_equal", "value": {"a": [1]}}, Check(CheckKind.JSON_EQUAL, {"a": [1]})),
        ({"type": "json_schema", "schema": {"type": "object"}}, Check(CheckKind.JSON_SCHEMA, {"type": "object"})),
        ({"type": "is-json"}, Check(CheckKind.JSON_SCHEMA, {})),
        ({"type": "number", "value": "12.5", "tolerance": 0.1}, Check(CheckKind.NUMBER, 12.5, tolerance=0.1)),
    ],
)
def test_typed_assertions_and_our_own_checks_become_checks(assertion: dict[str, Any], check: Check) -> None:
    assert one(assertions=[assertion, "S."]).checks == (check,)
    assert one(checks=[assertion]).checks == (check,)
    assert one(checks=[check.to_json()]).checks == (check,)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"prompt": " "}, "no input"),
        ({"prompt": ["x"]}, "'prompt' is not text"),
        ({"assertions": "x", "files": 3}, "'files' is not a list"),
        ({"files": [3]}, "not a path"),
        ({"assertions": {"a": 1}}, "'assertions' is not a list"),
        ({"assertions": [3]}, "neither text nor an object"),
        ({"assertions": [{"weight": 3}]}, "has no text and is no known check"),
        ({"assertions": [{"type": "regex", "value": "("}]}, "cannot be used"),
        ({"assertions": [{"type": "contains"}]}, "has no value"),
        ({"checks": ["x"]}, "not an object with type and value"),
        ({"checks": [{"type": "vibes", "value": 1}]}, "not a type of check"),
        ({"checks": [{"type": "number", "value": "twelve"}]}, "not a number"),
        ({"checks": [{"type": "json_schema", "value": {"type": "nonsense"}}]}, "not a schema"),
        ({"checks": [{"type": "contains", "value": ""}]}, "is empty"),
        ({"family": ["x"]}, "'family' is not text"),
        ({"id": [1]}, "id is neither a number nor text"),
        ({"id": True}, "id is neither a number nor text"),
        ({"prompt": "a\x00b"}, "NUL"),
        ({"prompt": "\ud800"}, "surrogate"),
    ],
)
def test_a_bad_field_is_refused_with_file_and_line(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(CaseError, match=message) as caught:
        parse([{"id": "x", "prompt": "p", "expected_output": "e", **fields}])
    assert str(caught.value).startswith("evals/evals.json:1: ")
    assert caught.value.next_step


@pytest.mark.parametrize(
    ("name", "text", "lines"),
    [
        (
            "c.json",
            '{\n"evals": [\n{"id": 1, "prompt": ""},\n\n{"id": 2, "prompt": "p"},\n{"id": 2,\n "prompt": "q"}]}',
            (3, 6),
        ),
        ("c.json", '[\n{"id": 1, "prompt": ""}, {"id": 2, "prompt": "p"},\n{"id": 2, "prompt": "q"}]', (2, 3)),
        ("c.jsonl", '{"id": 1, "prompt": ""}\n\n{"id": 2, "prompt": "p"}\n{"id": 2, "prompt": "q"}\n', (1, 4)),
        ("c.yaml", "evals:\n  - id: 1\n    prompt: ''\n  - id: 2\n    prompt: p\n  - id: 2\n    prompt: q\n", (2, 6)),
        ("c.csv", 'id,input,expected\n1,,e\n2,"two\nlines",e\n2,q,e\n', (2, 5)),
    ],
)
def test_every_problem_of_a_file_is_told_at_once_with_its_line(name: str, text: str, lines: tuple[int, int]) -> None:
    with pytest.raises(CaseError) as caught:
        parse_cases(name, text.encode())
    message = str(caught.value)
    assert caught.value.line == lines[0]
    assert f"line {lines[0]}: case '1': it has no input" in message
    assert f"line {lines[1]}: the id '2' is used twice (first on line" in message
    assert "nothing was called or paid for" in message


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("c.json", '[\n{"id": 1,\n]', 3),
        ("c.json", '[{"id": 1}]\nmore', 2),
        ("c.json", '{"evals": [1,]}', 1),
        ("c.jsonl", '{"id": 1, "prompt": "p"}\n{"id":', 2),
        ("c.yaml", "evals:\n  - id: 1\n   prompt: x\n", 3),
        ("c.yaml", "a: &a [*b]", 1),
        ("c.csv", "input,expected\na,b,c\n", 2),
        ("c.csv", "name,age\na,b\n", 1),
        ("c.json", '"x"', 1),
        ("c.json", '{"foo": 1}', 1),
    ],
)
def test_a_file_that_does_not_parse_names_the_line(name: str, text: str, line: int) -> None:
    with pytest.raises(CaseError) as caught:
        parse_cases(name, text.encode())
    assert (caught.value.file, caught.value.line) == (name, line)


@pytest.mark.parametrize("text", ["[" * 100_000, "- " * 50_000, '{"a":' * 50_000, "[" * 500 + "]" * 500])
@pytest.mark.parametrize("name", ["c.json", "c.yaml", "c.jsonl"])
def test_deep_nesting_is_an_error_not_a_crash(name: str, text: str) -> None:
    with pytest.raises(CaseError):
        parse_cases(name, text.encode())


def test_aliases_that_expand_without_end_are_refused() -> None:
    bomb = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40))
    with pytest.raises(CaseError, match="expand"):
        parse_cases("c.yaml", bomb.encode())


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("c.jsonl", '{"id": 1, "prompt": "p", "expected": "e", "tags": ["t"]}\n'),
        (
            "c.json",
            '{"id": 1, "prompt": "p", "expected": "e", "tags": ["t"]}\n{"id": 2, "prompt": "q", "expected": "e"}',
        ),
        ("c.yaml", "- id: 1\n  prompt: p\n  expected: e\n  tags: [t]\n"),
        ("c.yml", "cases:\n  - {id: 1, input: p, expected_output: e, tags: [t]}\n"),
        ("c.csv", "id,input,expected,tags\n1,p,e,t\n"),
        ("c.csv", "\ufeffid;prompt;expected_output;tags\r\n1;p;e;t\r\n"),
        ("c.tsv", "id\tprompt\texpected\ttags\n1\tp\te\tt\n"),
        ("-", "id,input,expected,tags\n1,p,e,t\n"),
        ("-", '{"id": 1, "prompt": "p", "expected": "e", "tags": ["t"]}\n{"id": 2, "prompt": "q", "expected": "e"}'),
        ("-", '[{"id": 1, "prompt": "p", "expected": "e", "tags": ["t"]}]'),
        ("-", "- id: 1\n  prompt: p\n  expected: e\n  tags: [t]\n"),
    ],
)
def test_every_notation_gives_the_same_case(name: str, text: str) -> None:
    case = parse_cases(name, text.encode()).cases[0]
    assert (case.case_id, case.input, case.expected, case.extra) == ("1", "p", "e", {"tags": ["t"]})
    assert case.source is (CaseSource.AD_HOC if name == "-" else CaseSource.FILE)


def test_csv_cells_hold_several_assertions_and_other_columns_are_kept() -> None:
    text = 'input,assertions,checks,difficulty\np,"- A.\n- B.","[{""type"": ""contains"", ""value"": ""x""}]",hard\n'
    (case,) = parse_cases("c.csv", text.encode()).cases
    assert case.assertions == ("A.", "B.")
    assert case.checks == (Check(CheckKind.CONTAINS, "x"),)
    assert case.extra == {"difficulty": "hard"}


@pytest.mark.parametrize(
    ("yaml", "expected"),
    [("yes", "yes"), ("007", "007"), ("1.10", "1.10"), ("2024-01-02", "2024-01-02"), ("true", "true")],
)
def test_yaml_scalars_stay_as_they_were_written(yaml: str, expected: str) -> None:
    assert parse_cases("c.yaml", f"- prompt: p\n  expected: {yaml}\n".encode()).cases[0].expected == expected


def test_yaml_anchors_and_merge_keys_are_followed() -> None:
    text = (
        "base: &b {expected: e, tags: [t]}\ncases:\n  - {<<: *b, prompt: p}\n  - {<<: *b, prompt: q, expected: own}\n"
    )
    assert [case.expected for case in parse_cases("c.yaml", text.encode()).cases] == ["e", "own"]


def test_cases_without_an_id_are_numbered_around_those_that_have_one() -> None:
    cases = parse(
        [{"prompt": "a", "expected": "e"}, {"id": 1, "prompt": "b", "expected": "e"}, {"prompt": "c", "expected": "e"}]
    )
    assert [case.case_id for case in cases] == ["2", "1", "3"]


def test_a_family_is_given_or_shared_by_cases_with_a_common_file() -> None:
    files = {"a.txt": b"A", "b.txt": b"B", "c.txt": b"C", "d.txt": b"D"}
    base = {"prompt": "p", "expected": "e"}
    given_files = [["a.txt"], ["a.txt", "b.txt"], ["b.txt"], ["c.txt"], ["d.txt"], ["d.txt"], []]
    entries: list[dict[str, Any]] = [{**base, "id": n, "files": paths} for n, paths in enumerate(given_files)]
    entries[4]["metadata"] = {"family": "given"}
    cases = parse_cases("evals/evals.json", json.dumps(entries).encode(), files).cases
    assert [case.family for case in cases] == ["file:a.txt"] * 3 + [None, "given", "given", None]
    assert one(family="f", expected="e").family == "f"


def test_a_case_with_nothing_expected_is_kept_and_said() -> None:
    parsed = parse_cases("c.json", b'[{"id": 1, "prompt": "p"}]')
    assert [finding.code for finding in parsed.lossy] == ["nothing-expected"]
    assert len(parsed.cases) == 1


@pytest.mark.parametrize(
    "data",
    [
        [{"query": "q", "should_trigger": True}],
        {"skill_name": "s", "prompts": [{"text": "t", "should_trigger": False}]},
        {"should_trigger_prompts": [{"prompt": "p", "reason": "r"}], "should_not_trigger_prompts": []},
    ],
)
def test_trigger_sets_are_no_cases(data: Any) -> None:
    parsed = parse_cases("c.json", json.dumps(data).encode())
    assert parsed.cases == ()
    assert [finding.code for finding in parsed.lossy] == ["trigger-set"]


def test_pairs_of_the_command_line_become_ad_hoc_cases() -> None:
    cases = ad_hoc_cases(["a", "b"], ["x", "y"])
    assert [(case.input, case.expected, case.source) for case in cases] == [
        ("a", "x", CaseSource.AD_HOC),
        ("b", "y", CaseSource.AD_HOC),
    ]
    assert len({case.case_id for case in cases}) == 2
    for inputs, expects in ((["a"], []), (["a"], ["x", "y"]), ([" "], ["x"]), (["a"], [""])):
        with pytest.raises(CaseError) as caught:
            ad_hoc_cases(inputs, expects)
        assert caught.value.next_step


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=30)
FULL = TEXT.filter(lambda text: bool(text.strip()))
SENTENCE = FULL.map(str.strip)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
CHECKS = st.one_of(
    st.builds(Check, st.sampled_from([CheckKind.CONTAINS, CheckKind.NOT_CONTAINS]), FULL, ignore_case=st.booleans()),
    st.builds(Check, st.just(CheckKind.EXACT), TEXT, ignore_case=st.booleans()),
    st.builds(
        Check, st.sampled_from([CheckKind.REGEX, CheckKind.NOT_REGEX]), st.just(r"\d+"), ignore_case=st.booleans()
    ),
    st.builds(Check, st.just(CheckKind.JSON_EQUAL), JSON_VALUES),
    st.builds(Check, st.just(CheckKind.JSON_SCHEMA), st.sampled_from([{}, {"type": "array"}])),
    st.builds(Check, st.just(CheckKind.NUMBER), st.integers(-9999, 9999), tolerance=st.floats(0, 10)),
)
CASES = st.builds(
    GoldenCase,
    case_id=SENTENCE,
    input=FULL,
    expected=TEXT,
    assertions=st.lists(SENTENCE, max_size=3).map(tuple),
    checks=st.lists(CHECKS, max_size=3).map(tuple),
    files=st.dictionaries(st.sampled_from(["evals/a.txt", "b/c.csv"]), TEXT.filter(lambda text: "\ufeff" not in text)),
    family=SENTENCE,
    case_set=st.none() | st.sampled_from(["dev", "regression"]),
    extra=st.dictionaries(
        st.sampled_from(["tags", "name", "schema_version", "notes", "metadata"]), JSON_VALUES, max_size=3
    ),
)


@settings(max_examples=80, deadline=None)
@given(
    st.lists(CASES, max_size=4, unique_by=lambda case: case.case_id),
    st.dictionaries(st.just("schema_version"), JSON_VALUES),
)
def test_what_is_written_is_read_back_as_it_was(cases: list[GoldenCase], extra: dict[str, Any]) -> None:
    for case in cases:
        files = {path: text.encode() for path, text in case.files.items()}
        (read,) = parse_cases("evals/evals.json", write_evals_json([case], "s"), files).cases
        assert read == case
    shared = [case for case in cases if not case.files]
    parsed = parse_cases("evals/evals.json", write_evals_json(shared, "s", extra))
    assert (list(parsed.cases), parsed.skill_name, parsed.extra) == (shared, "s", extra)


ENTRIES = st.fixed_dictionaries(
    {"prompt": FULL, "expected_output": FULL},
    optional={
        "ground_truth": TEXT,
        "question": FULL,
        "files": st.lists(
            st.sampled_from(["a.txt", "gone.txt", "b.bin"]).flatmap(
                lambda path: st.sampled_from([path, {"path": path}, {"path": path, "content": "inline"}])
            ),
            max_size=3,
            unique_by=lambda entry: entry["path"] if isinstance(entry, dict) else entry,
        ),
        "metadata": st.dictionaries(st.sampled_from(["family", "x"]), TEXT),
        "should_trigger": st.booleans(),
        "weird key": JSON_VALUES,
        **{
            key: st.lists(
                st.one_of(
                    SENTENCE,
                    st.builds(lambda text: {"id": 1, "text": text, "type": "quality"}, FULL),
                    st.builds(lambda text: {"type": "contains", "value": text}, FULL),
                ),
                max_size=3,
            )
            for key in ("assertions", "expectations", "knowledge_assertions", "process_assertions")
        },
        "checks": st.lists(CHECKS.map(Check.to_json), max_size=2),
    },
)


@settings(max_examples=80, deadline=None)
@given(st.lists(ENTRIES, min_size=1, max_size=3))
def test_no_dialect_loses_anything_on_the_way_through(entries: list[dict[str, Any]]) -> None:
    files = {"a.txt": b"text of a", "b.bin": b"\x00\xff"}
    document = json.dumps({"evals": [{"id": number, **entry} for number, entry in enumerate(entries)]}).encode()
    first = parse_cases("evals/evals.json", document, files).cases
    second = parse_cases("evals/evals.json", write_evals_json(first, "s"), files).cases
    assert second == first
    for entry, case in zip(entries, first, strict=True):
        written = json.loads(write_evals_json([case], "s"))["evals"][0]
        assert written.get("weird key") == entry.get("weird key")
        told = json.dumps(written, ensure_ascii=False)
        for key in ("assertions", "expectations", "knowledge_assertions", "process_assertions"):
            for assertion in entry.get(key, []):
                assert json.dumps(assertion, ensure_ascii=False)[1:-1] in told
