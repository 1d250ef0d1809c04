"""The form of a benchmark run: what it offers, what it would take, and starting it."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from steelyard.api.principal import tenant_of
from steelyard.domain.errors import InputError
from steelyard.judging.panel import MOST_JUDGES
from steelyard.services.catalogue import CatalogueRow
from steelyard.services.estimates import Estimate, budget_warnings, race_sentence
from steelyard.services.model_offers import MOST_LISTED
from steelyard.services.run_form import MOST_AD_HOC, RunForm, RunFormValues
from steelyard.services.selection import Selected
from steelyard.web.deps import Bench, Tenant
from steelyard.web.forms import Form, text
from steelyard.web.links import run_url
from steelyard.web.rendering import View, Viewing, is_fragment_request
from steelyard.web.run_form_view import (
    FEWEST_CASES,
    MORE_FIELDS,
    FieldProblem,
    ad_hoc_rows,
    judge_choice,
    model_groups,
    problems_of,
    read_values,
    shares,
    values_in_query,
)
from steelyard.workbench import Workbench

router = APIRouter()


@router.get("/skills/{skill}/benchmark/new")
async def new_run(request: Request, view: Viewing, bench: Bench, tenant: Tenant, skill: str) -> Response:
    """The form as the last run was, or as a link chooses it (`values_in_query`)."""
    row = await bench.catalogue.find(tenant, skill)
    first = await bench.run_forms.form(tenant, row.id)
    given = {key: request.query_params.getlist(key) for key in request.query_params}
    left_out = () if given.get("model") else first.left_out
    values = values_in_query(given, first.values)
    return await _page(view, bench, row, values, left_out=left_out, offered=first if values == first.values else None)


@router.get("/skills/{skill}/benchmark/models")
async def listed_models(
    view: Viewing,
    bench: Bench,
    tenant: Tenant,
    skill: str,
    models: Annotated[list[str] | None, Query()] = None,
    of: Annotated[list[str] | None, Query()] = None,
) -> Response:
    """What the servers `of` these names list, as a fragment of the form; `models` are chosen in it already.

    The form shows already what the other servers list, as those were asked before it was made.
    """
    row = await bench.catalogue.find(tenant, skill)
    await bench.offers.ask()
    form = await bench.run_forms.form(tenant, row.id, RunFormValues(models=models or ()))
    own = {one.provider for one in form.addresses}.intersection(of or ())
    new = tuple(offer for offer in form.models if offer.group == "current" and offer.provider in own)
    usable, _ = model_groups(replace(form, models=new))
    return view.fragment(
        "run_form/listed.html.jinja",
        skill=row,
        addresses=form.addresses,
        usable=usable,
        shares={},
        most_listed=MOST_LISTED,
    )


@router.post("/skills/{skill}/benchmark/new")
async def start_run(view: Viewing, bench: Bench, tenant: Tenant, skill: str, form: Form) -> Response:
    row = await bench.catalogue.find(tenant, skill)
    values = read_values(form)
    if text(form, "more_cases"):
        return await _page(view, bench, row, values, more=True)
    try:
        selected = await bench.run_forms.request(tenant, row.id, values)
        started = await bench.benchmarks.start(tenant, selected.request)
    except InputError as error:
        return await _page(view, bench, row, values, problems=problems_of(error))
    return view.redirect(run_url(started.run_id))


@router.post("/skills/{skill}/benchmark/estimate")
async def estimate_run(
    request: Request, view: Viewing, bench: Bench, tenant: Tenant, skill: str, form: Form
) -> Response:
    """What the run would take: as a fragment beside the form, or the whole page with it."""
    row = await bench.catalogue.find(tenant, skill)
    values = read_values(form)
    try:
        selected = await bench.run_forms.request(tenant, row.id, values)
        estimate = await bench.estimate(tenant, selected.request)
    except InputError as error:
        problems = problems_of(error)
        if is_fragment_request(request):
            return view.fragment("run_form/estimate.html.jinja", **_estimated(None, None, problems))
        return await _page(view, bench, row, values, problems=problems)
    if is_fragment_request(request):
        return view.fragment("run_form/estimate.html.jinja", beside=True, **_estimated(selected, estimate, {}))
    return await _page(view, bench, row, values, selected=selected, estimate=estimate)


async def _page(
    view: View,
    bench: Workbench,
    row: CatalogueRow,
    values: RunFormValues,
    *,
    problems: dict[str, FieldProblem] | None = None,
    selected: Selected | None = None,
    estimate: Estimate | None = None,
    more: bool = False,
    left_out: tuple[str, ...] = (),
    offered: RunForm | None = None,
) -> Response:
    tenant = tenant_of(view.request)
    offered = offered or await bench.run_forms.form(tenant, row.id, values)
    usable, unusable = model_groups(offered)
    listed = {offer.model for offer in offered.models}
    typed = [model for model in values.models if model not in listed]
    if typed:
        # A reference the list cannot hold is kept where it can be mended.
        values = replace(values, other_models="\n".join([*typed, *values.other_models.splitlines()]))
    return view.page(
        "run_form/page.html.jinja",
        status=422 if problems else 200,
        skill=row,
        form=offered,
        left_out=left_out,
        values=values,
        usable=usable,
        unusable=unusable,
        open_unusable=not usable or any(one.checked for group in unusable for one in group.choices),
        prices_of=next((offer.price.price_date for offer in offered.models if offer.price is not None), None),
        judge=judge_choice(values),
        ad_hoc=ad_hoc_rows(values, more=more),
        most_ad_hoc=MOST_AD_HOC,
        most_listed=MOST_LISTED,
        most_judges=MOST_JUDGES,
        most_for_a_run=(await bench.budgets.standing(tenant)).budget.run_microcents,
        open_more=bool(problems and MORE_FIELDS & problems.keys()),
        errors=problems or {},
        **_estimated(selected, estimate, {}),
    )


def _estimated(
    selected: Selected | None, estimate: Estimate | None, problems: dict[str, FieldProblem]
) -> dict[str, Any]:
    return {
        "selected": selected,
        "estimate": estimate,
        "problems": problems,
        "shares": {} if estimate is None else shares(estimate),
        "fewest_cases": FEWEST_CASES,
        "budget_warnings": [] if estimate is None else budget_warnings(estimate),
        "race": None if estimate is None or estimate.race is None else race_sentence(estimate.race, estimate.n_cases),
    }
