"""The largest run that may be asked about: others are answered while it is worked out."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from steelyard.domain.errors import InputError
from steelyard.domain.models import ModelRef
from steelyard.domain.runs import Arm
from steelyard.execution.conclude import conclude
from steelyard.execution.plan import Plan
from steelyard.execution.rounds import race_of
from steelyard.services.run_request import MAX_CELLS
from steelyard.storage import runs
from steelyard.storage.database import Database
from tests.attacks.test_checks import loop_is_free
from tests.integration.execution.bench import Bench, request_of

CASES, MODELS, TRIALS = 50, 20, 100


async def test_what_the_largest_run_has_ahead_is_found_while_others_are_answered(
    database: Database, tenant_id: UUID
) -> None:
    bench = Bench(database, tenant_id)
    plain = request_of(cases=CASES, models=MODELS)
    cases = [replace(case, checks=()) for case in plain.cases]
    asked = replace(plain, cases=cases, judge=ModelRef("test", "judge"), arms=tuple(Arm), trials=TRIALS)
    assert CASES * MODELS * len(asked.arms) * TRIALS == MAX_CELLS
    service = await bench.service()

    async with loop_is_free(2.0):
        assert list(await service.paid(bench.tenant_id, asked)) == [0] * MODELS
    async with loop_is_free(2.0):
        assert list(await service.judgements_ahead(bench.tenant_id, asked)) == [MAX_CELLS]
    with pytest.raises(InputError, match="more than 200,000"):
        await service.paid(bench.tenant_id, replace(asked, cases=[*cases, *request_of(cases=1).cases]))


async def test_a_late_look_of_a_long_race_is_taken_while_others_are_answered(
    database: Database, tenant_id: UUID
) -> None:
    bench, cases = Bench(database, tenant_id), 10_000
    run_id = await bench.start(replace(request_of(cases=cases, models=4), race="future"))
    async with database.tenant(tenant_id) as connection:
        plan = Plan.from_json((await runs.get_run(connection, run_id)).plan)
        race = race_of(plan)
        assert len(race.ends) == 100
        await connection.execute(
            "UPDATE benchmark_runs SET status = 'running', started_at = now() WHERE id = %s", (run_id,)
        )
        await connection.execute(
            """INSERT INTO benchmark_results (tenant_id, benchmark_run_id, model_name, model_provider, arm, trial,
                                              test_case_index, case_id, cell_digest, grading_digest, state, input_used,
                                              output_produced, latency_ms, estimated_cost_microcents, quality_score,
                                              passed, graded_at, input_tokens, output_tokens, total_tokens)
               SELECT %s, %s, model, 'test', 'with_skill', 0, at, (%s::uuid[])[at + 1], model || at, 'g', 'judged', 'x',
                      'y', 100, 1000, 50 + 30 * sin(at) + 10 * random(), true, now(), 1, 1, 2
                 FROM unnest(%s::text[]) AS model, unnest(%s::int[]) AS at""",
            (tenant_id, run_id, list(plan.case_ids), list(plan.models), list(race.order[: race.ends[-2]])),
        )
    async with loop_is_free(), database.tenant(tenant_id) as connection:
        assert not await conclude(connection, tenant_id, run_id)
    async with database.tenant(tenant_id) as connection:
        assert ((await runs.get_run(connection, run_id)).race or {})["rounds"] == 99
