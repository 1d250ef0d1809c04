"""Cookies that only this site reads: over TLS they are for this host alone, and no other may have set them."""

from __future__ import annotations

from fastapi import Request
from starlette.responses import Response

HOST_PREFIX = "__Host-"


def is_secure(request: Request) -> bool:
    """Whether browsers reach the site by TLS, here or at a proxy before it."""
    return request.url.scheme == "https" or request.app.state.hosting.secure


def cookie_name(request: Request, name: str) -> str:
    """The name it has: the prefix tells browsers to take it from this host alone, by TLS, for every path."""
    return f"{HOST_PREFIX}{name}" if is_secure(request) else name


def read_cookie(request: Request, name: str) -> str:
    """Its value, blank where there is none."""
    return request.cookies.get(cookie_name(request, name), "")


def put_cookie(request: Request, response: Response, name: str, value: str, *, max_age: int | None = None) -> None:
    """Have the browser send it with requests to this site, and with links to it from elsewhere; no script reads it."""
    response.set_cookie(
        cookie_name(request, name),
        value,
        max_age=max_age,
        httponly=True,
        samesite="lax",
        secure=is_secure(request),
        path="/",
    )


def drop_cookie(request: Request, response: Response, name: str) -> None:
    """Have the browser forget it."""
    response.delete_cookie(
        cookie_name(request, name), path="/", secure=is_secure(request), httponly=True, samesite="lax"
    )
