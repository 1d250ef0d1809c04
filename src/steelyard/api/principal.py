"""Who sent a request, once the door has found out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from uuid import UUID

from fastapi import Request

from steelyard.domain.access import Action, Principal
from steelyard.domain.errors import NotSignedIn


def principal_of(request: Request) -> Principal:
    """Whoever sent the request; it was set before the route was reached."""
    found: Principal = request.state.principal
    return found


def tenant_of(request: Request) -> UUID:
    """The tenant whose data the request is about."""
    return principal_of(request).tenant_id


async def still_may(request: Request, action: Action) -> bool:
    """Whether whoever sent the request may still do that in the same tenant: for answers that go on for long."""
    identify: Callable[[Request], Awaitable[Principal]] = request.app.state.identify
    try:
        now = await identify(request)
    except NotSignedIn:
        return False
    before: Principal = request.state.principal
    return now.may(action) and (now.tenant_id, now.user_id, now.key_id) == (
        before.tenant_id,
        before.user_id,
        before.key_id,
    )
