"""One cell from call to grade: the answer is committed before it is graded, the grade before anything else."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from uuid import UUID, uuid4

from steelyard.domain.calls import CallError, FailureKind, ModelRequest, ModelResponse, StopReason, Usage
from steelyard.domain.grading import Grade
from steelyard.domain.masking import masked
from steelyard.domain.models import ModelRef
from steelyard.domain.runs import CellState
from steelyard.domain.spending import SpendKind
from steelyard.execution.apart import apart
from steelyard.execution.callers import Admit, Gate, JudgeCaller, Pricer
from steelyard.execution.context import Overtaken, RunContext
from steelyard.execution.panel import Panel
from steelyard.execution.plan import Cell, system_prompt
from steelyard.execution.recorder import Recorder, Spending
from steelyard.execution.till import Tab, Till
from steelyard.judging import Judge, grade_by_checks
from steelyard.judging.scoring import combine
from steelyard.storage.database import DATABASE_ERROR
from steelyard.storage.results import AnswerWrite, GradeWrite, StoredCell
from steelyard.storage.spending import Payment


class CellRunner:
    """Runs cells of any run against the providers, through one till and one recorder."""

    def __init__(self, till: Till, recorder: Recorder, price: Pricer, admit: Admit) -> None:
        self._till = till
        self._recorder = recorder
        self._price = price
        self._admit = admit
        self._panel = Panel(till, recorder, price, admit)

    async def call(self, context: RunContext, cell: Cell, *, attempt: int, claim: str, gate: Gate) -> None:
        """Call the model, commit, grade, commit. Raises Stopped when no call may be started, and Overtaken."""
        case, model = context.cases[cell.case_index], context.models[cell.model_index]
        request = ModelRequest(
            model, system_prompt(cell.arm, context.skill_prompt), case.prompt, context.plan.max_tokens
        )
        write = _blank(context, cell, attempt)
        when = datetime.now(UTC).date()
        with self._till.tab(context.account, context.refuse) as tab:
            try:
                response = await tab.complete(request, before_call=gate)
            except CallError as error:
                wasted = self._price(error.wasted, model, when)
                failed = replace(
                    write,
                    state=CellState.FAILED,
                    failure_kind=error.kind.value,
                    error_message=error.message,
                    wasted_cost_microcents=wasted.microcents if wasted else 0,
                )
                known = error.wasted_known and (wasted is not None or error.wasted == Usage())
                spending = Spending(failed.wasted_cost_microcents, known=known)
                paid = error.wasted != Usage() or not error.wasted_known
                await self._commit_answer(context, failed, spending, tab, calls=int(paid), release=claim)
                return
            answered, spending = _answered(write, response, self._price, model, when)
            final = answered.state == CellState.FAILED
            result_id = await self._commit_answer(context, answered, spending, tab, release=claim if final else None)
        if final:
            return
        if result_id is None:
            raise Overtaken
        await self.grade(context, cell, result_id, response.output, claim=claim, gate=gate)

    async def reuse(self, context: RunContext, cell: Cell, stored: StoredCell, *, claim: str, gate: Gate) -> None:
        """Take over a paid answer of another run, with its grade when it was graded the same way. Raises Overtaken."""
        paid = _priced_anew(stored, context.models[cell.model_index], self._price, datetime.now(UTC).date())
        write = replace(
            _blank(context, cell, 1),
            state=CellState.FAILED if stored.state == CellState.FAILED else CellState.ANSWERED,
            reused_from=stored.id,
            output_produced=stored.output_produced,
            input_tokens=stored.input_tokens,
            output_tokens=stored.output_tokens,
            total_tokens=stored.total_tokens,
            cache_read_tokens=stored.cache_read_tokens,
            cache_write_tokens=stored.cache_write_tokens,
            reasoning_tokens=stored.reasoning_tokens,
            latency_ms=stored.latency_ms,
            ttft_ms=stored.ttft_ms,
            stop_reason=stored.stop_reason,
            effective_settings=stored.effective_settings,
            estimated_cost_microcents=paid.estimated_cost_microcents,
            price_version=paid.price_version,
            price_date=paid.price_date,
            failure_kind=stored.failure_kind if stored.state == CellState.FAILED else None,
            error_message=stored.error_message if stored.state == CellState.FAILED else None,
        )
        final = write.state == CellState.FAILED
        result_id = await self._recorder.answer(
            context.tenant_id, context.run.id, write, Spending(), release=claim if final else None
        )
        if final:
            return
        if result_id is None:
            raise Overtaken
        alike = stored.state == CellState.JUDGED and stored.grading_digest == write.grading_digest
        if alike and not context.by_jury(cell.case_index):
            # A grade of this judge in another run counts here by what the judge makes of this run's canaries.
            judged = context.cases[cell.case_index].needs_judge
            if judged and not await self._admitted(context, cell, result_id, context.judges[0], claim=claim):
                return
            copied = GradeWrite(
                result_id,
                write.grading_digest,
                CellState.JUDGED,
                stored.quality_score,
                stored.passed,
                stored.quality_notes or "",
                stored.matches_expected,
                stored.checks,
                copied_from=stored.id,
            )
            await self._recorder.grade(context.tenant_id, context.run.id, copied, Spending(), release=claim)
        elif not await self._taken_over(context, cell, result_id, stored.output_produced or "", claim=claim):
            await self.grade(context, cell, result_id, stored.output_produced or "", claim=claim, gate=gate)

    async def _taken_over(self, context: RunContext, cell: Cell, result_id: UUID, output: str, *, claim: str) -> bool:
        """Whether the answer got the grade that the run's one judge has given it already, in a jury for one."""
        case, digest = context.cases[cell.case_index], context.gradings[cell.case_index]
        if len(context.judges) != 1 or not case.needs_judge:
            return False
        known = await self._recorder.known(context.tenant_id, result_id, cell.digest, [digest], elsewhere=True)
        if digest not in known:
            return False
        if await self._admitted(context, cell, result_id, context.judges[0], claim=claim):
            found = known[digest]
            checks = await apart().run(context.tenant_id, case.checks, output)
            grade = combine(case, checks, found.judgement, context.plan.threshold)
            write = replace(_grade_write(result_id, digest, grade), judgement=None, copied_from=found.result_id)
            await self._recorder.grade(context.tenant_id, context.run.id, write, Spending(), release=claim)
        return True

    async def grade(
        self, context: RunContext, cell: Cell, result_id: UUID, output: str, *, claim: str, gate: Gate
    ) -> None:
        """Grade a committed answer. Raises Stopped before a judge's call that may not be started."""
        case, digest = context.cases[cell.case_index], context.gradings[cell.case_index]
        when = datetime.now(UTC).date()
        if not context.judges or not case.needs_judge:
            checks = await apart().run(context.tenant_id, case.checks, output)
            graded = _grade_write(result_id, digest, grade_by_checks(case, checks, threshold=context.plan.threshold))
            await self._recorder.grade(context.tenant_id, context.run.id, graded, Spending(), release=claim)
            return
        if context.by_jury(cell.case_index):
            await self._panel.grade(context, cell, result_id, output, claim=claim, gate=gate)
            return
        judge = context.judges[0]
        if not await self._admitted(context, cell, result_id, judge, claim=claim):
            return
        checks = await apart().run(context.tenant_id, case.checks, output)
        with self._till.tab(context.account, context.refuse) as tab:
            caller = JudgeCaller(tab, gate)
            try:
                grade = await judge.grade(
                    caller, case, output, context.plan.rubric, threshold=context.plan.threshold, checks=checks
                )
            except CallError as error:
                usage, heard, calls = error.wasted, error.wasted_known, 1
                write = GradeWrite(
                    result_id,
                    digest,
                    CellState.ANSWERED,
                    failure_kind=FailureKind.JUDGE,
                    error_message=f"Judge {judge.model}: {error.message}",
                )
            else:
                judged = grade.judgement
                usage, heard, calls = (judged.usage, judged.usage_known, judged.calls) if judged else (Usage(), True, 0)
                write = _grade_write(result_id, digest, grade)
            cost = self._price(usage, judge.model, when)
            amount = cost.microcents if cost else 0
            known = heard and (cost is not None or usage == Usage())
            write = replace(write, judge_cost_microcents=amount, judge_cost_known=known)
            calls = 0 if usage == Usage() and heard else calls
            payment = tab.payment(SpendKind.JUDGING, judge.model.text, amount, calls=calls, known=known)
            context.uncommitted += amount
            try:
                spending = Spending(amount, amount, known, payment, judge_known=known)
                await self._recorder.grade(context.tenant_id, context.run.id, write, spending, release=claim)
                tab.paid(payment)
            finally:
                context.uncommitted -= amount

    async def _admitted(self, context: RunContext, cell: Cell, result_id: UUID, judge: Judge, *, claim: str) -> bool:
        """Whether the judge's grade of this cell counts; where it could not be examined that is recorded."""
        why = await self._admit(context, judge)
        if why is None:
            return True
        write = GradeWrite(
            result_id,
            context.gradings[cell.case_index],
            CellState.ANSWERED,
            failure_kind=FailureKind.JUDGE,
            error_message=f"Judge {judge.model}: {why}",
        )
        await self._recorder.grade(context.tenant_id, context.run.id, write, Spending(), release=claim)
        return False

    async def fail(self, context: RunContext, cell: Cell, error: Exception, *, claim: str) -> None:
        """Record a fault of Steelyard's own: on the cell, or on its grade where it has an answer."""
        message = masked(f"Steelyard failed on this cell: {type(error).__name__}: {error}")
        # What was refused may have been paid for.
        known = not isinstance(error, DATABASE_ERROR)
        model = context.models[cell.model_index].text
        lost = None if known else Payment(context.account, SpendKind.ANSWERS, model, 0, unknown=1)
        spending = Spending(known=known, payment=lost)
        kind = FailureKind.INTERNAL
        write = replace(_blank(context, cell, 1), state=CellState.FAILED, failure_kind=kind, error_message=message)
        result = await self._recorder.answer(context.tenant_id, context.run.id, write, spending, release=claim)
        if result is not None:
            return
        result_id = await self._recorder.id_of(context.tenant_id, context.run.id, cell.digest)
        grade = GradeWrite(
            result_id, write.grading_digest, CellState.ANSWERED, failure_kind=kind, error_message=message
        )
        lost_grade = Spending(known=known, judge_known=known)
        await self._recorder.grade(context.tenant_id, context.run.id, grade, lost_grade, release=claim)

    async def _commit_answer(
        self,
        context: RunContext,
        write: AnswerWrite,
        spending: Spending,
        tab: Tab,
        *,
        calls: int = 1,
        release: str | None,
    ) -> UUID | None:
        payment = tab.payment(SpendKind.ANSWERS, write.model_name, spending.spent, calls=calls, known=spending.known)
        context.uncommitted += spending.spent
        try:
            result_id = await self._recorder.answer(
                context.tenant_id, context.run.id, write, replace(spending, payment=payment), release=release
            )
            tab.paid(payment)
            return result_id
        finally:
            context.uncommitted -= spending.spent


def _blank(context: RunContext, cell: Cell, attempt: int) -> AnswerWrite:
    case, model = context.cases[cell.case_index], context.models[cell.model_index]
    return AnswerWrite(
        id=uuid4(),
        model_name=model.text,
        model_provider=model.provider,
        arm=cell.arm,
        trial=cell.trial,
        test_case_index=cell.case_index,
        case_id=context.plan.case_ids[cell.case_index],
        cell_digest=cell.digest,
        grading_digest=context.gradings[cell.case_index],
        state=CellState.ANSWERED,
        input_used=case.prompt,
        output_produced=None,
        expected_output=case.expected,
        attempt=attempt,
    )


def _priced_anew(stored: StoredCell, model: ModelRef, price: Pricer, when: date) -> StoredCell:
    """A stored answer at the prices of `when`: a run compares costs as they are, whenever its answers were paid for."""
    if stored.input_tokens is None or stored.output_tokens is None:
        return stored
    usage = Usage(
        stored.input_tokens,
        stored.output_tokens,
        stored.cache_read_tokens or 0,
        stored.cache_write_tokens or 0,
        stored.reasoning_tokens or 0,
    )
    cost = price(usage, model, when)
    return replace(
        stored,
        estimated_cost_microcents=cost.microcents if cost else None,
        price_version=cost.price_version if cost else None,
        price_date=cost.price_date if cost else None,
    )


def _answered(
    write: AnswerWrite, response: ModelResponse, price: Pricer, model: ModelRef, when: date
) -> tuple[AnswerWrite, Spending]:
    # A server that tells no usage would else seem to answer for nothing, of no tokens.
    cost = price(response.usage, model, when) if response.usage_known else None
    wasted = price(response.wasted, model, when)
    kind, message = answer_failure(response)
    usage = response.usage if response.usage_known else None
    answered = replace(
        write,
        state=CellState.FAILED if kind else CellState.ANSWERED,
        output_produced=response.output,
        input_tokens=usage and usage.input_tokens,
        output_tokens=usage and usage.output_tokens,
        total_tokens=usage and usage.total_tokens,
        cache_read_tokens=usage and usage.cache_read_tokens,
        cache_write_tokens=usage and usage.cache_write_tokens,
        reasoning_tokens=usage and usage.reasoning_tokens,
        latency_ms=response.latency_ms,
        ttft_ms=response.ttft_ms,
        stop_reason=response.stop_reason.value,
        effective_settings=response.effective_settings,
        estimated_cost_microcents=cost.microcents if cost else None,
        wasted_cost_microcents=wasted.microcents if wasted else 0,
        price_version=cost.price_version if cost else None,
        price_date=cost.price_date if cost else None,
        failure_kind=kind.value if kind else None,
        error_message=message,
    )
    spent = (cost.microcents if cost else 0) + answered.wasted_cost_microcents
    return answered, Spending(spent, known=cost is not None and response.wasted_known)


def answer_failure(response: ModelResponse) -> tuple[FailureKind | None, str | None]:
    """Why an answer is no usable one, if it is not: refused, cut or empty. Such an answer scores 0."""
    match response.stop_reason:
        case StopReason.REFUSAL:
            return FailureKind.REFUSED, "The model refused to answer."
        case StopReason.LENGTH if not response.usage_known:
            return FailureKind.CUT, "The answer was cut at max_tokens."
        case StopReason.LENGTH:
            used = response.usage.output_tokens
            return FailureKind.CUT, f"The answer was cut at max_tokens after {used:,} tokens."
        case StopReason.CONTEXT if not response.usage_known:
            return FailureKind.CONTEXT_WINDOW, "The answer was cut where the model's context window was full."
        case StopReason.CONTEXT:
            used = response.usage
            return FailureKind.CONTEXT_WINDOW, (
                f"The answer was cut where the model's context window was full: {used.input_tokens:,} tokens of prompt"
                f" and {used.output_tokens:,} of answer."
            )
        case _ if not response.output.strip():
            return FailureKind.EMPTY, "The model's answer was empty."
        case _:
            return None, None


def _grade_write(result_id: UUID, digest: str, grade: Grade) -> GradeWrite:
    return GradeWrite(
        result_id,
        digest,
        CellState.ANSWERED if grade.quality is None else CellState.JUDGED,
        grade.quality,
        grade.passed,
        grade.notes,
        grade.matches_expected,
        [result.to_json() for result in grade.checks],
        judgement=grade.judgement,
    )
