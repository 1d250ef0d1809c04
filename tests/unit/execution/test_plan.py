"""The plan: the cells it promises, and digests that change exactly when the call would."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from uuid import UUID, uuid4

from hypothesis import given, settings
from hypothesis import strategies as st

from steelyard.domain.cases import GoldenCase
from steelyard.domain.runs import Arm
from steelyard.execution.plan import BATCH, CellGrid, Plan, job_order

ARMS = st.sampled_from([(Arm.WITH_SKILL,), (Arm.WITHOUT_SKILL,), (Arm.WITH_SKILL, Arm.WITHOUT_SKILL)])


def plan_of(models: int, arms: tuple[Arm, ...], cases: int, trials: int, seed: int = 1) -> Plan:
    names = tuple(f"openai:m{i}" for i in range(models))
    return Plan(
        models=names,
        identities=names,
        arms=arms,
        trials=trials,
        case_ids=tuple(UUID(int=i) for i in range(cases)),
        skill_digest="s",
        max_tokens=100,
        seed=seed,
        margin=5.0,
        threshold=70.0,
    )


def cases_of(inputs: list[str]) -> list[GoldenCase]:
    return [GoldenCase(str(i), text, "expected") for i, text in enumerate(inputs)]


@settings(max_examples=60, deadline=None)
@given(
    models=st.integers(1, 4),
    arms=ARMS,
    inputs=st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=40),
    trials=st.integers(1, 3),
    seed=st.integers(0, 2**31),
)
def test_batches_hold_every_cell_once_and_digests_are_unique(
    models: int, arms: tuple[Arm, ...], inputs: list[str], trials: int, seed: int
) -> None:
    plan = plan_of(models, arms, len(inputs), trials, seed)
    grid = CellGrid(plan, cases_of(inputs), "the skill")
    from_jobs = [cell for model, batch in job_order(plan) for cell in grid.batch(model, batch)]
    wanted = set(product(range(models), arms, range(len(inputs)), range(trials)))
    assert {(c.model_index, c.arm, c.case_index, c.trial) for c in from_jobs} == wanted
    assert len(from_jobs) == plan.planned == len({cell.digest for cell in from_jobs})
    assert {cell.digest for cell in grid.all()} == {cell.digest for cell in from_jobs}


def test_the_models_meet_the_cases_side_by_side_in_the_same_shuffled_order() -> None:
    plan = plan_of(3, (Arm.WITH_SKILL,), 2 * BATCH, 1)
    grid = CellGrid(plan, cases_of([str(i) for i in range(2 * BATCH)]), "skill")
    cells = [cell for lane, batch in job_order(plan) for cell in grid.batch(lane, batch)]
    orders = [[cell.case_index for cell in cells if cell.model_index == model] for model in range(3)]
    assert orders[0] == orders[1] == orders[2] != sorted(orders[0])
    assert [cell.model_index for cell in cells] == [0, 1, 2] * (2 * BATCH)


def test_a_model_without_the_skill_is_asked_the_same_whatever_the_skill() -> None:
    plan = plan_of(1, (Arm.WITH_SKILL, Arm.WITHOUT_SKILL), 1, 1)
    before, after = (
        {cell.arm: cell.digest for cell in CellGrid(plan, cases_of(["a"]), skill).all()} for skill in ("old", "new")
    )
    assert before[Arm.WITHOUT_SKILL] == after[Arm.WITHOUT_SKILL]
    assert before[Arm.WITH_SKILL] != after[Arm.WITH_SKILL]


def test_what_is_only_graded_differently_is_the_same_cell() -> None:
    plan = plan_of(1, (Arm.WITH_SKILL,), 1, 1)
    case = GoldenCase("1", "input", "expected", assertions=("is short",))
    regraded = replace(case, expected="other", assertions=("is long",))
    one, other = (CellGrid(plan, [c], "skill").all()[0].digest for c in (case, regraded))
    assert one == other


@settings(max_examples=40, deadline=None)
@given(arms=ARMS, trials=st.integers(1, 5), seed=st.integers(0, 2**31), margin=st.floats(0, 50))
def test_a_plan_survives_storage(arms: tuple[Arm, ...], trials: int, seed: int, margin: float) -> None:
    plan = replace(
        plan_of(2, arms, 3, trials, seed), margin=margin, case_ids=(uuid4(), uuid4(), uuid4()), rubric=("clear",)
    )
    assert Plan.from_json(plan.to_json()) == plan
    assert Plan.from_json(plan.to_json()).digest == plan.digest
    assert replace(plan, max_tokens=101).digest != plan.digest
