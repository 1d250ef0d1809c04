"""Patterns and schemas that are never done: nobody else waits for them, and what they are of comes to its end."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import pytest

from steelyard.domain.cases import Check, CheckKind, GoldenCase
from steelyard.domain.check_limits import MOST_CHECKS, MOST_SCHEMA_PARTS
from steelyard.domain.errors import CaseError
from steelyard.execution import cells
from steelyard.execution.apart import Apart
from steelyard.judging import run_check
from steelyard.services.case_text import CaseDraft
from steelyard.services.cases import CaseService
from steelyard.skills.cases import parse_cases
from steelyard.storage.database import Database
from tests.integration.execution.bench import Bench, Caller, request_of

LIMIT_S = 0.3
EVIL_PATTERN = "(?:" * 30 + "a" + "{1,999})" * 30


def doubling(times: int, **more: Any) -> dict[str, Any]:
    """A schema of a kilobyte that asks 2 to the power of `times` times."""
    parts: dict[str, Any] = {"a0": {}}
    for number in range(times):
        parts[f"a{number + 1}"] = {"allOf": [{"$ref": f"#/$defs/a{number}"}, {"$ref": f"#/$defs/a{number}"}]}
    return {"$defs": parts, "$ref": f"#/$defs/a{times}", **more}


# The first is given up on by its steps, the second by the clock, from outside.
HOSTILE = [
    Check(CheckKind.JSON_SCHEMA, doubling(30)),
    Check(CheckKind.JSON_SCHEMA, {"uniqueItems": True}),
    Check(CheckKind.REGEX, EVIL_PATTERN),
]
OBJECTS = json.dumps([{"a": number} for number in range(20_000)])


@asynccontextmanager
async def loop_is_free(most_s: float = 0.5) -> AsyncGenerator[None]:
    """Whatever is done within holds the event loop for no longer, by its thread's own time."""
    longest = 0.0

    async def beat() -> None:
        nonlocal longest
        while True:
            began = time.thread_time()
            await asyncio.sleep(0.01)
            longest = max(longest, time.thread_time() - began)

    beating = asyncio.create_task(beat())
    try:
        yield
    finally:
        beating.cancel()
    assert longest < most_s


@pytest.fixture(scope="module")
def apart() -> Apart:
    return Apart(limit_s=LIMIT_S)


async def test_hostile_checks_are_named_failures_and_nobody_elses_wait_for_them(apart: Apart) -> None:
    plain = Check(CheckKind.REGEX, "4[0-9]")
    await apart.run("b", [plain], "42")

    async with loop_is_free():
        theirs = [asyncio.create_task(apart.run("a", [*HOSTILE, plain], OBJECTS)) for _ in range(3)]
        await asyncio.sleep(0.1)
        for _ in range(3):
            (held,) = await apart.run("b", [plain], "42")
            assert held.passed
        # Once it is known whose checks take long, those of others wait for none of them.
        assert sum(one.done() for one in theirs) < 2
        results = [await one for one in theirs]
    for one in results:
        assert [result.passed for result in one] == [False] * 4
        assert all("could not be checked: " in result.evidence for result in one[1:])


def test_steps_of_a_schema_are_counted_also_where_no_clock_runs() -> None:
    result = run_check(HOSTILE[0], "{}")
    assert not result.passed
    assert "could not be checked: the schema takes more than" in result.evidence


async def test_what_nobody_can_tell_in_time_is_not_saved_as_a_case(
    database: Database, tenant_id: UUID, apart: Apart
) -> None:
    cases = CaseService(database)
    skill = uuid4()
    large = {"properties": {f"a{number}": {} for number in range(MOST_SCHEMA_PARTS)}}
    deep = json.loads('{"not":' * 100 + "{}" + "}" * 100)
    async with loop_is_free():
        for checks in (
            [Check(CheckKind.REGEX, "a?" * 500_000)],
            [Check(CheckKind.JSON_SCHEMA, large)],
            [Check(CheckKind.JSON_SCHEMA, deep)],
            [Check(CheckKind.JSON_SCHEMA, {"allOf": [{"$ref": "#"}] * 300})],
            [Check(CheckKind.JSON_SCHEMA, {"pattern": "a?" * 5_000})],
            [Check(CheckKind.CONTAINS, "a" * 1_000_000)],
            [Check(CheckKind.CONTAINS, "a")] * (MOST_CHECKS + 1),
            [Check(CheckKind.CONTAINS, "a"), Check(CheckKind.REGEX, "(")],
        ):
            with pytest.raises(CaseError) as refused:
                await cases.propose(tenant_id, skill, CaseDraft("Why?", checks=tuple(checks)))
            assert refused.value.field == "checks"
            assert refused.value.next_step
        with pytest.raises(CaseError, match="could not"):
            await apart.refuse_unusable("a", [Check(CheckKind.REGEX, EVIL_PATTERN)])


def test_a_file_of_cases_takes_no_larger_ones() -> None:
    for checks in ([{"type": "regex", "value": "a?" * 500_000}], [{"type": "contains", "value": "a"}] * 101):
        with pytest.raises(CaseError, match="are the most"):
            parse_cases("evals.json", json.dumps([{"prompt": "Why?", "checks": checks}]).encode())


async def test_a_run_that_was_stored_with_such_a_case_ends(
    database: Database, tenant_id: UUID, apart: Apart, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cells, "apart", lambda: apart)
    bench = Bench(database, tenant_id)
    case = GoldenCase("evil", f"Why {tenant_id}?", checks=(HOSTILE[1], Check(CheckKind.CONTAINS, '{"a": 7}')))
    run_id = await bench.start(request_of(cases=[case], models=2))
    async with loop_is_free():
        await bench.serve(run_id, Caller(lambda request: OBJECTS), timeout_s=120)
    report = await (await bench.service()).report(tenant_id, run_id)
    assert (report.run.status, report.counts.judged) == ("completed", 2)
    async with database.tenant(tenant_id) as connection:
        row = await (await connection.execute("SELECT checks FROM benchmark_results LIMIT 1")).fetchone()
    assert row is not None
    assert [one["passed"] for one in row["checks"]] == [False, False]
    assert f"could not be checked: it took longer than {LIMIT_S:g} s" in row["checks"][0]["evidence"]
