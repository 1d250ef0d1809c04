"""/queue: what waits to become a golden case, decided on one by one or rejected together."""

from __future__ import annotations

import re
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.datastructures import FormData
from starlette.responses import Response

from steelyard.domain.cases import LOCAL_OWNER, WaitingKind
from steelyard.domain.errors import Conflict, InputError, NotFound, SteelyardError
from steelyard.services.ratings import rater_name
from steelyard.web.deps import Bench, Tenant
from steelyard.web.forms import Form, text, texts
from steelyard.web.links import skill_url, with_query
from steelyard.web.query import one_of, page_after
from steelyard.web.rater import forget_rater, keep_rater, rater_of
from steelyard.web.rendering import View, Viewing
from steelyard.workbench import Workbench

router = APIRouter()

A_PAGE = 25
_LONGEST = 500
KIND_WORDS = {
    WaitingKind.DRAFTED: "drafted",
    WaitingKind.PROPOSED: "proposed",
    WaitingKind.EXAMPLE: "from a user",
    WaitingKind.USE: "from production",
    WaitingKind.DISAGREEMENT: "judge contradicted",
}
_DONE = {"accepted": "It is a golden case now.", "rejected": "It was rejected."}
# How many were rejected together, and how many of those ticked were not.
_DONE_TOGETHER = re.compile(r"rejected-([0-9]{1,5})-([0-9]{1,5})\Z")


@router.get("/queue")
async def queue(
    view: Viewing,
    bench: Bench,
    tenant: Tenant,
    skill: str = "",
    kind: str = "",
    after: str = "",
    done: str = "",
) -> Response:
    """What has waited longest first, of one skill or kind where the address says so."""
    return await _page(view, bench, tenant, skill, kind, after, done=done)


@router.get("/queue/name")
@router.get("/queue/reject")
@router.get("/queue/{kind}/{item}")
async def decided_at(view: Viewing) -> Response:
    """Where a decision that was refused leaves the browser: entered again it leads to the queue."""
    return view.redirect("/queue")


@router.post("/queue/name")
async def name_admin(request: Request, view: Viewing, form: Form) -> Response:
    """Keep the name that decisions are made under in the browser, or forget it."""
    answer = view.redirect(_back(form))
    if name := text(form, "name").strip():
        keep_rater(request, answer, rater_name(name))
    else:
        forget_rater(answer)
    return answer


@router.post("/queue/reject")
async def reject_all(request: Request, view: Viewing, bench: Bench, tenant: Tenant, form: Form) -> Response:
    """Reject all that were ticked, for one reason."""
    items = [item for item in map(_item, texts(form, "item")) if item is not None]
    try:
        if not items:
            raise InputError("Nothing was ticked.", next_step="Tick what is to be rejected.")
        rejected = await bench.case_queue.reject_all(tenant, items, why=text(form, "why"), who=rater_of(request))
    except InputError as error:
        return await _again(view, bench, tenant, form, error)
    return view.redirect(_back(form, done=f"rejected-{rejected.done}-{rejected.missed}"))


@router.post("/queue/{kind}/{item}")
async def decide(
    request: Request, view: Viewing, bench: Bench, tenant: Tenant, kind: str, item: UUID, form: Form
) -> Response:
    """Accept, reject, or make a pending case of an output."""
    found, who, why = one_of(WaitingKind, kind), rater_of(request), text(form, "why")
    if found is None:
        raise NotFound("Nothing of that kind waits.", next_step="Look at the queue.")
    wanted = text(form, "do")
    try:
        if wanted == "accept":
            await bench.case_queue.accept(tenant, found, item, who=who, why=why)
            done = "accepted"
        elif wanted == "propose":
            entry = await bench.case_queue.propose(tenant, found, item, who=who, why=why)
            row = await bench.catalogue.find(tenant, str(entry.skill_id))
            return view.redirect(with_query(skill_url(row.name, row.id, f"cases/{entry.id}"), back="queue"))
        elif wanted == "reject":
            await bench.case_queue.reject(tenant, found, item, why=why, who=who)
            done = "rejected"
        else:
            raise InputError("That is no decision.", next_step="Use the buttons of the page.")
    except (InputError, Conflict) as error:
        return await _again(view, bench, tenant, form, error, item)
    return view.redirect(_back(form, done=done))


async def _again(
    view: View, bench: Workbench, tenant: UUID, form: FormData, error: SteelyardError, item: UUID | None = None
) -> Response:
    """The page the form was on, with what was wrong."""
    return await _page(
        view,
        bench,
        tenant,
        text(form, "skill"),
        text(form, "kind"),
        text(form, "after"),
        error=error,
        failed=item,
        typed=text(form, "why"),
        status=409 if isinstance(error, Conflict) else 422,
    )


async def _page(
    view: View,
    bench: Workbench,
    tenant: UUID,
    skill: str,
    kind: str,
    after: str,
    *,
    done: str = "",
    error: SteelyardError | None = None,
    failed: UUID | None = None,
    typed: str = "",
    status: int = 200,
) -> Response:
    row = await bench.catalogue.find(tenant, skill) if skill else None
    chosen = one_of(WaitingKind, kind)
    page, continued = await page_after(
        lambda mark: bench.case_queue.page(
            tenant, skill_id=None if row is None else row.id, kind=chosen, after=mark, limit=A_PAGE
        ),
        after,
    )
    return view.page(
        "pages/queue.html.jinja",
        status=status,
        skill=row,
        skill_ref=skill if row is not None else "",
        chosen=chosen,
        kinds=KIND_WORDS,
        page=page,
        after=after if continued else "",
        continued=continued,
        decides_as=rater_of(view.request),
        owner=LOCAL_OWNER,
        done=_done_words(done),
        error=error,
        failed=failed,
        typed=typed,
    )


def _back(form: FormData, done: str = "") -> str:
    """Where the form was, at what comes next there."""
    # What is longer is no id, kind or place, and a browser or proxy may refuse so long an address.
    kept = {name: value for name in ("skill", "kind", "after") if len(value := text(form, name)) <= _LONGEST}
    place = with_query("/queue", **kept, done=done)
    following = _uuid(text(form, "next"))
    return f"{place}#i-{following}" if following is not None else place


def _done_words(code: str) -> str:
    """What has been done, for a code that `_back` was given; nothing for any other text of a link."""
    together = _DONE_TOGETHER.match(code)
    if together is None:
        return _DONE.get(code, "")
    done, missed = map(int, together.groups())
    return f"{done:,} rejected." + (f" {missed:,} had been decided on before." if missed else "")


def _item(value: str) -> tuple[WaitingKind, UUID] | None:
    kind, _, item = value.partition(":")
    found, item_id = one_of(WaitingKind, kind), _uuid(item)
    return None if found is None or item_id is None else (found, item_id)


def _uuid(value: str) -> UUID | None:
    try:
        return UUID(value)
    except ValueError:
        return None
