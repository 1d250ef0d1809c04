"""Grades one committed answer by a jury: each judge's reply is committed by itself, the grade once all have replied."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from steelyard.domain.calls import CallError, FailureKind, Usage
from steelyard.domain.grading import CheckResult, Grade
from steelyard.domain.runs import CellState
from steelyard.domain.spending import SpendKind
from steelyard.execution.apart import apart
from steelyard.execution.callers import Admit, Gate, JudgeCaller, Pricer
from steelyard.execution.context import RunContext
from steelyard.execution.plan import Cell
from steelyard.execution.recorder import Recorder, Spending
from steelyard.execution.till import Till
from steelyard.judging import Judge
from steelyard.judging.panel import panel_grade
from steelyard.judging.scoring import combine
from steelyard.storage.judgements import JurorWrite, KnownJudgement
from steelyard.storage.results import GradeWrite


class Panel:
    """A run's judges side by side, through one till and one recorder."""

    def __init__(self, till: Till, recorder: Recorder, price: Pricer, admit: Admit) -> None:
        self._till = till
        self._recorder = recorder
        self._price = price
        self._admit = admit

    async def grade(
        self, context: RunContext, cell: Cell, result_id: UUID, output: str, *, claim: str, gate: Gate
    ) -> None:
        """Ask every judge who has not graded this answer, here or in another run, and grade it by all.

        One that fails leaves the answer without a grade, and what the others said is kept. Raises Stopped before a
        call that may not be started, once every reply that is under way is committed.
        """
        known = await self._recorder.known(
            context.tenant_id,
            result_id,
            cell.digest,
            [context.juror_grading(cell.case_index, judge) for judge in context.judges],
            elsewhere=not context.run.fresh,
        )
        checks = await apart().run(context.tenant_id, context.cases[cell.case_index].checks, output)
        outcomes = await asyncio.gather(
            *(self._grade(context, cell, judge, result_id, output, checks, known, gate) for judge in context.judges),
            return_exceptions=True,
        )
        grades: list[Grade] = []
        failures: list[str] = []
        for outcome in outcomes:
            # Raised only now, when the other judges' paid replies are safe.
            if isinstance(outcome, BaseException):
                raise outcome
            if isinstance(outcome, Grade):
                grades.append(outcome)
            else:
                failures.append(outcome)
        write = GradeWrite(result_id, context.gradings[cell.case_index], CellState.ANSWERED)
        if failures:
            write = replace(write, failure_kind=FailureKind.JUDGE, error_message=" ".join(failures))
        else:
            grade = panel_grade(grades)
            write = replace(
                write,
                state=CellState.JUDGED,
                quality_score=grade.quality,
                passed=grade.passed,
                quality_notes=grade.notes,
                matches_expected=grade.matches_expected,
                checks=[result.to_json() for result in grade.checks],
            )
        await self._recorder.grade(context.tenant_id, context.run.id, write, Spending(), release=claim)

    async def _grade(
        self,
        context: RunContext,
        cell: Cell,
        judge: Judge,
        result_id: UUID,
        output: str,
        checks: Sequence[CheckResult],
        known: dict[str, KnownJudgement],
        gate: Gate,
    ) -> Grade | str:
        """One judge's grade, else why there is none."""
        why = await self._admit(context, judge)
        if why is not None:
            return f"Judge {judge.model}: {why}"
        case, grading = context.cases[cell.case_index], context.juror_grading(cell.case_index, judge)
        write = JurorWrite(result_id, grading, context.gradings[cell.case_index])
        found = known.get(grading)
        if found is not None:
            grade = combine(case, tuple(checks), found.judgement, context.plan.threshold)
            if found.result_id != result_id:
                taken = replace(write, copied_from=found.result_id, passed=grade.passed)
                await self._recorder.juror(context.tenant_id, context.run.id, taken, Spending())
            return grade
        when = datetime.now(UTC).date()
        with self._till.tab(context.account, context.refuse) as tab:
            caller = JudgeCaller(tab, gate)
            try:
                grade = await judge.grade(
                    caller, case, output, context.plan.rubric, threshold=context.plan.threshold, checks=checks
                )
            except CallError as error:
                outcome: Grade | str = f"Judge {judge.model}: {error.message}"
                usage, heard, calls = error.wasted, error.wasted_known, 1
            else:
                judged = grade.judgement
                assert judged is not None
                outcome, usage, heard, calls = grade, judged.usage, judged.usage_known, judged.calls
                write = replace(write, judgement=judged, passed=grade.passed)
            cost = self._price(usage, judge.model, when)
            amount = cost.microcents if cost else 0
            heard = heard and (cost is not None or usage == Usage())
            write = replace(write, cost_microcents=amount, cost_known=heard)
            calls = 0 if usage == Usage() and heard else calls
            payment = tab.payment(SpendKind.JUDGING, judge.model.text, amount, calls=calls, known=heard)
            spending = Spending(amount, amount, heard, payment, judge_known=heard)
            context.uncommitted += amount
            try:
                await self._recorder.juror(context.tenant_id, context.run.id, write, spending)
                tab.paid(payment)
            finally:
                context.uncommitted -= amount
        return outcome
