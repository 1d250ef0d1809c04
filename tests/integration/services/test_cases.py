"""Golden cases one by one: what was measured stays, a folder touches only its own, and every count is right."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from steelyard.domain.cases import CaseSource, CaseStatus, Check, CheckKind, GoldenCase
from steelyard.domain.errors import CaseError, Conflict, NotFound, SteelyardError
from steelyard.domain.feedback import Feedback, FeedbackType
from steelyard.services.case_text import CaseDraft
from steelyard.services.cases import CaseService
from steelyard.services.catalogue import SkillCatalogue
from steelyard.services.feedback import FeedbackService
from steelyard.services.skills import SkillService
from steelyard.storage.case_changes import ChangeRow
from steelyard.storage.database import Database
from tests.integration.services.made_skills import case, content, other_tenant, skill


async def inputs(database: Database, tenant_id: UUID) -> list[str]:
    """What a run of the skill would be given."""
    _, found = await SkillService(database).content(tenant_id, "weigh")
    return sorted(case.input for case in found)


async def test_a_case_written_here_is_used_at_once_and_a_proposed_one_when_accepted(
    database: Database, tenant_id: UUID
) -> None:
    skill_id, service = await skill(database, tenant_id), CaseService(database)
    added = await service.add(tenant_id, skill_id, CaseDraft("one", "1"), author="ann")
    proposed = await service.propose(tenant_id, skill_id, CaseDraft("two", "2"))
    assert (added.case.source, added.case.case_id, added.author) == (CaseSource.WRITTEN, "case-1", "ann")
    assert await inputs(database, tenant_id) == ["one"]
    await service.accept(tenant_id, proposed.id)
    assert await inputs(database, tenant_id) == ["one", "two"]
    await service.reject(tenant_id, added.id, why="No.")
    await service.retire(tenant_id, proposed.id)
    assert await inputs(database, tenant_id) == []
    await service.restore(tenant_id, proposed.id)
    assert await inputs(database, tenant_id) == ["two"]


async def test_an_edited_case_is_a_new_row_and_the_old_one_keeps_its_text(database: Database, tenant_id: UUID) -> None:
    skill_id, service = await skill(database, tenant_id), CaseService(database)
    old = await service.add(tenant_id, skill_id, CaseDraft("one", "1"))
    new = await service.edit(tenant_id, old.id, CaseDraft("uno", "1"))
    kept = await service.get(tenant_id, old.id)
    assert new.id != old.id
    assert (new.case.case_id, new.status, new.case.source) == ("case-1", CaseStatus.ACCEPTED, CaseSource.WRITTEN)
    assert (kept.case.input, kept.retired_at is None) == ("one", False)
    assert await inputs(database, tenant_id) == ["uno"]
    with pytest.raises(Conflict):
        await service.edit(tenant_id, old.id, CaseDraft("eins", "1"))
    assert (await service.edit(tenant_id, new.id, CaseDraft.of(new.case))).id == new.id
    assert (await service.edit(tenant_id, new.id, CaseDraft("one", "1"))).id == old.id


async def test_a_folder_replaces_its_own_cases_and_no_others(database: Database, tenant_id: UUID) -> None:
    skills, service = SkillService(database), CaseService(database)
    row = await skills.add(tenant_id, content(), [case(str(number), f"file {number}") for number in (1, 2, 3)])
    await service.add(tenant_id, row.id, CaseDraft("written", "w"))
    by_key = {entry.case.case_id: entry for entry in await service.list(tenant_id, row.id, source=CaseSource.FILE)}
    await service.reject(tenant_id, by_key["3"].id, why="No.")
    await service.edit(tenant_id, by_key["1"].id, CaseDraft("edited here", "e"))
    assert await inputs(database, tenant_id) == ["edited here", "file 2", "written"]
    row = await skills.add(tenant_id, content(), [case(str(number), f"file {number}") for number in (1, 3, 4)])
    assert await inputs(database, tenant_id) == ["file 1", "file 4", "written"]
    assert row.cases == 3


async def test_the_same_name_in_a_folder_and_here_stays_two_cases(database: Database, tenant_id: UUID) -> None:
    skill_id = await skill(database, tenant_id)
    await CaseService(database).add(tenant_id, skill_id, CaseDraft("written", "w", key="1"))
    await SkillService(database).add(tenant_id, content(), [case("1", "file")])
    assert await inputs(database, tenant_id) == ["file", "written"]


async def test_a_training_example_becomes_a_case_once(database: Database, tenant_id: UUID) -> None:
    skill_id, service, feedback = await skill(database, tenant_id), CaseService(database), FeedbackService(database)
    given = Feedback(
        FeedbackType.TRAINING_EXAMPLE, example_input="in", example_output="bad", expected_output="good", author="bo"
    )
    first, second = [await feedback.add(tenant_id, skill_id, given) for _ in range(2)]
    entry = await service.accept_example(tenant_id, first.id)
    assert (entry.case.source, entry.case.expected, entry.author) == (CaseSource.TRAINING_EXAMPLE, "good", "bo")
    decided = await feedback.get(tenant_id, first.id)
    assert (decided.status, decided.golden_case_id) == ("accepted", entry.id)
    for again in (service.accept_example, service.propose_example):
        with pytest.raises(Conflict):
            await again(tenant_id, first.id)
    with pytest.raises(Conflict):
        await feedback.reject(tenant_id, first.id, why="No.")
    with pytest.raises(Conflict):
        await service.accept_example(tenant_id, second.id)
    assert (await feedback.get(tenant_id, second.id)).status == "new"
    draft = await service.example_draft(tenant_id, second.id)
    pending = await service.propose_example(tenant_id, second.id, CaseDraft(draft.input + "!", draft.expected))
    assert (pending.status, pending.case.source) == (CaseStatus.PENDING, CaseSource.TRAINING_EXAMPLE)
    assert await inputs(database, tenant_id) == ["in"]
    thumb = await feedback.add(tenant_id, skill_id, Feedback(FeedbackType.THUMB_UP))
    with pytest.raises(Conflict):
        await service.accept_example(tenant_id, thumb.id)


@pytest.mark.parametrize(
    "draft",
    [
        CaseDraft("", "x"),
        CaseDraft("  \n", "x"),
        CaseDraft("x"),
        CaseDraft("x", "  ", assertions=(" ",)),
        CaseDraft("a\x00b", "x"),
        CaseDraft("\ud800", "x"),
        CaseDraft("x", "x", key="k" * 300),
        CaseDraft("x", checks=(Check(CheckKind.REGEX, "("),)),
        CaseDraft("x", checks=(Check(CheckKind.NUMBER, "many"),)),
        CaseDraft("x" * 6_000_000, "x"),
    ],
)
async def test_a_case_that_cannot_be_graded_or_kept_is_refused(
    database: Database, tenant_id: UUID, draft: CaseDraft
) -> None:
    skill_id, service = await skill(database, tenant_id), CaseService(database)
    for refused in (service.add, service.propose):
        with pytest.raises(CaseError):
            await refused(tenant_id, skill_id, draft)
    assert await service.list(tenant_id, skill_id) == []


async def test_the_same_case_is_not_added_twice(database: Database, tenant_id: UUID) -> None:
    skill_id, service = await skill(database, tenant_id), CaseService(database)
    await service.add(tenant_id, skill_id, CaseDraft("one", "1"))
    for double in (CaseDraft("one", "1"), CaseDraft("other", "2", key="case-1")):
        with pytest.raises(Conflict):
            await service.add(tenant_id, skill_id, double)


async def test_another_tenants_case_and_skill_are_not_found(database: Database, tenant_id: UUID) -> None:
    other, service = await other_tenant(database), CaseService(database)
    skill_id = await skill(database, tenant_id)
    entry = await service.add(tenant_id, skill_id, CaseDraft("one", "1"))
    for change in (service.get, service.accept, service.retire, service.restore):
        with pytest.raises(NotFound):
            await change(other, entry.id)
    with pytest.raises(NotFound):
        await service.reject(other, entry.id, why="No.")
    assert await service.changes(other, entry.id) == []
    with pytest.raises(NotFound):
        await service.edit(other, entry.id, CaseDraft("stolen", "1"))
    with pytest.raises(NotFound):
        await service.add(other, skill_id, CaseDraft("stolen", "1"))
    assert await service.list(other, skill_id) == []


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["add", "propose", "edit", "accept", "reject", "retire", "restore", "folder"]),
        st.integers(0, 20),
        st.sampled_from(["a", "b", "c", "d"]),
    ),
    max_size=25,
)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
async def test_whatever_is_done_the_skill_counts_its_cases_and_notes_when_they_change(
    database: Database, steps: list[tuple[str, int, str]]
) -> None:
    tenant_id = await other_tenant(database)
    skill_id, service, skills = await skill(database, tenant_id), CaseService(database), SkillService(database)
    catalogue, every = SkillCatalogue(database), list[UUID]()
    for action, number, text in steps:
        before, since = await state(database, tenant_id, skill_id)
        try:
            if action == "folder":
                await skills.add(tenant_id, content(), [case(str(index), text) for index in range(number % 3)])
            elif action in ("add", "propose"):
                add = service.add if action == "add" else service.propose
                every.append((await add(tenant_id, skill_id, CaseDraft(text, "out", key=str(number % 4)))).id)
            elif every:
                chosen = every[number % len(every)]
                if action == "edit":
                    every.append((await service.edit(tenant_id, chosen, CaseDraft(text, "out"))).id)
                elif action == "reject":
                    await service.reject(tenant_id, chosen, why="No.")
                else:
                    await getattr(service, action)(tenant_id, chosen)
        except Conflict:
            continue
        after, changed = await state(database, tenant_id, skill_id)
        assert (await catalogue.find(tenant_id, "weigh")).cases == len(after)
        assert (changed != since) == (after != before)
        assert told_by_history(await service.history(tenant_id, skill_id, limit=1000)) == after
    _, used = await skills.content(tenant_id, "weigh")
    assert len(used) == len((await state(database, tenant_id, skill_id))[0])


def told_by_history(newest_first: Sequence[ChangeRow]) -> frozenset[UUID]:
    """The cases a run would use, by what their history says and nothing else."""
    status: dict[UUID, str] = {}
    in_use: set[UUID] = set()
    for row in reversed(newest_first):
        assert row.case_id is not None
        if row.change == "edited":
            assert row.previous_case_id is not None
            in_use.discard(row.previous_case_id)
            status[row.case_id] = status[row.previous_case_id]
        elif row.change in ("proposed", "added", "accepted", "rejected"):
            status[row.case_id] = {"proposed": "pending", "added": "accepted"}.get(row.change, row.change)
        if row.change in ("proposed", "added", "edited", "restored"):
            in_use.add(row.case_id)
        elif row.change == "retired":
            in_use.discard(row.case_id)
    return frozenset(case_id for case_id in in_use if status[case_id] == "accepted")


async def state(database: Database, tenant_id: UUID, skill_id: UUID) -> tuple[frozenset[UUID], object]:
    """The cases a run would use, and when the skill says they last changed."""
    entries = await CaseService(database).list(tenant_id, skill_id, status=CaseStatus.ACCEPTED)
    async with database.tenant(tenant_id) as connection:
        row = await (await connection.execute("SELECT cases_changed_at FROM skills")).fetchone()
    assert row is not None
    return frozenset(entry.id for entry in entries), row["cases_changed_at"]


async def test_a_case_no_one_knows_is_not_found(database: Database, tenant_id: UUID) -> None:
    with pytest.raises(SteelyardError):
        await CaseService(database).get(tenant_id, uuid4())


def test_a_draft_of_a_case_makes_that_case() -> None:
    made = GoldenCase("k", "in", "out", ("a",), (Check(CheckKind.EXACT, "out"),), {"f": "t"}, "fam", "dev")
    draft = CaseDraft.of(made)
    assert (draft.input, draft.expected, draft.assertions, draft.checks) == ("in", "out", ("a",), made.checks)
    assert (draft.family, draft.case_set, draft.key, draft.files) == ("fam", "dev", "k", {"f": "t"})


async def test_case_2_comes_before_case_10_wherever_cases_are_listed(database: Database, tenant_id: UUID) -> None:
    skills, service = SkillService(database), CaseService(database)
    wanted = ["a/2", "a/10", "case-1", "case-2", "case-10", "late"]
    row = await skills.add(tenant_id, content(), [case(key, f"file {key}") for key in sorted(wanted, reverse=True)])
    kept = await skills.kept(tenant_id, row.id)
    assert [one.case.case_id for one in kept.cases] == wanted
    assert [entry.case.case_id for entry in await service.list(tenant_id, row.id)] == wanted
    assert [entry.case.case_id for entry in (await service.page(tenant_id, row.id)).entries] == wanted
    assert (await skills.case_change(tenant_id, row.name, [])).retired == tuple(wanted)


async def test_a_source_that_says_nothing_of_cases_retires_none(database: Database, tenant_id: UUID) -> None:
    skills = SkillService(database)
    row = await skills.add(tenant_id, content(), [case("1", "one")])
    assert (await skills.case_change(tenant_id, row.name, None)).stay == 1
    assert (await skills.add(tenant_id, content(), None)).cases == 1
    assert (await skills.add(tenant_id, content(), [])).cases == 0
