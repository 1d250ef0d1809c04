"""/runs/{run_id}/tie-break: what comparing the tied models pair by pair takes, asking for it, and stopping it."""

from __future__ import annotations

from contextlib import suppress
from uuid import UUID

from fastapi import APIRouter
from starlette.responses import Response

from steelyard.domain.errors import Conflict, InputError, JudgeRefused, SteelyardError
from steelyard.domain.models import ModelRef
from steelyard.services.form_fields import Problems
from steelyard.services.selection import budget_microcents
from steelyard.services.tie_breaks import TieBreakOffer
from steelyard.web.deps import Bench, Tenant
from steelyard.web.forms import Form, text
from steelyard.web.links import run_url
from steelyard.web.model_names import model_name, short_names
from steelyard.web.rendering import View, Viewing
from steelyard.web.run_form_view import price_words
from steelyard.web.tie_break_view import tie_breaks_view
from steelyard.workbench import Workbench

router = APIRouter()


@router.get("/runs/{run_id}/tie-break")
async def tie_break_form(view: Viewing, bench: Bench, tenant: Tenant, run_id: UUID, judge: str = "") -> Response:
    """What it takes by the judge chosen, else by the default one. Raises NotFound, and Conflict without a tie."""
    return await _page(view, bench, tenant, run_id, judge.strip())


@router.post("/runs/{run_id}/tie-break")
async def ask_for_tie_break(view: Viewing, bench: Bench, tenant: Tenant, run_id: UUID, form: Form) -> Response:
    typed, given = text(form, "judge").strip(), text(form, "budget").strip()
    try:
        problems = Problems()
        usd = problems.number("budget", given.removeprefix("$"), 0.0)
        problems.raise_any()
        await bench.tie_breaks.request(
            tenant,
            run_id,
            ModelRef.typed(typed) if typed else None,
            budget_microcents=budget_microcents(usd) if given else None,
        )
    except (InputError, JudgeRefused) as error:
        return await _page(view, bench, tenant, run_id, typed, budget=given, error=error)
    return view.redirect(f"{run_url(run_id)}#tie-break")


@router.get("/runs/{run_id}/tie-break/standing")
async def tie_break_standing(view: Viewing, bench: Bench, tenant: Tenant, run_id: UUID) -> Response:
    """The section of the run's page alone, which asks for it while a tie-break is under way."""
    run = await bench.benchmarks.find(tenant, str(run_id))
    rows = await bench.tie_breaks.standing(tenant, run_id)
    return view.fragment("run/tie_break.html.jinja", run=run, tie=tie_breaks_view(rows, run.models))


@router.post("/runs/{run_id}/tie-break/{tie_break_id}/cancel")
async def cancel_tie_break(view: Viewing, bench: Bench, tenant: Tenant, run_id: UUID, tie_break_id: UUID) -> Response:
    # A conflict means that it ended while the button was being pressed: the page says so.
    with suppress(Conflict):
        await bench.tie_breaks.cancel(tenant, tie_break_id)
    return view.redirect(f"{run_url(run_id)}#tie-break")


async def _page(
    view: View,
    bench: Workbench,
    tenant: UUID,
    run_id: UUID,
    typed: str,
    *,
    budget: str = "",
    error: SteelyardError | None = None,
) -> Response:
    run = await bench.benchmarks.find(tenant, str(run_id))
    offer: TieBreakOffer | None = None
    try:
        offer = await bench.tie_breaks.offer(tenant, run_id, ModelRef.typed(typed) if typed else None)
    except InputError as unusable:
        error = error or unusable
    jurors = [one["judge"] for one in run.plan.get("jury", ())]
    # Jurors first: they know the run's answers, and of the others none is to be picked unasked.
    offers = sorted(await bench.offers.offers(tenant), key=lambda one: one.model not in jurors)
    status = 200 if error is None else 409 if isinstance(error, JudgeRefused) else 422
    return view.page(
        "run/tie_break_page.html.jinja",
        status=status,
        run=run,
        offer=offer,
        names=[] if offer is None else [short_names(offer.models)[model] for model in offer.models],
        judges=[
            (one.model, f"{model_name(one.model).full}: {price_words(one)}{', a juror' if one.model in jurors else ''}")
            for one in offers
            if one.usable
        ],
        typed=typed,
        budget=budget,
        error=error,
    )
