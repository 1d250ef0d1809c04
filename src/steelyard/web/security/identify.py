"""Who sends a request, in team mode: the first credential that is one tells; without any, nobody is signed in.

A kind of credential is a reader in `app.state.credentials`, a list that is asked in order.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from fastapi import Request
from starlette.responses import Response

from steelyard.domain.access import ROLES, Principal
from steelyard.domain.errors import NotSignedIn
from steelyard.domain.people import LONGEST_SESSION, SignedIn
from steelyard.services.sign_in import NewSession
from steelyard.web.access import Identify
from steelyard.web.security.cookies import drop_cookie, put_cookie, read_cookie
from steelyard.web.security.csrf import renew_mark
from steelyard.web.security.origin import SAFE_METHODS
from steelyard.workbench import Workbench

# None: the request has no such credential. One that is there and not good raises.
CredentialsReader = Callable[[Request], Awaitable[Principal | None]]

COOKIE = "steelyard_session"


def identify_by(readers: Sequence[CredentialsReader]) -> Identify:
    """Asks each reader as the list stands when the request comes."""

    async def identify(request: Request) -> Principal:
        for read in readers:
            principal = await read(request)
            if principal is not None:
                return principal
        raise NotSignedIn("You are not signed in.", next_step="Sign in, and do it again.")

    return identify


async def signed_in(request: Request) -> SignedIn | None:
    """Who has the session of the request's cookie; None without one that goes on."""
    token = read_cookie(request, COOKIE)
    bench: Workbench = request.app.state.workbench
    return await bench.sign_in.find(token) if token else None


async def read_session(request: Request) -> Principal | None:
    """The member whose session the cookie is of. What changes anything through the API goes by no cookie."""
    if request.url.path.startswith("/v1/") and request.method not in SAFE_METHODS:
        return None
    found = await signed_in(request)
    if found is None:
        return None
    request.state.signed_in = found
    if found.tenants > 1:
        bench: Workbench = request.app.state.workbench
        request.state.tenants = await bench.sign_in.tenants(found.user_id)
    return principal_of_session(found)


def principal_of_session(found: SignedIn) -> Principal:
    """What a member may do goes by their role as it is now."""
    return Principal(found.tenant_id, found.name, ROLES[found.role], found.role, user_id=found.user_id)


def begin_session(request: Request, response: Response, session: NewSession) -> None:
    """Give the browser the new session, in place of any it had; forms of before are good no more."""
    renew_mark(request, response)
    put_cookie(request, response, COOKIE, session.token, max_age=int(LONGEST_SESSION.total_seconds()))


def forget_session(request: Request, response: Response) -> None:
    """Have the browser forget it."""
    renew_mark(request, response)
    drop_cookie(request, response, COOKIE)
