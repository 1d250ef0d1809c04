"""The draw of outputs to rate: at random, the same for everyone, and telling nothing."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.domain.cases import GoldenCase
from steelyard.services.rating_draw import BLOCK, RatingDraw, first_goal, goals
from steelyard.services.ratings import NAME_LEFT_OUT, blind_copy

RUN = UUID(int=7)


@given(st.integers(1, 30), st.integers(1, 5), st.integers(1, 3), st.uuids(), st.integers(0, 2**31), st.integers(0, 40))
def test_each_drawn_case_has_one_output_of_every_model_at_a_place_that_never_changes(
    cases: int, models: int, trials: int, run: UUID, seed: int, wanted: int
) -> None:
    draw = RatingDraw(run, seed, cases=cases, models=models, trials=trials)
    wanted = min(wanted, cases)
    found = draw.outputs(wanted)
    assert Counter((one.case, one.model) for _, one in found) == Counter(
        {(case, model): 1 for case in draw.order[:wanted] for model in range(models)}
    )
    assert all(one.trial == draw.trial(one.case) < trials for _, one in found)
    again = RatingDraw(run, seed, cases=cases, models=models, trials=trials)
    assert [again.at(place) for place, _ in found] == [one for _, one in found]
    assert sorted(draw.order) == list(range(cases))
    assert set(found) <= set(draw.outputs(cases))
    assert draw.at(cases * models) is None


def test_no_case_comes_twice_in_a_row_and_its_models_come_in_every_order() -> None:
    orders: Counter[tuple[int, ...]] = Counter()
    for number in range(60):
        draw = RatingDraw(UUID(int=number), 1, cases=8, models=3)
        asked = [one for _, one in draw.outputs(8)]
        assert all(one.case != other.case for one, other in pairwise(asked))
        for case in range(8):
            orders[tuple(one.model for one in asked if one.case == case)] += 1
    assert len(orders) == 6
    assert min(orders.values()) > 480 / 6 / 2


def test_whoever_stops_early_has_rated_whole_cases() -> None:
    asked = [one for _, one in RatingDraw(RUN, 1, cases=40, models=5).outputs(40)][: 3 * 5 * BLOCK]
    assert set(Counter(one.case for one in asked).values()) == {5}


def test_another_run_or_seed_is_another_draw() -> None:
    draws = {RatingDraw(UUID(int=run), seed, cases=20, models=2).order for run in range(5) for seed in range(5)}
    assert len(draws) == 25


def test_a_claim_takes_eight_graded_cases_of_eight_families_for_every_model() -> None:
    order = tuple(range(40))
    alone = [None] * 40
    assert first_goal(order, 2, lambda case, model: True, alone) == 8
    assert first_goal(order[:7], 2, lambda case, model: True, alone) is None
    assert first_goal(order, 2, lambda case, model: case % 3 > 0 or model > 0, alone) == 12
    # Two cases a family: eight families take sixteen cases.
    assert first_goal(order, 2, lambda case, model: True, [f"f{case // 2}" for case in order]) == 15
    # One that was out for most of the run is not waited for.
    assert first_goal(order, 2, lambda case, model: model > 0 or case > 30, alone) == 8
    assert goals(8, 40) == (8, 16, 32, 40)
    assert goals(8, 8) == (8,)
    assert goals(None, 5) == (5,)


CASE = GoldenCase("1", "Which is heavier?", "The stone.")


@pytest.mark.parametrize(
    "output",
    [
        "As Claude, made by Anthropic, I think:\n\nThe stone.",
        "I am gpt-4o-mini. The stone.",
        "The stone, says GPT-4o-mini-2024.",
        "<think>I, Claude-haiku-4-5, ponder</think>The stone.",
        "**gpt-4o-mini**: The stone.",
        "The stone.\n\n— claude-haiku-4-5",
        "openai:gpt-4o-mini?temperature=1 says: the stone",
    ],
)
def test_a_raters_copy_names_none_of_the_runs_models(output: str) -> None:
    models = ["openai:gpt-4o-mini", "openai:gpt-4o-mini?temperature=1", "anthropic:claude-haiku-4-5"]
    copy, _ = blind_copy(output, CASE, models)
    assert "stone" in copy.lower()
    for secret in ("gpt-4o", "claude", "anthropic", "openai:gpt"):
        assert secret not in copy.lower()


def test_what_the_case_itself_names_stays() -> None:
    case = GoldenCase("1", "Is gpt-4o-mini cheaper than mistral?", "gpt-4o-mini is.")
    text = "gpt-4o-mini is; claude-haiku-4-5 is not asked about, mistral is dearer."
    copy, cut = blind_copy(text, case, ["openai:gpt-4o-mini", "anthropic:claude-haiku-4-5", "mistral:mistral"])
    assert copy == text.replace("claude-haiku-4-5", NAME_LEFT_OUT)
    assert not cut
