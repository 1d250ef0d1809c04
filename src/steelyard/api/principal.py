"""Who sent a request, once the door has found out."""

from __future__ import annotations

from uuid import UUID

from fastapi import Request

from steelyard.domain.access import Principal


def principal_of(request: Request) -> Principal:
    """Whoever sent the request; it was set before the route was reached."""
    found: Principal = request.state.principal
    return found


def tenant_of(request: Request) -> UUID:
    """The tenant whose data the request is about."""
    return principal_of(request).tenant_id
