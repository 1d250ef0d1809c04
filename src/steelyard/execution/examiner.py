"""Examines a run's judge on canaries before a grade of it counts; each reply is committed before it is read."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar
from uuid import uuid4

from steelyard.domain.calls import CallError, ModelResponse, Usage
from steelyard.domain.models import ModelRef
from steelyard.domain.runs import JUDGE_REFUSED, RunStatus
from steelyard.domain.spending import SpendKind
from steelyard.execution.callers import Gate, Pricer
from steelyard.execution.context import Examining, RunContext, Stopped
from steelyard.execution.payer import Keep, Payer
from steelyard.execution.till import Tab, Till
from steelyard.execution.worker_claims import WorkerClaims
from steelyard.judging import Judge
from steelyard.judging.canaries import Canary, canaries_of, for_canary
from steelyard.judging.examination import Examination, Result, canary_digest, examined
from steelyard.storage import canaries as storage
from steelyard.storage import claims, results, runs, spending
from steelyard.storage.canaries import CanaryCall, CanaryPlace, CanaryRow
from steelyard.storage.database import DATABASE_AWAY, Connection, Database
from steelyard.storage.results import RunState

_AWAY_S = 1.0
_CLAIMED_POLL_S = 0.2
# Examinations a worker begins for one run while calls of the judge come to nothing.
_MOST_TRIES = 3

Written = TypeVar("Written")


@dataclass(frozen=True)
class _Asked:
    """One canary and where its grading is kept."""

    canary: Canary
    place: CanaryPlace

    @property
    def digest(self) -> str:
        return self.place.canary_digest


class Examiner:
    """One per worker process. A run's cells wait in `admit` until its judge may grade them."""

    def __init__(self, database: Database, till: Till, price: Pricer, claims: WorkerClaims) -> None:
        self._database = database
        self._till = till
        self._price = price
        self._claims = claims

    async def begin(self, context: RunContext) -> None:
        """Start the examination, so that it goes on while the first answers are called for.

        Returns once what was graded before has been read: a judge that is known to fail stops the run before a call.
        """
        for examining in [self._examining(context, judge) for judge in context.judges]:
            await examining.looked.wait()

    async def admit(self, context: RunContext, judge: Judge) -> str | None:
        """None once the judge's grades count in this run, else why it could not be examined.

        Raises Stopped where the judge is refused, which has ended the run, and where the run stops.
        """
        if judge.digest not in context.examining:
            context.check()
        return await asyncio.shield(self._examining(context, judge).task)

    async def settle(self, context: RunContext) -> None:
        """Wait for what is under way, so that a run does not end with calls of its own out."""
        if context.examining:
            await asyncio.wait({examining.task for examining in context.examining.values()})

    def _examining(self, context: RunContext, judge: Judge) -> Examining:
        known = context.examining.get(judge.digest)
        if known is not None:
            return known
        context.examinations[judge.digest] += 1
        looked = asyncio.Event()
        name = f"examination of {judge.model} for run {context.run.id}"
        task = asyncio.create_task(self._examine(context, judge, looked), name=name)
        context.examining[judge.digest] = begun = Examining(task, looked)
        task.add_done_callback(lambda done: self._ended(context, judge, done, looked))
        return begun

    def _ended(self, context: RunContext, judge: Judge, task: asyncio.Task[str | None], looked: asyncio.Event) -> None:
        looked.set()
        # Asked of the task so that a failure nobody waited for is not told as lost: the next to ask begins anew.
        failed = task.cancelled() or task.exception() is not None
        if failed or (task.result() is not None and context.examinations[judge.digest] < _MOST_TRIES):
            context.examining.pop(judge.digest, None)

    async def _examine(self, context: RunContext, judge: Judge, looked: asyncio.Event) -> str | None:
        asked = _asked(context, judge)
        failures: dict[str, str] = {}
        while True:
            rows = await self._rows(context, judge, asked)
            missing = [one for one in _missing(context, asked, rows) if one.digest not in failures]
            if not missing:
                break
            looked.set()
            found = await self._grade_free(context, judge, missing, asked)
            if found is None:
                context.check()
                await asyncio.sleep(_CLAIMED_POLL_S)
            else:
                failures |= found
        return await self._decide(context, judge, _examination(context, asked, rows, failures))

    async def _grade_free(
        self, context: RunContext, judge: Judge, missing: Sequence[_Asked], asked: Sequence[_Asked]
    ) -> dict[str, str] | None:
        """Grade those nobody else is at; why some could not be, by digest. None where all are claimed by others."""
        keys = {one.digest: storage.claim_key(one.place) for one in missing}
        gate = self._claims.gate(context.check)
        async with self._claims.taken(context.tenant_id, context.run.id, keys.values()) as taken:
            if not taken:
                return None
            # Another worker may have graded them meanwhile.
            rows = await self._rows(context, judge, asked)
            still = _missing(context, asked, rows)
            await self._note(context, judge, asked, {one.digest for one in still})
            mine = [one for one in still if keys.get(one.digest) in taken]
            return await self._grade_all(context, judge, mine, rows, asked, gate)

    async def _rows(self, context: RunContext, judge: Judge, asked: Sequence[_Asked]) -> dict[str, CanaryRow]:
        digests = [one.digest for one in asked]
        async with self._database.tenant(context.tenant_id) as connection:
            return await storage.canary_rows(connection, context.run.skill_id, judge.digest, digests)

    async def _grade_all(
        self,
        context: RunContext,
        judge: Judge,
        missing: Sequence[_Asked],
        rows: Mapping[str, CanaryRow],
        asked: Sequence[_Asked],
        gate: Gate,
    ) -> dict[str, str]:
        """Why those that could not be graded could not, by digest. Raises Stopped where calls may not be started."""
        left = {one.digest for one in _missing(context, asked, rows)}

        async def grade(one: _Asked) -> str | None:
            failure = await self._grade(context, judge, one, rows.get(one.digest), gate)
            if failure is None:
                left.discard(one.digest)
                await self._note(context, judge, asked, left)
            return failure

        outcomes = await asyncio.gather(*(grade(one) for one in missing), return_exceptions=True)
        failures: dict[str, str] = {}
        for one, outcome in zip(missing, outcomes, strict=True):
            # Raised only now, when the siblings' paid replies are safe.
            if isinstance(outcome, BaseException):
                raise outcome
            if outcome is not None:
                failures[one.digest] = outcome
        return failures

    async def _grade(
        self, context: RunContext, judge: Judge, one: _Asked, row: CanaryRow | None, gate: Gate
    ) -> str | None:
        """Grade one canary and store what it came to; why it came to nothing, else None. Raises Stopped."""
        case = for_canary(context.cases[one.canary.case_index])
        try:
            with self._till.tab(context.account, context.refuse) as tab:
                keep = self._keeper(context, judge.model, one, tab)
                payer = Payer(tab, gate, keep, _replies(context, row))
                grade = await judge.grade(payer, case, one.canary.output, (), threshold=context.plan.threshold)
        except CallError as error:
            await self._end(context, one, partial(storage.fail_canary, message=error.message))
            return error.message
        judged = grade.judgement
        assert judged is not None
        graded = partial(storage.grade_canary, quality=judged.quality, matches_expected=judged.matches_expected)
        await self._end(context, one, graded)
        return None

    async def _end(
        self, context: RunContext, one: _Asked, store: Callable[[Connection, CanaryPlace], Awaitable[None]]
    ) -> None:
        """Store what a grading came to, after which no call of it is out."""

        async def write(connection: Connection) -> None:
            await store(connection, one.place)
            await claims.release_claims(connection, self._claims.key, [storage.claim_key(one.place)])

        await self._commit(context, write)

    async def _note(self, context: RunContext, judge: Judge, asked: Sequence[_Asked], left: Collection[str]) -> None:
        """Say on the run how far the judge's examination is, for whoever watches; the next makes up for one lost."""
        done = sum(one.digest not in left for one in asked)
        with suppress(*DATABASE_AWAY):
            async with self._database.tenant(context.tenant_id) as connection:
                await storage.note_examining(connection, context.run.id, judge.digest, len(asked), done)

    def _keeper(self, context: RunContext, model: ModelRef, one: _Asked, tab: Tab) -> Keep:
        """Commits a call's reply and price, and its money on the run, all at once."""

        async def keep(response: ModelResponse | None, usage: Usage, *, known: bool, anew: bool) -> None:
            cost = self._price(usage, model, datetime.now(UTC).date()) if usage != Usage() else None
            amount = cost.microcents if cost else 0
            known = known and (cost is not None or usage == Usage())
            call = CanaryCall(
                reply=None
                if response is None
                else {"output": response.output, "stop_reason": response.stop_reason.value},
                input_tokens=usage.input_tokens,
                output_tokens=usage.output_tokens,
                cost_microcents=amount,
                cost_known=known,
                price_version=cost.price_version if cost else None,
                price_date=cost.price_date if cost else None,
            )
            key = uuid4()
            payment = tab.payment(SpendKind.EXAMINATION, model.text, amount, known=known)

            async def write(connection: Connection) -> RunState:
                kind = one.canary.kind.value
                if not await storage.record_call(
                    connection, context.tenant_id, one.place, key, call, kind=kind, judge=model.text, anew=anew
                ):
                    return await results.run_state(connection, context.run.id)
                await storage.add_examined(connection, context.run.id, amount, juror=_juror(context, one.place))
                state = await results.add_spending(
                    connection,
                    context.run.id,
                    spent=amount,
                    judge_spent=amount,
                    lower_bound=not known,
                    judge_lower_bound=not known,
                )
                await spending.pay(connection, context.tenant_id, [payment])
                return state

            context.uncommitted += amount
            try:
                state = await self._commit(context, write)
            finally:
                context.uncommitted -= amount
            tab.paid(payment)
            context.observe(state)

        return keep

    async def _decide(self, context: RunContext, judge: Judge, examination: Examination) -> str | None:
        """Store what was found, and end the run where its judge is refused. Raises Stopped then."""

        async def write(connection: Connection) -> tuple[bool, RunState]:
            found = examination.to_json()
            juror = judge.digest if context.plan.jury else None
            accepted = await storage.store_examination(connection, context.run.id, found, juror=juror)
            if examination.result is Result.FAILED and not accepted:
                await runs.stop_run(
                    connection,
                    context.run.id,
                    status=RunStatus.FAILED,
                    stop_cause=JUDGE_REFUSED,
                    error_message=refusal(judge.model.text, examination),
                )
            return accepted, await results.run_state(connection, context.run.id)

        accepted, state = await self._commit(context, write)
        context.observe(state)
        if examination.result is Result.FAILED and not accepted:
            raise Stopped
        if accepted or examination.result is not Result.UNFINISHED:
            return None
        why = next(one.failure for one in examination.canaries if one.failure is not None)
        return f"it could not be examined, so no grade of it counts: {why}"

    async def _commit(self, context: RunContext, write: Callable[[Connection], Awaitable[Written]]) -> Written:
        """Write until it is known to be on disk; `write` done twice must do what it does done once."""
        while True:
            try:
                async with self._database.tenant(context.tenant_id) as connection:
                    return await write(connection)
            except DATABASE_AWAY:
                await asyncio.sleep(_AWAY_S)


def refusal(judge: str, examination: Examination) -> str:
    """Why a judge is refused, by name and by every canary that was graded and missed."""
    return f"The judge {judge} failed its examination, so no score of it counts: {examination.missed}."


def _juror(context: RunContext, place: CanaryPlace) -> str | None:
    """The juror whose part of the run's examination this is; None where one judge has all of it."""
    return place.judge_digest if context.plan.jury else None


def _asked(context: RunContext, judge: Judge) -> list[_Asked]:
    return [
        _Asked(
            canary,
            CanaryPlace(context.run.skill_id, judge.digest, canary_digest(canary, context.cases[canary.case_index])),
        )
        for canary in canaries_of(context.cases)
    ]


def _missing(context: RunContext, asked: Sequence[_Asked], rows: Mapping[str, CanaryRow]) -> list[_Asked]:
    """Those without a grade this run may use; of two cases that are alike one is graded for both."""
    return list({one.digest: one for one in asked if not _graded(context, rows.get(one.digest))}.values())


def _graded(context: RunContext, row: CanaryRow | None) -> bool:
    """Whether a grade is there that this run may use: a fresh one uses those alone that were given since it began."""
    if row is None or row.graded_at is None:
        return False
    return not context.run.fresh or row.graded_at >= context.run.created_at


def _replies(context: RunContext, row: CanaryRow | None) -> list[Mapping[str, Any]]:
    """What a grading that broke off had come to, to be read before anything is called for again."""
    if row is None or row.graded_at is not None or row.failure is not None or row.replied_at is None:
        return []
    if context.run.fresh and row.replied_at < context.run.created_at:
        return []
    return list(row.replies)


def _examination(
    context: RunContext, asked: Sequence[_Asked], rows: Mapping[str, CanaryRow], failures: Mapping[str, str]
) -> Examination:
    found = [rows.get(one.digest) for one in asked]
    known = [row if _graded(context, row) else None for row in found]
    return examined(
        [one.canary for one in asked],
        [None if row is None else row.quality for row in known],
        [None if row is None else row.graded_at for row in known],
        [
            None if row is not None else failures.get(one.digest, "It was not graded.")
            for one, row in zip(asked, known, strict=True)
        ],
    )
