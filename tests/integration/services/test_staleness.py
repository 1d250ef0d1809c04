"""Each change makes exactly its cause appear, and its Re-benchmark calls what the cause said and no more."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from steelyard.domain.calls import ModelRequest, ModelResponse, Usage
from steelyard.domain.cases import GoldenCase
from steelyard.domain.errors import InputError, ModelRefError
from steelyard.domain.feedback import Feedback, FeedbackType
from steelyard.domain.models import ModelRef
from steelyard.domain.runs import Arm
from steelyard.domain.skills import SkillContent
from steelyard.domain.stale_causes import CauseKind, FoundCause
from steelyard.domain.usage import Measurement
from steelyard.judging import Judge
from steelyard.judging.default import DefaultJudge
from steelyard.pricing import Cost
from steelyard.providers.settings import ProviderSettings
from steelyard.services.benchmarks import BenchmarkService
from steelyard.services.catalogue import SkillCatalogue
from steelyard.services.estimates import Estimator
from steelyard.services.feedback import FeedbackService
from steelyard.services.model_offers import ModelOffers
from steelyard.services.run_form import RunForms
from steelyard.services.run_request import RunRequest
from steelyard.services.skills import SkillService
from steelyard.services.stale_check import Checked, StaleChecks, Surroundings
from steelyard.services.stale_watch import StaleWatch
from steelyard.services.staleness import StalenessService
from steelyard.services.usage import UsageService
from steelyard.services.worker import work
from steelyard.storage.queue import Queue
from steelyard.storage.server import Server
from tests.integration.execution.bench import Caller, fit
from tests.integration.services.made import JUDGE, Made, ad_hoc, asks, checked, content, judge_reply, judged
from tests.modelserver.judging import canary_reply

BOTH = (Arm.WITH_SKILL, Arm.WITHOUT_SKILL)
USAGE = Usage(1000, 200)


@dataclass
class World:
    """A world in which prices, identities, judges and models can change; `calls` are counted as they are made."""

    made: Made
    factor: dict[str, float] = field(default_factory=dict[str, float])
    moved: set[str] = field(default_factory=set[str])
    fates: dict[str, str] = field(default_factory=dict[str, str])
    successors: dict[str, str] = field(default_factory=dict[str, str])
    judge: ModelRef = JUDGE
    protocol: str = ""
    days: float = 0.0

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(days=self.days)

    def price(self, usage: Usage, model: ModelRef, when: date) -> Cost | None:
        factor = self.factor.get(model.name, 1.0)
        return None if factor < 0 else Cost(round(factor * usage.total_tokens), "world", when)

    def identity(self, ref: ModelRef) -> str:
        return ref.text + ("!" if ref.name in self.moved else "")

    def check(self, ref: ModelRef) -> None:
        if ref.name in self.fates:
            raise ModelRefError(f"{ref.text} is not there.")

    def fate(self, ref: ModelRef) -> str | None:
        return self.fates.get(ref.name)

    def newer(self, ref: ModelRef, when: date) -> ModelRef | None:
        name = self.successors.get(ref.name)
        return None if name is None else ModelRef(ref.provider, name)

    def make_judge(self, ref: ModelRef) -> Judge:
        return Judge(ref, ref.text + self.protocol)

    def default_judge(self, candidates: object) -> DefaultJudge:
        return DefaultJudge(self.judge, False, "The default.")

    async def service(self) -> BenchmarkService:
        queue = Queue(self.made.bench.database)
        await queue.open()
        return BenchmarkService(self.made.bench.database, queue, self, self.make_judge)

    async def around(self) -> Surroundings:
        database, service = self.made.bench.database, await self.service()
        settings = ProviderSettings(Path("/nowhere"), {})
        offers = ModelOffers(database, settings, self, lambda ref, day: None)
        estimator = Estimator(database, service, self.price, self.make_judge)
        return Surroundings(
            forms=RunForms(database, SkillService(database), offers, self, self.default_judge),
            estimate=lambda tenant, request: estimator.estimate(tenant, request, concurrency=4),
            price=self.price,
            make_judge=self.make_judge,
            default_judge=self.default_judge,
            market=self,
            limit_days=90,
            now=self.now,
        )

    async def checks(self) -> StaleChecks:
        return StaleChecks(self.made.bench.database, await self.around())

    async def run(self, request: RunRequest) -> Caller:
        """Serve it to its end; the caller has counted."""

        def reply(asked: ModelRequest) -> str | ModelResponse:
            if "judge" in asked.model.name:
                return canary_reply(asked.prompt) or judge_reply((5, 4))
            return ModelResponse("120 g", USAGE, 5.0)

        caller = Caller(reply, delay_s=0.001)
        run_id = (await (await self.service()).start(self.made.tenant_id, request)).run_id
        stop = asyncio.Event()
        async with asyncio.timeout(60):
            await work(
                self.made.bench.database,
                caller,
                self.price,
                self.make_judge,
                unfit=fit,
                run_id=run_id,
                concurrency=8,
                stop=stop,
                ended=lambda _: stop.set(),
            )
        return caller

    async def checked(self, skill_id: UUID) -> Checked:
        return await (await self.checks()).check(self.made.tenant_id, skill_id)

    async def suspects(self) -> list[UUID]:
        watch = StaleWatch(self.made.bench.database, await self.around())
        return [skill_id async for _, skill_id in watch.suspects(self.made.tenant_id)]

    async def again(self, skill_id: UUID, cause: FoundCause) -> Caller:
        """Re-benchmark because of that cause, and see that it called what the cause said."""
        request = await (await self.checks()).request(self.made.tenant_id, skill_id, [cause.kind])
        caller = await self.run(request)
        assert cause.retest is not None
        by_judge = sum(count for (model, _, _), count in caller.calls.items() if "judge" in model)
        assert (caller.calls.total() - by_judge, by_judge) == (cause.retest.calls, cause.retest.judge_calls)
        assert cause.retest.fresh == request.fresh
        return caller


@dataclass
class Benchmarked:
    """A skill with a benchmark of two models in both arms: the last case is graded by a judge, the others by checks."""

    world: World
    skill: SkillContent
    cases: list[GoldenCase]
    id: UUID

    async def only(self, kind: CauseKind) -> FoundCause:
        """The one cause there is."""
        found = await self.world.checked(self.id)
        assert [cause.kind for cause in found.causes] == [kind], [cause.evidence for cause in found.causes]
        assert await self.world.suspects() == [self.id]
        return found.causes[0]

    async def cured(self) -> None:
        found = await self.world.checked(self.id)
        assert [cause.evidence for cause in found.causes] == []
        assert found.state == "fresh"


@pytest.fixture
async def one(made: Made) -> Benchmarked:
    world, skill = World(made), content()
    cases = [*(checked(number) for number in range(9)), judged(9)]
    kept = await SkillService(made.bench.database).add(made.tenant_id, skill, cases)
    await world.run(replace(asks(skill, cases, judge=JUDGE, arms=BOTH), judge_by_default=True))
    found = Benchmarked(world, skill, cases, kept.id)
    await found.cured()
    assert await world.suspects() == []
    return found


async def test_a_skill_edit_calls_the_arm_with_the_skill_alone(one: Benchmarked) -> None:
    files = {"SKILL.md": b"Weigh it well.", "notes.md": b"new"}
    changed = replace(one.skill, prompt="Weigh it well.", digest="d" * 32, files=files)
    await SkillService(one.world.made.bench.database).add(one.world.made.tenant_id, changed, one.cases)
    cause = await one.only(CauseKind.SKILL)
    assert "SKILL.md edited, notes.md added" in cause.evidence
    assert cause.details["files"] == [
        {"path": "SKILL.md", "change": "edited"},
        {"path": "notes.md", "change": "added"},
    ]
    caller = await one.world.again(one.id, cause)
    candidates = {(model, system) for model, system, _ in caller.calls if "judge" not in model}
    assert candidates == {("test:m0", "Weigh it well."), ("test:m1", "Weigh it well.")}
    assert cause.retest is not None
    assert (cause.retest.calls, cause.retest.reused) == (20, 20)
    await one.cured()


async def test_a_file_that_no_model_sees_is_named_and_costs_nothing(one: Benchmarked) -> None:
    changed = replace(one.skill, digest="e" * 32, files={**one.skill.files, "scripts/run.py": b"1"})
    await SkillService(one.world.made.bench.database).add(one.world.made.tenant_id, changed, one.cases)
    cause = await one.only(CauseKind.SKILL)
    assert "scripts/run.py added" in cause.evidence
    caller = await one.world.again(one.id, cause)
    assert caller.calls.total() == 0
    await one.cured()


async def test_an_accepted_case_calls_its_own_cells_alone(one: Benchmarked) -> None:
    service = SkillService(one.world.made.bench.database)
    await service.add(one.world.made.tenant_id, one.skill, [*one.cases, checked(77)])
    cause = await one.only(CauseKind.CASES)
    assert cause.details == {"added": 1, "edited": 0, "removed": 0}
    assert "1 added" in cause.evidence
    caller = await one.world.again(one.id, cause)
    assert sum(caller.calls.values()) == 4
    assert all("item 77" in prompt for _, _, prompt in caller.calls)
    await one.cured()
    await service.add(one.world.made.tenant_id, one.skill, [*one.cases[1:], checked(77, want="121 g"), checked(78)])
    changed = (await one.only(CauseKind.CASES)).details
    assert changed == {"added": 1, "edited": 1, "removed": 1}


async def test_a_cause_holds_since_the_first_change_and_not_since_the_last(one: Benchmarked, server: Server) -> None:
    database, tenant = one.world.made.bench.database, one.world.made.tenant_id
    service = SkillService(database)

    async def moment() -> datetime:
        async with database.tenant(tenant) as connection:
            row = await (await connection.execute("SELECT clock_timestamp() AS at")).fetchone()
            assert row is not None
            return row["at"]

    before = await moment()
    await service.add(tenant, one.skill, [*one.cases, checked(77)])
    after = await moment()
    await service.add(tenant, one.skill, [*one.cases, checked(77), checked(78)])
    since = (await one.only(CauseKind.CASES)).since
    assert before < since < after
    async with database.tenant(tenant) as connection:
        row = await (await connection.execute("SELECT cases_changed_at AS at FROM skills")).fetchone()
        assert row is not None
        assert row["at"] > after
    with psycopg.connect(make_conninfo(server.admin_dsn, dbname=conninfo_to_dict(server.dsn)["dbname"])) as admin:
        admin.execute("DELETE FROM case_changes WHERE tenant_id = %s", (tenant,))
    assert (await one.only(CauseKind.CASES)).since == since, "where nothing was noted, the cases' own rows tell"

    await service.add(tenant, one.skill, one.cases)
    await one.cured()
    before = await moment()
    for letter in "de":
        changed = replace(one.skill, prompt=f"Weigh it well, {letter}.", digest=letter * 32)
        await service.add(tenant, changed, one.cases)
        after = after if letter == "e" else await moment()
    assert before < (await one.only(CauseKind.SKILL)).since < after


async def test_cases_that_are_again_what_they_were_are_no_cause(one: Benchmarked) -> None:
    service = SkillService(one.world.made.bench.database)
    await service.add(one.world.made.tenant_id, one.skill, [*one.cases, checked(77)])
    await one.only(CauseKind.CASES)
    await service.add(one.world.made.tenant_id, one.skill, one.cases)
    await one.cured()


async def test_another_judge_grades_stored_answers_and_calls_no_candidate(one: Benchmarked) -> None:
    one.world.protocol = " judge/9"
    cause = await one.only(CauseKind.JUDGE)
    assert "judges otherwise now" in cause.evidence
    assert cause.noticed
    caller = await one.world.again(one.id, cause)
    assert {model for model, _, _ in caller.calls} == {"test:judge"}
    await one.cured()


async def test_another_default_judge_is_a_cause_where_the_default_judged_and_none_where_a_judge_was_named(
    one: Benchmarked,
) -> None:
    one.world.judge = ModelRef("test", "judge-2")
    cause = await one.only(CauseKind.JUDGE)
    assert "the default is test:judge-2 now" in cause.evidence
    caller = await one.world.again(one.id, cause)
    assert {model for model, _, _ in caller.calls} == {"test:judge-2"}
    await one.cured()
    await one.world.run(replace(asks(one.skill, one.cases, judge=JUDGE, arms=BOTH), seed=7))
    await one.cured()


async def test_a_price_change_says_what_it_turns_round_and_takes_no_call(one: Benchmarked) -> None:
    one.world.factor["m0"] = 2.5
    cause = await one.only(CauseKind.PRICE)
    assert "test:m0 from" in cause.evidence
    assert "(+150%)" in cause.evidence
    assert cause.details["models"][0]["avg_cost_then_microcents"] == USAGE.total_tokens
    assert cause.details["models"][0]["avg_cost_now_microcents"] == USAGE.total_tokens * 2.5
    assert cause.details["cheapest_now"] == "test:m1"
    caller = await one.world.again(one.id, cause)
    assert caller.calls.total() == 0
    await one.cured()


async def test_a_price_that_is_not_known_any_more_is_said_so(one: Benchmarked) -> None:
    one.world.factor["m1"] = -1
    cause = await one.only(CauseKind.PRICE)
    assert "test:m1 from" in cause.evidence
    assert "to an unknown cost" in cause.evidence
    await one.world.again(one.id, cause)
    await one.cured()
    one.world.factor["m1"] = 1
    assert "test:m1 from an unknown cost to" in (await one.only(CauseKind.PRICE)).evidence


async def test_age_calls_everything_anew_from_the_ninetieth_day_of_the_oldest_answer_on(one: Benchmarked) -> None:
    one.world.days = 89.99
    assert (await one.world.checked(one.id)).causes == ()
    one.world.days = 90
    cause = await one.only(CauseKind.AGE)
    assert cause.retest is not None
    assert (cause.retest.calls, cause.retest.reused, cause.retest.fresh) == (40, 0, True)
    assert "90 days old; the limit is 90." in cause.evidence
    await one.world.again(one.id, cause)
    one.world.days = 0
    await one.cured()


async def test_reused_answers_keep_the_age_of_the_calls_they_are_of(one: Benchmarked) -> None:
    database, tenant = one.world.made.bench.database, one.world.made.tenant_id
    async with database.tenant(tenant) as connection:
        await connection.execute("UPDATE benchmark_results SET created_at = created_at - interval '100 days'")
    more = [*one.cases, checked(77)]
    await SkillService(database).add(tenant, one.skill, more)
    for seed in (1, 2):
        await one.world.run(replace(asks(one.skill, more, judge=JUDGE, arms=BOTH), judge_by_default=True, seed=seed))
        row = await SkillCatalogue(database).find(tenant, one.skill.name)
        assert [cause.kind for cause in row.stale] == ["age"]
        assert "is 100 days old" in row.stale[0].sentence
    await one.only(CauseKind.AGE)
    stale = await SkillCatalogue(database).page(tenant, stale_only=True)
    assert [row.id for row in stale.rows] == [one.id]


async def test_ad_hoc_cancelled_and_partial_runs_reset_nothing(one: Benchmarked) -> None:
    database, tenant = one.world.made.bench.database, one.world.made.tenant_id
    async with database.tenant(tenant) as connection:
        await connection.execute("UPDATE skills SET answers_since = answers_since - interval '91 days'")
        await connection.execute("UPDATE benchmark_runs SET answers_since = answers_since - interval '91 days'")
    before = await SkillCatalogue(database).find(tenant, one.skill.name)
    again = replace(asks(one.skill, one.cases, judge=JUDGE, arms=BOTH), judge_by_default=True, fresh=True)
    await one.world.run(replace(again, of_record=False))
    await one.world.run(replace(again, cases=[ad_hoc(1)], judge=None))
    await one.world.run(replace(again, seed=3, budget_microcents=1))
    service = await one.world.service()
    started = await service.start(tenant, replace(again, seed=4))
    await service.cancel(tenant, str(started.run_id))
    after = await SkillCatalogue(database).find(tenant, one.skill.name)
    assert after.last_run_id == before.last_run_id
    assert [cause.kind for cause in after.stale] == ["age"]
    await one.only(CauseKind.AGE)


async def test_another_model_under_a_name_is_called_and_the_others_are_not(one: Benchmarked) -> None:
    one.world.moved.add("m1")
    cause = await one.only(CauseKind.MODEL_CHANGED)
    caller = await one.world.again(one.id, cause)
    assert {model for model, _, _ in caller.calls} == {"test:m1", "test:judge"}
    await one.cured()


async def test_a_model_that_goes_is_left_out_and_takes_no_call(one: Benchmarked) -> None:
    one.world.fates["m1"] = "is marked as gone in the settings file"
    cause = await one.only(CauseKind.MODEL_GONE)
    assert cause.evidence == "test:m1 is marked as gone in the settings file."
    caller = await one.world.again(one.id, cause)
    assert caller.calls.total() == 0
    await one.cured()


async def test_where_no_model_is_left_the_cause_says_what_to_do(one: Benchmarked) -> None:
    one.world.fates |= {"m0": "is gone", "m1": "is gone"}
    cause = await one.only(CauseKind.MODEL_GONE)
    assert cause.retest is not None
    assert "None of its models is left" in (cause.retest.problem or "")


async def test_a_newer_model_is_called_beside_those_that_are_there(one: Benchmarked) -> None:
    one.world.successors["m0"] = "m9"
    cause = await one.only(CauseKind.NEWER)
    assert "test:m9 follows test:m0" in cause.evidence
    first = cause.since
    assert (await one.only(CauseKind.NEWER)).since == first, "when it was first noticed is kept"
    caller = await one.world.again(one.id, cause)
    assert {model for model, _, _ in caller.calls} == {"test:m9", "test:judge"}
    assert cause.retest is not None
    assert cause.retest.calls == 20
    await one.cured()


async def use(one: Benchmarked, count: int, usage: Usage, days: float, cost: int | None = None) -> None:
    database, tenant = one.world.made.bench.database, one.world.made.tenant_id
    service = UsageService(database, one.world.price, now=one.world.now)
    at = datetime.now(UTC) + timedelta(days=days)
    use = Measurement(one.id, at, ModelRef("test", "m0"), usage, cost)
    await service.record(tenant, [replace(use, id=uuid4()) for _ in range(count)])


async def test_use_that_differs_from_the_benchmark_is_drift_once_there_is_enough_of_it(one: Benchmarked) -> None:
    one.world.days = 10
    await use(one, 49, Usage(3000, 200), 5)
    assert (await one.world.checked(one.id)).causes == ()
    await use(one, 1, Usage(3000, 200), 6)
    cause = await one.only(CauseKind.DRIFT)
    assert "3,000 input tokens a use against 900 to 1,100 a case" in cause.evidence
    assert [measure["measure"] for measure in cause.details["measures"]] == ["input", "cost"]
    assert cause.retest is not None
    assert (cause.retest.calls, cause.retest.fresh) == (40, True)


async def test_use_like_the_benchmark_is_no_drift_and_a_price_alone_is_none_either(one: Benchmarked) -> None:
    one.world.days = 10
    await use(one, 60, USAGE, 5)
    assert (await one.world.checked(one.id)).causes == ()
    one.world.factor["m0"] = 3
    assert [cause.kind for cause in (await one.world.checked(one.id)).causes] == [CauseKind.PRICE]


async def test_people_unhappy_with_what_passed_are_drift(one: Benchmarked) -> None:
    one.world.days = 10
    await use(one, 60, USAGE, 5)
    database, tenant = one.world.made.bench.database, one.world.made.tenant_id
    for number in range(40):
        kind = FeedbackType.THUMB_UP if number < 8 else FeedbackType.THUMB_DOWN
        await FeedbackService(database).add(tenant, one.id, Feedback(kind))
    async with database.tenant(tenant) as connection:
        await connection.execute("UPDATE skill_feedback SET created_at = now() + interval '5 days'")
    cause = await one.only(CauseKind.DRIFT)
    assert "20% of 40 pieces of feedback are positive" in cause.evidence


async def test_days_can_be_set_for_a_skill_and_for_all(one: Benchmarked) -> None:
    database, tenant = one.world.made.bench.database, one.world.made.tenant_id
    service = StalenessService(database, now=one.world.now)
    one.world.days = 40
    assert (await service.of(tenant, one.id)).state == "fresh"
    await service.set_limit(tenant, "30")
    assert [cause.kind for cause in (await service.of(tenant, one.id)).causes] == ["age"]
    await one.only(CauseKind.AGE)
    await service.set_limit(tenant, "50", one.id)
    assert (await service.of(tenant, one.id)).state == "fresh"
    assert await one.world.suspects() == []
    await service.set_limit(tenant, "", one.id)
    await service.set_limit(tenant, None)
    limits = await service.limits(tenant, one.id)
    assert (limits.skill, limits.tenant) == (None, None)
    assert (await service.of(tenant, one.id)).state == "fresh"
    for wrong in ("0", "-3", "1.5", "many", "36501", "9" * 40):
        with pytest.raises(InputError, match="no limit of age"):
            await service.set_limit(tenant, wrong)


async def test_several_causes_are_told_gravest_first(one: Benchmarked) -> None:
    one.world.days, one.world.factor["m0"], one.world.protocol = 95, 2, " judge/9"
    one.world.successors["m1"] = "m9"
    changed = replace(one.skill, prompt="Weigh it well.", digest="d" * 32)
    await SkillService(one.world.made.bench.database).add(one.world.made.tenant_id, changed, [*one.cases, checked(77)])
    found = await one.world.checked(one.id)
    assert [cause.kind.value for cause in found.causes] == ["skill", "cases", "judge", "age", "price", "newer"]
    assert all(cause.retest is not None and cause.retest.problem is None for cause in found.causes)


async def test_a_skill_without_a_benchmark_is_not_stale(made: Made) -> None:
    kept = await SkillService(made.bench.database).add(made.tenant_id, content(), [checked(1)])
    world = World(made, days=1000)
    found = await world.checked(kept.id)
    assert (found.state, found.causes, await world.suspects()) == ("never", (), [])
