"""What a page of one tenant is answered once another is open: what happened, and the way back."""

from __future__ import annotations

from fastapi import Request
from starlette.responses import PlainTextResponse, Response

from steelyard.web.links import with_query
from steelyard.web.own_paths import own_path, page_of
from steelyard.web.rendering import View
from steelyard.web.security.origin import SAFE_METHODS
from steelyard.web.security.other_tenant import OtherTenant


def answer(request: Request, error: OtherTenant) -> Response:
    """A page of its own; htmx, which would put it into the other tenant's page, is told to go there."""
    sent = request.method not in SAFE_METHODS
    if request.headers.get("hx-request") == "true":
        # A part of a page that asks for itself has not sent anything that a person typed.
        leads = with_query("/tenant", was=str(error.was), next=page_of(request))
        return PlainTextResponse(str(error), 409, {"HX-Redirect": leads})
    return page(View(request), error, page_of(request) if sent else request.url.path, sent=sent, status=409)


def page(view: View, error: OtherTenant, leads: str, *, sent: bool = False, status: int = 200) -> Response:
    """`leads`: the path to go on to in the tenant that the page was of."""
    return view.page("errors/tenant.html.jinja", status=status, error=error, leads=own_path(leads), sent=sent)
