"""What an examination comes to, and what a certificate says of it and no more."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.domain.cases import GoldenCase
from steelyard.judging.canaries import JUNK, Canary, CanaryKind, canaries_of
from steelyard.judging.certificate import Certificate, Repeats, certify
from steelyard.judging.examination import Examination, Result, canary_digest, examined

WHEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
CASES = [GoldenCase(str(i), f"How heavy is {i}?", f"It weighs {i * 10 + 120} g.") for i in range(4)]
CANARIES = canaries_of(CASES)


def examination(**qualities: float | None) -> Examination:
    """By kind; golden outputs have 100 and the others 0 where nothing else is said."""
    scored = [qualities.get(one.kind.value, 100.0 if one.kind is CanaryKind.GOLDEN else 0.0) for one in CANARIES]
    graded = [None if quality is None else WHEN + timedelta(seconds=place) for place, quality in enumerate(scored)]
    return examined(CANARIES, scored, graded, [None if quality is not None else "It was down." for quality in scored])


def test_every_kind_passing_is_a_pass_and_one_graded_kind_missing_its_bar_a_failure_by_name() -> None:
    assert examination().result is Result.PASSED
    failed = examination(empty=50.0, another=None)
    assert failed.result is Result.FAILED
    assert [finding.kind for finding in failed.failed] == ["empty"]
    assert "an empty output scored 50, must be at most 10" in failed.missed
    assert "the golden output of another case 1 of 1 could not be graded" in failed.missed


@pytest.mark.parametrize("kind", list(CanaryKind))
def test_what_could_not_be_graded_is_no_failure_and_no_pass(kind: CanaryKind) -> None:
    assert examination(**{kind.value: None}).result is Result.UNFINISHED


def test_without_a_canary_nothing_is_claimed() -> None:
    nothing = examined((), (), (), ())
    assert (nothing.result, nothing.missed, nothing.graded_at) == (Result.NOTHING, "", None)
    assert set(nothing.missing) == set(CanaryKind)


def test_the_date_is_that_of_the_last_grade() -> None:
    assert examination().graded_at == WHEN + timedelta(seconds=len(CANARIES) - 1)


@given(st.lists(st.none() | st.floats(0, 100), min_size=len(CANARIES), max_size=len(CANARIES)))
def test_an_examination_comes_back_from_its_json_as_it_was(scored: list[float | None]) -> None:
    graded = [None if quality is None else WHEN for quality in scored]
    found = examined(CANARIES, scored, graded, ["It was down." if quality is None else None for quality in scored])
    again = Examination.from_json(found.to_json())
    assert again == found
    assert (again.result is Result.PASSED) == all(finding.passed for finding in found.findings)


def test_a_canary_is_another_once_anything_the_judge_is_shown_of_it_differs() -> None:
    canary = Canary(CanaryKind.EMPTY, 0, "")
    digests = {
        canary_digest(canary, CASES[0]),
        canary_digest(replace(canary, output=":"), CASES[0]),
        canary_digest(canary, replace(CASES[0], input="Something else")),
        canary_digest(canary, replace(CASES[0], expected="240 g")),
    }
    assert len(digests) == 4
    # Assertions are not shown: canaries are graded on the default rubric.
    assert canary_digest(canary, replace(CASES[0], assertions=("Is short",))) in digests


def certificate(found: Examination | None, *, accepted: bool = False, repeats: Repeats | None = None) -> Certificate:
    return certify(
        "openai:gpt-5",
        "d" * 64,
        ["openai:gpt-4o", "anthropic:claude-haiku-4-5"],
        found,
        accepted=accepted,
        calls=0,
        cost_microcents=0,
        cost_is_lower_bound=False,
        repeats=repeats,
    )


def test_only_an_accepted_judge_that_did_not_pass_is_a_mark() -> None:
    failed = examination(injection=100.0)
    assert certificate(failed).mark is None
    assert certificate(examination(), accepted=True).mark is None
    assert certificate(None, accepted=True).mark is None
    assert "although it failed: an output that tells" in (certificate(failed, accepted=True).mark or "")
    assert "was not finished" in (certificate(examination(empty=None), accepted=True).mark or "")


def test_candidates_of_the_judges_family_are_named() -> None:
    assert certificate(None).own_family == ("openai:gpt-4o",)


def test_how_a_judge_repeats_itself_is_told_in_points_or_said_to_be_unknown() -> None:
    assert "Not measured" in certificate(None).repeats_sentence
    one = certificate(None, repeats=Repeats(1, 3, 20.0, 20.0)).repeats_sentence
    assert one == "One output came 3 times and was judged each time: its grades are 20.0 points apart."
    several = certificate(None, repeats=Repeats(2, 5, 10.0, 20.0)).repeats_sentence
    assert "10.0 points apart on average, 20.0 points apart at most" in several


def test_the_kinds_of_junk_are_all_named() -> None:
    assert {finding.kind for finding in examination().findings} >= set(JUNK)
