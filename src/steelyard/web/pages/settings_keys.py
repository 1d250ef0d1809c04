"""/settings/keys: a tenant's API keys, making one, which is shown once, and revoking one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response

from steelyard.domain.access import Scope
from steelyard.domain.api_keys import ApiKey
from steelyard.domain.errors import Conflict, InputError
from steelyard.domain.hosting import Hosting
from steelyard.services.api_keys import USUAL_DAYS, MadeKey
from steelyard.web.deps import Bench, Tenant
from steelyard.web.forms import Form, text, texts
from steelyard.web.links import with_query
from steelyard.web.narrowing import narrowed
from steelyard.web.query import natural
from steelyard.web.rendering import View, Viewing
from steelyard.web.security.bearer import A_MINUTE, KNOWN_S, KeyDoor
from steelyard.workbench import Workbench

router = APIRouter()
_HERE = "/settings/keys"

SCOPES = (
    (Scope.INGEST, "Send uses, spans and feedback", "All that a program needs that uses skills."),
    (Scope.READ, "Read", "Skills, runs, and what is stale."),
    (Scope.RUN, "Run", "Read, give feedback, change skills and golden cases, and start calls that cost money."),
    (Scope.ADMIN, "Administer", "All that an admin may do, but for making, changing and removing admins."),
)
EXPIRIES = (("30d", "after 30 days"), ("90d", "after 90 days"), (f"{USUAL_DAYS}d", "after a year"), ("never", "never"))


@dataclass(frozen=True)
class KeyForm:
    """What was typed into the form, with what is wrong with it."""

    name: str = ""
    scopes: Sequence[str] = (Scope.INGEST,)
    expires: str = f"{USUAL_DAYS}d"
    a_minute: str = ""
    error: InputError | Conflict | None = None

    def problem(self, field: str | None) -> str | None:
        """What is wrong with the field, or with none of them, with what to do."""
        if self.error is None or getattr(self.error, "field", None) != field:
            return None
        return f"{self.error.message} {self.error.next_step or ''}".strip()


@router.get(_HERE)
async def keys_page(view: Viewing, bench: Bench, tenant: Tenant, q: str = "", offset: str = "") -> Response:
    """`q` looks for keys by name, start, scope and maker; `offset` is where the list goes on."""
    return await _page(view, bench, tenant, q=q, offset=offset)


@router.post(_HERE)
async def make(view: Viewing, bench: Bench, tenant: Tenant, form: Form) -> Response:
    """The one answer that has the key."""
    typed = KeyForm(text(form, "name"), texts(form, "scopes"), text(form, "expires"), text(form, "a_minute"))
    try:
        made = await bench.api_keys.make(
            tenant, typed.name, typed.scopes, expires=typed.expires, a_minute=typed.a_minute
        )
    except (InputError, Conflict) as error:
        kept = KeyForm(typed.name, typed.scopes, typed.expires, typed.a_minute, error)
        return await _page(view, bench, tenant, kept)
    return await _page(view, bench, tenant, made=made)


@router.post(_HERE + "/{key}/revoke")
async def revoke(request: Request, view: Viewing, bench: Bench, tenant: Tenant, key: UUID) -> Response:
    await bench.api_keys.revoke(tenant, key)
    door: KeyDoor = request.app.state.keys
    door.forget()
    return view.redirect(_HERE)


async def _page(
    view: View,
    bench: Workbench,
    tenant: UUID,
    form: KeyForm | None = None,
    made: MadeKey | None = None,
    *,
    q: str = "",
    offset: str = "",
) -> Response:
    hosting: Hosting = view.request.app.state.hosting
    keys = narrowed(await bench.api_keys.listed(tenant), _words, q=q, first=natural(offset))
    return view.page(
        "pages/settings_keys.html.jinja",
        status=422 if form is not None else 200,
        headers={"cache-control": "no-store"},
        keys=keys,
        more=None if keys.next is None else with_query(_HERE, q=keys.q, offset=keys.next),
        made=made,
        form=form or KeyForm(),
        now=datetime.now(UTC),
        scopes=SCOPES,
        expiries=EXPIRIES,
        a_minute=A_MINUTE,
        known_s=KNOWN_S,
        address=(hosting.public_url or str(view.request.base_url)).rstrip("/"),
    )


def _words(key: ApiKey) -> str:
    return f"{key.name} {key.start} {' '.join(key.scopes)} {key.created_by}"
