"""When a benchmark stops speaking for its skill."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.domain.staleness import BenchmarkFacts, CaseStep, cases_differ_since, oldest_fresh, staleness_of

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
VERSION = uuid4()
FRESH = BenchmarkFacts(
    current_version_id=VERSION,
    version_since=NOW - timedelta(days=30),
    cases_changed_at=NOW - timedelta(days=20),
    benchmarked_version_id=VERSION,
    planned_at=NOW - timedelta(days=10, minutes=5),
    benchmarked_at=NOW - timedelta(days=10),
)


def kinds(facts: BenchmarkFacts, **how: int) -> list[str]:
    return [cause.kind for cause in staleness_of(facts, now=NOW, **how).causes]


def test_never_benchmarked_is_not_stale() -> None:
    facts = replace(FRESH, benchmarked_at=None, planned_at=None, benchmarked_version_id=None)
    assert staleness_of(facts, now=NOW).state == "never"
    assert kinds(facts) == []


def test_nothing_against_it_is_fresh() -> None:
    assert staleness_of(FRESH, now=NOW).state == "fresh"


@pytest.mark.parametrize(("age", "stale"), [(timedelta(days=89, hours=23), False), (timedelta(days=90), True)])
def test_ninety_days_is_the_limit_unless_another_is_set(age: timedelta, stale: bool) -> None:
    facts = replace(FRESH, benchmarked_at=NOW - age, cases_changed_at=None)
    assert kinds(facts) == ["age"] * stale
    assert kinds(facts, limit_days=400) == []
    assert kinds(facts, limit_days=7) == ["age"]


def test_another_version_is_a_cause_and_says_since_when() -> None:
    changed = datetime(2026, 5, 9, tzinfo=UTC)
    found = staleness_of(replace(FRESH, current_version_id=uuid4(), version_since=changed), now=NOW)
    assert found.state == "stale"
    assert found.causes[0].sentence.endswith("its current version is of 9 May 2026.")


def test_cases_changed_while_the_run_was_under_way_are_a_cause() -> None:
    assert FRESH.planned_at is not None
    assert kinds(replace(FRESH, cases_changed_at=FRESH.planned_at + timedelta(minutes=1))) == ["cases"]
    assert kinds(replace(FRESH, cases_changed_at=FRESH.planned_at)) == []


@given(st.integers(0, 400), st.integers(1, 400))
def test_the_age_named_is_the_age_it_has(days: int, limit: int) -> None:
    at = NOW - timedelta(days=days)
    found = staleness_of(replace(FRESH, benchmarked_at=at), now=NOW, limit_days=limit)
    assert (found.state == "stale") == (days >= limit) == (at <= oldest_fresh(NOW, limit))
    if found.causes:
        assert f"is {days} {'day' if days == 1 else 'days'} old; the limit is {limit:,}." in found.causes[0].sentence


def test_cases_differ_since_the_first_change_that_was_not_undone() -> None:
    a, b, c, d = (uuid4() for _ in range(4))
    first, second, third, fourth = (NOW + timedelta(days=day) for day in range(4))
    added, gone = CaseStep(first, c, None), CaseStep(second, None, c)
    assert cases_differ_since([a, b], []) is None
    assert cases_differ_since([a, b], [added]) == first
    assert cases_differ_since([a, b], [added, CaseStep(second, d, None)]) == first
    assert cases_differ_since([a, b], [added, gone]) is None
    assert cases_differ_since([a, b], [added, gone, CaseStep(third, d, a), CaseStep(fourth, None, b)]) == third
    proposal = CaseStep(first, d, c)
    assert cases_differ_since([a, b], [proposal]) is None, "an edit of a proposal changes no accepted case"
    assert cases_differ_since([a, b], [proposal, CaseStep(second, d, None)]) == second
