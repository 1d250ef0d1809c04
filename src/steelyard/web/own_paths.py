"""Paths of this site that somebody wants to go on to, after signing in; and sending to the sign-in whoever must."""

from __future__ import annotations

import re
from urllib.parse import quote, urlsplit

from fastapi import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from steelyard.web.links import with_query

SIGN_IN = "/sign-in"
_LONGEST = 2_000
# A browser drops control characters from an address, and takes a backslash for a slash.
_NO_PATH = re.compile(r"[\x00-\x20\x7f\\]")


def own_path(text: str, default: str = "/") -> str:
    """The text where it is a path of this site, and none of signing in; `default` for anything else."""
    if not text.startswith("/") or text.startswith("//") or len(text) > _LONGEST or _NO_PATH.search(text):
        return default
    try:
        parts = urlsplit(text)
    except ValueError:
        return default
    if parts.scheme or parts.netloc or parts.path == SIGN_IN or parts.path.startswith(f"{SIGN_IN}/"):
        return default
    return text


def ask_to_sign_in(request: Request) -> Response:
    """To the sign-in, and from there to where the request was for; htmx is told to go there as a whole page."""
    if request.headers.get("hx-request") == "true":
        leads = _sign_in(page_of(request))
        return PlainTextResponse("You are not signed in.", 401, {"HX-Redirect": leads, "cache-control": "no-store"})
    if "text/event-stream" in request.headers.get("accept", ""):
        return PlainTextResponse("You are not signed in.", 401, {"cache-control": "no-store"})
    # What a form sent is not sent again: its page is opened anew.
    here = quote(request.url.path) + (f"?{request.url.query}" if request.url.query else "")
    leads = _sign_in(here if request.method in ("GET", "HEAD") else page_of(request))
    return RedirectResponse(leads, 303, {"cache-control": "no-store"})


def page_of(request: Request) -> str:
    """The path of the page that a form or htmx sent the request from; the first page's where that is not told."""
    current = request.headers.get("hx-current-url")
    parts = urlsplit(request.headers.get("referer", "") if current is None else current)
    if current is None and parts.netloc != request.headers.get("host"):
        return "/"
    return parts.path + (f"?{parts.query}" if parts.query else "")


def _sign_in(leads: str) -> str:
    path = own_path(leads)
    return with_query(SIGN_IN, next=None if path == "/" else path)
