"""Who rates: a name that the browser keeps, until people sign in."""

from __future__ import annotations

from urllib.parse import quote, unquote

from fastapi import Request
from starlette.responses import Response

from steelyard.domain.errors import InputError
from steelyard.services.ratings import rater_name

COOKIE = "steelyard_rater"
_YEAR_S = 31_536_000


def rater_of(request: Request) -> str | None:
    """The name given before; None where there is none that can be used."""
    try:
        return rater_name(unquote(request.cookies.get(COOKIE, "")))
    except InputError:
        return None


def keep_rater(request: Request, response: Response, name: str) -> None:
    """Have the browser send the name along from now on."""
    secure = request.url.scheme == "https"
    response.set_cookie(
        COOKIE, quote(name, safe=""), max_age=_YEAR_S, httponly=True, samesite="lax", secure=secure, path="/"
    )


def forget_rater(response: Response) -> None:
    """Have the browser ask for a name again."""
    response.delete_cookie(COOKIE, path="/")
