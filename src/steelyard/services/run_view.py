"""What the page of a run shows: progress, verdict, settings, judge, and the matrix of cases by models."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from steelyard.domain.calls import Trouble
from steelyard.domain.errors import ModelRefError
from steelyard.domain.models import ModelRef
from steelyard.domain.races import RaceTarget
from steelyard.execution.plan import Plan
from steelyard.execution.scores import compared_arm
from steelyard.judging.certificate import Certificate
from steelyard.judging.default import same_family
from steelyard.services.certificates import certificates_so_far, examination_word, mark_of
from steelyard.services.reports import RunReport, report_of
from steelyard.services.run_matrix import (
    MatrixFilter,
    MatrixPage,
    MatrixRow,
    SparedCells,
    first_line,
    matching_cases,
    matrix_cell,
)
from steelyard.services.run_progress import UNDER_WAY, RunProgress, progress_of, read_progress
from steelyard.services.tokens import no_such_page, read_token, text_in, write_token
from steelyard.storage import matrix, progress, runs
from steelyard.storage.database import Database
from steelyard.storage.matrix import CellExport
from steelyard.storage.progress import CellGroup
from steelyard.storage.runs import RunRow

PAGE = 50
MAX_PAGE = 200
EXPORT_CELLS = 5_000


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
    race: RaceTarget | None = None


@dataclass(frozen=True)
class RunJudge:
    """Who judged: of a jury `model` names them all. `same_family`: one is of a candidate's own family, and may favour
    it."""

    model: str
    digest: str
    same_family: bool
    jury: tuple[RunJudge, ...] = ()


@dataclass(frozen=True)
class RunView:
    """A run's page. `report` is None while the run is under way, unless a preview was asked for.

    `certificates` has one for each judge, none where no judge is to grade.
    """

    run: RunRow
    progress: RunProgress
    settings: RunSettings
    judge: RunJudge | None
    failures: Sequence[Mapping[str, Any]]
    report: RunReport | None
    certificates: tuple[Certificate, ...] = ()

    @property
    def judges(self) -> list[str]:
        """The models that judge, as they were named."""
        return [juror.judge for juror in Plan.from_json(self.run.plan).jurors]


class RunViews:
    """Reads runs for their pages, for one tenant at a time."""

    def __init__(self, database: Database, troubles: Callable[[], Sequence[Trouble]] = tuple) -> None:
        """`troubles` tells what this process's calls keep failing with while they are tried again."""
        self._database = database
        self._troubles = troubles

    async def view(self, tenant_id: UUID, run_id: UUID, *, preview: bool = False) -> RunView:
        """Everything but the matrix. Raises NotFound.

        With `preview` a run under way gets a report worked out from the cells so far, which takes the longer the more
        cells it has.
        """
        async with self._database.tenant(tenant_id) as connection:
            run = await runs.get_run(connection, run_id)
            plan = Plan.from_json(run.plan)
            head = await progress.run_head(connection, run_id)
            groups = await progress.cell_groups(connection, run_id, details=True)
            now = await progress_of(connection, head, groups)
            failures = _failures(groups)
            report = None
            if preview or not now.under_way:
                report = await report_of(connection, tenant_id, run, now.counts, failures)
        certificates = certificates_so_far(run) if report is None else report.certificates
        settings = _settings(run, plan, groups)
        return RunView(run, self.troubled(now), settings, _judge(plan), failures, report, certificates)

    async def progress(self, tenant_id: UUID, run_id: UUID) -> RunProgress:
        """How far the run is. Raises NotFound."""
        async with self._database.tenant(tenant_id) as connection:
            return self.troubled(await read_progress(connection, run_id))

    def troubled(self, progress: RunProgress) -> RunProgress:
        """The same progress with the troubles of this moment."""
        return progress.with_troubles(self._troubles())

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
        beyond: int | None = None,
    ) -> MatrixPage:
        """`size` (at most 200) cases from the `offset`-th match of the filter on, else from `beyond` that case's index.

        Raises NotFound.
        """
        async with self._database.tenant(tenant_id) as connection:
            run = await runs.get_run(connection, run_id)
            plan = Plan.from_json(run.plan)
            matching = await matching_cases(connection, run_id, plan, only)
            size = min(max(1, size), MAX_PAGE)
            if beyond is not None:
                offset = sum(index <= beyond for index in matching)
            else:
                offset = min(max(0, offset), max(0, (len(matching) - 1) // size * size))
            indexes = matching[offset : offset + size]
            counts = await matrix.matrix_cells(connection, run_id, indexes)
            titles = await matrix.case_titles(connection, [plan.case_ids[index] for index in indexes])
        cells = {(cell.test_case_index, cell.model_name, cell.arm): cell for cell in counts}
        spared = SparedCells(plan, run.race)
        columns = tuple((model, arm.value) for model in plan.models for arm in plan.arms)
        rows: list[MatrixRow] = []
        for index in indexes:
            title = titles[plan.case_ids[index]]
            made = tuple(
                matrix_cell(
                    model,
                    arm,
                    cells.get((index, model, arm)),
                    under_way=run.status in UNDER_WAY,
                    spared=spared.why(model, index),
                )
                for model, arm in columns
            )
            rows.append(MatrixRow(index, title.id, title.case_key, first_line(title.start), title.family, made))
        return MatrixPage(columns, tuple(rows), only, len(plan.case_ids), len(matching), offset, size)

    async def page_of_cells(
        self, tenant_id: UUID, run_id: UUID, *, after: str | None = None, limit: int = PAGE
    ) -> tuple[Sequence[CellExport], str | None]:
        """At most `limit` stored cells by case, model, arm and trial, and the token of those after them.

        Raises NotFound, InputError on a token of no meaning.
        """
        place = None if after is None else _cell_place(after)
        async with self._database.tenant(tenant_id) as connection:
            await runs.get_run(connection, run_id)
            found = await matrix.cells_after(connection, run_id, place, limit + 1)
        shown = found[:limit]
        last = shown[-1] if len(found) > limit else None
        token = None if last is None else write_token([last.test_case_index, last.model_name, last.arm, last.trial])
        return shown, token

    async def cells(self, tenant_id: UUID, run_id: UUID) -> AsyncGenerator[CellExport]:
        """Every stored cell without its texts, for a download. Raises NotFound at the first one.

        Read in pieces, so that whoever downloads slowly holds no connection.
        """
        async with self._database.tenant(tenant_id) as connection:
            run = await runs.get_run(connection, run_id)
        plan, certificates = Plan.from_json(run.plan), certificates_so_far(run)
        examination = mark_of(certificates) or examination_word(certificates)
        step = max(1, EXPORT_CELLS * len(plan.case_ids) // plan.planned)
        for first in range(0, len(plan.case_ids), step):
            async with self._database.tenant(tenant_id) as connection:
                piece = await matrix.export_cells(connection, run_id, first, first + step - 1)
            for cell in piece:
                yield replace(cell, judge_examination=examination)


def _cell_place(token: str) -> tuple[int, str, str, int]:
    """Raises InputError."""
    try:
        index, model, arm, trial = read_token(token, 4)
        if any(type(number) is not int or abs(number) >= 2**31 for number in (index, trial)):
            raise ValueError
        return index, text_in(model), text_in(arm), trial
    except ValueError as error:
        raise no_such_page() from error


def _failures(groups: Sequence[CellGroup]) -> list[dict[str, Any]]:
    """{model, kind, count, message} of every kind of failure met, the most frequent first."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for group in groups:
        if group.failure_kind is not None:
            place = (group.model_name, group.failure_kind)
            entry = found.setdefault(place, {"model": place[0], "kind": place[1], "count": 0, "message": group.message})
            entry["count"] += group.cells
    return sorted(found.values(), key=lambda one: (-one["count"], one["model"], one["kind"]))


def _settings(run: RunRow, plan: Plan, groups: Sequence[CellGroup]) -> RunSettings:
    said = {group.model_name: group.settings for group in groups if group.settings is not None}
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
            DroppedSettings(model, tuple(said[model].get("dropped", ())), tuple(said[model].get("warnings", ())))
            for model in plan.models
            if model in said
        ),
        race=plan.race,
    )


def _judge(plan: Plan) -> RunJudge | None:
    if plan.judge is None:
        return None
    each = tuple(RunJudge(juror.judge, juror.digest, _same_family(plan, juror.judge)) for juror in plan.jurors)
    if len(each) == 1:
        return each[0]
    return RunJudge(plan.judge, plan.judge_digest or "", any(one.same_family for one in each), each)


def _same_family(plan: Plan, judge: str) -> bool:
    try:
        return same_family(ModelRef.parse(judge), [ModelRef.parse(model) for model in plan.models])
    except ModelRefError:
        return False
