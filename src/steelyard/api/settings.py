"""/v1/settings: how old benchmarks may be, who is told of stale ones, and what is run again of itself."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit
from uuid import UUID

from fastapi import Depends
from pydantic import Field

from steelyard.api.deps import Bench, Tenant, Who
from steelyard.api.fields import Count, Given, Id, Microcents, Moment, Shown
from steelyard.api.operation import Operations, json_of
from steelyard.api.staleness import AgeLimit
from steelyard.domain.access import Action, Principal
from steelyard.domain.money import usd_digits
from steelyard.domain.stale_causes import CauseKind
from steelyard.workbench import Workbench

operation = Operations("settings")

_MOST_RECIPIENTS = 100


class Delivery(Shown):
    """A message as the log tells of it; `next_at` is null once it was delivered or given up."""

    id: Id
    way: Annotated[str, Field(description="webhook or mail.", examples=["webhook"])]
    kind: Annotated[str, Field(examples=["benchmark.stale"])]
    state: Annotated[str, Field(description="waiting, delivered or given_up.", examples=["delivered"])]
    attempts: Count
    last_status: str | None
    last_at: Moment | None
    next_at: Moment | None
    created_at: Moment


class Rebenchmark(Shown):
    """What is run again of itself: money of a UTC month in microcents, null for nothing, and for which causes."""

    budget_microcents: Microcents | None
    spent_microcents: Annotated[Microcents | None, Field(description="This month, in microcents.")]
    held_microcents: Annotated[Microcents | None, Field(description="By runs under way, in microcents.")]
    left_microcents: Annotated[Microcents | None, Field(description="This month, in microcents.")]
    causes: list[str]


class Settings(Shown):
    """What is set for this tenant. The webhook's secret is not among it: it was shown when it was made.

    Whoever may not set them gets of the webhook's address its host alone, since its path is often a secret, and no
    recipients.
    """

    stale_after_days: Annotated[int, Field(description="Days; what holds for skills without a limit.", examples=[90])]
    stale_after_days_set: Annotated[int | None, Field(description="Days; null: the installation's.", examples=[90])]
    webhook: Annotated[
        str | None,
        Field(description="Its scheme and host alone for who may not set it.", examples=["https://example.com/hook"]),
    ]
    recipients: Annotated[
        list[str] | None, Field(description="Null for who may not set them.", examples=[["ada@example.com"]])
    ]
    checked_at: Annotated[Moment | None, Field(description="When all benchmarks were checked last.")]
    rebenchmark: Rebenchmark
    log: list[Delivery]


class WebhookAddress(Given):
    """Where notices are posted; null posts none."""

    url: Annotated[str | None, Field(max_length=2_000, examples=["https://example.com/hook"])]


class WebhookSecret(Shown):
    """The webhook, and the secret that signs it where one was made: it is shown this once."""

    url: str | None
    secret: Annotated[str | None, Field(examples=["whsec_…"])]


class Recipients(Given):
    """E-mail addresses that are told; none for no mail."""

    addresses: Annotated[list[str], Field(max_length=_MOST_RECIPIENTS, examples=[["ada@example.com"]])]


class NewRebenchmark(Given):
    """What may be run again of itself: a null budget runs nothing."""

    budget_microcents: Annotated[
        Microcents | None, Field(gt=0, description="Of a UTC month, in microcents.", examples=[500_000_000])
    ]
    causes: list[CauseKind]


class Deliveries(Shown):
    """How the test went on every way there is."""

    items: list[Delivery]


@operation("GET", "/v1/settings", answers=Settings)
async def get_settings(bench: Bench, tenant: Tenant, who: Who) -> Settings:
    """What is set for this tenant, and how notices go."""
    return await _settings(bench, tenant, who)


@operation("PUT", "/v1/settings/staleness", answers=Settings)
async def set_age_limit(
    bench: Bench, tenant: Tenant, who: Who, body: Annotated[AgeLimit, Depends(json_of(AgeLimit))]
) -> Settings:
    """Set after how many days benchmarks are too old; null takes the installation's."""
    await bench.staleness.set_limit(tenant, None if body.days is None else str(body.days))
    return await _settings(bench, tenant, who)


@operation("PUT", "/v1/settings/webhook", answers=WebhookSecret)
async def set_webhook(
    bench: Bench, tenant: Tenant, body: Annotated[WebhookAddress, Depends(json_of(WebhookAddress))]
) -> WebhookSecret:
    """Set where notices are posted. The first address gets a secret, which is answered this once."""
    secret = await bench.notices.set_webhook(tenant, body.url or "")
    return WebhookSecret(url=(await bench.notices.standing(tenant)).webhook, secret=secret)


@operation("POST", "/v1/settings/webhook/secret", answers=WebhookSecret, errors=(422,))
async def renew_webhook_secret(bench: Bench, tenant: Tenant) -> WebhookSecret:
    """Make a new secret in place of the one there is; it is answered this once. 422 without a webhook."""
    secret = await bench.notices.renew_secret(tenant)
    return WebhookSecret(url=(await bench.notices.standing(tenant)).webhook, secret=secret)


@operation("PUT", "/v1/settings/recipients", answers=Settings)
async def set_recipients(
    bench: Bench, tenant: Tenant, who: Who, body: Annotated[Recipients, Depends(json_of(Recipients))]
) -> Settings:
    """Set which e-mail addresses are told."""
    await bench.notices.set_recipients(tenant, body.addresses)
    return await _settings(bench, tenant, who)


@operation("PUT", "/v1/settings/rebenchmark", answers=Settings)
async def set_rebenchmark(
    bench: Bench, tenant: Tenant, who: Who, body: Annotated[NewRebenchmark, Depends(json_of(NewRebenchmark))]
) -> Settings:
    """Set what of a month's money may be run again of itself, and for which causes."""
    usd = None if body.budget_microcents is None else usd_digits(body.budget_microcents)
    await bench.rebenchmarks.set_allowance(tenant, usd, [cause.value for cause in body.causes])
    return await _settings(bench, tenant, who)


@operation("POST", "/v1/settings/notices/test", answers=Deliveries, errors=(422,))
async def test_notices(bench: Bench, tenant: Tenant) -> Deliveries:
    """Send a test on every way there is, once and now. 422 where there is none."""
    return Deliveries(items=[Delivery.of(one) for one in await bench.notices.test(tenant)])


async def _settings(bench: Workbench, tenant_id: UUID, who: Principal) -> Settings:
    standing = await bench.notices.standing(tenant_id)
    limits = await bench.staleness.limits(tenant_id)
    budget, sees = standing.budget, who.may(Action.SET_STALENESS)
    return Settings(
        stale_after_days=limits.tenant or bench.staleness.limit_days,
        stale_after_days_set=limits.tenant,
        webhook=standing.webhook if sees or standing.webhook is None else _host(standing.webhook),
        recipients=list(standing.recipients) if sees else None,
        checked_at=standing.checked_at,
        rebenchmark=Rebenchmark(
            budget_microcents=standing.allowance.budget_microcents,
            spent_microcents=None if budget is None else budget.spent_microcents,
            held_microcents=None if budget is None else budget.held_microcents,
            left_microcents=None if budget is None else budget.left_microcents,
            causes=list(standing.allowance.causes),
        ),
        log=[Delivery.of(one) for one in standing.log],
    )


def _host(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
