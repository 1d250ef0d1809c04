"""A run: its live progress, then its verdict, table and matrix; cancelling and resuming it; its downloads."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Header
from fastapi.sse import EventSourceResponse, ServerSentEvent
from starlette.responses import JSONResponse, Response

from steelyard.api.principal import still_may
from steelyard.api.reports import run_document
from steelyard.domain.access import Action
from steelyard.domain.errors import Conflict, InputError
from steelyard.services.form_fields import Problems
from steelyard.services.repricing import Repriced
from steelyard.services.resuming import refuse_spent
from steelyard.services.run_matrix import MatrixFilter
from steelyard.services.selection import budget_microcents
from steelyard.storage.matrix import CellExport
from steelyard.storage.runs import RunRow
from steelyard.web.certificate_view import certificate_views
from steelyard.web.deps import Bench, Tenant
from steelyard.web.exports import csv_download
from steelyard.web.forms import Form, text
from steelyard.web.jury_view import jury_view
from steelyard.web.links import run_url, with_query
from steelyard.web.matrix_view import matrix_view
from steelyard.web.model_table import BY_KEY, COLUMNS, DEFAULT_SORT, model_rows, sorted_rows
from steelyard.web.query import natural, one_of
from steelyard.web.race_words import AIMS, race_words
from steelyard.web.rendering import View, Viewing
from steelyard.web.run_notices import failure_lines, is_resumable, notices
from steelyard.web.tie_break_view import tie_view
from steelyard.web.verdict_detail_view import detail_view
from steelyard.web.verdicts import verdict_words

router = APIRouter()

ENDED = "ended"
# Seconds after which a stream asks again whether its viewer may see it.
RECHECK_S = 30.0


async def existing_run(bench: Bench, tenant: Tenant, run_id: UUID) -> UUID:
    """The run's id, once it is known to be there: a stream cannot answer 404 any more. Raises NotFound."""
    await bench.run_views.signature(tenant, run_id)
    return run_id


Existing = Annotated[UUID, Depends(existing_run)]


@router.get("/runs/{run_id}.json")
async def run_json(bench: Bench, tenant: Tenant, run_id: UUID, prices: str = "") -> Response:
    """The report; with `prices` ("today" or a day) its costs at the prices of that day beside it."""
    return JSONResponse(await run_document(bench, tenant, run_id, prices))


@router.get("/runs/{run_id}/cells.csv")
async def run_cells(bench: Bench, tenant: Tenant, run_id: Existing) -> Response:
    return csv_download(bench.run_views.cells(tenant, run_id), CellExport, f"run-{str(run_id)[:8]}-cells.csv")


@router.get("/runs/{run_id}/events", response_class=EventSourceResponse)
async def run_events(
    view: Viewing,
    bench: Bench,
    tenant: Tenant,
    run_id: Existing,
    last_event_id: Annotated[str | None, Header()] = None,
) -> AsyncGenerator[ServerSentEvent]:
    """The progress as whole fragments, then `ended`. What the viewer has already, by its id, is not sent again."""
    seen, checked = last_event_id, time.monotonic()
    async for progress in bench.live.subscribe(tenant, run_id):
        if time.monotonic() - checked >= RECHECK_S:
            if not await still_may(view.request, Action.READ):
                return
            checked = time.monotonic()
        if progress.signature != seen or not progress.under_way:
            html = view.html("run/progress.html.jinja", progress=progress, race_words=race_words)
            yield ServerSentEvent(raw_data=str(html), id=progress.signature)
        seen = None
        if not progress.under_way:
            yield ServerSentEvent(raw_data=progress.status, event=ENDED)


@router.get("/runs/{run_id}")
async def run_page(
    view: Viewing,
    bench: Bench,
    tenant: Tenant,
    run_id: UUID,
    only: str = "",
    offset: str = "",
    sort: str = "",
    dir: str = "",
    prices: str = "",
) -> Response:
    """`only` and `offset` choose rows of the matrix, `sort` and `dir` order the models, `prices` is the day of them."""
    return await _page(view, bench, tenant, run_id, only=only, offset=offset, sort=sort, direction=dir, prices=prices)


@router.post("/runs/{run_id}/cancel")
async def cancel_run(view: Viewing, bench: Bench, tenant: Tenant, run_id: Existing) -> Response:
    # A conflict means that it ended while the button was being pressed: its page says so.
    with suppress(Conflict):
        await bench.benchmarks.cancel(tenant, str(run_id))
    return view.redirect(run_url(run_id))


@router.post("/runs/{run_id}/resume")
async def resume_run(view: Viewing, bench: Bench, tenant: Tenant, run_id: Existing, form: Form) -> Response:
    given = text(form, "budget").strip()
    try:
        run = await bench.benchmarks.find(tenant, str(run_id))
        accepted = text(form, "accept_judge") == "1"
        await bench.benchmarks.resume(tenant, str(run_id), _new_budget(run, given), accept_judge=accepted)
    except InputError as error:
        return await _page(view, bench, tenant, run_id, budget=given if error.field == "budget" else None, error=error)
    return view.redirect(run_url(run_id))


async def _page(
    view: View,
    bench: Bench,
    tenant: Tenant,
    run_id: UUID,
    *,
    only: str = "",
    offset: str = "",
    sort: str = "",
    direction: str = "",
    prices: str = "",
    budget: str | None = None,
    error: InputError | None = None,
) -> Response:
    """The page; what says nothing in its address is left aside."""
    chosen, start = one_of(MatrixFilter, only) or MatrixFilter.ALL, natural(offset)
    shown = await bench.run_views.view(tenant, run_id)
    page = await bench.run_views.matrix(tenant, run_id, only=chosen, offset=start)
    order = sort if sort in BY_KEY else DEFAULT_SORT
    descending = direction == "desc" if direction in ("asc", "desc") else BY_KEY[order].descending

    repriced, prices_error = await _repriced(bench, tenant, run_id, prices if shown.run.verdict else "")

    def sorted_by(key: str) -> str:
        down = not descending if key == order else BY_KEY[key].descending
        order_by = "desc" if down else "asc"
        return with_query(run_url(run_id), sort=key, dir=order_by, only=only, offset=start or None, prices=prices)

    def here_prices(wanted: str) -> str:
        return with_query(run_url(run_id), sort=sort, dir=direction, only=only, offset=start or None, prices=wanted)

    report = shown.report
    return view.page(
        "run/page.html.jinja",
        status=200 if error is None else 422,
        view=shown,
        run=shown.run,
        progress=shown.progress,
        race_words=race_words,
        aims=AIMS,
        words=None if report is None else verdict_words(report),
        detail=None if report is None else detail_view(report),
        tie=None if report is None else tie_view(report),
        models=() if report is None else sorted_rows(model_rows(report), order, descending=descending),
        columns=COLUMNS,
        lifts=report is not None and any(summary.lift is not None for summary in report.summaries),
        order=order,
        descending=descending,
        sorted_by=sorted_by,
        matrix=matrix_view(page, run_id),
        certificates=certificate_views(shown.certificates, under_way=shown.progress.under_way),
        jury=None if report is None else jury_view(report),
        notices=notices(shown),
        failures=failure_lines(shown),
        prices=prices,
        repriced=repriced,
        prices_error=prices_error,
        here_prices=here_prices,
        resumable=is_resumable(shown),
        budget=budget,
        error=error,
        ended_event=ENDED,
    )


async def _repriced(
    bench: Bench, tenant: Tenant, run_id: UUID, prices: str
) -> tuple[Repriced | None, InputError | None]:
    """The run at the prices asked for, and what is wrong with the day."""
    if not prices:
        return None, None
    try:
        return await bench.run_prices.at(tenant, run_id, bench.run_prices.day_of(prices)), None
    except InputError as error:
        return None, error


def _new_budget(run: RunRow, given: str) -> int | None:
    """Dollars as typed, to microcents; nothing typed keeps the run's own, unless that is spent. Raises InputError."""
    problems = Problems()
    usd = problems.number("budget", given.removeprefix("$"), 0.0)
    problems.raise_any()
    budget = budget_microcents(usd) if given else None
    refuse_spent(run, budget)
    return budget
