"""/settings: what this installation is configured to do, and how old benchmarks may be, which is set there."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from fastapi import APIRouter
from starlette.responses import Response

from steelyard.domain.errors import InputError
from steelyard.domain.money import usd_digits
from steelyard.domain.stale_causes import CauseKind
from steelyard.services.configuration import describe
from steelyard.web.deps import Bench, Tenant
from steelyard.web.forms import Form, text
from steelyard.web.rendering import View, Viewing
from steelyard.workbench import Workbench

router = APIRouter()


@dataclass(frozen=True)
class NoticeForm:
    """What was typed into the forms of notices where it cannot be used, or the secret that was made just now."""

    url: str | None = None
    mail: str | None = None
    budget: str | None = None
    causes: Sequence[str] | None = None
    error: InputError | None = None
    secret: str | None = field(default=None, repr=False)

    def problem(self, *fields: str | None) -> str | None:
        """What is wrong with one of these fields, with what to do."""
        if self.error is None or self.error.field not in fields:
            return None
        return f"{self.error.message} {self.error.next_step or ''}".strip()


@dataclass(frozen=True)
class BudgetForm:
    """What was typed into the form of budgets where it cannot be used."""

    month: str | None = None
    run: str | None = None
    refuse_unpriced: bool | None = None
    error: InputError | None = None

    def problem(self, field: str) -> str | None:
        """What is wrong with this field, with what to do."""
        if self.error is None or self.error.field != field:
            return None
        return f"{self.error.message} {self.error.next_step or ''}".strip()


_NOTHING_TYPED = NoticeForm()
_NO_BUDGET_TYPED = BudgetForm()


@router.get("/settings")
async def settings_page(view: Viewing, bench: Bench, tenant: Tenant) -> Response:
    return await settings_page_of(view, bench, tenant)


@router.post("/settings/limit")
async def set_limit(view: Viewing, bench: Bench, tenant: Tenant, form: Form) -> Response:
    days = text(form, "days")
    try:
        await bench.staleness.set_limit(tenant, days)
    except InputError as error:
        return await settings_page_of(view, bench, tenant, limit=days, error=error)
    return view.redirect("/settings#limit")


async def settings_page_of(
    view: View,
    bench: Workbench,
    tenant: UUID,
    *,
    limit: str | None = None,
    error: InputError | None = None,
    notice_form: NoticeForm = _NOTHING_TYPED,
    budget_form: BudgetForm = _NO_BUDGET_TYPED,
) -> Response:
    """The page, with what was typed into its forms where that cannot be used."""
    notices = await bench.notices.standing(tenant)
    budget = notices.allowance.budget_microcents
    known = await asyncio.to_thread(
        describe, bench.providers.settings(), concurrency=bench.concurrency, embedded=bench.embedded
    )
    return view.page(
        "pages/settings.html.jinja",
        status=200 if error is None and notice_form.error is None and budget_form.error is None else 422,
        headers={"cache-control": "no-store"} if notice_form.secret else None,
        known=known,
        unmatched=await bench.intake.unmatched(tenant),
        limits=await bench.staleness.limits(tenant),
        limit=limit,
        limit_error=error,
        notices=notices,
        budget_text="" if budget is None else usd_digits(budget),
        notice_form=notice_form,
        kinds=list(CauseKind),
        budgets=await bench.budgets.standing(tenant),
        budget_form=budget_form,
    )
