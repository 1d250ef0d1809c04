"""A run in a real database against a scripted caller, for laws that need faults no server can be asked for."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date
from random import Random
from uuid import UUID, uuid4

import psycopg

from steelyard.domain.calls import ModelRequest, ModelResponse, StopReason, Usage
from steelyard.domain.cases import Check, CheckKind, GoldenCase
from steelyard.domain.models import ModelRef
from steelyard.domain.runs import Arm
from steelyard.domain.skills import SkillContent
from steelyard.execution.engine import Unfit
from steelyard.execution.plan import Plan
from steelyard.judging import Judge
from steelyard.pricing import Cost
from steelyard.services.benchmarks import BenchmarkService
from steelyard.services.run_request import RunRequest
from steelyard.services.worker import LeftRun, work
from steelyard.storage.database import Connection, Database
from steelyard.storage.queue import Queue

CALL_MICROCENTS = 1_000


@dataclass
class Caller:
    """Answers with `reply`, `at_once` calls at a time, and counts; a reply may raise CallError."""

    reply: Callable[[ModelRequest], str | ModelResponse] = lambda request: "120 g"
    at_once: int = 10
    delay_s: float = 0.005
    calls: Counter[tuple[str, str, str]] = field(default_factory=Counter[tuple[str, str, str]])
    in_flight: int = 0
    max_in_flight: int = 0
    on_call: Callable[[int], None] = lambda count: None
    _slots: asyncio.Semaphore | None = None

    async def complete(
        self, request: ModelRequest, *, priority: int = 0, before_call: Callable[[bool], Awaitable[None]] | None = None
    ) -> ModelResponse:
        self._slots = self._slots or asyncio.Semaphore(self.at_once)
        async with self._slots:
            if before_call is not None:
                await before_call(False)
            self.calls[request.model.text, request.system, request.prompt] += 1
            self.on_call(self.calls.total())
            self.in_flight += 1
            self.max_in_flight = max(self.max_in_flight, self.in_flight)
            try:
                await asyncio.sleep(self.delay_s)
                found = self.reply(request)
            finally:
                self.in_flight -= 1
        return found if isinstance(found, ModelResponse) else answer(found)


class LossyDatabase(Database):
    """Loses its line at the end of some transactions: half of those are committed all the same, and nobody hears it."""

    def __init__(self, dsn: str, *, seed: int, share: float) -> None:
        super().__init__(dsn)
        self.random = Random(seed)
        self.share = share

    @asynccontextmanager
    async def tenant(self, tenant_id: UUID) -> AsyncGenerator[Connection]:
        lost = self.random.random() < self.share
        if lost and self.random.random() < 0.5:
            async with super().tenant(tenant_id) as connection:
                yield connection
                raise psycopg.OperationalError("the line was lost before the commit")
        async with super().tenant(tenant_id) as connection:
            yield connection
        if lost:
            raise psycopg.OperationalError("the line was lost after the commit")


def answer(text: str, stop: StopReason = StopReason.STOP) -> ModelResponse:
    return ModelResponse(text, Usage(10, 5), 5.0, stop)


def price(usage: Usage, model: ModelRef, when: date) -> Cost | None:
    """Each call with usage costs the same; models named free-of-price have no known price."""
    if model.name.startswith("unpriced"):
        return None
    return Cost(CALL_MICROCENTS if usage.total_tokens else 0, "test", when)


class Models:
    """Knows every model."""

    def check(self, ref: ModelRef) -> None:
        return None

    def identity(self, ref: ModelRef) -> str:
        return ref.text


def request_of(
    content: SkillContent | None = None,
    cases: int | Sequence[GoldenCase] = 20,
    models: int = 2,
    chosen: Sequence[ModelRef] = (),
    fresh: bool = False,
    budget_microcents: int | None = None,
) -> RunRequest:
    """A checks-only request, on a skill and cases of its own where none are given."""
    name = f"weigh-{uuid4().hex[:8]}"
    if isinstance(cases, int):
        check = Check(CheckKind.CONTAINS, "120 g")
        cases = [GoldenCase(str(i), f"{name}: item {i}", "120 g", checks=(check,)) for i in range(cases)]
    return RunRequest(
        content=content or SkillContent(name, "Weighs.", "Weigh it.", f"Weigh it. {name}", uuid4().hex),
        cases=cases,
        models=chosen or [ModelRef("test", f"m{i}") for i in range(models)],
        judge=None,
        arms=(Arm.WITH_SKILL,),
        fresh=fresh,
        budget_microcents=budget_microcents,
    )


def fit(plan: Plan) -> None:
    """Whatever the plan, it can be served."""


@dataclass
class Bench:
    """Starts runs and serves them until they end, or until told to stop."""

    database: Database
    tenant_id: UUID

    def make_judge(self, ref: ModelRef) -> Judge:
        return Judge(ref, ref.text)

    async def service(self) -> BenchmarkService:
        queue = Queue(self.database)
        await queue.open()
        return BenchmarkService(self.database, queue, Models(), self.make_judge)

    async def start(self, request: RunRequest) -> UUID:
        service = await self.service()
        return (await service.start(self.tenant_id, request)).run_id

    async def serve(
        self,
        run_id: UUID,
        caller: Caller,
        *,
        stop: asyncio.Event | None = None,
        timeout_s: float = 60,
        unfit: Unfit = fit,
        left: Callable[[LeftRun], None] | None = None,
    ) -> None:
        stop = stop or asyncio.Event()
        async with asyncio.timeout(timeout_s):
            await work(
                self.database,
                caller,
                price,
                self.make_judge,
                unfit=unfit,
                left=left,
                run_id=run_id,
                concurrency=caller.at_once,
                stop=stop,
                ended=lambda _: stop.set(),
            )
