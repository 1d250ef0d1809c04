"""GET /v1/audit: who changed what and when, the newest first."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query
from pydantic import Field

from steelyard.api.deps import After, Bench, Limit, Tenant
from steelyard.api.fields import Id, Moment
from steelyard.api.operation import Operations
from steelyard.api.reports import Document, Json
from steelyard.services.audit import PAGE, SCHEMA, filter_of
from steelyard.services.tokens import no_such_page

operation = Operations("audit")


class Named(Document):
    """Who acted, or what was changed; null is what has no id of its own."""

    kind: str
    id: Id | None
    name: str | None


class Entry(Document):
    """One change, with the old and the new value of what changed."""

    id: Id
    at: Moment
    actor: Named
    action: Annotated[str, Field(examples=["edited"])]
    subject: Named
    skill: str | None
    sentence: Annotated[str, Field(examples=["Ada edited the golden case case-1."])]
    change: dict[str, Any]


class AuditLog(Document):
    """Some of the log: the form `steelyard.audit/1`."""

    form: Annotated[str, Field(alias="schema", examples=["steelyard.audit/1"])]
    changes: list[Entry]
    next: Annotated[str | None, Field(description="The `after` of the older ones; null on the last page.")]


@operation("GET", "/v1/audit", answers=AuditLog)
async def list_audit(
    bench: Bench,
    tenant: Tenant,
    actor: Annotated[str, Query(description="Only what the one of this name changed.")] = "",
    kind: Annotated[str, Query(description="Only of this kind of thing.")] = "",
    skill: Annotated[str, Query(description="Only of the skill of this name, deleted or not.")] = "",
    since: Annotated[str, Query(description="From this UTC day on, as 2026-01-31.")] = "",
    until: Annotated[str, Query(description="Up to and with this UTC day.")] = "",
    after: After = None,
    limit: Limit = PAGE,
) -> Json:
    """Who changed what and when, the newest first."""
    wanted, problem = filter_of(actor=actor, kind=kind, skill=skill, since=since, until=until)
    if problem is not None:
        raise problem
    try:
        before = UUID(after) if after else None
    except ValueError as error:
        raise no_such_page() from error
    found = await bench.audit.page(tenant, wanted, before=before, limit=limit)
    return {
        "schema": SCHEMA,
        "changes": [entry.to_json() for entry in found.entries],
        "next": None if found.next is None else str(found.next),
    }
