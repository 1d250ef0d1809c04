"""GET /: the skills with where each stands; and the invitation of an empty database."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import get_args

from fastapi import APIRouter, Request
from starlette.responses import Response

from steelyard.domain.access import Action
from steelyard.services.catalogue import CataloguePage
from steelyard.services.demo import FIRST, MAX_TOKENS, MODELS, examples
from steelyard.skills.folder import read_skill
from steelyard.storage.catalogue import Sort
from steelyard.web.deps import Bench, Tenant
from steelyard.web.links import skill_url, with_query
from steelyard.web.query import page_after
from steelyard.web.rendering import Viewing

router = APIRouter()


@router.get("/skills")
async def skills_page(view: Viewing) -> Response:
    """The address that forms for new skills are sent to: opened by itself, it is the list of skills."""
    return view.redirect("/")


PAGE = 50
# What a first press on a column shows on top: names from a, everything else from its most telling end.
_FIRST_DESCENDING = {"name": False, "quality": True, "cost": False, "feedback": True, "benchmarked": True}


@router.get("/")
async def home_page(
    request: Request,
    view: Viewing,
    bench: Bench,
    tenant: Tenant,
    q: str = "",
    sort: str = "name",
    dir: str = "",
    stale: str = "",
    after: str = "",
) -> Response:
    """The list, from `after` on. An address that does not fit the list any more starts it anew."""
    order = _sort(sort)
    descending = dir == "desc"
    stale_only = stale == "1"

    def page(token: str | None) -> Awaitable[CataloguePage]:
        return bench.catalogue.page(
            tenant, q=q[:200], sort=order, descending=descending, stale_only=stale_only, after=token, limit=PAGE
        )

    found, continued = await page_after(page, after)
    asked = bool(q.strip() or stale_only)
    if not asked and found.total == 0:
        return view.page("pages/first.html.jinja", models=MODELS)

    def address(**changes: object) -> str:
        given = {"q": q, "sort": order, "dir": "desc" if descending else "", "stale": stale_only, **changes}
        return with_query("/", **{key: value for key, value in given.items() if (key, value) != ("sort", "name")})

    def sorted_by(key: str) -> str:
        down = not descending if key == order else _FIRST_DESCENDING[key]
        return address(sort=key, dir="desc" if down else "")

    return view.page(
        "pages/home.html.jinja",
        found=found,
        q=q,
        sort=order,
        descending=descending,
        stale_only=stale_only,
        asked=asked,
        continued=continued,
        address=address,
        sorted_by=sorted_by,
        more=address(after=found.next) if found.next else None,
    )


@router.post("/demo")
async def add_example(view: Viewing, bench: Bench, tenant: Tenant) -> Response:
    """Add the example skill and go to its run, with the local models chosen."""
    skill = await asyncio.to_thread(lambda: read_skill(examples() / FIRST))
    row = await bench.skills.add(tenant, skill.content, skill.told_cases, decides=view.may(Action.DECIDE_CASES))
    place = skill_url(row.name, row.id, "benchmark/new")
    return view.redirect(with_query(place, model=MODELS, judge="none", max_tokens=MAX_TOKENS))


def _sort(given: str) -> Sort:
    return next((sort for sort in get_args(Sort) if sort == given), "name")
