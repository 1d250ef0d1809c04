"""/skills/{skill}/benchmark/causes: what speaks against a benchmark; and POST …/details/limit: how old it may be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import APIRouter, Request
from starlette.responses import Response

from steelyard.domain.errors import InputError
from steelyard.domain.stale_causes import CauseKind, FoundCause, Retest
from steelyard.services.stale_check import Checked
from steelyard.web.deps import Bench, Tenant
from steelyard.web.filters import plural, sum_of
from steelyard.web.forms import Form, text
from steelyard.web.links import skill_url, with_query
from steelyard.web.pages.skill_details import details_page
from steelyard.web.rendering import Viewing, is_fragment_request

router = APIRouter()


@dataclass(frozen=True)
class CauseLine:
    """A cause as the page says it: `takes` is what testing again would take, `url` where it is asked for."""

    cause: FoundCause
    takes: str
    problem: str | None
    url: str


@router.get("/skills/{skill}/benchmark/causes")
async def causes(request: Request, view: Viewing, bench: Bench, tenant: Tenant, skill: str, line: str = "") -> Response:
    """As a fragment the box of the Benchmark tab, empty where nothing speaks against it, or with `line` the causes in a
    line; else a page of its own.
    """
    row = await bench.catalogue.find(tenant, skill)
    checked = await bench.stale_checks.check(tenant, row.id, retests=not line)
    here = skill_url(row.name, row.id, "benchmark")
    if line:
        return view.fragment("skill/causes_line.html.jinja", checked=checked, here=here)
    template = "skill/causes.html.jinja" if is_fragment_request(request) else "skill/stale.html.jinja"
    return view.page(
        template, skill=row, checked=checked, here=here, lines=cause_lines(checked, here), all=all_at_once(checked)
    )


@router.post("/skills/{skill}/details/limit")
async def set_limit(view: Viewing, bench: Bench, tenant: Tenant, skill: str, form: Form) -> Response:
    """The skill's own limit of age; blank for that of all."""
    row = await bench.catalogue.find(tenant, skill)
    days = text(form, "days")
    try:
        await bench.staleness.set_limit(tenant, days, row.id)
    except InputError as error:
        return await details_page(view, bench, tenant, skill, limit=days, limit_error=error, http_status=422)
    return view.redirect(skill_url(row.name, row.id, "details") + "#limit")


def cause_lines(checked: Checked, here: str) -> list[CauseLine]:
    """The causes in their order, each with the address of its own Re-benchmark."""
    return [
        CauseLine(
            cause,
            takes(cause.retest) if cause.retest is not None else "",
            None if cause.retest is None else cause.retest.problem,
            with_query(f"{here}/again", cause=cause.kind.value),
        )
        for cause in checked.causes
    ]


def all_at_once(checked: Checked) -> Retest | None:
    """What the Re-benchmark for all that the skill's own row knows of takes; None where it knows of nothing."""
    own = [cause for cause in checked.causes if cause.kind in (CauseKind.SKILL, CauseKind.CASES, CauseKind.AGE)]
    fresh = [cause for cause in own if cause.kind.fresh]
    return next((cause.retest for cause in (*fresh, *own)), None)


def takes(retest: Retest) -> str:
    """`40 calls of models and 3 of the judge, about $0.12; 20 answers are used again`."""
    if retest.problem is not None:
        return ""
    reused = ""
    if retest.reused:
        reused = f"; {plural(retest.reused, 'stored answer')} {'is' if retest.reused == 1 else 'are'} used again"
    if not retest.all_calls:
        return f"no call, $0{reused}"
    calls: Sequence[str] = [f"{plural(retest.calls, 'call')} of models"] if retest.calls else []
    if retest.judge_calls:
        calls = [*calls, f"{plural(retest.judge_calls, 'call')} of the judge"]
    cost = sum_of(retest.cost_microcents, retest.cost_is_lower_bound, "about ")
    return f"{' and '.join(calls)}, {cost}{reused}"
