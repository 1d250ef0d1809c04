"""Two runs of one skill: only what was graded alike is compared, every flip is named, and the cost adds up."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from uuid import UUID

import pytest

from steelyard.domain.calls import ModelResponse, Usage
from steelyard.domain.errors import InputError
from steelyard.domain.models import ModelRef
from steelyard.domain.runs import Arm
from steelyard.pricing import Cost
from steelyard.services.comparisons import Comparisons
from steelyard.storage.database import Database
from tests.integration.execution.bench import CALL_MICROCENTS
from tests.integration.services.made import JUDGE, Made, ad_hoc, asks, checked, content, judged


def by_token(usage: Usage, model: ModelRef, when: date) -> Cost | None:
    """One microcent a token before 2026, two since."""
    return Cost(usage.total_tokens * (1 if when.year < 2026 else 2), "test", when)


@pytest.fixture
def comparisons(database: Database) -> Comparisons:
    return Comparisons(database, by_token)


def right_from(start: int):
    """m0 is right on cases from `start` on, m1 always."""

    def reply(model: str, prompt: str) -> str:
        number = int(prompt.removeprefix("Weigh item ").removesuffix("."))
        return "120 g" if model == "m1" or number >= start else "no idea"

    return reply


async def test_the_difference_is_paired_and_every_flip_is_named(made: Made, comparisons: Comparisons) -> None:
    skill, cases = content(), [checked(number) for number in range(20)]
    first = await made.run(asks(skill, cases), right_from(10))
    better = content(skill.name, text="Weigh it well.")
    second = await made.run(asks(better, cases, fresh=True), right_from(2))
    found = await comparisons.compare(made.tenant_id, first, second)
    assert found.changes.skill_version.changed
    assert (found.refusal, found.notes, found.comparable, found.arm) == (None, (), 20, "with_skill")
    by_model = {model.model: model.quality for model in found.models}
    gained, same = by_model["test:m0"], by_model["test:m1"]
    assert gained is not None
    assert (gained.n, gained.before, gained.after, gained.difference, gained.same_answers) == (20, 50, 90, 40, 0)
    assert (gained.low, gained.test) == (0, "sign")
    assert gained.p == pytest.approx(2 / 2**8)
    assert same is not None
    assert same.difference == 0
    assert found.overall is not None
    assert (found.overall.n, found.overall.difference) == (20, 20)
    assert [(flip.model, flip.case.key, flip.now_passes) for flip in found.flips] == [
        ("test:m0", f"case-{number:03}", True) for number in range(2, 10)
    ]
    back = await comparisons.compare(made.tenant_id, second, first)
    assert [flip.now_passes for flip in back.flips] == [False] * 8


async def test_a_run_that_took_every_answer_over_differs_in_nothing_and_says_why(
    made: Made, comparisons: Comparisons
) -> None:
    request = asks(content(), [checked(number) for number in range(5)])
    first, second = await made.run(request), await made.run(request)
    third = await made.run(request)
    for one, other in ((first, second), (second, third)):
        found = await comparisons.compare(made.tenant_id, one, other)
        assert found.overall is not None
        assert (found.overall.difference, found.overall.answers, found.overall.same_answers) == (0, 10, 10)


async def test_scores_of_different_judges_are_not_compared(made: Made, comparisons: Comparisons) -> None:
    skill, cases = content(), [judged(1), judged(2)]
    first = await made.run(asks(skill, cases, judge=JUDGE))
    second = await made.run(asks(skill, cases, judge=ModelRef("test", "judge", (("temperature", 1),))))
    found = await comparisons.compare(made.tenant_id, first, second)
    assert found.changes.judge_digest.changed
    assert found.refusal is not None
    assert "different judges" in found.refusal
    assert (found.overall, found.flips) == (None, ())
    assert all(model.quality is None for model in found.models)
    assert found.cost.calls == 4


async def test_cases_graded_by_checks_are_compared_whoever_judges_the_others(
    made: Made, comparisons: Comparisons
) -> None:
    skill, cases = content(), [judged(1), checked(2), checked(3)]
    first = await made.run(asks(skill, cases, judge=JUDGE))
    second = await made.run(asks(skill, cases, judge=ModelRef("test", "judge", (("temperature", 1),))))
    found = await comparisons.compare(made.tenant_id, first, second)
    assert (found.refusal, found.comparable) == (None, 2)
    assert any("1 of 3 cases" in note and "different judges" in note for note in found.notes)


async def test_added_removed_and_changed_cases_are_told_apart(made: Made, comparisons: Comparisons) -> None:
    skill = content()
    first = await made.run(asks(skill, [checked(1), checked(2), checked(3)]))
    edited = replace(checked(2), input="Weigh item 2 anew.")
    moved = replace(checked(3), family="scales")
    second = await made.run(asks(skill, [moved, edited, checked(4)], ("m1", "m2"), trials=2))
    found = await comparisons.compare(made.tenant_id, first, second)
    changes = found.changes
    assert changes.cases_same == 1
    assert [(case.key, case.before, case.after) for case in changes.cases_added] == [("case-004", None, 2)]
    assert [(case.key, case.before, case.after) for case in changes.cases_removed] == [("case-001", 0, None)]
    assert [(case.key, case.before, case.after) for case in changes.cases_changed] == [("case-002", 1, 1)]
    assert (changes.models_added, changes.models_removed, changes.models_common) == (
        ("test:m2",),
        ("test:m0",),
        ("test:m1",),
    )
    assert (changes.trials.before, changes.trials.after) == (1, 2)
    assert found.comparable == 1
    assert found.cost.calls == 1


async def test_families_make_the_interval_cluster_robust(made: Made, comparisons: Comparisons) -> None:
    skill = content()
    cases = [checked(number, family=f"f{number % 8}") for number in range(32)]
    seen = {"first": {3, 5, 6, 11, 13, 14, 19, 21, 22, 27, 30}, "second": {1, 2, 3, 9}}

    def reply(wrong: set[int]):
        return lambda model, prompt: "no idea" if int(prompt[11:-1]) in wrong else "120 g"

    first = await made.run(asks(skill, cases, ("m0",), trials=2), reply(seen["first"]))
    second = await made.run(asks(skill, cases, ("m0",), trials=2, fresh=True), reply(seen["second"]))
    found = await comparisons.compare(made.tenant_id, first, second)
    assert found.overall is not None
    assert (found.overall.test or "").startswith("cluster")


async def test_a_cost_change_is_split_into_tokens_and_price(
    made: Made, comparisons: Comparisons, database: Database
) -> None:
    skill, cases = content(), [checked(1), checked(2)]

    def long(model: str, prompt: str) -> ModelResponse:
        return ModelResponse("120 g", Usage(30, 10), 5.0)

    first = await made.run(asks(skill, cases, ("m0",)))
    second = await made.run(asks(skill, cases, ("m0",), fresh=True), long)
    await _priced(database, made, first, date(2025, 6, 1), 15)
    await _priced(database, made, second, date(2026, 6, 1), 80)
    found = await comparisons.compare(made.tenant_id, first, second)
    total = found.models[0].cost.total
    assert (total.before, total.after, total.tokens, total.price, total.unexplained) == (30, 160, 50, 80, 0)
    each = found.cost.per_call
    assert each is not None
    assert (each.change, each.tokens, each.price, each.unexplained) == (65, 25, 40, 0)
    prices = found.changes.prices["test:m0"]
    assert (prices.before.dates, prices.after.dates) == ((date(2025, 6, 1),), (date(2026, 6, 1),))


async def _priced(database: Database, made: Made, run_id: UUID, day: date, cost: int) -> None:
    async with database.tenant(made.tenant_id) as connection:
        await connection.execute(
            "UPDATE benchmark_results SET price_date = %s, estimated_cost_microcents = %s WHERE benchmark_run_id = %s",
            (day, cost, run_id),
        )


async def test_an_unknown_price_is_left_out_and_counted(made: Made, comparisons: Comparisons) -> None:
    request = asks(content(), [checked(1), checked(2)], ("unpriced-1", "m1"))
    first = await made.run(request)
    second = await made.run(replace(request, fresh=True))
    found = await comparisons.compare(made.tenant_id, first, second)
    assert [(model.cost.calls, model.cost.unpriced) for model in found.models] == [(0, 2), (2, 0)]
    assert found.models[0].cost.per_call is None
    assert found.models[1].cost.total.before == 2 * CALL_MICROCENTS


async def test_what_cannot_be_compared_is_refused_in_words(made: Made, comparisons: Comparisons) -> None:
    skill = content()
    first = await made.run(asks(skill, [checked(1)]))
    with pytest.raises(InputError, match="one and the same"):
        await comparisons.compare(made.tenant_id, first, first)
    with pytest.raises(InputError, match="two skills"):
        await comparisons.compare(made.tenant_id, first, await made.run(asks(content(), [checked(1)])))
    others = {
        "no model in common": asks(skill, [checked(1)], ("m7",)),
        "no case in common": asks(skill, [ad_hoc(5)], of_record=False),
        "with the skill and the other without": asks(skill, [checked(1)], arms=(Arm.WITHOUT_SKILL,)),
        "different thresholds": replace(asks(skill, [checked(1)]), threshold=55.0),
    }
    for words, request in others.items():
        found = await comparisons.compare(made.tenant_id, first, await made.run(request))
        assert found.refusal is not None
        assert words in found.refusal


async def test_a_partial_run_is_compared_and_said_to_be_one(made: Made, comparisons: Comparisons) -> None:
    request = asks(content(), [checked(number) for number in range(4)])
    first = await made.run(request)
    second = await made.bench.start(replace(request, fresh=True))
    found = await comparisons.compare(made.tenant_id, first, second)
    assert found.refusal is not None
    third = await made.run(replace(request, budget_microcents=2 * CALL_MICROCENTS, fresh=True, seed=5, trials=2))
    partial = await comparisons.compare(made.tenant_id, first, third)
    assert any("second run is not complete" in note for note in partial.notes)
