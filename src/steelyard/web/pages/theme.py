"""POST /theme: the theme switch for browsers without JavaScript."""

from __future__ import annotations

from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from starlette.responses import Response

from steelyard.domain.errors import InputError
from steelyard.web.forms import Form, text
from steelyard.web.rendering import THEME_COOKIE, THEMES, Viewing
from steelyard.web.security.cookies import is_secure

router = APIRouter()
_YEAR_S = 31_536_000


@router.post("/theme")
async def choose_theme(request: Request, view: Viewing, form: Form) -> Response:
    theme = text(form, "theme")
    if theme not in THEMES:
        raise InputError("There is no such theme.", next_step="Choose light, dark or system.")
    response = view.redirect(_back(request))
    # Readable by script, which sets it too.
    response.set_cookie(THEME_COOKIE, theme, max_age=_YEAR_S, samesite="lax", secure=is_secure(request), path="/")
    return response


def _back(request: Request) -> str:
    """The page it was pressed on, as a path of this site."""
    parts = urlsplit(request.headers.get("referer", ""))
    if parts.netloc != request.headers.get("host") or not parts.path.startswith("/") or parts.path.startswith("//"):
        return "/"
    return parts.path + (f"?{parts.query}" if parts.query else "")
