"""What is written down of each model in a run is what its verdict and its cells say, whatever happens to the run."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from steelyard.domain.models import ModelRef
from steelyard.domain.runs import Arm
from steelyard.storage import model_stats
from steelyard.storage.database import Connection, Database
from steelyard.storage.runs import Headline
from tests.integration.execution.bench import Bench, request_of
from tests.integration.services.made import Made, asks, checked, content
from tests.integration.storage.course import ENDINGS, Course

MODELS = ("t:a", "t:b", "t:c")
_KEPT = """
    SELECT skill_id, model_name AS model, benchmark_run_id AS run, n, quality FROM run_models
     WHERE stands ORDER BY skill_id, model_name"""
_RECOUNT = """
    SELECT DISTINCT ON (r.skill_id, one ->> 'model') r.skill_id, one ->> 'model' AS model, r.id AS run,
           (one ->> 'n')::int AS n, (one ->> 'quality')::float8 AS quality
      FROM benchmark_runs r, jsonb_array_elements(r.verdict -> 'summaries') AS one
     WHERE r.of_record AND r.status = 'completed' AND r.headline_model IS NOT NULL
       AND one ->> 'arm' = r.verdict ->> 'arm'
     ORDER BY r.skill_id, one ->> 'model', r.partial, r.completed_at DESC, r.id"""


async def rows(connection: Connection, query: str, *values: object) -> list[dict[str, Any]]:
    return await (await connection.execute(query.encode(), values)).fetchall()


async def test_a_row_says_what_the_cells_of_its_model_and_arm_say(made: Made) -> None:
    asked = asks(content(), [checked(number) for number in range(5)], arms=(Arm.WITH_SKILL, Arm.WITHOUT_SKILL))
    run_id = await made.run(asked, lambda model, prompt: "120 g" if prompt < f"Weigh item {len(model)}." else "no")
    async with made.bench.database.tenant(made.tenant_id) as connection:
        kept = await rows(
            connection,
            """SELECT model_name, arm, compared, stands, cells, n, quality FROM run_models
                WHERE benchmark_run_id = %s ORDER BY 1, 2""",
            run_id,
        )
        cells = await rows(
            connection,
            """SELECT model_name, arm, arm = 'with_skill' AS compared, arm = 'with_skill' AS stands,
                      count(*)::int AS cells, count(quality_score)::int AS n, avg(quality_score) AS quality
                 FROM benchmark_results WHERE benchmark_run_id = %s GROUP BY 1, 2 ORDER BY 1, 2""",
            run_id,
        )
    assert [row["cells"] for row in kept] == [5] * 4
    assert kept == cells


@pytest.fixture
def made(database: Database, tenant_id: UUID) -> Made:
    return Made(Bench(database, tenant_id))


STEP = st.tuples(
    st.sampled_from(["start", "answer", *ENDINGS]),
    st.integers(0, 9),
    st.lists(st.sampled_from(MODELS), min_size=1, unique=True),
    st.sampled_from(list(Arm)),
    st.booleans(),
)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEP, max_size=20))
async def test_whatever_happens_to_runs_their_models_are_what_counting_anew_finds(
    database: Database, steps: list[tuple[str, int, list[str], Arm, bool]]
) -> None:
    chosen = [ModelRef.parse(model) for model in MODELS]
    course = await Course.begin(database, [request_of(cases=1, chosen=chosen, fresh=True) for _ in range(2)])
    headline = Headline("t:a", 50.0, 0.0, 100.0, 5)
    for step, number, models, arm, flag in steps:
        if step == "start" or not course.started:
            await course.start(number, of_record=flag)
        elif step == "answer":
            async with database.tenant(course.tenant_id) as connection:
                await answer(connection, course.run(number), models[0], arm)
        else:
            await course.end(course.run(number), step, headline, verdict=verdict_of(models, arm, float(number)))
        async with database.tenant(course.tenant_id) as connection:
            assert await rows(connection, _KEPT) == await rows(connection, _RECOUNT)
            counted = await rows(
                connection, "SELECT model_name AS model, count(*)::int AS cells FROM benchmark_results GROUP BY 1"
            )
            kept = await model_stats.cells_by_model(connection)
        assert {model: cells for model, cells in kept.items() if cells} == {
            row["model"]: row["cells"] for row in counted
        }


async def answer(connection: Connection, run_id: UUID, model: str, arm: Arm) -> None:
    """A cell is stored, as is done only while a run is under way."""
    await connection.execute(
        """INSERT INTO benchmark_results (tenant_id, benchmark_run_id, model_name, model_provider, arm, trial,
                                          test_case_index, case_id, cell_digest, grading_digest, state, input_used)
           SELECT r.tenant_id, r.id, %s, 't', %s, 0, 0, c.id, %s, '', 'answered', ''
             FROM benchmark_runs r JOIN golden_cases c ON c.skill_id = r.skill_id
            WHERE r.id = %s AND r.status IN ('pending', 'running') LIMIT 1""",
        (model, arm, uuid4().hex, run_id),
    )


def verdict_of(models: list[str], arm: Arm, quality: float) -> dict[str, Any]:
    """Every model in both arms, as every model of a plan has its summary; those not named have no quality."""
    summaries = [
        {"model": model, "arm": one, "n": 3, "quality": quality}
        if model in models
        else {"model": model, "arm": one, "n": 0, "quality": None}
        for model in MODELS
        for one in Arm
    ]
    return {"arm": arm, "summaries": summaries}
