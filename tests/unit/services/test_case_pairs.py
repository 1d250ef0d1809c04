"""Every case of two runs is in exactly one place, however often a text or a key occurs."""

from __future__ import annotations

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from steelyard.domain.cases import GoldenCase
from steelyard.services.case_pairs import PlannedCase, pair_cases

# Few ids, keys and texts, so that they meet in every combination; a row's id stands for its key and text.
rows = st.tuples(st.sampled_from("ab"), st.sampled_from("xyz"), st.integers(0, 1))


def planned(drawn: list[tuple[str, str, int]]) -> list[PlannedCase]:
    return [
        PlannedCase(index, UUID(int=ord(key) * 1_000 + ord(text) * 2 + copy), GoldenCase(key, text, "e"))
        for index, (key, text, copy) in enumerate(drawn)
    ]


runs = st.lists(rows, max_size=8).map(planned)


@given(runs, runs)
def test_every_case_is_in_exactly_one_place(first: list[PlannedCase], second: list[PlannedCase]) -> None:
    found = pair_cases(first, second)
    pairs = [*found.same, *found.changed]
    assert sorted(case.index for case in [*(a for a, _ in pairs), *found.removed]) == list(range(len(first)))
    assert sorted(case.index for case in [*(b for _, b in pairs), *found.added]) == list(range(len(second)))
    assert all(a.case.grading_digest == b.case.grading_digest for a, b in found.same)
    assert all(a.case.grading_digest != b.case.grading_digest for a, b in found.changed)
    assert all(a.case.case_id == b.case.case_id for a, b in found.changed)


@given(runs)
def test_a_run_against_itself_has_nothing_else_than_the_same_cases(cases: list[PlannedCase]) -> None:
    found = pair_cases(cases, cases)
    assert [a.case for a, _ in found.same] == [b.case for _, b in found.same]
    assert len(found.same) == len(cases)
    assert found.changed == found.added == found.removed == ()


def test_a_case_that_only_got_a_new_key_is_the_same_case() -> None:
    found = pair_cases(planned([("a", "x", 0)]), planned([("b", "x", 0)]))
    assert len(found.same) == 1
