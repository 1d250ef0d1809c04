"""A case in a run: outputs side by side, their grades, and the texts in full as downloads."""

from __future__ import annotations

import asyncio
from uuid import UUID

from fastapi import APIRouter
from starlette.responses import PlainTextResponse, Response

from steelyard.domain.errors import NotFound
from steelyard.execution.plan import Plan
from steelyard.services.run_matrix import MatrixFilter
from steelyard.web.case_answer import Show
from steelyard.web.case_page import Chosen, case_page
from steelyard.web.deps import Bench, Tenant
from steelyard.web.matrix_view import read_models_query
from steelyard.web.query import natural, one_of
from steelyard.web.rater import rater_of
from steelyard.web.rendering import Viewing

router = APIRouter()


@router.get("/runs/{run_id}/cases/{number}")
async def case_in_run(
    view: Viewing,
    bench: Bench,
    tenant: Tenant,
    run_id: UUID,
    number: int,
    models: str = "",
    only: str = "",
    show: str = "",
    arm: str = "",
    trial: str = "",
) -> Response:
    """`number` counts from 1; `models` are places of the run's models, as `0-2-3`.

    What says nothing in the address is left aside.
    """
    run = await bench.benchmarks.find(tenant, str(run_id))
    found = await bench.case_views.view(
        tenant,
        run_id,
        number - 1,
        models=read_models_query(models, Plan.from_json(run.plan).models),
        only=one_of(MatrixFilter, only) or MatrixFilter.ALL,
    )
    chosen = Chosen(
        show=one_of(Show, show),
        arm=arm or None,
        trial=max(0, natural(trial) - 1),
        models=models or None,
    )
    # Comparing long texts takes its time, and others wait meanwhile.
    page = await asyncio.to_thread(case_page, found, chosen)
    ratings = await bench.ratings.of_case(tenant, run_id, number - 1)
    return view.page(
        "run/case.html.jinja",
        view=found,
        run=found.run,
        case=found.case,
        page=page,
        ratings=ratings,
        rater=rater_of(view.request) or "",
    )


@router.get("/runs/{run_id}/cases/{number}/outputs/{result_id}")
async def whole_output(bench: Bench, tenant: Tenant, run_id: UUID, number: int, result_id: UUID) -> Response:
    text = await bench.case_views.output(tenant, run_id, result_id)
    return _download(text, f"run-{str(run_id)[:8]}-case-{number}-{str(result_id)[:8]}.txt")


@router.get("/runs/{run_id}/cases/{number}/texts/{part}")
async def whole_text(bench: Bench, tenant: Tenant, run_id: UUID, number: int, part: str) -> Response:
    case = await bench.case_views.golden_case(tenant, run_id, number - 1)
    texts = {"input": case.prompt, "expected": case.expected}
    if part not in texts:
        raise NotFound("A case has an input and an expected output.")
    return _download(texts[part], f"run-{str(run_id)[:8]}-case-{number}-{part}.txt")


def _download(text: str, filename: str) -> Response:
    """The text as a file: never shown as a page of ours, whatever is in it."""
    return PlainTextResponse(text, headers={"content-disposition": f'attachment; filename="{filename}"'})
