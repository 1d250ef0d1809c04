"""Runs, reviews and skills made by the real services now, then moved to the day they are to have happened."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from types import TracebackType
from uuid import UUID

from benchmarks.pages.actors import Actors
from steelyard.domain.models import ModelRef
from steelyard.execution.engine import Engine
from steelyard.execution.paid_job import always_fit
from steelyard.execution.plan import Plan, job_order
from steelyard.execution.reviewer import Reviewer
from steelyard.judging import Judge
from steelyard.pricing import cost
from steelyard.services.benchmarks import BenchmarkService
from steelyard.services.cases import CaseService
from steelyard.services.feedback import FeedbackService
from steelyard.services.reviews import ReviewService
from steelyard.services.run_request import RunRequest
from steelyard.services.skills import SkillService
from steelyard.services.suggestions import SuggestionService
from steelyard.services.usage import UsageService
from steelyard.storage import runs
from steelyard.storage.database import Connection, Database
from steelyard.storage.queue import Queue
from steelyard.storage.standing import refresh_benchmark

# What the services stamped with the present, by the column that leads to the skill.
_STAMPED = (
    ("skills", "id", ("created_at", "updated_at", "version_since", "cases_changed_at")),
    ("skill_versions", "skill_id", ("created_at",)),
    ("golden_cases", "skill_id", ("created_at", "decided_at", "retired_at")),
    ("suggestions", "skill_id", ("created_at", "decided_at")),
    ("skill_feedback", "skill_id", ("decided_at",)),
)


class AnyModel:
    """Every model can be called: it is scripted."""

    def check(self, ref: ModelRef) -> None:
        return None

    def identity(self, ref: ModelRef) -> str:
        return ref.text


def make_judge(ref: ModelRef) -> Judge:
    return Judge(ref, ref.text)


@dataclass
class Stage:
    """Everything a small tenant is made with. `now` is the present; nothing is stamped later."""

    database: Database
    tenant_id: UUID
    actors: Actors
    now: datetime
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def __aenter__(self) -> Stage:
        self.price = partial(cost, rates={})
        self.queue = Queue(self.database)
        await self.queue.open()
        self.benchmarks = BenchmarkService(self.database, self.queue, AnyModel(), make_judge)
        self.skills = SkillService(self.database)
        self.cases = CaseService(self.database)
        self.feedback = FeedbackService(self.database)
        self.suggestions = SuggestionService(self.database)
        self.usage = UsageService(self.database, self.price)
        self.reviews = ReviewService(self.database, self.queue, AnyModel())
        self.engine = await self._stack.enter_async_context(
            Engine(self.database, self.actors, self.price, make_judge, unfit=lambda _: None)
        )
        async with self.database.tenant(self.tenant_id) as connection:
            row = await (await connection.execute("SELECT clock_timestamp() AS began")).fetchone()
        assert row is not None
        self.began: datetime = row["began"]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    def ago(self, days: float) -> datetime:
        return self.now - timedelta(days=days)

    async def backdate(self, skill_id: UUID, at: datetime) -> None:
        """Whatever of this skill was stamped since the stage was set happened at `at`."""
        async with self.database.tenant(self.tenant_id) as connection:
            for table, column, stamps in _STAMPED:
                for stamp in stamps:
                    query = f"UPDATE {table} SET {stamp} = %s WHERE {column} = %s AND {stamp} >= %s"
                    await connection.execute(query.encode(), (at, skill_id, self.began))

    async def run(self, request: RunRequest, at: datetime, *, minutes: float = 4.0, batches: int | None = None) -> UUID:
        """A run started at `at`. With `batches` only so many of its jobs are done, and then it is cancelled."""
        self.actors.run += 1
        self.actors.order = [case.prompt for case in request.cases]
        run_id = (await self.benchmarks.start(self.tenant_id, request)).run_id
        await self.queue.drop(run_id)
        async with self.database.tenant(self.tenant_id) as connection:
            run = await runs.get_run(connection, run_id)
        jobs = job_order(Plan.from_json(run.plan))[:batches]
        await asyncio.gather(*(self.engine.run_batch(self.tenant_id, run_id, model, batch) for model, batch in jobs))
        if batches is not None:
            await self.benchmarks.cancel(self.tenant_id, str(run_id))
        async with self.database.tenant(self.tenant_id) as connection:
            await _move_run(connection, run_id, at, timedelta(minutes=minutes))
        await self.backdate(run.skill_id, at)
        return run_id

    async def review(self, skill_id: UUID, model: str, at: datetime, *, seconds: float, by: str) -> UUID:
        """A review asked for at `at`."""
        self.actors.run += 1
        review_id = await self.reviews.request(self.tenant_id, skill_id, ModelRef.parse(model), requested_by=by)
        async with self.database.pool.connection() as connection:
            await connection.execute("DELETE FROM procrastinate_jobs WHERE args->>'review_id' = %s", (str(review_id),))
        await Reviewer(self.database, self.actors, self.price, unfit=always_fit).run(self.tenant_id, review_id)
        async with self.database.tenant(self.tenant_id) as connection:
            await connection.execute(
                """UPDATE skill_reviews SET created_at = %s, started_at = %s, completed_at = %s,
                                            price_date = CASE WHEN price_date IS NULL THEN NULL ELSE %s::date END
                    WHERE id = %s""",
                (at, at + timedelta(seconds=1), at + timedelta(seconds=1 + seconds), at, review_id),
            )
        return review_id


async def _move_run(connection: Connection, run_id: UUID, at: datetime, took: timedelta) -> None:
    await connection.execute(
        """UPDATE benchmark_results
              SET created_at = %s::timestamptz + %s * (abs(hashtext(cell_digest)) %% 1000) / 1000.0,
                  graded_at = CASE WHEN graded_at IS NULL THEN NULL
                                   ELSE %s::timestamptz + %s * (abs(hashtext(cell_digest)) %% 1000 + 20) / 1000.0 END,
                  price_date = CASE WHEN price_date IS NULL THEN NULL ELSE %s::date END
            WHERE benchmark_run_id = %s""",
        (at, took, at, took, at, run_id),
    )
    await connection.execute(
        """UPDATE judgements j SET created_at = r.graded_at FROM benchmark_results r
            WHERE r.tenant_id = j.tenant_id AND r.id = j.benchmark_result_id AND r.benchmark_run_id = %s""",
        (run_id,),
    )
    await connection.execute(
        """UPDATE benchmark_runs SET created_at = %s, started_at = %s,
                                     completed_at = CASE WHEN completed_at IS NULL THEN NULL ELSE %s END,
                                     answers_since = CASE WHEN answers_since IS NULL THEN NULL ELSE %s END
            WHERE id = %s""",
        (at, at + timedelta(seconds=1), at + timedelta(seconds=2) + took, at, run_id),
    )
    await refresh_benchmark(connection, run_id)


def models(*names: str) -> Sequence[ModelRef]:
    return [ModelRef.parse(name) for name in names]
