"""GET /skills/{skill}/compare: two runs of a skill side by side."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from fastapi import APIRouter
from starlette.responses import Response

from steelyard.domain.errors import InputError, NotFound
from steelyard.domain.runs import RunStatus
from steelyard.services.comparisons import RunComparison
from steelyard.services.history import verdict_word
from steelyard.storage.history import HistoryRow
from steelyard.web.comparison_words import (
    change_lines,
    cost_rows,
    cost_sentence,
    difference_rows,
    headline,
    reach_of,
)
from steelyard.web.deps import Bench, Tenant
from steelyard.web.filters import absolute, plural
from steelyard.web.links import skill_url, with_query
from steelyard.web.model_names import model_name
from steelyard.web.pages.skill_frame import SkillFrame, skill_frame
from steelyard.web.rendering import Viewing
from steelyard.workbench import Workbench

router = APIRouter()

CHOICES = 50
MOST_FLIPS = 200
_ENDED = (RunStatus.COMPLETED, RunStatus.CANCELLED, RunStatus.FAILED)


@dataclass(frozen=True)
class Option:
    """A run to choose."""

    id: str
    label: str


@router.get("/skills/{skill}/compare")
async def compare_page(view: Viewing, bench: Bench, tenant: Tenant, skill: str, a: str = "", b: str = "") -> Response:
    """`a` is the first run, `b` the second; without them, or where they name none, the two newest that have ended."""
    asked = [await _run_id(bench, tenant, text.strip()) for text in (a, b)]
    unknown = [text for text, found in zip((a, b), asked, strict=True) if text.strip() and found is None]
    # Independent readings where both are named, at the same time on a connection each.
    (frame, runs), outcome = await asyncio.gather(
        _frame_and_runs(bench, tenant, skill), _compared(bench, tenant, *asked)
    )
    row = frame.skill
    first, second = _chosen(runs, *asked)
    options = [Option(str(run.id), _label(run)) for run in runs]
    known = {option.id for option in options}
    further = [run for run in (first, second) if run and str(run) not in known]
    missing = [run for run in further if not await _is_of(bench, tenant, row.id, run)]
    if not missing and outcome is None:
        outcome = await _compared(bench, tenant, first, second)
    found = outcome if isinstance(outcome, RunComparison) and not missing else None
    error = outcome if isinstance(outcome, InputError) and not missing else None
    options += [Option(str(run), f"an older run, {str(run)[:8]}") for run in further if run not in missing]
    rows = difference_rows(found) if found else ()
    return view.page(
        "skill/compare.html.jinja",
        status=404 if missing else 422 if error else 200,
        frame=frame,
        skill=row,
        options=options,
        first=str(first or ""),
        second=str(second or ""),
        swapped=None if missing else with_query(skill_url(row.name, row.id, "compare"), a=second, b=first),
        error=error,
        unknown=unknown,
        missing=[str(run) for run in missing],
        found=found,
        headline=headline(found) if found else None,
        cost_words=cost_sentence(found.cost) if found else None,
        changes=change_lines(found) if found else (),
        differences=rows,
        reach=reach_of([row.difference for row in rows]),
        costs=cost_rows(found) if found else (),
        flips=found.flips[:MOST_FLIPS] if found else (),
        model_name=model_name,
    )


async def _frame_and_runs(bench: Workbench, tenant_id: UUID, skill: str) -> tuple[SkillFrame, list[HistoryRow]]:
    """The frame, and the newest runs that have ended."""
    frame = await skill_frame(bench, tenant_id, skill, "benchmark")
    newest = await bench.history.newest(tenant_id, frame.skill.id, CHOICES)
    return frame, [run for run in newest if run.status in _ENDED]


async def _compared(
    bench: Workbench, tenant_id: UUID, first: UUID | None, second: UUID | None
) -> RunComparison | InputError | None:
    """The comparison, or why there is none to make; None where a run is not named, or there is no such run."""
    if first is None or second is None:
        return None
    try:
        return await bench.comparisons.compare(tenant_id, first, second)
    except NotFound:
        return None
    except InputError as refused:
        return refused


async def _is_of(bench: Workbench, tenant_id: UUID, skill_id: UUID, run_id: UUID) -> bool:
    """Whether there is such a run, and it is the skill's."""
    try:
        return (await bench.benchmarks.find(tenant_id, str(run_id))).skill_id == skill_id
    except NotFound:
        return False


def _chosen(runs: Sequence[HistoryRow], a: UUID | None, b: UUID | None) -> tuple[UUID | None, UUID | None]:
    """The runs asked for. Unasked, the second is the newest and the first the one before it, of record if it can be."""
    of_record = [run.id for run in runs if run.of_record and run.status == RunStatus.COMPLETED]
    ids = of_record if len(of_record) > 1 and b is None else [run.id for run in runs]
    second = b or next((run for run in ids if run != a), None)
    if a is not None:
        return a, second
    older = ids[ids.index(second) + 1 :] if second is not None and second in ids else ids
    return next((run for run in older if run != second), None), second


async def _run_id(bench: Workbench, tenant_id: UUID, text: str) -> UUID | None:
    """The run of that id or of the start of one; None where it says no run."""
    try:
        return UUID(text)
    except ValueError:
        pass
    try:
        return (await bench.benchmarks.find(tenant_id, text)).id
    except NotFound:
        return None


def _label(run: HistoryRow) -> str:
    verdict = verdict_word(run.verdict_kind, run.headline_model and model_name(run.headline_model).short)
    size = f"{plural(run.models, 'model')}, {plural(run.cases, 'case')}"
    return " · ".join(
        part
        for part in (
            absolute(run.created_at),
            verdict if run.status == RunStatus.COMPLETED else run.status,
            size,
            f"version {run.skill_digest[:8]}",
        )
        if part
    )
