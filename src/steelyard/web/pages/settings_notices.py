"""POST /settings/webhook, /mail, /notices/test, /rebenchmark: who is told of stale benchmarks, what is run again."""

from __future__ import annotations

import re

from fastapi import APIRouter
from starlette.responses import Response

from steelyard.domain.errors import InputError
from steelyard.web.deps import Bench, Tenant
from steelyard.web.forms import Form, text
from steelyard.web.pages.settings import NoticeForm, settings_page_of
from steelyard.web.rendering import Viewing

router = APIRouter()
_HERE = "/settings#notices"


@router.post("/settings/webhook")
async def set_webhook(view: Viewing, bench: Bench, tenant: Tenant, form: Form) -> Response:
    """The address. Where a secret is made, the answer shows it this once."""
    url = text(form, "url")
    try:
        secret = await bench.notices.set_webhook(tenant, url)
    except InputError as error:
        return await settings_page_of(view, bench, tenant, notice_form=NoticeForm(url=url, error=error))
    return await _secret(view, bench, tenant, secret)


@router.post("/settings/webhook/secret")
async def renew_secret(view: Viewing, bench: Bench, tenant: Tenant) -> Response:
    try:
        secret = await bench.notices.renew_secret(tenant)
    except InputError as error:
        return await settings_page_of(view, bench, tenant, notice_form=NoticeForm(error=error))
    return await _secret(view, bench, tenant, secret)


@router.post("/settings/mail")
async def set_mail(view: Viewing, bench: Bench, tenant: Tenant, form: Form) -> Response:
    typed = text(form, "mail")
    try:
        await bench.notices.set_recipients(tenant, re.split(r"[\s,;]+", typed))
    except InputError as error:
        return await settings_page_of(view, bench, tenant, notice_form=NoticeForm(mail=typed, error=error))
    return view.redirect(_HERE)


@router.post("/settings/notices/test")
async def send_test(view: Viewing, bench: Bench, tenant: Tenant) -> Response:
    try:
        await bench.notices.test(tenant)
    except InputError as error:
        return await settings_page_of(view, bench, tenant, notice_form=NoticeForm(error=error))
    return view.redirect(_HERE)


@router.post("/settings/rebenchmark")
async def set_rebenchmark(view: Viewing, bench: Bench, tenant: Tenant, form: Form) -> Response:
    """A blank budget runs nothing again."""
    usd = text(form, "budget")
    causes = [value for value in form.getlist("causes") if isinstance(value, str)]
    try:
        await bench.rebenchmarks.set_allowance(tenant, usd, causes)
    except InputError as error:
        chosen = NoticeForm(budget=usd, causes=causes, error=error)
        return await settings_page_of(view, bench, tenant, notice_form=chosen)
    return view.redirect("/settings#rebenchmark")


async def _secret(view: Viewing, bench: Bench, tenant: Tenant, secret: str | None) -> Response:
    if secret is None:
        return view.redirect(_HERE)
    return await settings_page_of(view, bench, tenant, notice_form=NoticeForm(secret=secret))
