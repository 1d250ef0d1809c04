"""What a worker knows of one run while it works on it: the plan, the cases, the money, and whether to stop."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from steelyard.domain.cases import GoldenCase
from steelyard.domain.models import ModelRef
from steelyard.execution.plan import CellGrid, Plan
from steelyard.judging.judge import Judge
from steelyard.storage.results import RunState
from steelyard.storage.runs import RunRow


class Stopped(Exception):
    """No further call may be started: the budget is spent, the run was cancelled, or this worker is closing."""


class Overtaken(Stopped):
    """Another worker has answered this cell meanwhile: what is stored of it is to be looked at anew."""


@dataclass
class Examining:
    """The examination of a run's judge in one worker.

    `task` ends with None where the judge's grades count, else with why it could not be examined; `looked` is set once
    what is known already has been read, and has ended the examination if it was all.
    """

    task: asyncio.Task[str | None]
    looked: asyncio.Event


@dataclass
class RunContext:
    """One run in one worker. `uncommitted` is money of finished calls whose commit is under way.

    `examining` is None while no examination is begun or to be begun anew, `examinations` how many were.
    """

    tenant_id: UUID
    run: RunRow
    plan: Plan
    cases: Sequence[GoldenCase]
    skill_prompt: str
    judge: Judge | None
    worker_stopping: Callable[[], bool]
    spent: int
    budget: int | None
    status: str
    uncommitted: int = 0
    active_batches: int = 0
    examining: Examining | None = None
    examinations: int = 0
    grid: CellGrid = field(init=False)
    models: Sequence[ModelRef] = field(init=False)
    gradings: Sequence[str] = field(init=False)

    def __post_init__(self) -> None:
        self.grid = CellGrid(self.plan, self.cases, self.skill_prompt)
        self.models = [ModelRef.parse(text) for text in self.plan.models]
        self.gradings = [grading_digest(case, self.plan) for case in self.cases]

    @property
    def over_budget(self) -> bool:
        return self.budget is not None and self.spent + self.uncommitted >= self.budget

    @property
    def stopping(self) -> bool:
        return self.worker_stopping() or self.status != "running" or self.over_budget

    def check(self) -> None:
        """Raises Stopped when no further call may be started."""
        if self.stopping:
            raise Stopped

    def observe(self, state: RunState) -> None:
        """Take in how the run stands in the database."""
        self.spent, self.budget, self.status = state.spent_microcents, state.budget_microcents, state.status


def grading_digest(case: GoldenCase, plan: Plan) -> str:
    """sha256 hex of all that decides a grade besides the answer: what is asked of it, and who judges."""
    judged = case.needs_judge
    seen = [
        case.grading_digest,
        plan.threshold,
        plan.judge_digest if judged else None,
        list(plan.rubric) if judged and not case.assertions else None,
    ]
    return hashlib.sha256(json.dumps(seen).encode()).hexdigest()
