"""/v1/runs/{run}/cells, /cases, /outputs: every cell of a run, its cases by models, and whole outputs."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import Path, Query
from pydantic import Field

from steelyard.api.deps import DEFAULT_LIMIT, After, Bench, Limit, Tenant
from steelyard.api.fields import (
    Arm,
    Bytes,
    Count,
    Day,
    Id,
    Microcents,
    Milliseconds,
    Model,
    Moment,
    Page,
    Quality,
    Shown,
    Tokens,
)
from steelyard.api.operation import Operations
from steelyard.api.runs import RunId
from steelyard.execution.plan import Plan
from steelyard.services.case_view import CaseAnswer, CaseView
from steelyard.services.run_matrix import MatrixFilter
from steelyard.services.tokens import no_such_page, read_token, write_token

operation = Operations("run cases")

Number = Annotated[int, Path(ge=1, le=1_000_000, description="The case's number in the run, from 1.")]
CellState = Annotated[str, Field(description="answered, judged or failed.", examples=["judged"])]


class Cell(Shown):
    """One model in one arm on one case in one trial, without its texts."""

    case_number: Annotated[int, Field(description="From 1.", examples=[1])]
    case_key: Annotated[str, Field(examples=["case-1"])]
    model_name: Model
    arm: Arm
    trial: Annotated[int, Field(description="From 0.", examples=[0])]
    state: CellState
    reused: Annotated[bool, Field(description="Paid in an earlier run, and used again for nothing.")]
    quality_score: Quality | None
    passed: bool | None
    matches_expected: bool | None
    input_tokens: Tokens | None
    output_tokens: Tokens | None
    cache_read_tokens: Tokens | None
    cache_write_tokens: Tokens | None
    reasoning_tokens: Tokens | None
    estimated_cost_microcents: Annotated[Microcents | None, Field(description="Microcents; null is not known.")]
    wasted_cost_microcents: Annotated[Microcents, Field(description="Of attempts that gave nothing, in microcents.")]
    judge_cost_microcents: Microcents
    price_version: str | None
    price_date: Day | None
    latency_ms: Milliseconds | None
    ttft_ms: Annotated[Milliseconds | None, Field(description="To the first token, in milliseconds.")]
    stop_reason: Annotated[str | None, Field(examples=["stop"])]
    failure_kind: Annotated[str | None, Field(examples=[None])]
    error_message: Annotated[str | None, Field(examples=[None])]


class CaseCell(Shown):
    """One model and arm on one case: mean quality over its trials."""

    model: Model
    arm: Arm
    look: Annotated[
        str,
        Field(
            description="passed, not_passed, graded, failed, outage, ungraded, waiting, missing or spared.",
            examples=["passed"],
        ),
    ]
    quality: Quality | None
    passed: bool | None
    failure_kind: Annotated[str | None, Field(examples=[None])]
    trials: Count


class RunCase(Shown):
    """One case of a run with every model and arm."""

    number: Annotated[int, Field(description="From 1.", examples=[1])]
    case_id: Id
    key: Annotated[str, Field(examples=["case-1"])]
    title: str
    family: str | None
    cells: list[CaseCell]


class RunCasePage(Page[RunCase]):
    """Some cases of a run; `total` of its `cases` match what was asked for."""

    cases: Count
    total: Count


class Text(Shown):
    """The beginning of a text; `size` is the whole one's."""

    text: str
    size: Bytes
    cut: bool


class Level(Shown):
    """A judge's level for one criterion, 0 to 5."""

    criterion: str
    evidence: Annotated[str, Field(description="A quote of the output.")]
    finding: str
    level: Annotated[int, Field(ge=0, le=5, examples=[4])]
    quote_found: bool


class CheckResult(Shown):
    """A deterministic check, and whether it held."""

    check: dict[str, Any]
    passed: bool
    evidence: str


class Judgement(Shown):
    """One judge's grading; `current`: it is the one the quality rests on."""

    judge: Model
    judge_digest: str
    quality: Quality
    criteria: list[Level]
    differences_from_expected: str
    matches_expected: Annotated[str, Field(description="yes, partial or no.", examples=["yes"])]
    notes: str
    flags: list[str]
    input_tokens: Tokens
    output_tokens: Tokens
    calls: Count
    cost_microcents: Microcents | None
    created_at: Moment
    current: bool


class Output(Shown):
    """One stored cell with its output and its grades. Money in microcents, null is not known."""

    id: Id
    model: Model
    arm: Arm
    trial: Annotated[int, Field(description="From 0.", examples=[0])]
    state: CellState
    attempt: Count
    reused: bool
    output: Text | None
    quality: Quality | None
    passed: bool | None
    notes: str
    matches_expected: bool | None
    checks: list[CheckResult]
    judgements: list[Judgement]
    input_tokens: Tokens | None
    output_tokens: Tokens | None
    total_tokens: Tokens | None
    cache_read_tokens: Tokens | None
    cache_write_tokens: Tokens | None
    reasoning_tokens: Tokens | None
    cost_microcents: Microcents | None
    wasted_cost_microcents: Microcents
    judge_cost_microcents: Microcents
    price_version: str | None
    price_date: Day | None
    latency_ms: Milliseconds | None
    ttft_ms: Milliseconds | None
    stop_reason: Annotated[str | None, Field(examples=["stop"])]
    effective_settings: dict[str, Any]
    failure_kind: Annotated[str | None, Field(examples=[None])]
    error_message: Annotated[str | None, Field(examples=[None])]
    created_at: Moment
    graded_at: Moment | None


class RunCaseDetail(Shown):
    """A case of a run: what was asked and expected, and what up to four models made of it."""

    number: Annotated[int, Field(description="From 1.", examples=[1])]
    cases: Annotated[Count, Field(description="Cases of the run.")]
    case_id: Id
    key: Annotated[str, Field(examples=["case-1"])]
    input: Text
    expected: Text
    assertions: list[str]
    checks: list[dict[str, Any]]
    family: str | None
    case_set: str | None
    source: str
    models: Annotated[list[Model], Field(description="All of the run's.")]
    compared_arm: Arm
    cells: Annotated[list[CaseCell], Field(description="Of the models whose outputs are here.")]
    outputs: list[Output]


class WholeOutput(Shown):
    """An output in full."""

    id: Id
    text: str


@operation("GET", "/v1/runs/{run_id}/cells", answers=Page[Cell])
async def list_cells(
    bench: Bench, tenant: Tenant, run_id: RunId, after: After = None, limit: Limit = DEFAULT_LIMIT
) -> Page[Cell]:
    """Every stored cell of a run, by case, model, arm and trial."""
    cells, token = await bench.run_views.page_of_cells(tenant, run_id, after=after, limit=limit)
    return Page[Cell](items=[Cell.of(one) for one in cells], next=token)


@operation("GET", "/v1/runs/{run_id}/cases", answers=RunCasePage)
async def list_run_cases(
    bench: Bench,
    tenant: Tenant,
    run_id: RunId,
    only: Annotated[
        MatrixFilter,
        Query(description="differ: the models are apart; not_passed: some model does not; failures: some cell failed."),
    ] = MatrixFilter.ALL,
    after: After = None,
    limit: Limit = DEFAULT_LIMIT,
) -> RunCasePage:
    """A run's cases by models: what each came to on each."""
    page = await bench.run_views.matrix(tenant, run_id, only=only, beyond=_place(after), size=limit)
    items = [
        RunCase(
            number=row.index + 1,
            case_id=row.case_id,
            key=row.key,
            title=row.title,
            family=row.family,
            cells=[CaseCell.of(cell) for cell in row.cells],
        )
        for row in page.rows
    ]
    token = write_token([page.rows[-1].index]) if page.next_offset is not None and page.rows else None
    return RunCasePage(items=items, next=token, cases=page.cases, total=page.total)


@operation("GET", "/v1/runs/{run_id}/cases/{number}", answers=RunCaseDetail)
async def get_run_case(
    bench: Bench,
    tenant: Tenant,
    run_id: RunId,
    number: Number,
    model: Annotated[
        list[str] | None, Query(max_length=4, description="Up to four models; absent: the best, the cheapest, others.")
    ] = None,
) -> RunCaseDetail:
    """One case of a run: input, expected output, and outputs with every grade."""
    return _detail(await bench.case_views.view(tenant, run_id, number - 1, models=model or ()))


@operation("GET", "/v1/runs/{run_id}/outputs/{output_id}", answers=WholeOutput)
async def get_output(bench: Bench, tenant: Tenant, run_id: RunId, output_id: UUID) -> WholeOutput:
    """An output in full, as the model gave it: hostile like any."""
    return WholeOutput(id=output_id, text=await bench.case_views.output(tenant, run_id, output_id))


def _detail(view: CaseView) -> RunCaseDetail:
    case = view.case
    slots = [(column.model, slot.answer) for column in view.shown for slot in column.slots]
    return RunCaseDetail(
        number=view.index + 1,
        cases=view.cases,
        case_id=case.id,
        key=case.key,
        input=Text.of(case.input),
        expected=Text.of(case.expected),
        assertions=list(case.assertions),
        checks=[check.to_json() for check in case.checks],
        family=case.family,
        case_set=case.case_set,
        source=case.source,
        models=list(Plan.from_json(view.run.plan).models),
        compared_arm=view.compared_arm,
        cells=[CaseCell.of(cell) for column in view.shown for cell in column.cells],
        outputs=[_output(model, answer) for model, answer in slots if answer is not None],
    )


def _output(model: str, answer: CaseAnswer) -> Output:
    told = {name: getattr(answer, name) for name in Output.model_fields if name not in ("id", "model")}
    told["effective_settings"] = dict(answer.effective_settings)
    return Output.model_validate(told | {"id": answer.result_id, "model": model})


def _place(after: str | None) -> int | None:
    if after is None:
        return None
    try:
        (index,) = read_token(after, 1)
    except ValueError as error:
        raise no_such_page() from error
    if not isinstance(index, int) or isinstance(index, bool):
        raise no_such_page()
    return index
