"""What the page of a run shows: progress, verdict, settings, judge, and the matrix of cases by models."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from steelyard.domain.calls import FailureKind
from steelyard.domain.errors import ModelRefError
from steelyard.domain.models import ModelRef
from steelyard.domain.runs import RunStatus
from steelyard.execution.outcome import compared_arm
from steelyard.execution.plan import Plan
from steelyard.judging.default import same_family
from steelyard.services.reports import RunReport, build_report
from steelyard.storage import matrix, progress, results, runs
from steelyard.storage.database import Connection, Database
from steelyard.storage.matrix import CellExport, MatrixCounts
from steelyard.storage.progress import LaneCounts
from steelyard.storage.runs import RunRow

UNDER_WAY = (RunStatus.PENDING, RunStatus.RUNNING)
PAGE = 50
MAX_PAGE = 200
TITLE_LENGTH = 120
EXPORT_CELLS = 5_000

_FEWEST_ENDS = 3
_SHORTEST_SPAN_S = 2.0


@dataclass(frozen=True)
class Lane:
    """One model in one arm, counted in cells.

    `ended` have come to their end; `failed` are the model's own failures (they score 0), `outages` ended without an
    answer for another reason, `ungraded` are answers whose judge failed or has not come yet.
    """

    model: str
    arm: str
    planned: int
    ended: int
    answered: int
    judged: int
    failed: int
    outages: int
    ungraded: int
    reused: int

    @property
    def missing(self) -> int:
        """Cells without an answer that are no failure of the model's own: answered + failed + missing = planned."""
        return self.planned - self.answered - self.failed

    @property
    def left(self) -> int:
        return self.planned - self.ended


@dataclass(frozen=True)
class RunProgress:
    """How far a run is at one moment. Money in microcents, times in seconds.

    `elapsed_s` counts from the first start to the end, pauses between a stop and a resume included; None before it.
    `left_s` is what is left at the pace of the last cells (at most 200 of them, of the last three minutes); None when
    that says nothing. `signature` stays the same while nothing was committed.
    """

    run_id: UUID
    status: str
    stop_cause: str | None
    partial: bool
    planned: int
    lanes: tuple[Lane, ...]
    spent_microcents: int
    judge_spent_microcents: int
    spent_is_lower_bound: bool
    budget_microcents: int | None
    error_message: str | None
    started_at: datetime | None
    completed_at: datetime | None
    elapsed_s: float | None
    left_s: float | None
    signature: str

    @property
    def under_way(self) -> bool:
        return self.status in UNDER_WAY

    @property
    def ended(self) -> int:
        return sum(lane.ended for lane in self.lanes)

    @property
    def answered(self) -> int:
        return sum(lane.answered for lane in self.lanes)

    @property
    def failed(self) -> int:
        return sum(lane.failed for lane in self.lanes)

    @property
    def outages(self) -> int:
        return sum(lane.outages for lane in self.lanes)

    @property
    def reused(self) -> int:
        return sum(lane.reused for lane in self.lanes)

    @property
    def missing(self) -> int:
        return sum(lane.missing for lane in self.lanes)

    def by_model(self) -> dict[str, Lane]:
        """The arms of each model put together, in the plan's order; `arm` is empty."""
        joined: dict[str, Lane] = {}
        for lane in self.lanes:
            one = joined.get(lane.model)
            joined[lane.model] = Lane(
                lane.model,
                "",
                lane.planned + (one.planned if one else 0),
                lane.ended + (one.ended if one else 0),
                lane.answered + (one.answered if one else 0),
                lane.judged + (one.judged if one else 0),
                lane.failed + (one.failed if one else 0),
                lane.outages + (one.outages if one else 0),
                lane.ungraded + (one.ungraded if one else 0),
                lane.reused + (one.reused if one else 0),
            )
        return joined


@dataclass(frozen=True)
class DroppedSettings:
    """Settings a model was given and takes no notice of, and what its vendor's library warned of."""

    model: str
    settings: tuple[str, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class RunSettings:
    """The agreement of the run. `margin` and `threshold` in points of quality."""

    models: tuple[str, ...]
    arms: tuple[str, ...]
    compared_arm: str
    cases: int
    trials: int
    max_tokens: int
    seed: int
    margin: float
    threshold: float
    rubric: tuple[str, ...]
    fresh: bool
    dropped: tuple[DroppedSettings, ...]


@dataclass(frozen=True)
class RunJudge:
    """Who judged. `same_family`: the judge is of a candidate's own family and may favour it."""

    model: str
    digest: str
    same_family: bool


@dataclass(frozen=True)
class RunView:
    """A run's page. `report` is None while the run is under way, unless a preview was asked for."""

    run: RunRow
    progress: RunProgress
    settings: RunSettings
    judge: RunJudge | None
    failures: Sequence[Mapping[str, Any]]
    report: RunReport | None


class MatrixFilter(StrEnum):
    """Which cases the matrix shows.

    differ: the models are further apart than the margin, or some pass and some do not; not_passed: some model does not
    pass (both in the compared arm); failures: any cell failed, its judge included.
    """

    ALL = "all"
    DIFFER = "differ"
    NOT_PASSED = "not_passed"
    FAILURES = "failures"


class CellLook(StrEnum):
    """What a cell of the matrix is, beyond its number.

    graded: a quality but no pass to tell; ungraded: an answer without a grade; outage: no answer, and not the model's
    fault; waiting: not come to its end in a run under way; missing: the same in a run that has ended.
    """

    PASSED = "passed"
    NOT_PASSED = "not_passed"
    GRADED = "graded"
    FAILED = "failed"
    OUTAGE = "outage"
    UNGRADED = "ungraded"
    WAITING = "waiting"
    MISSING = "missing"


@dataclass(frozen=True)
class MatrixCell:
    """One model and arm on one case: mean quality over its trials, and a short label that says it without colour."""

    model: str
    arm: str
    look: CellLook
    label: str
    quality: float | None
    passed: bool | None
    failure_kind: str | None
    trials: int


@dataclass(frozen=True)
class MatrixRow:
    """One case; `cells` in the order of the page's columns."""

    index: int
    case_id: UUID
    key: str
    title: str
    family: str | None
    cells: tuple[MatrixCell, ...]


@dataclass(frozen=True)
class MatrixPage:
    """Some rows of the matrix. `total` of the run's `cases` match the filter; `columns` are (model, arm)."""

    columns: tuple[tuple[str, str], ...]
    rows: tuple[MatrixRow, ...]
    only: MatrixFilter
    cases: int
    total: int
    offset: int
    size: int

    @property
    def previous_offset(self) -> int | None:
        return None if self.offset == 0 else max(0, self.offset - self.size)

    @property
    def next_offset(self) -> int | None:
        return self.offset + self.size if self.offset + self.size < self.total else None


class RunViews:
    """Reads runs for their pages, for one tenant at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def view(self, tenant_id: UUID, run_id: UUID, *, preview: bool = False) -> RunView:
        """Everything but the matrix. Raises NotFound.

        With `preview` a run under way gets a report worked out from the cells so far, which takes the longer the more
        cells it has.
        """
        async with self._database.tenant(tenant_id) as connection:
            run = await runs.get_run(connection, run_id)
            plan = Plan.from_json(run.plan)
            now = await read_progress(connection, run_id)
            dropped = await progress.dropped_settings(connection, run_id)
            if preview or not now.under_way:
                report = await build_report(connection, tenant_id, run_id)
                failures = report.failures
            else:
                report, failures = None, await results.failures(connection, run_id)
        return RunView(run, now, _settings(run, plan, dropped), _judge(plan), failures, report)

    async def progress(self, tenant_id: UUID, run_id: UUID) -> RunProgress:
        """How far the run is. Raises NotFound."""
        async with self._database.tenant(tenant_id) as connection:
            return await read_progress(connection, run_id)

    async def signature(self, tenant_id: UUID, run_id: UUID) -> str:
        """A text that stays the same while nothing of the run was committed. Raises NotFound."""
        async with self._database.tenant(tenant_id) as connection:
            return await progress.signature(connection, run_id)

    async def matrix(
        self,
        tenant_id: UUID,
        run_id: UUID,
        *,
        only: MatrixFilter = MatrixFilter.ALL,
        offset: int = 0,
        size: int = PAGE,
    ) -> MatrixPage:
        """`size` (at most 200) cases from the `offset`-th match of the filter on. Raises NotFound."""
        async with self._database.tenant(tenant_id) as connection:
            run = await runs.get_run(connection, run_id)
            plan = Plan.from_json(run.plan)
            matching = await matching_cases(connection, run_id, plan, only)
            size = min(max(1, size), MAX_PAGE)
            offset = min(max(0, offset), max(0, (len(matching) - 1) // size * size))
            indexes = matching[offset : offset + size]
            counts = await matrix.matrix_cells(connection, run_id, indexes)
            titles = await matrix.case_titles(connection, [plan.case_ids[index] for index in indexes])
        cells = {(cell.test_case_index, cell.model_name, cell.arm): cell for cell in counts}
        columns = tuple((model, arm.value) for model in plan.models for arm in plan.arms)
        rows: list[MatrixRow] = []
        for index in indexes:
            title = titles[plan.case_ids[index]]
            made = tuple(
                matrix_cell(model, arm, cells.get((index, model, arm)), under_way=run.status in UNDER_WAY)
                for model, arm in columns
            )
            rows.append(MatrixRow(index, title.id, title.case_key, first_line(title.start), title.family, made))
        return MatrixPage(columns, tuple(rows), only, len(plan.case_ids), len(matching), offset, size)

    async def cells(self, tenant_id: UUID, run_id: UUID) -> AsyncGenerator[CellExport]:
        """Every stored cell without its texts, for a download. Raises NotFound at the first one.

        Read in pieces, so that whoever downloads slowly holds no connection.
        """
        async with self._database.tenant(tenant_id) as connection:
            plan = Plan.from_json((await runs.get_run(connection, run_id)).plan)
        step = max(1, EXPORT_CELLS * len(plan.case_ids) // plan.planned)
        for first in range(0, len(plan.case_ids), step):
            async with self._database.tenant(tenant_id) as connection:
                piece = await matrix.export_cells(connection, run_id, first, first + step - 1)
            for cell in piece:
                yield cell


async def read_progress(connection: Connection, run_id: UUID) -> RunProgress:
    """How far the run is. Raises NotFound."""
    head = await progress.run_head(connection, run_id)
    counts = await progress.lane_counts(connection, run_id)
    ages = await progress.last_ends(connection, run_id) if head.status == RunStatus.RUNNING else []
    lanes = tuple(
        _lane(model, arm, head.cells_per_lane, counts.get((model, arm))) for model in head.models for arm in head.arms
    )
    elapsed = None if head.started_at is None else (head.completed_at or head.now) - head.started_at
    return RunProgress(
        run_id=head.id,
        status=head.status,
        stop_cause=head.stop_cause,
        partial=head.partial,
        planned=head.planned,
        lanes=lanes,
        spent_microcents=head.spent_microcents,
        judge_spent_microcents=head.judge_spent_microcents,
        spent_is_lower_bound=head.spent_is_lower_bound,
        budget_microcents=head.budget_microcents,
        error_message=head.error_message,
        started_at=head.started_at,
        completed_at=head.completed_at,
        elapsed_s=None if elapsed is None else elapsed.total_seconds(),
        left_s=time_left_s(ages, sum(lane.left for lane in lanes)),
        signature=head.signature,
    )


def time_left_s(ages_s: Sequence[float], left: int) -> float | None:
    """Seconds until `left` more cells have ended, at the pace of the last ones.

    `ages_s`: how long ago the last cells ended, newest first. The pace is taken up to now, so that it falls while
    nothing ends. None below three ends or two seconds. Cells committed together with the oldest one do not count: they
    ended before the span began.
    """
    if not ages_s or left <= 0:
        return None
    span_s = ages_s[-1]
    ends = sum(age < span_s for age in ages_s)
    if ends < _FEWEST_ENDS or span_s < _SHORTEST_SPAN_S:
        return None
    return left * span_s / ends


async def matching_cases(connection: Connection, run_id: UUID, plan: Plan, only: MatrixFilter) -> Sequence[int]:
    """The indexes of the run's cases the filter keeps, ascending."""
    arm = compared_arm(plan).value
    match only:
        case MatrixFilter.ALL:
            return range(len(plan.case_ids))
        case MatrixFilter.DIFFER:
            return await matrix.differing_cases(connection, run_id, arm, plan.margin)
        case MatrixFilter.NOT_PASSED:
            return await matrix.not_passed_cases(connection, run_id, arm)
        case MatrixFilter.FAILURES:
            return await matrix.failing_cases(connection, run_id)


def matrix_cell(model: str, arm: str, counts: MatrixCounts | None, *, under_way: bool) -> MatrixCell:
    """What the matrix shows of these trials; None where none is stored yet."""
    if counts is None:
        look = CellLook.WAITING if under_way else CellLook.MISSING
        return MatrixCell(model, arm, look, "…" if under_way else "–", None, None, None, 0)
    passed = 2 * counts.passed > counts.told if counts.told else None
    kind = counts.failure_kind
    if counts.quality is not None:
        all_failed = counts.failed == counts.trials
        look = (
            CellLook.FAILED
            if all_failed
            else CellLook.GRADED
            if passed is None
            else CellLook.PASSED
            if passed
            else CellLook.NOT_PASSED
        )
        label = f"0 {_spelled(kind)}" if all_failed and kind else f"{counts.quality:.0f}"
    elif counts.ended < counts.trials and under_way:
        look, label = CellLook.WAITING, "…"
    elif counts.failed == counts.trials:
        look, label = CellLook.OUTAGE, _spelled(kind) if kind else "–"
    else:
        look, label = CellLook.UNGRADED, "not graded"
    return MatrixCell(model, arm, look, label, counts.quality, passed, kind, counts.trials)


def first_line(text: str, length: int = TITLE_LENGTH) -> str:
    """The first line that says anything, cut at `length` characters."""
    line = next((stripped for line in text.splitlines() if (stripped := " ".join(line.split()))), "")
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"


def _spelled(kind: str) -> str:
    return FailureKind(kind).value.replace("_", " ")


def _lane(model: str, arm: str, planned: int, counts: LaneCounts | None) -> Lane:
    if counts is None:
        return Lane(model, arm, planned, 0, 0, 0, 0, 0, 0, 0)
    return Lane(
        model,
        arm,
        planned,
        counts.ended,
        counts.answered,
        counts.judged,
        counts.failed,
        counts.outages,
        counts.ungraded,
        counts.reused,
    )


def _settings(run: RunRow, plan: Plan, dropped: Mapping[str, tuple[list[str], list[str]]]) -> RunSettings:
    return RunSettings(
        models=plan.models,
        arms=tuple(arm.value for arm in plan.arms),
        compared_arm=compared_arm(plan).value,
        cases=len(plan.case_ids),
        trials=plan.trials,
        max_tokens=plan.max_tokens,
        seed=plan.seed,
        margin=plan.margin,
        threshold=plan.threshold,
        rubric=plan.rubric,
        fresh=run.fresh,
        dropped=tuple(
            DroppedSettings(model, tuple(dropped[model][0]), tuple(dropped[model][1]))
            for model in plan.models
            if model in dropped
        ),
    )


def _judge(plan: Plan) -> RunJudge | None:
    if plan.judge is None:
        return None
    try:
        same = same_family(ModelRef.parse(plan.judge), [ModelRef.parse(model) for model in plan.models])
    except ModelRefError:
        same = False
    return RunJudge(plan.judge, plan.judge_digest or "", same)
