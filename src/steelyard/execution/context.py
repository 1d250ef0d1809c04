"""What a worker knows of one run while it works on it: the plan, the cases, the money, and whether to stop."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from steelyard.domain.cases import GoldenCase
from steelyard.domain.models import ModelRef
from steelyard.execution.plan import CellGrid, Plan
from steelyard.judging.judge import Judge
from steelyard.storage.results import RunState
from steelyard.storage.runs import RunRow
from steelyard.storage.spending import Account


class Stopped(Exception):
    """No further call may be started: the budget is spent, the run was cancelled, or this worker is closing."""


class Overtaken(Stopped):
    """Another worker has answered this cell meanwhile: what is stored of it is to be looked at anew."""


@dataclass
class Examining:
    """The examination of one judge of a run in one worker.

    `task` ends with None where the judge's grades count, else with why it could not be examined; `looked` is set once
    what is known already has been read, and has ended the examination if it was all.
    """

    task: asyncio.Task[str | None]
    looked: asyncio.Event


@dataclass
class RunContext:
    """One run in one worker. `uncommitted` is money of finished calls whose commit is under way.

    `month_refusal` says why the tenant's month pays for no further call, once it does not.
    `judges` are all that grade, more than one being a jury. `examining` has, by a judge's digest, the examination that
    is begun and not to be begun anew; `examinations` counts how many were. `concluding` is held by the batch that ends
    the run if it is over: they do so in turn here, as each that waited in the database would keep a connection of all.
    """

    tenant_id: UUID
    run: RunRow
    plan: Plan
    cases: Sequence[GoldenCase]
    skill_prompt: str
    judges: Sequence[Judge]
    worker_stopping: Callable[[], bool]
    spent: int
    budget: int | None
    status: str
    uncommitted: int = 0
    active_batches: int = 0
    month_refusal: str | None = None
    examining: dict[str, Examining] = field(default_factory=dict[str, Examining])
    examinations: Counter[str] = field(default_factory=Counter[str])
    concluding: asyncio.Lock = field(default_factory=asyncio.Lock)
    grid: CellGrid = field(init=False)
    models: Sequence[ModelRef] = field(init=False)
    gradings: Sequence[str] = field(init=False)

    def __post_init__(self) -> None:
        self.grid = CellGrid(self.plan, self.cases, self.skill_prompt)
        self.models = [ModelRef.parse(text) for text in self.plan.models]
        self.gradings = [grading_digest(case, self.plan) for case in self.cases]

    def by_jury(self, case_index: int) -> bool:
        """Whether several judges grade the answers of this case."""
        return len(self.judges) > 1 and self.cases[case_index].needs_judge

    def juror_grading(self, case_index: int, judge: Judge) -> str:
        """What decides this judge's grade of the case, as it would were it alone: so that its grades are shared."""
        return grading_digest(self.cases[case_index], self.plan, judge.digest)

    @property
    def over_budget(self) -> bool:
        return self.budget is not None and self.spent + self.uncommitted >= self.budget

    @property
    def stopping(self) -> bool:
        return self.worker_stopping() or self.status != "running" or self.over_budget or self.month_refusal is not None

    @property
    def account(self) -> Account:
        """For whom its calls are paid."""
        return Account(self.tenant_id, self.run.skill_id, self.run.starter)

    def refuse(self, refusal: str) -> None:
        """The tenant's month pays for no further call, and why."""
        self.month_refusal = refusal

    def check(self) -> None:
        """Raises Stopped when no further call may be started."""
        if self.stopping:
            raise Stopped

    def observe(self, state: RunState) -> None:
        """Take in how the run stands in the database."""
        self.spent, self.budget, self.status = state.spent_microcents, state.budget_microcents, state.status


def grading_digest(case: GoldenCase, plan: Plan, judge_digest: str | None = None) -> str:
    """sha256 hex of all that decides a grade besides the answer: what is asked of it, and who judges.

    `judge_digest` is that of one juror; without it the plan's, which is of the whole jury where there is one.
    """
    judged = case.needs_judge
    seen = [
        case.grading_digest,
        plan.threshold,
        (judge_digest or plan.judge_digest) if judged else None,
        list(plan.rubric) if judged and not case.assertions else None,
    ]
    return hashlib.sha256(json.dumps(seen).encode()).hexdigest()
