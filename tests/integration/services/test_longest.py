"""What is as long as its door lets it be is kept: none of it is too long for an index."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from uuid import UUID

from steelyard.domain.models import MAX_REFERENCE, ModelRef
from steelyard.services.skills import SkillService
from steelyard.skills.cases.model import MAX_CASE_ID
from steelyard.skills.content import MAX_NAME, MAX_PATH
from steelyard.storage.database import Database
from tests.integration.execution.bench import Bench, Caller, request_of
from tests.integration.services.made import checked, content


def _signs(count: int) -> str:
    """Text that takes the most bytes, four a sign, and is not to be packed."""
    random = Random(count)
    return "".join(chr(random.randrange(0x20000, 0x2A6E0)) for _ in range(count))


async def test_the_longest_names_of_everything_are_kept_and_benchmarked(database: Database, tenant_id: UUID) -> None:
    bench = Bench(database, tenant_id)
    skill = content(_signs(MAX_NAME))
    skill = replace(skill, files={**skill.files, _signs(MAX_PATH): b"x"})
    cases = [replace(checked(1), case_id=_signs(MAX_CASE_ID))]
    await SkillService(bench.database).add(bench.tenant_id, skill, cases)
    model = ModelRef.parse("test:" + _signs(MAX_REFERENCE - len("test:")))
    run_id = await bench.start(request_of(skill, cases, chosen=[model]))
    await bench.serve(run_id, Caller())
    report = await (await bench.service()).report(bench.tenant_id, run_id)
    assert (report.run.status, report.counts.judged) == ("completed", 1)
