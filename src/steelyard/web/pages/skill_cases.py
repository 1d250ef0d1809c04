"""/skills/{skill}/cases/…: golden cases added, edited and decided on, and made of users' training examples."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from starlette.datastructures import FormData
from starlette.responses import Response

from steelyard.domain.errors import Conflict, InputError, NotFound, SteelyardError
from steelyard.domain.feedback import FeedbackType
from steelyard.services.cases import CaseDraft
from steelyard.services.catalogue import CatalogueRow
from steelyard.storage.cases import CaseEntry
from steelyard.storage.feedback import FeedbackRow
from steelyard.web.case_form import KINDS, FormPage, TypedCase
from steelyard.web.deps import Bench, Tenant
from steelyard.web.forms import Form, text
from steelyard.web.links import skill_url
from steelyard.web.pages.skill_details import details_page
from steelyard.web.rendering import View, Viewing
from steelyard.workbench import Workbench

router = APIRouter()

_ADD = (("add", "Add the case"), ("propose", "Propose it"))
_ADD_NOTE = "An added case counts from the next run on; a proposed one waits until somebody accepts it."


@router.get("/skills/{skill}/cases/new")
async def new_case(view: Viewing, bench: Bench, tenant: Tenant, skill: str) -> Response:
    row = await bench.catalogue.find(tenant, skill)
    return _form(view, row, _adding(row), TypedCase())


@router.post("/skills/{skill}/cases")
async def add_case(view: Viewing, bench: Bench, tenant: Tenant, skill: str, form: Form) -> Response:
    row = await bench.catalogue.find(tenant, skill)

    async def keep(draft: CaseDraft, author: str | None, propose: bool) -> object:
        put = bench.cases.propose if propose else bench.cases.add
        return await put(tenant, row.id, draft, author=author)

    return await _sent(view, row, _adding(row), form, keep)


@router.get("/skills/{skill}/cases/{case}")
async def edit_form(view: Viewing, bench: Bench, tenant: Tenant, skill: str, case: UUID) -> Response:
    row, entry = await _case(bench, tenant, skill, case)
    page = await _editing(bench, tenant, row, entry, typed=False)
    return _form(view, row, page, TypedCase.of(CaseDraft.of(entry.case)), entry=entry)


@router.post("/skills/{skill}/cases/{case}")
async def edit_case(view: Viewing, bench: Bench, tenant: Tenant, skill: str, case: UUID, form: Form) -> Response:
    row, entry = await _case(bench, tenant, skill, case)

    async def keep(draft: CaseDraft, author: str | None, propose: bool) -> object:
        return await bench.cases.edit(tenant, case, draft, author=author)

    page = await _editing(bench, tenant, row, entry)
    return await _sent(view, row, page, form, keep, entry=entry)


@router.post("/skills/{skill}/cases/{case}/{decision}")
async def decide_case(
    view: Viewing, bench: Bench, tenant: Tenant, skill: str, case: UUID, decision: str, form: Form
) -> Response:
    row, _ = await _case(bench, tenant, skill, case)
    done = {
        "accept": bench.cases.accept,
        "reject": bench.cases.reject,
        "retire": bench.cases.retire,
        "restore": bench.cases.restore,
    }.get(decision)
    if done is None:
        raise NotFound("There is no such decision on a golden case.")
    return await _decided(view, bench, tenant, row, done(tenant, case), text(form, "back"))


@router.get("/skills/{skill}/examples/{example}")
async def example_form(view: Viewing, bench: Bench, tenant: Tenant, skill: str, example: UUID) -> Response:
    row, given = await _example(bench, tenant, skill, example)
    draft = await bench.cases.example_draft(tenant, example)
    return _form(view, row, _from_example(row, given), TypedCase.of(draft), example=given)


@router.post("/skills/{skill}/examples/{example}")
async def take_example(view: Viewing, bench: Bench, tenant: Tenant, skill: str, example: UUID, form: Form) -> Response:
    row, given = await _example(bench, tenant, skill, example)

    async def keep(draft: CaseDraft, author: str | None, propose: bool) -> object:
        put = bench.cases.propose_example if propose else bench.cases.accept_example
        return await put(tenant, example, draft, author=author)

    return await _sent(view, row, _from_example(row, given), form, keep, example=given)


@router.post("/skills/{skill}/examples/{example}/{decision}")
async def decide_example(
    view: Viewing, bench: Bench, tenant: Tenant, skill: str, example: UUID, decision: str
) -> Response:
    row, _ = await _example(bench, tenant, skill, example)
    if decision == "accept":
        return await _decided(view, bench, tenant, row, bench.cases.accept_example(tenant, example))
    if decision == "reject":
        return await _decided(view, bench, tenant, row, bench.feedback.reject(tenant, example))
    raise NotFound("There is no such decision on a training example.")


async def _case(bench: Workbench, tenant: UUID, skill: str, case: UUID) -> tuple[CatalogueRow, CaseEntry]:
    """Raises NotFound, also for a case of another skill."""
    row = await bench.catalogue.find(tenant, skill)
    entry = await bench.cases.get(tenant, case)
    if entry.skill_id != row.id:
        raise NotFound("This skill has no such golden case.")
    return row, entry


async def _example(bench: Workbench, tenant: UUID, skill: str, example: UUID) -> tuple[CatalogueRow, FeedbackRow]:
    """Raises NotFound, also for an example of another skill."""
    row = await bench.catalogue.find(tenant, skill)
    given = await bench.feedback.get(tenant, example)
    if given.skill_id != row.id or given.feedback_type != FeedbackType.TRAINING_EXAMPLE:
        raise NotFound("This skill has no such training example.")
    return row, given


async def _sent(
    view: View,
    row: CatalogueRow,
    page: FormPage,
    form: FormData,
    keep: Callable[[CaseDraft, str | None, bool], Awaitable[object]],
    **shown: Any,
) -> Response:
    """What the form was for, or the form again with what is wrong; `more` only asks for more rows of checks."""
    typed = TypedCase.read(form)
    wanted = text(form, "do")
    if wanted == "more":
        return _form(view, row, page, typed, **shown)
    try:
        await keep(typed.draft(page.files), typed.author.strip() or None, wanted == "propose")
    except (InputError, Conflict) as error:
        status = 409 if isinstance(error, Conflict) else 422
        return _form(view, row, page, typed, error=error, status=status, **shown)
    return view.redirect(_cases_url(row))


async def _decided(
    view: View, bench: Workbench, tenant: UUID, row: CatalogueRow, done: Awaitable[object], back: str = ""
) -> Response:
    try:
        await done
    except (Conflict, InputError) as error:
        return await details_page(view, bench, tenant, str(row.id), case_error=error, http_status=409)
    return view.redirect(_cases_url(row, back if back in ("pending", "accepted", "rejected", "retired") else ""))


def _form(
    view: View,
    row: CatalogueRow,
    page: FormPage,
    typed: TypedCase,
    *,
    error: SteelyardError | None = None,
    status: int = 200,
    entry: CaseEntry | None = None,
    example: FeedbackRow | None = None,
) -> Response:
    return view.page(
        "skill/case.html.jinja",
        status=status,
        skill=row,
        form=page,
        typed=typed,
        kinds=KINDS,
        error=error,
        entry=entry,
        example=example,
    )


def _cases_url(row: CatalogueRow, status: str = "") -> str:
    return skill_url(row.name, row.id, "details") + (f"?cases={status}" if status else "") + "#cases"


def _adding(row: CatalogueRow) -> FormPage:
    return FormPage("New golden case", skill_url(row.name, row.id, "cases"), _ADD, _ADD_NOTE)


async def _editing(
    bench: Workbench, tenant: UUID, row: CatalogueRow, entry: CaseEntry, *, typed: bool = True
) -> FormPage:
    """The form of a case. One out of use has a button only where something was `typed` that would be lost."""
    base = skill_url(row.name, row.id, "cases")
    if entry.retired_at is None:
        note = "Earlier runs keep the case as it was; a change makes the last benchmark stale."
        return FormPage("Golden case", f"{base}/{entry.id}", (("save", "Save"),), note, entry.case.files)
    now = await bench.cases.as_now(tenant, entry)
    if now is None:
        # A case of its own would lack the files, which come from the folder alone.
        buttons = (("add", "Keep mine as a case of its own"),) if typed and not entry.case.files else ()
        return FormPage("Retired golden case", base, buttons)
    address = f"{base}/{now.id}"
    buttons = (("save", "Save mine over it"),) if typed else ()
    return FormPage("Golden case as it was", address, buttons, "", now.case.files, address)


def _from_example(row: CatalogueRow, given: FeedbackRow) -> FormPage:
    note = "It came from a user’s training example. " + _ADD_NOTE
    return FormPage("Golden case of an example", skill_url(row.name, row.id, f"examples/{given.id}"), _ADD, note)
