"""/runs/{run_id}/rate: people rate outputs blind; what they say of the run; one rated from its case's page."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import JSONResponse, Response

from steelyard.domain.errors import InputError
from steelyard.services.ratings import rater_name
from steelyard.storage.ratings import RatingExport
from steelyard.web.deps import Bench, Tenant
from steelyard.web.exports import csv_download
from steelyard.web.forms import Form, text
from steelyard.web.links import case_url, run_url, with_query
from steelyard.web.pages.run import existing_run
from steelyard.web.people_view import people_view
from steelyard.web.query import natural
from steelyard.web.rater import forget_rater, keep_rater, member_name, rater_of
from steelyard.web.rendering import View, Viewing
from steelyard.web.text.plain import plain

router = APIRouter()

Existing = Annotated[UUID, Depends(existing_run)]
# The whole of what the judge is shown at most.
_MOST_SHOWN = 70_000


@router.get("/runs/{run_id}/rate")
async def rate(
    request: Request, view: Viewing, bench: Bench, tenant: Tenant, run_id: UUID, cases: str = "", again: str = ""
) -> Response:
    """The next output; `cases` drawn cases are asked about, `again` brings up what was skipped."""
    return await _page(request, view, bench, tenant, run_id, natural(cases), again=bool(again))


@router.post("/runs/{run_id}/rate")
async def rated(request: Request, view: Viewing, bench: Bench, tenant: Tenant, run_id: UUID, form: Form) -> Response:
    cases, again, wanted = natural(text(form, "cases")), bool(text(form, "again")), text(form, "do")
    rater = rater_of(request)
    if rater is not None:
        try:
            if wanted == "undo":
                await bench.ratings.take_back(tenant, run_id, rater)
                again = False
            else:
                score = None if wanted == "skip" else natural(text(form, "score"))
                place = text(form, "place")
                await bench.ratings.rate(
                    tenant, run_id, rater, int(place) if place.isdecimal() else -1, score, text(form, "note")
                )
        except InputError as error:
            return await _page(request, view, bench, tenant, run_id, cases, again=again, error=error)
    return view.redirect(with_query(run_url(run_id, "rate"), cases=cases or None, again=again))


@router.post("/runs/{run_id}/rater")
async def name_rater(
    request: Request, view: Viewing, bench: Bench, tenant: Tenant, run_id: UUID, form: Form
) -> Response:
    """Keep the rater's name in the browser, or forget it."""
    answer = view.redirect(run_url(run_id, "rate"))
    if text(form, "do") == "forget":
        forget_rater(answer)
        return answer
    try:
        keep_rater(request, answer, rater_name(text(form, "rater")))
    except InputError as error:
        return await _page(request, view, bench, tenant, run_id, 0, error=error)
    return answer


@router.get("/runs/{run_id}/people")
async def people(view: Viewing, bench: Bench, tenant: Tenant, run_id: UUID) -> Response:
    """What people say of the run: a page, whose section the run's page has in it."""
    run = await bench.benchmarks.find(tenant, str(run_id))
    report = await bench.people.report(tenant, run_id)
    return view.page("run/people.html.jinja", run=run, people=report, shown=people_view(report))


@router.get("/runs/{run_id}/people.json")
async def people_json(bench: Bench, tenant: Tenant, run_id: UUID) -> Response:
    return JSONResponse((await bench.people.report(tenant, run_id)).to_json())


@router.get("/runs/{run_id}/ratings.csv")
async def ratings_csv(bench: Bench, tenant: Tenant, run_id: Existing) -> Response:
    return csv_download(bench.ratings.export(tenant, run_id), RatingExport, f"run-{str(run_id)[:8]}-ratings.csv")


@router.post("/runs/{run_id}/outputs/{result_id}/rating")
async def rate_in_view(
    request: Request, view: Viewing, bench: Bench, tenant: Tenant, run_id: Existing, result_id: UUID, form: Form
) -> Response:
    """A rating from a case's page, where model and grade are in view: it is kept as such."""
    rater = rater_name(member_name(request) or text(form, "rater") or rater_of(request) or "")
    await bench.ratings.rate_in_view(tenant, run_id, result_id, rater, natural(text(form, "score")), text(form, "note"))
    number = natural(text(form, "case"))
    answer = view.redirect(case_url(run_id, number - 1) if number else run_url(run_id))
    keep_rater(request, answer, rater)
    return answer


async def _page(
    request: Request,
    view: View,
    bench: Bench,
    tenant: UUID,
    run_id: UUID,
    cases: int,
    *,
    again: bool = False,
    error: InputError | None = None,
) -> Response:
    rater = rater_of(request)
    shown = await bench.ratings.page(tenant, run_id, rater, cases=cases, again=again)
    task = shown.task
    return view.page(
        "run/rate.html.jinja",
        status=200 if error is None else 422,
        # Going back must not show an output with a form for what has been rated since.
        headers={"cache-control": "no-store"},
        run=shown.run,
        progress=shown.progress,
        task=task,
        output=None if task is None else plain(task.output, _MOST_SHOWN),
        rater=rater,
        can_undo=shown.can_undo,
        cases=cases,
        again=again,
        error=error,
    )
