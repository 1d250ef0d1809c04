"""The check of one skill's benchmark: every cause that speaks against it, and what testing again would take."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from steelyard.domain.errors import NotFound, SteelyardError
from steelyard.domain.models import ModelRef
from steelyard.domain.stale_causes import CauseKind, FoundCause, Retest
from steelyard.domain.staleness import BenchmarkAge, CasesChange, SkillChange, cases_differ_since, staleness_of
from steelyard.execution.plan import Juror, Plan, jury_of
from steelyard.execution.summaries import ModelSummary
from steelyard.judging import Judge
from steelyard.services.estimates import Estimate
from steelyard.services.repricing import Pricer, average_costs, costs_at, reprice
from steelyard.services.run_form import RunForms, judges_today
from steelyard.services.run_request import RunRequest
from steelyard.services.selection import JudgeFinder
from steelyard.services.stale_evidence import (
    Evidence,
    cases_evidence,
    changed_models,
    drift_evidence,
    gone_models,
    judge_evidence,
    newer_models,
    price_evidence,
    price_since,
    skill_evidence,
)
from steelyard.services.staleness import facts_of
from steelyard.storage import runs, staleness
from steelyard.storage.catalogue import SkillGlance, find_glance
from steelyard.storage.database import Connection, Database
from steelyard.storage.runs import RunRow
from steelyard.storage.skills import get_version

USE_DAYS = 30
SCHEMA = "steelyard.staleness/1"


class Market(Protocol):
    """What is known of models beyond this run: asked without a call."""

    def identity(self, ref: ModelRef) -> str:
        """What answers under the name. Raises ModelRefError."""
        ...

    def fate(self, ref: ModelRef) -> str | None:
        """Why the model should be counted on no more, as the end of a sentence; None where it may."""
        ...

    def newer(self, ref: ModelRef, when: date) -> ModelRef | None:
        """A later model of the same family and tier, to be had where `ref` is."""
        ...


@dataclass(frozen=True)
class Surroundings:
    """What a check asks besides the database."""

    forms: RunForms
    estimate: Callable[[UUID, RunRequest], Awaitable[Estimate]]
    price: Pricer
    make_judge: Callable[[ModelRef], Judge]
    default_judge: JudgeFinder
    market: Market
    limit_days: int
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


@dataclass(frozen=True)
class Checked:
    """A skill's benchmark and what speaks against it. `benchmarked_at` is None before there is one: that is not stale.

    `limit_days` is the age in days at which it is too old.
    """

    skill_id: UUID
    name: str
    run_id: UUID | None
    benchmarked_at: datetime | None
    answers_since: datetime | None
    limit_days: int
    causes: tuple[FoundCause, ...]

    @property
    def state(self) -> str:
        return "never" if self.benchmarked_at is None else "stale" if self.causes else "fresh"

    def to_json(self) -> dict[str, Any]:
        """The form `steelyard.staleness/1` of one skill; what is unknown is null. Money in microcents."""
        return {
            "skill": self.name,
            "state": self.state,
            "run": None if self.run_id is None else str(self.run_id),
            "benchmarked_at": None if self.benchmarked_at is None else self.benchmarked_at.isoformat(),
            "oldest_answer_at": None if self.answers_since is None else self.answers_since.isoformat(),
            "limit_days": self.limit_days,
            "causes": [cause.to_json() for cause in self.causes],
        }


class StaleChecks:
    """Checks skills one by one, for one tenant at a time. No model is called."""

    def __init__(self, database: Database, around: Surroundings) -> None:
        self._database = database
        self._around = around

    @property
    def market(self) -> Market:
        """What is known of models beyond a run."""
        return self._around.market

    async def check(self, tenant_id: UUID, skill_id: UUID, *, retests: bool = True) -> Checked:
        """Every cause there is, gravest first; with `retests`, each with what its Re-benchmark would take.

        When a cause was first noticed is kept. Raises NotFound.
        """
        now = self._around.now()
        async with self._database.tenant(tenant_id) as connection:
            glance = await find_glance(connection, skill_id=skill_id)
            if glance is None:
                raise NotFound("No such skill.")
            limit = glance.stale_after_days or self._around.limit_days
            if glance.last_run_id is None:
                return Checked(glance.id, glance.name, None, None, None, limit, ())
            run = await runs.get_run(connection, glance.last_run_id)
            found = await self._found(connection, glance, run, now)
            undated = [one.kind.value for one in found if one.since is None]
            noticed = await staleness.notice(connection, glance.id, run.id, undated, now)
        causes = [
            FoundCause(
                one.kind,
                one.since or noticed[one.kind.value],
                one.sentence,
                one.details,
                noticed=one.since is None,
            )
            for one in sorted(found, key=lambda one: list(CauseKind).index(one.kind))
        ]
        if retests:
            causes = await self._with_retests(tenant_id, skill_id, causes)
        return Checked(
            glance.id, glance.name, run.id, glance.benchmarked_at, glance.answers_since, limit, tuple(causes)
        )

    async def request(
        self, tenant_id: UUID, skill_id: UUID, kinds: Collection[CauseKind], *, triggered_by: str = "web"
    ) -> RunRequest:
        """The Re-benchmark because of these causes. Raises NotFound, and InputError where no model is left to run."""
        models: Sequence[ModelRef] | None = None
        if {CauseKind.MODEL_GONE, CauseKind.NEWER} & set(kinds):
            models = await self._models(tenant_id, skill_id, kinds)
        return await self._around.forms.rebenchmark_request(
            tenant_id, skill_id, causes=kinds, models=models, triggered_by=triggered_by
        )

    async def _found(self, connection: Connection, glance: SkillGlance, run: RunRow, now: datetime) -> list[Evidence]:
        around, plan = self._around, Plan.from_json(run.plan)
        limit = glance.stale_after_days or around.limit_days
        found: list[Evidence | None] = []
        for cause in staleness_of(facts_of(glance), now=now, limit_days=limit).causes:
            match cause:
                case SkillChange():
                    files = await staleness.file_changes(connection, run.skill_version_id, glance.current_version_id)
                    before = (await get_version(connection, run.skill_version_id)).digest
                    first = await staleness.first_version_after(connection, glance.id, run.created_at)
                    since = min(first or cause.changed_at, cause.changed_at)
                    found.append(skill_evidence(files, before[:8], glance.version_digest[:8], since))
                case CasesChange():
                    changes = await staleness.case_changes(connection, glance.id, plan.case_ids)
                    since = await _cases_since(connection, glance.id, plan.case_ids, run.created_at)
                    found.append(cases_evidence(changes, since or cause.changed_at))
                case BenchmarkAge():
                    details = {"days": cause.days, "limit_days": cause.limit_days}
                    found.append(Evidence(CauseKind.AGE, cause.sentence, details, cause.since))
        found += [self._judge(run, plan), changed_models(plan, around.market.identity)]
        # Prices and statistics are imported for the first check alone, which takes a second of CPU.
        fates, newer = await asyncio.to_thread(lambda: (self._fates(plan), self._newer(plan, now.date())))
        found += [gone_models(fates), newer_models(newer)]
        cells = await staleness.used_cells(connection, run.id)
        costs = await asyncio.to_thread(costs_at, cells, around.price, now.date())
        if average_costs(cells) != average_costs(cells, costs):
            repriced = await reprice(connection, run, around.price, now.date(), cells)
            found.append(price_evidence(repriced, price_since(cells, repriced, around.price, now.date())))
        if run.verdict is not None and run.completed_at is not None:
            first = max(now.date() - timedelta(days=USE_DAYS - 1), run.completed_at.date() + timedelta(days=1))
            uses = await staleness.uses_since(connection, glance.id, first)
            opinions = await staleness.opinions_since(connection, glance.id, first)
            summaries = [ModelSummary(**{**one, "heard": one.get("heard", True)}) for one in run.verdict["summaries"]]
            arm = str(run.verdict["arm"])
            found.append(await asyncio.to_thread(drift_evidence, uses, opinions, cells, costs, summaries, arm, first))
        return [one for one in found if one is not None]

    def _judge(self, run: RunRow, plan: Plan) -> Evidence | None:
        try:
            refs = judges_today(run, plan, self._around.default_judge)
            jurors = [Juror(ref.text, self._around.make_judge(ref).digest) for ref in refs]
        except SteelyardError:
            # A judge that is not configured here cannot be told from the one it was.
            return None
        if not jurors:
            return None
        name, digest = jury_of(jurors)[:2] if len(jurors) > 1 else (jurors[0].judge, jurors[0].digest)
        return judge_evidence(plan, name, digest)

    def _fates(self, plan: Plan) -> dict[str, str]:
        fates = {text: self._around.market.fate(ModelRef.parse(text)) for text in plan.models}
        return {text: fate for text, fate in fates.items() if fate is not None}

    def _newer(self, plan: Plan, today: date) -> dict[str, str]:
        refs = [ModelRef.parse(text) for text in plan.models]
        there = {(ref.provider, ref.name) for ref in refs}
        found: dict[str, str] = {}
        for ref in refs:
            newer = self._around.market.newer(ref, today)
            if newer is not None and not any(
                provider == newer.provider and name.startswith(newer.name) for provider, name in there
            ):
                found[ref.text] = newer.text
        return found

    async def _models(self, tenant_id: UUID, skill_id: UUID, kinds: Collection[CauseKind]) -> list[ModelRef]:
        """The run's models without those that go, and with the newer ones asked for or taking their place."""
        async with self._database.tenant(tenant_id) as connection:
            glance = await find_glance(connection, skill_id=skill_id)
            if glance is None or glance.last_run_id is None:
                raise NotFound("No benchmark of record.", next_step="Run the skill's first benchmark.")
            plan = Plan.from_json((await runs.get_run(connection, glance.last_run_id)).plan)
        gone = self._fates(plan) if CauseKind.MODEL_GONE in kinds else {}
        newer = self._newer(plan, self._around.now().date())
        texts: list[str] = []
        for text in plan.models:
            if text not in gone:
                texts.append(text)
            if text in newer and (text in gone or CauseKind.NEWER in kinds):
                texts.append(newer[text])
        return [ModelRef.parse(text) for text in dict.fromkeys(texts)]

    async def _with_retests(self, tenant_id: UUID, skill_id: UUID, causes: Sequence[FoundCause]) -> list[FoundCause]:
        """Causes that ask for the same run are estimated once."""
        known: dict[Any, Retest] = {}
        done: list[FoundCause] = []
        for cause in causes:
            own_models = cause.kind in (CauseKind.MODEL_GONE, CauseKind.NEWER)
            key = (cause.kind if own_models else None, cause.kind.fresh)
            if key not in known:
                known[key] = await self._retest(tenant_id, skill_id, cause.kind)
            done.append(replace(cause, retest=known[key]))
        return done

    async def _retest(self, tenant_id: UUID, skill_id: UUID, kind: CauseKind) -> Retest:
        try:
            request = await self.request(tenant_id, skill_id, [kind])
            estimate = await self._around.estimate(tenant_id, request)
        except SteelyardError as error:
            return Retest(problem=f"{error.message} {error.next_step or ''}".strip())
        return Retest(
            calls=estimate.calls,
            judge_calls=estimate.judge_calls + estimate.canary_calls,
            reused=estimate.reused,
            cost_microcents=estimate.cost_microcents,
            cost_is_lower_bound=estimate.cost_is_lower_bound,
            fresh=request.fresh,
        )


async def _cases_since(
    connection: Connection, skill_id: UUID, planned: Sequence[UUID], planned_at: datetime
) -> datetime | None:
    """Since when the accepted cases are others than those planned; None where nothing of it was kept."""
    noted = cases_differ_since(planned, await staleness.case_steps(connection, skill_id, planned_at))
    other = await staleness.unnoted_case_change(connection, skill_id, planned, planned_at)
    return min((at for at in (noted, other) if at is not None), default=None)
