"""A case in a run: the right models side by side, every grade with its evidence, long texts cut and whole elsewhere."""

from __future__ import annotations

from uuid import uuid4

import pytest

from steelyard.domain.calls import CallError, FailureKind
from steelyard.domain.errors import InputError, NotFound
from steelyard.domain.runs import Arm
from steelyard.services.case_view import MOST_TEXT, CaseViews
from steelyard.services.run_matrix import CellLook, MatrixFilter
from steelyard.storage.database import Database
from tests.integration.services.made import JUDGE, Made, asks, checked, content, judged


@pytest.fixture
def views(database: Database) -> CaseViews:
    return CaseViews(database)


async def test_a_judged_answer_comes_with_its_judgement(made: Made, views: CaseViews) -> None:
    run_id = await made.run(asks(content(), [judged(1), judged(2)], judge=JUDGE), levels=(5, 3))
    view = await views.view(made.tenant_id, run_id, 1)
    assert (view.case.key, view.case.expected.text, view.case.assertions) == (
        "case-002",
        "120 g",
        ("States it", "Has a unit"),
    )
    (slot,) = view.shown[0].slots
    assert slot.answer is not None
    assert slot.answer.output is not None
    assert (slot.answer.output.text, slot.answer.output.cut, slot.answer.quality) == ("120 g", False, 80.0)
    (judgement,) = slot.answer.judgements
    assert judgement.current
    assert [(one.criterion, one.level, one.evidence, one.quote_found) for one in judgement.criteria] == [
        ("States it", 5, "120 g", True),
        ("Has a unit", 3, "120 g", True),
    ]
    assert (judgement.judge, judgement.matches_expected) == ("test:judge", "yes")


async def test_checks_come_with_their_evidence_and_failures_with_their_reason(made: Made, views: CaseViews) -> None:
    def reply(model: str, prompt: str) -> str:
        if model == "m1":
            raise CallError(FailureKind.NETWORK, "The line is down.")
        return "no idea"

    view = await views.view(made.tenant_id, await made.run(asks(content(), [checked(1)]), reply), 0)
    wrong, lost = (column.slots[0].answer for column in view.shown)
    assert wrong is not None
    assert [one.passed for one in wrong.checks] == [False]
    assert wrong.checks[0].evidence
    assert (wrong.cost_microcents, wrong.price_version) == (1_000, "test")
    assert lost is not None
    assert (lost.output, lost.failure_kind, lost.error_message) == (None, "network", "The line is down.")
    assert view.shown[1].cells[0].look is CellLook.OUTAGE


async def test_arms_and_trials_are_all_there_the_compared_arm_first(made: Made, views: CaseViews) -> None:
    arms = (Arm.WITHOUT_SKILL, Arm.WITH_SKILL)
    run_id = await made.run(asks(content(), [checked(1)], ("m0",), arms=arms, trials=2))
    view = await views.view(made.tenant_id, run_id, 0)
    places = [(slot.arm, slot.trial) for slot in view.shown[0].slots]
    assert places == [("with_skill", 0), ("with_skill", 1), ("without_skill", 0), ("without_skill", 1)]
    assert all(slot.answer is not None for slot in view.shown[0].slots)


async def test_the_best_and_the_cheapest_model_come_first(made: Made, views: CaseViews) -> None:
    names = [f"m{number}" for number in range(6)]
    run_id = await made.run(
        asks(content(), [checked(1), checked(2)], names), lambda model, prompt: "120 g" if model == "m4" else "no idea"
    )
    view = await views.view(made.tenant_id, run_id, 0)
    assert view.run.best_model == "test:m4"
    assert [column.model for column in view.shown] == ["test:m4", "test:m0", "test:m1", "test:m2"]
    assert [column.model for column in view.others] == ["test:m3", "test:m5"]
    assert all(not column.slots for column in view.others)
    chosen = await views.view(made.tenant_id, run_id, 0, models=["test:m5", "test:m3"])
    assert [column.model for column in chosen.shown] == ["test:m5", "test:m3"]
    with pytest.raises(InputError, match="not a model of this run"):
        await views.view(made.tenant_id, run_id, 0, models=["test:other"])
    with pytest.raises(InputError, match="too many"):
        await views.view(made.tenant_id, run_id, 0, models=[f"test:{name}" for name in names[:5]])


async def test_previous_and_next_follow_the_order_of_the_run_and_the_filter(made: Made, views: CaseViews) -> None:
    cases = [checked(number) for number in range(6)]
    run_id = await made.run(
        asks(content(), cases), lambda model, prompt: "no idea" if prompt[-2] in "14" and model == "m1" else "120 g"
    )

    async def neighbours(
        index: int, only: MatrixFilter = MatrixFilter.ALL
    ) -> tuple[int | None, int | None, int | None]:
        view = await views.view(made.tenant_id, run_id, index, only=only)
        return view.previous, view.next, view.position

    assert await neighbours(0) == (None, 1, 1)
    assert await neighbours(5) == (4, None, 6)
    assert await neighbours(4, MatrixFilter.DIFFER) == (1, None, 2)
    assert await neighbours(2, MatrixFilter.DIFFER) == (1, 4, None)
    with pytest.raises(NotFound):
        await views.view(made.tenant_id, run_id, 6)


async def test_a_megabyte_of_output_is_cut_and_whole_in_the_download(made: Made, views: CaseViews) -> None:
    output = "<script>alert('ä')</script>\u202e" * 40_000
    run_id = await made.run(asks(content(), [checked(1)], ("m0",)), lambda model, prompt: output)
    view = await views.view(made.tenant_id, run_id, 0)
    answer = view.shown[0].slots[0].answer
    assert answer is not None
    assert answer.output is not None
    assert (len(answer.output.text), answer.output.cut, answer.output.size) == (MOST_TEXT, True, len(output.encode()))
    assert output.startswith(answer.output.text)
    assert await views.output(made.tenant_id, run_id, answer.result_id) == output
    with pytest.raises(NotFound):
        await views.output(made.tenant_id, uuid4(), answer.result_id)


async def test_many_long_outputs_share_the_room_of_one_page(made: Made, views: CaseViews) -> None:
    run_id = await made.run(asks(content(), [checked(1)], trials=10), lambda model, prompt: "x" * 50_000)
    view = await views.view(made.tenant_id, run_id, 0)
    outputs = [slot.answer.output for column in view.shown for slot in column.slots if slot.answer is not None]
    assert len(outputs) == 20
    assert sum(len(one.text) for one in outputs if one is not None) <= 400_000
    assert all(one is not None and one.cut for one in outputs)


async def test_a_run_under_way_shows_what_is_waited_for(made: Made, views: CaseViews) -> None:
    run_id = await made.bench.start(asks(content(), [checked(1)]))
    view = await views.view(made.tenant_id, run_id, 0)
    assert all(slot.answer is None for column in view.shown for slot in column.slots)
    assert {cell.look for column in view.shown for cell in column.cells} == {CellLook.WAITING}
    assert (await views.golden_case(made.tenant_id, run_id, 0)).case_id == "case-001"
