"""The largest run that may be asked about: others are answered while it is worked out."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from steelyard.domain.errors import InputError
from steelyard.domain.models import ModelRef
from steelyard.domain.runs import Arm
from steelyard.services.run_request import MAX_CELLS
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
