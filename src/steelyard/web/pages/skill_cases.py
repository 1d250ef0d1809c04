"""/skills/{skill}/cases/…: golden cases added, edited and decided on, and made of users' training examples."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from starlette.datastructures import FormData
from starlette.responses import Response

from steelyard.domain.access import Action
from steelyard.domain.cases import CaseStatus
from steelyard.domain.errors import Conflict, Forbidden, InputError, NotFound, SteelyardError
from steelyard.domain.feedback import FeedbackStatus
from steelyard.services.case_decisions import decision_on_example
from steelyard.services.case_text import CaseDraft
from steelyard.services.catalogue import CatalogueRow
from steelyard.storage.case_changes import ChangeRow
from steelyard.storage.cases import CaseEntry
from steelyard.storage.feedback import FeedbackRow
from steelyard.web.case_form import KINDS, FormPage, TypedCase
from steelyard.web.deps import Bench, Tenant
from steelyard.web.forms import Form, text
from steelyard.web.links import skill_url
from steelyard.web.pages.skill_details import details_page
from steelyard.web.query import one_of
from steelyard.web.rater import member_name, rater_of
from steelyard.web.rendering import View, Viewing
from steelyard.workbench import Workbench

router = APIRouter()

_ADD = (("add", "Add the case"), ("propose", "Propose it"))
_DECISIONS = ("retire", "restore")
_PROPOSE_NOTE = "A proposed case waits until an admin accepts it."
_OWN_NOTE = (
    "It takes an admin to change an accepted case. What you change can be proposed beside it: an admin accepts that and"
    " retires this one."
)
_ADD_NOTE = "An added case counts from the next run on; a proposed one waits until somebody accepts it."


@router.get("/skills/{skill}/cases/new")
async def new_case(view: Viewing, bench: Bench, tenant: Tenant, skill: str) -> Response:
    row = await bench.catalogue.find(tenant, skill)
    return _form(view, row, _adding(row), TypedCase())


@router.post("/skills/{skill}/cases")
async def add_case(view: Viewing, bench: Bench, tenant: Tenant, skill: str, form: Form) -> Response:
    row = await bench.catalogue.find(tenant, skill)

    async def keep(draft: CaseDraft, typed: TypedCase, wanted: str) -> object:
        proposed = wanted == "propose" or not view.may(Action.DECIDE_CASES)
        put = bench.cases.propose if proposed else bench.cases.add
        return await put(tenant, row.id, draft, author=typed.author.strip() or None, why=typed.why)

    return await _sent(view, row, _adding(row), form, keep)


@router.get("/skills/{skill}/cases/{case}")
async def edit_form(view: Viewing, bench: Bench, tenant: Tenant, skill: str, case: UUID) -> Response:
    row, entry = await _case(bench, tenant, skill, case)
    page = await _editing(view, bench, tenant, row, entry, typed=False)
    changes = await bench.cases.changes(tenant, case)
    typed = TypedCase.of(CaseDraft.of(entry.case))
    if page.note == _OWN_NOTE:
        typed = replace(typed, key="")
    return _form(view, row, page, typed, entry=entry, changes=changes)


@router.post("/skills/{skill}/cases/{case}")
async def edit_case(view: Viewing, bench: Bench, tenant: Tenant, skill: str, case: UUID, form: Form) -> Response:
    row, entry = await _case(bench, tenant, skill, case)

    async def keep(draft: CaseDraft, typed: TypedCase, wanted: str) -> object:
        author = typed.author.strip() or None
        decides, seen = view.may(Action.DECIDE_CASES), one_of(CaseStatus, text(form, "seen"))
        accept = wanted == "accept" and decides
        return await bench.cases.edit(
            tenant, case, draft, author=author, why=typed.why, accept=accept, decides=decides, seen=seen
        )

    page = await _editing(view, bench, tenant, row, entry)
    return await _sent(view, row, page, form, keep, entry=entry)


@router.get("/skills/{skill}/cases/{case}/{decision}")
@router.get("/skills/{skill}/examples/{case}/{decision}")
async def decided_at(view: Viewing, bench: Bench, tenant: Tenant, skill: str, case: UUID, decision: str) -> Response:
    """Where a decision that was refused leaves the browser: entered again it leads to the cases."""
    return view.redirect(_cases_url(await bench.catalogue.find(tenant, skill)))


@router.post("/skills/{skill}/cases/{case}/{decision}")
async def decide_case(
    view: Viewing, bench: Bench, tenant: Tenant, skill: str, case: UUID, decision: str, form: Form
) -> Response:
    row, _ = await _case(bench, tenant, skill, case)
    who, why, seen = rater_of(view.request), text(form, "why"), one_of(CaseStatus, text(form, "seen"))
    if decision == "reject":
        done = bench.cases.reject(tenant, case, why=why, who=who, seen=seen)
    elif decision == "accept":
        done = bench.cases.accept(tenant, case, who=who, why=why, seen=seen)
    elif decision in _DECISIONS:
        put = {"retire": bench.cases.retire, "restore": bench.cases.restore}[decision]
        done = put(tenant, case, who=who, why=why)
    else:
        raise NotFound("There is no such decision on a golden case.")
    return await _decided(view, bench, tenant, row, done, text(form, "back"))


@router.get("/skills/{skill}/examples/{example}")
async def example_form(view: Viewing, bench: Bench, tenant: Tenant, skill: str, example: UUID) -> Response:
    row, given = await _example(bench, tenant, skill, example)
    draft = await bench.cases.example_draft(tenant, example)
    return _form(view, row, _from_example(row, given), TypedCase.of(draft), example=given)


@router.post("/skills/{skill}/examples/{example}")
async def take_example(view: Viewing, bench: Bench, tenant: Tenant, skill: str, example: UUID, form: Form) -> Response:
    row, given = await _example(bench, tenant, skill, example)

    async def keep(draft: CaseDraft, typed: TypedCase, wanted: str) -> object:
        author = typed.author.strip() or None
        seen = one_of(FeedbackStatus, text(form, "seen")) or FeedbackStatus.NEW
        if wanted == "propose" or not view.may(Action.DECIDE_CASES):
            return await bench.cases.propose_example(tenant, example, draft, author=author, seen=seen)
        return await bench.cases.accept_example(tenant, example, draft, author=author, why=typed.why, seen=seen)

    return await _sent(view, row, _from_example(row, given), form, keep, example=given)


@router.post("/skills/{skill}/examples/{example}/{decision}")
async def decide_example(
    view: Viewing, bench: Bench, tenant: Tenant, skill: str, example: UUID, decision: str, form: Form
) -> Response:
    row, _ = await _example(bench, tenant, skill, example)
    who, why = rater_of(view.request), text(form, "why")
    if decision == "accept":
        done = bench.cases.accept_example(tenant, example, who=who, why=why)
        return await _decided(view, bench, tenant, row, done)
    if decision == "reject":
        return await _decided(view, bench, tenant, row, bench.feedback.reject(tenant, example, why=why, who=who))
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
    if given.skill_id != row.id or not (given.example_input or "").strip():
        raise NotFound("This skill has no such training example.")
    return row, given


async def _sent(
    view: View,
    row: CatalogueRow,
    page: FormPage,
    form: FormData,
    keep: Callable[[CaseDraft, TypedCase, str], Awaitable[object]],
    **shown: Any,
) -> Response:
    """What the form was for, or the form again with what is wrong; `more` only asks for more rows of checks."""
    typed = TypedCase.read(form)
    typed = replace(typed, author=member_name(view.request) or typed.author)
    wanted = text(form, "do")
    if wanted == "more":
        return _form(view, row, page, typed, **shown)
    try:
        await keep(typed.draft(page.files), typed, wanted)
    except (InputError, Conflict, Forbidden) as error:
        status = 409 if isinstance(error, Conflict) else 403 if isinstance(error, Forbidden) else 422
        return _form(view, row, page, typed, error=error, status=status, **shown)
    return view.redirect("/queue" if text(form, "back") == "queue" else _cases_url(row))


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
    changes: Sequence[ChangeRow] = (),
) -> Response:
    return view.page(
        "skill/case.html.jinja",
        status=status,
        skill=row,
        form=_allowed(view, page),
        typed=typed,
        kinds=KINDS,
        error=error,
        entry=entry,
        example=example,
        changes=changes,
        to_queue=view.request.query_params.get("back") == "queue",
    )


def _allowed(view: View, page: FormPage) -> FormPage:
    """The form with the buttons of whoever sees it: who may not decide on cases proposes what they add."""
    if not view.may(Action.WRITE_CASES):
        return replace(page, buttons=(), note="It takes an editor to change it.", overturns="")
    if view.may(Action.DECIDE_CASES):
        return page
    proposing = tuple((value, label) for value, label in page.buttons if value not in ("add", "accept"))
    note = _PROPOSE_NOTE if page.note == _ADD_NOTE else page.note
    return replace(page, buttons=proposing or (_ADD[1:] if page.buttons else ()), note=note)


def _cases_url(row: CatalogueRow, status: str = "") -> str:
    return skill_url(row.name, row.id, "details") + (f"?cases={status}" if status else "") + "#cases"


def _adding(row: CatalogueRow) -> FormPage:
    return FormPage("New golden case", skill_url(row.name, row.id, "cases"), _ADD, _ADD_NOTE)


async def _editing(
    view: View, bench: Workbench, tenant: UUID, row: CatalogueRow, entry: CaseEntry, *, typed: bool = True
) -> FormPage:
    """The form of a case. One out of use has a button only where something was `typed` that would be lost."""
    base = skill_url(row.name, row.id, "cases")
    if entry.retired_at is None and entry.status is CaseStatus.ACCEPTED and not view.may(Action.DECIDE_CASES):
        # As below: a case of its own would lack the files.
        buttons = () if entry.case.files else (("propose", "Propose it as a case of its own"),)
        return FormPage("Golden case", base, buttons, _OWN_NOTE, entry.case.files)
    if entry.retired_at is None:
        overturns = ""
        if entry.status is CaseStatus.PENDING:
            buttons = (("accept", "Save and accept"), ("save", "Save"))
            note = "It waits for a decision; an accepted one counts from the next run on."
        else:
            overturns = (await bench.cases.decision(tenant, entry)).words
            rejected = entry.status is CaseStatus.REJECTED
            buttons = (("save", "Save"), *((("accept", "Save and accept all the same"),) if rejected else ()))
            note = (
                "No run uses it."
                if rejected
                else "Earlier runs keep the case as it was; a change makes the last benchmark stale."
            )
        return FormPage(
            "Golden case",
            f"{base}/{entry.id}",
            buttons,
            note,
            entry.case.files,
            seen=entry.status.value,
            overturns=overturns,
        )
    now = await bench.cases.as_now(tenant, entry)
    if now is None:
        # A case of its own would lack the files, which come from the folder alone.
        buttons = (("add", "Keep mine as a case of its own"),) if typed and not entry.case.files else ()
        return FormPage("Retired golden case", base, buttons)
    address = f"{base}/{now.id}"
    buttons = (("save", "Save mine over it"),) if typed else ()
    return FormPage("Golden case as it was", address, buttons, "", now.case.files, address, now.status.value)


def _from_example(row: CatalogueRow, given: FeedbackRow) -> FormPage:
    note = "It came from feedback on the skill. " + _ADD_NOTE
    action = skill_url(row.name, row.id, f"examples/{given.id}")
    overturns = "" if given.status == FeedbackStatus.NEW else decision_on_example(given).words
    return FormPage("Golden case of an example", action, _ADD, note, seen=given.status, overturns=overturns)
