"""One case in a run: what was asked and expected, and what up to four models made of it, with every grade."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from steelyard.domain.cases import Check, GoldenCase
from steelyard.domain.errors import InputError, NotFound
from steelyard.domain.grading import CheckResult, CriterionLevel
from steelyard.domain.runs import Arm
from steelyard.execution.plan import Plan
from steelyard.execution.scores import compared_arm
from steelyard.services.run_matrix import (
    MatrixCell,
    MatrixFilter,
    SparedCells,
    first_line,
    matching_cases,
    matrix_cell,
)
from steelyard.services.run_progress import UNDER_WAY
from steelyard.storage import case_results, matrix, runs
from steelyard.storage.case_results import CaseResultRow, JudgementRow
from steelyard.storage.cases import cases_by_id
from steelyard.storage.database import Connection, Database
from steelyard.storage.runs import RunRow

MOST_MODELS = 4
# A page carries at most this many characters of outputs, and of one text.
MOST_OUTPUT = 400_000
MOST_TEXT = 100_000
LEAST_TEXT = 2_000


@dataclass(frozen=True)
class CutText:
    """The beginning of a text; `size` is the whole text's length in bytes of UTF-8."""

    text: str
    size: int
    cut: bool


@dataclass(frozen=True)
class CaseText:
    """What was asked and how it is graded. `files` are (path, text)."""

    id: UUID
    key: str
    title: str
    input: CutText
    expected: CutText
    assertions: tuple[str, ...]
    checks: tuple[Check, ...]
    files: tuple[tuple[str, CutText], ...]
    family: str | None
    case_set: str | None
    source: str


@dataclass(frozen=True)
class CaseJudgement:
    """One judge's grading. `quality` 0-100, levels 0-5; `current`: it is the grading the cell's quality rests on.

    `cost_microcents` is None where the judge's price is unknown.
    """

    judge: str
    judge_digest: str
    quality: float
    criteria: tuple[CriterionLevel, ...]
    differences_from_expected: str
    matches_expected: str
    notes: str
    flags: tuple[str, ...]
    input_tokens: int
    output_tokens: int
    calls: int
    cost_microcents: int | None
    created_at: datetime
    current: bool


@dataclass(frozen=True)
class CaseAnswer:
    """One stored cell. Money in microcents (None is unknown), times in milliseconds, tokens by class.

    `input_tokens` include cache reads and writes, `output_tokens` the reasoning. `failure_kind` "judge" stands on an
    answer whose judge failed. `wasted_cost_microcents` was paid for attempts that gave nothing.
    """

    result_id: UUID
    arm: str
    trial: int
    state: str
    attempt: int
    reused: bool
    output: CutText | None
    quality: float | None
    passed: bool | None
    notes: str
    matches_expected: bool | None
    checks: tuple[CheckResult, ...]
    judgements: tuple[CaseJudgement, ...]
    input_tokens: int | None
    output_tokens: int | None
    total_tokens: int | None
    cache_read_tokens: int | None
    cache_write_tokens: int | None
    reasoning_tokens: int | None
    cost_microcents: int | None
    wasted_cost_microcents: int
    judge_cost_microcents: int
    price_version: str | None
    price_date: date | None
    latency_ms: float | None
    ttft_ms: float | None
    stop_reason: str | None
    effective_settings: Mapping[str, Any]
    failure_kind: str | None
    error_message: str | None
    created_at: datetime
    graded_at: datetime | None


@dataclass(frozen=True)
class CaseSlot:
    """One planned cell; `answer` is None while there is none, or when it was never called for."""

    arm: str
    trial: int
    answer: CaseAnswer | None


@dataclass(frozen=True)
class CaseColumn:
    """One model: `cells` is its line of the matrix on this case, one per arm; `slots` by arm, the compared one first,
    then by trial."""

    model: str
    cells: tuple[MatrixCell, ...]
    slots: tuple[CaseSlot, ...]


@dataclass(frozen=True)
class CaseView:
    """A case of a run. `models` are all of the run's, `shown` the chosen ones in order.

    `previous` and `next` are the neighbours' indexes among the cases the filter keeps; `position` of `total` counts
    from 1 there, and is None when the filter does not keep this case.
    """

    run: RunRow
    index: int
    cases: int
    case: CaseText
    models: tuple[str, ...]
    others: tuple[CaseColumn, ...]
    shown: tuple[CaseColumn, ...]
    compared_arm: str
    only: MatrixFilter
    previous: int | None
    next: int | None
    position: int | None
    total: int


class CaseViews:
    """Reads cases of runs for their pages, for one tenant at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def view(
        self,
        tenant_id: UUID,
        run_id: UUID,
        index: int,
        *,
        models: Sequence[str] = (),
        only: MatrixFilter = MatrixFilter.ALL,
    ) -> CaseView:
        """The case at `index` of the run; by default the best model, the cheapest, then others.

        `others` are the columns of the models not shown, without their answers. Raises NotFound, and InputError for
        more than four models or one that is not of the run.
        """
        async with self._database.tenant(tenant_id) as connection:
            run = await runs.get_run(connection, run_id)
            plan = Plan.from_json(run.plan)
            if not 0 <= index < len(plan.case_ids):
                raise NotFound(
                    f"This run has no case {index + 1}.", next_step=f"Its cases are 1 to {len(plan.case_ids)}."
                )
            chosen = _chosen(run, plan, models)
            matching = await matching_cases(connection, run_id, plan, only)
            case = (await cases_by_id(connection, [plan.case_ids[index]]))[plan.case_ids[index]]
            counts = await matrix.matrix_cells(connection, run_id, [index])
            rows = await case_results.case_results(connection, run_id, index, chosen)
            answers = await _answers(connection, rows)
        cells = {(cell.model_name, cell.arm): cell for cell in counts}
        under_way = run.status in UNDER_WAY
        spared = SparedCells(plan, run.race)
        arms = _arms(plan)

        def column(model: str, slots: tuple[CaseSlot, ...]) -> CaseColumn:
            why = spared.why(model, index)
            made = (
                matrix_cell(model, arm.value, cells.get((model, arm.value)), under_way=under_way, spared=why)
                for arm in arms
            )
            return CaseColumn(model, tuple(made), slots)

        def slots(model: str) -> tuple[CaseSlot, ...]:
            return tuple(
                CaseSlot(arm.value, trial, answers.get((model, arm.value, trial)))
                for arm in arms
                for trial in range(plan.trials)
            )

        before = [other for other in matching if other < index]
        after = next((other for other in matching if other > index), None)
        return CaseView(
            run=run,
            index=index,
            cases=len(plan.case_ids),
            case=_case_text(plan.case_ids[index], case),
            models=plan.models,
            others=tuple(column(model, ()) for model in plan.models if model not in chosen),
            shown=tuple(column(model, slots(model)) for model in chosen),
            compared_arm=compared_arm(plan).value,
            only=only,
            previous=before[-1] if before else None,
            next=after,
            position=len(before) + 1 if index in matching else None,
            total=len(matching),
        )

    async def output(self, tenant_id: UUID, run_id: UUID, result_id: UUID) -> str:
        """The whole output of one cell, for a download. Raises NotFound."""
        async with self._database.tenant(tenant_id) as connection:
            return await case_results.whole_output(connection, run_id, result_id)

    async def golden_case(self, tenant_id: UUID, run_id: UUID, index: int) -> GoldenCase:
        """The whole case at `index` of the run, for a download. Raises NotFound."""
        async with self._database.tenant(tenant_id) as connection:
            plan = Plan.from_json((await runs.get_run(connection, run_id)).plan)
            if not 0 <= index < len(plan.case_ids):
                raise NotFound(f"This run has no case {index + 1}.")
            return (await cases_by_id(connection, [plan.case_ids[index]]))[plan.case_ids[index]]


def default_models(run: RunRow, plan: Plan) -> list[str]:
    """Up to four models to show first: the best, the cheapest, then the others in the plan's order."""
    leading = [model for model in (run.best_model, run.cheapest_model) if model in plan.models]
    return list(dict.fromkeys([*leading, *plan.models]))[:MOST_MODELS]


def cut_text(text: str, length: int = MOST_TEXT) -> CutText:
    """The first `length` characters."""
    return CutText(text[:length], len(text.encode()), len(text) > length)


def _chosen(run: RunRow, plan: Plan, models: Sequence[str]) -> list[str]:
    chosen = list(dict.fromkeys(models))
    unknown = next((model for model in chosen if model not in plan.models), None)
    if unknown is not None:
        raise InputError(f"'{unknown}' is not a model of this run.", next_step=f"Its models: {', '.join(plan.models)}.")
    if len(chosen) > MOST_MODELS:
        raise InputError(f"{len(chosen)} models are too many side by side.", next_step=f"Choose up to {MOST_MODELS}.")
    return chosen or default_models(run, plan)


def _arms(plan: Plan) -> tuple[Arm, ...]:
    first = compared_arm(plan)
    return (first, *(arm for arm in plan.arms if arm is not first))


async def _answers(connection: Connection, rows: Sequence[CaseResultRow]) -> dict[tuple[str, str, int], CaseAnswer]:
    ids = [row.id for row in rows]
    length = max(LEAST_TEXT, min(MOST_TEXT, MOST_OUTPUT // max(1, len(rows))))
    starts = await case_results.output_starts(connection, ids, length)
    judgements: dict[UUID, list[JudgementRow]] = {}
    for judgement in await case_results.judgements_of(connection, ids):
        judgements.setdefault(judgement.benchmark_result_id, []).append(judgement)
    return {
        (row.model_name, row.arm, row.trial): _answer(row, starts.get(row.id), judgements.get(row.id, []))
        for row in rows
    }


def _answer(row: CaseResultRow, start: str | None, judgements: Sequence[JudgementRow]) -> CaseAnswer:
    size = row.output_bytes or 0
    return CaseAnswer(
        result_id=row.id,
        arm=row.arm,
        trial=row.trial,
        state=row.state,
        attempt=row.attempt,
        reused=row.reused_from is not None,
        output=None if start is None else CutText(start, size, size > len(start.encode())),
        quality=row.quality_score,
        passed=row.passed,
        notes=row.quality_notes or "",
        matches_expected=row.matches_expected,
        checks=tuple(CheckResult(dict(one["check"]), one["passed"], one["evidence"]) for one in row.checks),
        judgements=tuple(_judgement(judgement, row.grading_digest) for judgement in judgements),
        input_tokens=row.input_tokens,
        output_tokens=row.output_tokens,
        total_tokens=row.total_tokens,
        cache_read_tokens=row.cache_read_tokens,
        cache_write_tokens=row.cache_write_tokens,
        reasoning_tokens=row.reasoning_tokens,
        cost_microcents=row.estimated_cost_microcents,
        wasted_cost_microcents=row.wasted_cost_microcents,
        judge_cost_microcents=row.judge_cost_microcents,
        price_version=row.price_version,
        price_date=row.price_date,
        latency_ms=row.latency_ms,
        ttft_ms=row.ttft_ms,
        stop_reason=row.stop_reason,
        effective_settings=row.effective_settings,
        failure_kind=row.failure_kind,
        error_message=row.error_message,
        created_at=row.created_at,
        graded_at=row.graded_at,
    )


def _judgement(row: JudgementRow, grading_digest: str) -> CaseJudgement:
    return CaseJudgement(
        judge=row.judge,
        judge_digest=row.judge_digest,
        quality=row.quality,
        criteria=tuple(
            CriterionLevel(
                criterion=one["criterion"],
                evidence=one["evidence"],
                finding=one["finding"],
                level=one["level"],
                quote_found=one["quote_found"],
            )
            for one in row.criteria
        ),
        differences_from_expected=row.differences_from_expected,
        matches_expected=row.matches_expected,
        notes=row.notes,
        flags=tuple(row.flags),
        input_tokens=row.input_tokens,
        output_tokens=row.output_tokens,
        calls=row.calls,
        cost_microcents=row.cost_microcents,
        created_at=row.created_at,
        current=(row.jury_grading_digest or row.grading_digest) == grading_digest,
    )


def _case_text(case_id: UUID, case: GoldenCase) -> CaseText:
    files = sorted(case.files.items())
    each = max(LEAST_TEXT, MOST_TEXT // max(1, len(files)))
    return CaseText(
        id=case_id,
        key=case.case_id,
        title=first_line(case.input),
        input=cut_text(case.input),
        expected=cut_text(case.expected),
        assertions=case.assertions,
        checks=case.checks,
        files=tuple((path, cut_text(text, each)) for path, text in files),
        family=case.family,
        case_set=case.case_set,
        source=case.source.value,
    )
