"""/skills/{skill}/details: the skill's text, facts, files and lint, its golden cases, versions and feedback."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from starlette.responses import Response

from steelyard.domain.cases import CaseStatus
from steelyard.domain.errors import InputError, NotFound, SteelyardError
from steelyard.domain.feedback import FeedbackStatus, FeedbackType
from steelyard.services.catalogue import CatalogueRow
from steelyard.storage.skills import VersionRow
from steelyard.storage.versions import FileLine
from steelyard.web.case_form import check_words
from steelyard.web.deps import Bench, Tenant
from steelyard.web.feedback_form import FEEDBACK_FIELDS, read_feedback
from steelyard.web.forms import Form, text
from steelyard.web.links import skill_url
from steelyard.web.pages.skill_frame import skill_frame
from steelyard.web.query import natural, one_of
from steelyard.web.rater import member_name
from steelyard.web.rendering import View, Viewing
from steelyard.web.skill_words import advice, frontmatter_facts
from steelyard.web.text.markdown import markdown
from steelyard.web.text.plain import plain
from steelyard.workbench import Workbench

router = APIRouter()

_SHOWN_VERSIONS = 5
_SHOWN_EXAMPLES = 10
_SHOWN_FEEDBACK = 5
_CASES_A_PAGE = 25


@router.get("/skills/{skill}/details")
async def details(
    view: Viewing,
    bench: Bench,
    tenant: Tenant,
    skill: str,
    shown_as: Annotated[str, Query(alias="view")] = "",
    version: str = "",
    cases: str = "",
    page: str = "",
    health: str = "",
) -> Response:
    return await details_page(
        view,
        bench,
        tenant,
        skill,
        raw=shown_as == "raw",
        version=version,
        cases=cases,
        number=natural(page) or 1,
        health=bool(health),
    )


@router.post("/skills/{skill}/feedback")
async def give_feedback(view: Viewing, bench: Bench, tenant: Tenant, skill: str, form: Form) -> Response:
    row = await bench.catalogue.find(tenant, skill)
    typed = {name: text(form, name) for name in FEEDBACK_FIELDS}
    typed["author"] = member_name(view.request) or typed["author"]
    try:
        given = read_feedback(typed)
        await bench.feedback.add(tenant, row.id, replace(given, skill_version_id=row.version_id))
    except InputError as error:
        return await details_page(view, bench, tenant, skill, feedback=typed, feedback_error=error, http_status=422)
    return view.redirect(skill_url(row.name, row.id, "details") + "?thanks=1#feedback")


async def details_page(
    view: View,
    bench: Workbench,
    tenant: UUID,
    skill: str,
    *,
    raw: bool = False,
    version: str = "",
    cases: str = "",
    number: int = 1,
    health: bool = False,
    case_error: SteelyardError | None = None,
    limit: str | None = None,
    limit_error: InputError | None = None,
    feedback: Mapping[str, str] | None = None,
    feedback_error: InputError | None = None,
    http_status: int = 200,
) -> Response:
    """The tab; of an earlier version where the start of a digest says so. Raises NotFound.

    The health of its cases is shown where it is known already; with `health` it is waited for.
    """
    frame = await skill_frame(bench, tenant, skill, "details")
    found = await bench.case_health.of(tenant, frame.skill) if health else bench.case_health.known(tenant, frame.skill)
    retired = cases == "retired"
    status = one_of(CaseStatus, cases)
    # Independent readings, at the same time on a connection each.
    versions, (shown, files, written), listed, examples, newest, stats = await asyncio.gather(
        bench.versions.list(tenant, frame.skill.id),
        _shown(bench, tenant, frame.skill, version, raw),
        bench.cases.page(tenant, frame.skill.id, status=status, retired=retired, number=number, size=_CASES_A_PAGE),
        bench.feedback.list(
            tenant,
            frame.skill.id,
            feedback_type=FeedbackType.TRAINING_EXAMPLE,
            status=FeedbackStatus.NEW,
            limit=_SHOWN_EXAMPLES,
        ),
        bench.feedback.list(tenant, frame.skill.id, limit=_SHOWN_FEEDBACK),
        bench.feedback.stats(tenant, frame.skill.id),
    )
    limits = await bench.staleness.limits(tenant, frame.skill.id)
    pages = max(1, -(-listed.total // _CASES_A_PAGE))
    return view.page(
        "skill/details.html.jinja",
        status=http_status,
        frame=frame,
        version=shown,
        raw=raw,
        text=written,
        facts=list(frontmatter_facts(shown.frontmatter)),
        files=files,
        advice=advice,
        versions=versions[:_SHOWN_VERSIONS],
        version_count=len(versions),
        cases=listed,
        health=found,
        case_filter="retired" if retired else None if status is None else status.value,
        number=min(number, pages),
        pages=pages,
        check_words=check_words,
        examples=examples.rows,
        case_error=case_error,
        limits=limits,
        limits_of_all=bench.staleness.limit_days,
        limit=limit,
        limit_error=limit_error,
        newest=newest.rows,
        stats=stats,
        feedback=feedback or dict.fromkeys(FEEDBACK_FIELDS, ""),
        feedback_error=feedback_error,
        thanks="thanks" in view.request.query_params,
    )


async def _shown(
    bench: Workbench, tenant: UUID, skill: CatalogueRow, prefix: str, raw: bool
) -> tuple[VersionRow, Sequence[FileLine], Any]:
    """The version, its files and its text. Raises NotFound."""
    version = await _version(bench, tenant, skill, prefix)
    files = await bench.versions.files(tenant, version.id)
    return version, files, await _text(bench, tenant, version, files, raw)


async def _version(bench: Workbench, tenant: UUID, skill: CatalogueRow, prefix: str) -> VersionRow:
    if not prefix:
        return await bench.versions.get(tenant, skill.version_id)
    return await bench.versions.get(tenant, (await bench.versions.find(tenant, skill.id, prefix)).id)


async def _text(bench: Workbench, tenant: UUID, version: VersionRow, files: Sequence[FileLine], raw: bool) -> Any:
    """The body rendered, or the file as it was written."""
    if not raw:
        return await asyncio.to_thread(markdown, version.body, shift=2)
    main = next((file.path for file in files if file.path.lower() == "skill.md"), None)
    if main is None:
        return plain(version.body)
    try:
        return plain((await bench.versions.file(tenant, version.id, main)).text or version.body)
    except NotFound:
        return plain(version.body)
