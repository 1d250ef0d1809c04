"""Who rates and decides: the signed-in member; where nobody signs in, a name that the browser keeps."""

from __future__ import annotations

from urllib.parse import quote, unquote

from fastapi import Request
from starlette.responses import Response

from steelyard.api.principal import principal_of
from steelyard.domain.errors import InputError
from steelyard.services.ratings import rater_name

COOKIE = "steelyard_rater"
_YEAR_S = 31_536_000


def rater_of(request: Request) -> str | None:
    """The member's name, or the one given before; None where there is none that can be used."""
    member = member_name(request)
    if member is not None:
        return member
    try:
        return rater_name(unquote(request.cookies.get(COOKIE, "")))
    except InputError:
        return None


def member_name(request: Request) -> str | None:
    """The name of the signed-in member; None where nobody signs in, and a form asks for one."""
    who = principal_of(request)
    return None if who.user_id is None else who.name


def keep_rater(request: Request, response: Response, name: str) -> None:
    """Have the browser send the name along from now on; a member's is known."""
    if member_name(request) is None:
        secure = request.url.scheme == "https"
        response.set_cookie(
            COOKIE, quote(name, safe=""), max_age=_YEAR_S, httponly=True, samesite="lax", secure=secure, path="/"
        )


def forget_rater(response: Response) -> None:
    """Have the browser ask for a name again."""
    response.delete_cookie(COOKIE, path="/")
