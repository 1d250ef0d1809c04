"""Canaries come from the skill's own cases, and each kind of bad judge fails on the one meant for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.domain.cases import Check, CheckKind, GoldenCase
from steelyard.judging.canaries import JUNK, Canary, CanaryKind, canaries_of, findings, for_canary
from steelyard.judging.protocol import MAX_CANDIDATE_CHARACTERS

CASES = [GoldenCase(f"case-{i}", f"What does item {i} weigh?", f"Item {i} is brass: {100 + i} g.") for i in range(6)]


def graded(judge: Callable[[Canary, GoldenCase], float], cases: Sequence[GoldenCase] = CASES) -> dict[str, bool]:
    canaries = canaries_of(cases)
    found = findings(canaries, {place: judge(one, cases[one.case_index]) for place, one in enumerate(canaries)})
    return {one.kind.value: one.passed for one in found}


def right(canary: Canary, case: GoldenCase) -> float:
    return 100.0 if canary.output == case.expected else 0.0


def test_a_right_judge_passes_every_kind() -> None:
    passed = graded(right)
    assert set(passed) == {kind.value for kind in CanaryKind}
    assert all(passed.values())


@pytest.mark.parametrize(
    ("judge", "failed"),
    [
        (lambda one, case: 100.0, {*JUNK, CanaryKind.ANOTHER, CanaryKind.CHANGED}),
        (lambda one, case: 0.0, {CanaryKind.GOLDEN, CanaryKind.ANOTHER, CanaryKind.CHANGED}),
        (lambda one, case: 100.0 if "level" in one.output else right(one, case), {CanaryKind.INJECTION}),
        (lambda one, case: 100.0 if one.output == ":" else right(one, case), {CanaryKind.COLON}),
        (lambda one, case: 90.0 if one.kind is CanaryKind.CHANGED else right(one, case), {CanaryKind.CHANGED}),
        (lambda one, case: 95.0 if "is brass" in one.output else 0.0, {CanaryKind.ANOTHER}),
        (lambda one, case: 85.0 if one.output == case.expected else 0.0, {CanaryKind.GOLDEN}),
    ],
    ids=["all praise", "all blame", "obeys", "junk", "blind to facts", "blind to the case", "never content"],
)
def test_each_bad_judge_fails_where_it_is_bad(
    judge: Callable[[Canary, GoldenCase], float], failed: set[CanaryKind]
) -> None:
    assert {kind for kind, passed in graded(judge).items() if not passed} >= {kind.value for kind in failed}


def test_what_could_not_be_graded_has_not_passed() -> None:
    canaries = canaries_of(CASES)
    found = findings(canaries, {})
    assert not any(one.passed for one in found)
    assert {one.quality for one in found} == {None}


def test_labels_are_no_canaries_against_themselves_and_families_not_against_each_other() -> None:
    labels = [GoldenCase(f"{i}", f"Review {i}", "positive") for i in range(5)]
    assert CanaryKind.ANOTHER not in {one.kind for one in canaries_of(labels)}
    family = [GoldenCase(f"{i}", "One text", f"Answer {i}", family="one") for i in range(5)]
    assert CanaryKind.ANOTHER not in {one.kind for one in canaries_of(family)}


def test_without_an_expected_output_only_junk_is_shown_and_without_a_judged_case_nothing() -> None:
    asserted = [GoldenCase("1", "Weigh it", assertions=("Has a unit",))]
    assert {one.kind for one in canaries_of(asserted)} == set(JUNK)
    checked = [GoldenCase("1", "Weigh it", "120 g", checks=(Check(CheckKind.CONTAINS, "120"),))]
    assert canaries_of(checked) == ()
    assert canaries_of([]) == ()


def test_a_golden_output_that_a_judge_is_not_shown_whole_is_no_canary() -> None:
    long = GoldenCase("long", "Weigh it", "It is brass: 120 g. " + "x" * MAX_CANDIDATE_CHARACTERS)
    assert {one.kind for one in canaries_of([long])} == set(JUNK)
    assert {one.case_index for one in canaries_of([long, *CASES])} <= set(range(1, 7))


def test_a_canary_is_graded_on_the_default_rubric_alone() -> None:
    case = for_canary(GoldenCase("1", "in", "out", assertions=("a",), checks=(Check(CheckKind.EXACT, "out"),)))
    assert (case.assertions, case.checks, case.needs_judge) == ((), (), True)


@given(st.lists(st.tuples(st.text(max_size=20), st.sampled_from([None, "a", "b"])), max_size=12), st.integers(0, 99))
def test_any_cases_give_few_canaries_and_the_same_ones_again(drawn: list[tuple[str, str | None]], seed: int) -> None:
    cases = [
        GoldenCase(str(place), "in", expected, ("x",), family=family) for place, (expected, family) in enumerate(drawn)
    ]
    canaries = canaries_of(cases, seed)
    assert canaries == canaries_of(cases, seed)
    assert len(canaries) <= 11
    counts = Counter(one.kind for one in canaries)
    assert counts[CanaryKind.CHANGED] <= counts[CanaryKind.GOLDEN] <= 3
    for one in canaries:
        expected = cases[one.case_index].expected.strip()
        assert (bool(expected) and one.output.strip() == expected) == (one.kind is CanaryKind.GOLDEN)


@given(st.permutations(CASES), st.integers(0, 5))
def test_the_draw_stays_when_cases_are_reordered_or_later_ones_added(cases: list[GoldenCase], seed: int) -> None:
    def said(of: Sequence[GoldenCase]) -> list[tuple[CanaryKind, str, str]]:
        return [(one.kind, of[one.case_index].case_id, one.output) for one in canaries_of(of, seed)]

    assert said(cases) == said(CASES)
    more = [*CASES, GoldenCase("case-9", "What does item 9 weigh?", "Item 9 is brass: 109 g.")]
    kept = set(said(CASES)) & set(said(more))
    assert len({one for one in kept if one[0] is CanaryKind.GOLDEN}) >= 2
