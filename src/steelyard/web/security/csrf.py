"""Tokens that prove a changing request came from a page of ours: a signed double-submit cookie.

The cookie holds a random mark; a token is a salt, the tenant that the page was of, and the MAC of both and the mark
under the key all processes of one home share. Nothing is stored, so any process can check any token; each page's token
differs. A page of one tenant that is still open after another was switched to changes nothing there.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import AsyncIterator
from uuid import UUID

from fastapi import Request
from starlette.responses import Response

from steelyard.api.problem import is_api
from steelyard.domain.access import Principal
from steelyard.domain.errors import Forbidden
from steelyard.domain.people import SignedIn
from steelyard.web.access import OF_THE_PERSON, routed
from steelyard.web.forms import read_form
from steelyard.web.security.cookies import put_cookie, read_cookie
from steelyard.web.security.origin import SAFE_METHODS, from_own_page
from steelyard.web.security.other_tenant import OtherTenant

COOKIE = "steelyard_csrf"
FIELD = "csrf_token"
HEADER = "x-csrf-token"
_MARK = re.compile(r"[0-9a-f]{32}\Z")
_TOKEN = re.compile(r"(?P<salt>[0-9a-f]{16})(?P<tenant>[0-9a-f]{32})(?P<mac>[0-9a-f]{64})\Z")
# What a page is of that nobody had to sign in for, and every page of a single-user installation.
NO_TENANT = UUID(int=0)


class Csrf:
    """Makes and checks tokens under one key."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def _mac(self, salt: str, tenant: str, mark: str) -> str:
        return hmac.new(self._key, f"csrf:{salt}:{tenant}:{mark}".encode(), hashlib.sha256).hexdigest()

    def token(self, mark: str, tenant_id: UUID = NO_TENANT) -> str:
        """A token that fits the cookie's mark, for a page of that tenant."""
        salt = secrets.token_hex(8)
        return salt + tenant_id.hex + self._mac(salt, tenant_id.hex, mark)

    def tenant_of(self, token: str, mark: str) -> UUID | None:
        """The tenant whose page it is of; None where it was not made here for that mark."""
        match = _TOKEN.match(token)
        if match is None or _MARK.match(mark) is None:
            return None
        fits = hmac.compare_digest(match["mac"], self._mac(match["salt"], match["tenant"], mark))
        return UUID(match["tenant"]) if fits else None


def mark_of(request: Request) -> str:
    """The request's mark; a new one, kept for the response's cookie, when it has none that can be used."""
    mark: str | None = getattr(request.state, "csrf_mark", None)
    if mark is None:
        mark = read_cookie(request, COOKIE)
        if not _MARK.match(mark):
            mark = secrets.token_hex(16)
            request.state.csrf_new = True
        request.state.csrf_mark = mark
    return mark


def token_for(request: Request) -> str:
    """A token for the forms of the page that answers `request`."""
    csrf: Csrf = request.app.state.csrf
    found = _signed_in(request)
    return csrf.token(mark_of(request), NO_TENANT if found is None else found.tenant_id)


def set_cookie(request: Request, response: Response) -> None:
    """Send the mark along where it is new."""
    if getattr(request.state, "csrf_new", False):
        # Lax: a strict one would not come along with a link from elsewhere, and be replaced under pages still open.
        put_cookie(request, response, COOKIE, mark_of(request))


def renew_mark(request: Request, response: Response) -> None:
    """Another mark from now on, so that no token given out before is good for what comes after."""
    request.state.csrf_mark, request.state.csrf_new = secrets.token_hex(16), True
    set_cookie(request, response)


async def check_csrf(request: Request) -> AsyncIterator[None]:
    """On every route: an unsafe method needs the token, in the header or the form. Raises Forbidden, OtherTenant.

    The API needs it in the header, and only of a member's session. What only reads needs none; one that comes along, as
    with every request of htmx, has to be of the tenant that is open. The form's files are closed when the request has
    been answered.
    """
    if request.method in SAFE_METHODS:
        told = _page_tenant(request, request.headers.get(HEADER, ""))
        if told is not None:
            _check_tenant(request, told)
        yield
        return
    if is_api(request.url.path):
        _check_api(request)
        yield
        return
    token = request.headers.get(HEADER)
    form = await read_form(request)
    try:
        if token is None:
            given = form.get(FIELD)
            token = given if isinstance(given, str) else ""
        told = _page_tenant(request, token)
        if told is None:
            await _check_link(request)
            raise Forbidden(
                "This form is not one that Steelyard gave out, or it is too old.",
                kept="Nothing was changed.",
                next_step="Go back, load the page again and repeat it. Cookies of this address must be allowed.",
            )
        _check_tenant(request, told)
        yield
    finally:
        await form.close()


async def _check_link(request: Request) -> None:
    """Of a form behind a one-time link that was used meanwhile, that is what there is to tell. Raises NotFound."""
    check = request.app.state.links.get(routed(request))
    if check is not None:
        await check(request.path_params["token"])


def _check_api(request: Request) -> None:
    """An API key is sent by nobody unasked, while browsers send a session's cookie for any page: it needs a proof."""
    who: Principal | None = getattr(request.state, "principal", None)
    if who is None or who.user_id is None:
        return
    told = _page_tenant(request, request.headers.get(HEADER, ""))
    if told is not None:
        _check_tenant(request, told)
    elif not from_own_page(request.headers):
        raise Forbidden(
            "A session alone does not change anything here: a page of another site could have sent this.",
            kept="Nothing was changed.",
            next_step=f"Send {HEADER} with the token of one of Steelyard's pages, or use an API key.",
        )


def _check_tenant(request: Request, told: UUID) -> None:
    """Raises OtherTenant where the page is not of the tenant that the session is for, and that matters."""
    found = _signed_in(request)
    if found is not None and found.tenant_id != told and routed(request) not in OF_THE_PERSON:
        raise OtherTenant(told, getattr(request.state, "tenants", ()), open_now=found.tenant_name)


def _signed_in(request: Request) -> SignedIn | None:
    return getattr(request.state, "signed_in", None)


def _page_tenant(request: Request, token: str) -> UUID | None:
    """The tenant of the page that the token was given out with, None for a token that was not given out here."""
    csrf: Csrf = request.app.state.csrf
    return csrf.tenant_of(token, read_cookie(request, COOKIE)) if token else None
