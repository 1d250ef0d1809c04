"""The page of a run: counts that add up, an honest time left, the matrix and its filters."""

from __future__ import annotations

from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.domain.calls import CallError, FailureKind, ModelResponse, StopReason
from steelyard.domain.errors import NotFound
from steelyard.domain.runs import Arm
from steelyard.services.run_matrix import CellLook, MatrixFilter, first_line
from steelyard.services.run_progress import time_left_s
from steelyard.services.run_view import RunViews
from steelyard.storage.database import Database
from steelyard.storage.tenants import ensure_tenant
from tests.integration.execution.bench import CALL_MICROCENTS, answer
from tests.integration.services.made import JUDGE, Made, asks, checked, content, judged


@pytest.fixture
def views(database: Database) -> RunViews:
    return RunViews(database)


async def test_a_run_not_served_yet_is_all_waiting_and_knows_no_time(made: Made, views: RunViews) -> None:
    run_id = await made.bench.start(asks(content(), [checked(1), checked(2)], trials=3))
    now = await views.progress(made.tenant_id, run_id)
    assert (now.status, now.planned, now.ended, now.missing) == ("pending", 12, 0, 12)
    assert [(lane.model, lane.arm, lane.planned) for lane in now.lanes] == [
        ("test:m0", "with_skill", 6),
        ("test:m1", "with_skill", 6),
    ]
    assert (now.elapsed_s, now.left_s) == (None, None)
    view = await views.view(made.tenant_id, run_id)
    assert view.report is None
    assert (await views.view(made.tenant_id, run_id, preview=True)).report is not None


async def test_every_cell_of_an_ended_run_is_in_one_count(made: Made, views: RunViews) -> None:
    def reply(model: str, prompt: str) -> str | ModelResponse:
        match model, prompt[-2:]:
            case "m1", "1.":
                return answer("120", StopReason.LENGTH)
            case "m1", "2.":
                raise CallError(FailureKind.NETWORK, "The line is down.")
            case _:
                return "120 g"

    cases = [checked(number) for number in range(1, 5)]
    arms = (Arm.WITH_SKILL, Arm.WITHOUT_SKILL)
    run_id = await made.run(asks(content(), cases, arms=arms), reply)
    view = await views.view(made.tenant_id, run_id)
    now = view.progress
    lanes = {(lane.model, lane.arm): lane for lane in now.lanes}
    broken = lanes["test:m1", "with_skill"]
    assert (broken.planned, broken.ended, broken.answered, broken.failed, broken.outages, broken.missing) == (
        4, 4, 2, 1, 1, 1,
    )  # fmt: skip
    for lane in now.lanes:
        assert lane.answered + lane.failed + lane.missing == lane.planned
    assert now.by_model()["test:m1"].planned == 8
    assert (now.ended, now.spent_microcents, now.left_s) == (16, 14 * CALL_MICROCENTS, None)
    assert view.report is not None
    assert view.report.stored
    assert sum(failure["count"] for failure in view.failures) == 4


async def test_the_judge_and_the_settings_are_told(made: Made, views: RunViews) -> None:
    request = asks(content(), [judged(1)], ("judge-like", "m1"), judge=JUDGE, trials=2)
    view = await views.view(made.tenant_id, await made.run(request))
    assert view.judge is not None
    assert (view.judge.model, view.judge.same_family) == ("test:judge", False)
    assert view.judge.digest == made.bench.make_judge(JUDGE).digest
    settings = view.settings
    assert (settings.cases, settings.trials, settings.arms, settings.max_tokens) == (1, 2, ("with_skill",), 4096)
    assert settings.dropped == ()


async def test_a_judge_of_a_candidates_family_is_marked(made: Made, views: RunViews) -> None:
    request = asks(content(), [judged(1)], ("judge", "m1"), judge=JUDGE)
    view = await views.view(made.tenant_id, await made.bench.start(request))
    assert view.judge is not None
    assert view.judge.same_family


async def test_a_setting_that_was_not_taken_is_told(made: Made, views: RunViews) -> None:
    def reply(model: str, prompt: str) -> ModelResponse:
        effective = {"max_tokens": 9, "dropped": ["temperature"], "warnings": ["Not taken."]} if model == "m1" else {}
        return ModelResponse("120 g", answer("").usage, 5.0, effective_settings=effective)

    view = await views.view(made.tenant_id, await made.run(asks(content(), [checked(1), checked(2)]), reply))
    (dropped,) = view.settings.dropped
    assert (dropped.model, dropped.settings, dropped.warnings) == ("test:m1", ("temperature",), ("Not taken.",))


async def test_a_cell_of_the_matrix_is_the_mean_of_its_trials_and_says_what_it_is(made: Made, views: RunViews) -> None:
    seen: dict[str, int] = {}

    def reply(model: str, prompt: str) -> str | ModelResponse:
        seen[prompt] = seen.get(prompt, 0) + 1
        match prompt:
            case "Weigh item 1.":
                return "120 g"
            case "Weigh item 2.":
                return "no idea"
            case "Weigh item 3.":
                return "120 g" if seen[prompt] == 1 else "no idea"
            case "Weigh item 4.":
                return answer("I cannot.", StopReason.REFUSAL)
            case _:
                raise CallError(FailureKind.RATE_LIMITED, "Too many.")

    cases = [checked(number) for number in range(1, 6)]
    run_id = await made.run(asks(content(), cases, ("m0",), trials=2), reply)
    page = await views.matrix(made.tenant_id, run_id)
    assert page.columns == (("test:m0", "with_skill"),)
    assert [row.key for row in page.rows] == [case.case_id for case in cases]
    cells = [row.cells[0] for row in page.rows]
    assert [cell.quality for cell in cells] == [100, 0, 50, 0, None]
    assert [cell.look for cell in cells] == [
        CellLook.PASSED,
        CellLook.NOT_PASSED,
        CellLook.NOT_PASSED,
        CellLook.FAILED,
        CellLook.OUTAGE,
    ]
    assert [cell.label for cell in cells] == ["100", "0", "50", "0 refused", "rate limited"]
    assert page.rows[0].title == "Weigh item 1."


async def test_the_filters_keep_the_cases_they_name_and_pages_join_up(made: Made, views: RunViews) -> None:
    def reply(model: str, prompt: str) -> str:
        number = int(prompt.removeprefix("Weigh item ").removesuffix("."))
        if number % 10 == 7 and model == "m0":
            raise CallError(FailureKind.TIMEOUT, "Too slow.")
        return "no idea" if number % 5 == 3 and (model == "m1" or number % 2) else "120 g"

    cases = [checked(number) for number in range(40)]
    run_id = await made.run(asks(content(), cases), reply)

    async def indexes(only: MatrixFilter, size: int = 7) -> list[int]:
        found: list[int] = []
        offset: int | None = 0
        while offset is not None:
            page = await views.matrix(made.tenant_id, run_id, only=only, offset=offset, size=size)
            found += [row.index for row in page.rows]
            assert page.cases == 40
            offset = page.next_offset
            assert page.total == len(found) or page.next_offset is not None
        return found

    assert await indexes(MatrixFilter.ALL) == list(range(40))
    assert await indexes(MatrixFilter.DIFFER, 2) == [8, 18, 28, 38]
    assert await indexes(MatrixFilter.NOT_PASSED, 3) == [3, 8, 13, 18, 23, 28, 33, 38]
    assert await indexes(MatrixFilter.FAILURES) == [7, 17, 27, 37]
    beyond = await views.matrix(made.tenant_id, run_id, offset=1_000, size=7)
    assert [row.index for row in beyond.rows] == list(range(35, 40))


async def test_every_cell_is_exported_once_in_order(
    made: Made, views: RunViews, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("steelyard.services.run_view.EXPORT_CELLS", 5)
    run_id = await made.run(asks(content(), [checked(number) for number in range(9)], trials=2))
    rows = [row async for row in views.cells(made.tenant_id, run_id)]
    assert len(rows) == 36
    places = [(row.test_case_index, row.model_name, row.trial) for row in rows]
    assert places == sorted(set(places))


async def test_another_tenant_sees_nothing_of_it(made: Made, views: RunViews, database: Database) -> None:
    run_id = await made.run(asks(content(), [checked(1)]))
    stranger = uuid4()
    async with database.tenant(stranger) as connection:
        await ensure_tenant(connection, stranger, "stranger")
    for read in (views.view, views.progress, views.signature, views.matrix):
        with pytest.raises(NotFound):
            await read(stranger, run_id)


async def test_the_signature_changes_with_every_commit_and_with_nothing_else(made: Made, views: RunViews) -> None:
    run_id = await made.bench.start(asks(content(), [checked(number) for number in range(3)], ("m0",)))
    first = await views.signature(made.tenant_id, run_id)
    await views.view(made.tenant_id, run_id, preview=True)
    assert await views.signature(made.tenant_id, run_id) == first
    await made.bench.serve(run_id, made.caller(lambda model, prompt: "120 g"))
    assert await views.signature(made.tenant_id, run_id) != first


@given(
    pace_s=st.floats(0.1, 20),
    ends=st.integers(4, 200),
    left=st.integers(1, 10_000),
)
def test_at_an_even_pace_the_time_left_is_what_it_will_take(pace_s: float, ends: int, left: int) -> None:
    ages = [pace_s * number for number in range(ends)]
    found = time_left_s(ages, left)
    if ages[-1] < 2:
        assert found is None
    else:
        assert found == pytest.approx(left * pace_s)


@pytest.mark.parametrize("ages", [[], [4.0], [1.0, 5.0], [5.0, 5.0, 5.0, 5.0], [0.1, 0.2, 0.3, 1.9]])
def test_too_little_seen_gives_no_time_left(ages: list[float]) -> None:
    assert time_left_s(ages, 100) is None


def test_a_standstill_makes_the_time_left_grow() -> None:
    ages = [1.0, 2.0, 3.0, 4.0]
    later = [age + 60 for age in ages]
    assert (time_left_s(later, 10) or 0) > (time_left_s(ages, 10) or 0)


def test_a_title_is_the_first_line_that_says_anything() -> None:
    assert first_line("\n \t\n  Weigh   this.\nAnd that.") == "Weigh this."
    assert len(first_line("x" * 1_000)) == 120
    assert first_line("") == ""
