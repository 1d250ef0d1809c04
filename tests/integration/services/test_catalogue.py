"""The list of skills: every skill once, in order, whatever it is sorted by and whatever is added meanwhile."""

from __future__ import annotations

import base64
import json
import random
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from steelyard.domain.errors import InputError, NotFound
from steelyard.domain.skills import SkillContent
from steelyard.services.catalogue import CatalogueRow, SkillCatalogue
from steelyard.storage import skills
from steelyard.storage.catalogue import Sort
from steelyard.storage.database import Connection, Database
from steelyard.storage.tenants import ensure_tenant

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
SORTS: list[Sort] = ["name", "quality", "cost", "feedback", "benchmarked"]
_SET = """UPDATE skills SET quality = %s, avg_cost_microcents = %s, feedback_positive = %s, feedback_negative = %s,
                            benchmarked_at = %s, last_run_version_id = %s, last_run_planned_at = %s,
                            cases_changed_at = %s, verdict_kind = CASE WHEN %s::timestamptz IS NULL THEN NULL
                                                                       ELSE 'best' END
           WHERE id = %s"""


async def add(connection: Connection, tenant_id: UUID, name: str, description: str = "") -> tuple[UUID, UUID]:
    content = SkillContent(name, description, "b", "p", uuid4().hex, files={"SKILL.md": b"b"})
    return await skills.save_skill(connection, tenant_id, content)


async def fill(database: Database, names: list[str], seed: int) -> UUID:
    """A tenant with skills of those names; values from few, so that many are equal and many absent."""
    tenant_id, dice = uuid4(), random.Random(seed)
    async with database.tenant(tenant_id) as connection:
        await ensure_tenant(connection, tenant_id, "list")
        for name in names:
            skill_id, version_id = await add(connection, tenant_id, name, dice.choice(["", "Weighs.", "WEIGHS all."]))
            if dice.random() < 0.3:
                continue
            at = NOW - timedelta(days=dice.choice([1, 1, 89, 90, 200]), microseconds=dice.choice([0, 1]))
            await connection.execute(
                _SET,
                (
                    dice.choice([71.25, 80.1, 1 / 3 * 100]),
                    dice.choice([None, 0, 31_000, 2**50]),
                    dice.choice([0, 1, 2]),
                    dice.choice([0, 1]),
                    at,
                    dice.choice([version_id, uuid4()]),
                    at - timedelta(hours=1),
                    dice.choice([None, at - timedelta(days=1), at]),
                    at,
                    skill_id,
                ),
            )
    return tenant_id


async def all_pages(
    catalogue: SkillCatalogue, tenant_id: UUID, sort: Sort, descending: bool, limit: int, *, stale_only: bool = False
) -> list[CatalogueRow]:
    rows: list[CatalogueRow] = []
    after: str | None = None
    while True:
        page = await catalogue.page(
            tenant_id, sort=sort, descending=descending, after=after, limit=limit, stale_only=stale_only
        )
        rows += page.rows
        if page.next is None:
            assert page.total == len(rows)
            return rows
        assert len(page.rows) == limit
        after = page.next


def key(row: CatalogueRow, sort: Sort, descending: bool) -> tuple[object, ...]:
    values = {
        "name": None,
        "quality": row.quality,
        "cost": row.avg_cost_microcents,
        "feedback": row.feedback_positive_percent,
        "benchmarked": None if row.benchmarked_at is None else row.benchmarked_at.timestamp(),
    }
    value = values[sort]
    if value is None:
        return (1, 0.0, row.name.lower(), row.id)
    return (0, -float(value) if descending else float(value), row.name.lower(), row.id)


NAMES = st.lists(st.text(st.sampled_from("abAB-09é"), min_size=1, max_size=4), min_size=1, max_size=25, unique=True)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=NAMES, seed=st.integers(0, 10**6), descending=st.booleans(), limit=st.integers(1, 7))
async def test_the_pages_put_together_are_the_whole_sorted_list(
    database: Database, names: list[str], seed: int, descending: bool, limit: int
) -> None:
    tenant_id = await fill(database, names, seed)
    catalogue = SkillCatalogue(database, now=lambda: NOW)
    for sort in SORTS:
        rows = await all_pages(catalogue, tenant_id, sort, descending, limit)
        assert sorted(row.name for row in rows) == sorted(names)
        if sort == "name":
            folded = [(row.name.lower(), row.id) for row in rows]
            assert [name for name, _ in folded] == sorted((name for name, _ in folded), reverse=descending)
        else:
            assert rows == sorted(rows, key=partial(key, sort=sort, descending=descending))


async def test_nothing_is_seen_twice_while_skills_are_added(database: Database) -> None:
    tenant_id = await fill(database, [f"skill-{index:02}" for index in range(0, 60, 2)], 7)
    catalogue, dice = SkillCatalogue(database, now=lambda: NOW), random.Random(3)
    for sort in SORTS:
        seen: list[UUID] = []
        after: str | None = None
        while True:
            page = await catalogue.page(tenant_id, sort=sort, after=after, limit=5)
            seen += [row.id for row in page.rows]
            if page.next is None:
                break
            after = page.next
            async with database.tenant(tenant_id) as connection:
                await add(connection, tenant_id, f"skill-{dice.randrange(60):02}-{uuid4().hex[:6]}")
        assert len(seen) == len(set(seen)), sort


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10**6))
async def test_only_stale_shows_exactly_those_with_a_cause(database: Database, seed: int) -> None:
    tenant_id = await fill(database, [f"s{index}" for index in range(20)], seed)
    catalogue = SkillCatalogue(database, now=lambda: NOW)
    every = await all_pages(catalogue, tenant_id, "name", False, 50)
    stale = await all_pages(catalogue, tenant_id, "name", False, 3, stale_only=True)
    assert [row.name for row in stale] == [row.name for row in every if row.stale]


async def test_text_is_found_in_name_and_description_whatever_its_case(database: Database, tenant_id: UUID) -> None:
    async with database.tenant(tenant_id) as connection:
        await add(connection, tenant_id, "Weigh-BRASS", "")
        await add(connection, tenant_id, "count", "Counts brass weights.")
        await add(connection, tenant_id, "other", "100% of _ all")
    catalogue = SkillCatalogue(database)
    for q, found in (("brass", ["count", "Weigh-BRASS"]), ("%", ["other"]), ("_ ALL", ["other"])):
        page = await catalogue.page(tenant_id, q=q)
        assert ([row.name for row in page.rows], page.total) == (found, len(found))
    assert (await catalogue.page(tenant_id, q="nothing like it")).total == 0
    with pytest.raises(InputError):
        await catalogue.page(tenant_id, q="x" * 1000)


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize(
    "token",
    ["", "x", "AAAA", "é", "bnVsbA", "W10", "WyJuYW1lIiwgZmFsc2UsIG51bGwsICIiLCAiIl0", "a" * 100_000, "Wy" * 5_000],
)
async def test_a_nonsense_token_is_a_named_error(database: Database, tenant_id: UUID, sort: Sort, token: str) -> None:
    with pytest.raises(InputError):
        await SkillCatalogue(database).page(tenant_id, sort=sort, after=token)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    sort=st.sampled_from(SORTS),
    value=st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.datetimes().map(str),
    name=st.none() | st.text(),
    skill_id=st.uuids().map(str) | st.text(),
)
async def test_a_made_up_token_is_an_error_or_a_place(
    database: Database, tenant_id: UUID, sort: Sort, value: object, name: str | None, skill_id: str
) -> None:
    text = json.dumps([sort, False, value, name, skill_id])
    token = base64.urlsafe_b64encode(text.encode()).decode()
    with suppress(InputError):
        await SkillCatalogue(database).page(tenant_id, sort=sort, after=token)


async def test_a_token_of_another_sorting_is_refused(database: Database) -> None:
    tenant_id = await fill(database, ["a", "b", "c"], 1)
    catalogue = SkillCatalogue(database)
    token = (await catalogue.page(tenant_id, sort="name", limit=1)).next
    with pytest.raises(InputError, match="another sorting"):
        await catalogue.page(tenant_id, sort="name", descending=True, after=token)


async def test_a_skill_is_found_by_its_name_before_its_id(database: Database, tenant_id: UUID) -> None:
    async with database.tenant(tenant_id) as connection:
        one, _ = await add(connection, tenant_id, "one")
        two, _ = await add(connection, tenant_id, str(one))
    catalogue = SkillCatalogue(database)
    assert (await catalogue.find(tenant_id, "one")).id == one
    assert (await catalogue.find(tenant_id, str(one))).id == two
    assert (await catalogue.find(tenant_id, str(two).upper())).id == two
    for absent in (str(uuid4()), "nobody", "", "a\x00b", "\ud800"):
        with pytest.raises(NotFound):
            await catalogue.find(tenant_id, absent)


async def test_another_tenants_skills_are_not_in_the_list(database: Database, tenant_id: UUID) -> None:
    other = await fill(database, ["theirs"], 1)
    catalogue = SkillCatalogue(database)
    theirs = (await catalogue.find(other, "theirs")).id
    assert await catalogue.page(tenant_id) == await catalogue.page(tenant_id, q="theirs")
    for ref in ("theirs", str(theirs)):
        with pytest.raises(NotFound):
            await catalogue.find(tenant_id, ref)
