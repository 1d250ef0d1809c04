"""The history of a skill: every run once over the pages, newest first, and the quality of what counts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from steelyard.domain.errors import InputError
from steelyard.services.history import RunHistory
from steelyard.storage import skills
from steelyard.storage.database import Database
from tests.integration.services.made import Made, ad_hoc, asks, checked, content


@pytest.fixture
def history(database: Database) -> RunHistory:
    return RunHistory(database)


async def skill_id(made: Made, name: str) -> UUID:
    async with made.bench.database.tenant(made.tenant_id) as connection:
        return (await skills.find_skill(connection, name)).id


async def test_pages_hold_every_run_once_newest_first(made: Made, history: RunHistory, database: Database) -> None:
    skill = content()
    ids = [await made.bench.start(asks(skill, [checked(1)], (f"m{number}",))) for number in range(7)]
    found_skill = await skill_id(made, skill.name)
    # Runs of one moment are told apart by their ids.
    async with database.tenant(made.tenant_id) as connection:
        await connection.execute("UPDATE benchmark_runs SET created_at = %s WHERE id = ANY(%s)", (_at(1), ids[2:5]))
    seen: list[UUID] = []
    moments: list[datetime] = []
    after: str | None = None
    while True:
        page = await history.page(made.tenant_id, found_skill, after=after, limit=2)
        assert page.total == 7
        seen += [entry.run.id for entry in page.entries]
        moments += [entry.run.created_at for entry in page.entries]
        after = page.next
        if after is None:
            break
    assert sorted(seen) == sorted(ids)
    assert moments == sorted(moments, reverse=True)


def _at(day: int) -> datetime:
    return datetime(2026, 1, day, tzinfo=UTC)


async def test_a_line_says_how_the_run_ended(made: Made, history: RunHistory) -> None:
    skill, cases = content(), [checked(number) for number in range(20)]
    clear = await made.run(asks(skill, cases), lambda model, prompt: "120 g" if model == "m1" else "no idea")
    tied = await made.run(asks(skill, cases, ("m1", "m2")))
    single = await made.run(asks(skill, cases, ("m1",)))
    few = await made.run(asks(skill, cases[:2]), lambda model, prompt: "120 g" if model == "m1" else "no idea")
    waiting = await made.bench.start(asks(skill, [ad_hoc(1)], of_record=False))
    page = await history.page(made.tenant_id, await skill_id(made, skill.name))
    lines = {entry.run.id: entry for entry in page.entries}
    assert [lines[run].verdict for run in (clear, tied, single, few, waiting)] == [
        "test:m1",
        "tied",
        "single",
        "not enough evidence",
        None,
    ]
    best = lines[clear].run
    assert (best.headline_model, best.headline_quality, best.headline_cost_microcents) == ("test:m1", 100, 1_000)
    assert (best.models, best.cases, best.status, best.of_record) == (2, 20, "completed", True)
    assert lines[clear].duration_s is not None
    assert (lines[waiting].duration_s, lines[waiting].run.of_record) == (None, False)
    record = await history.page(made.tenant_id, await skill_id(made, skill.name), of_record=True)
    assert {entry.run.id for entry in record.entries} == {clear, tied, single, few}


async def test_quality_over_time_is_of_runs_that_count_and_within_the_days(
    made: Made, history: RunHistory, database: Database
) -> None:
    skill, cases = content(), [checked(number) for number in range(4)]
    old = await made.run(asks(skill, cases), lambda model, prompt: "no idea")
    new = await made.run(asks(content(skill.name, text="Weigh it well."), cases))
    await made.run(asks(skill, [ad_hoc(1)], of_record=True))
    async with database.tenant(made.tenant_id) as connection:
        await connection.execute(
            "UPDATE benchmark_runs SET completed_at = now() - interval '100 days' WHERE id = %s", (old,)
        )
    found = await history.quality(made.tenant_id, await skill_id(made, skill.name))
    assert [(row.run_id, row.model, row.quality, row.n) for row in found] == [
        (old, "test:m0", 0, 4),
        (old, "test:m1", 0, 4),
        (new, "test:m0", 100, 4),
        (new, "test:m1", 100, 4),
    ]
    assert len({row.skill_digest for row in found}) == 2
    assert [sum(row.headline for row in found if row.run_id == run) for run in (old, new)] == [1, 1]
    recent = await history.quality(made.tenant_id, await skill_id(made, skill.name), days=30)
    assert {row.run_id for row in recent} == {new}
    later = RunHistory(database, now=lambda: datetime.now(UTC) + timedelta(days=400))
    assert await later.quality(made.tenant_id, await skill_id(made, skill.name), days=365) == ()


@pytest.mark.parametrize("token", ["", "x", "-", "12-34", "ff-" + "z" * 32, "9" * 40 + "-" + "0" * 32])
async def test_a_token_of_nowhere_is_refused(made: Made, history: RunHistory, token: str) -> None:
    with pytest.raises(InputError):
        await history.page(made.tenant_id, UUID(int=1), after=token)
