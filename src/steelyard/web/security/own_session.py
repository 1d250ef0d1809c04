"""What a route asks for that is about the signed-in user: their session, and where they are."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from steelyard.domain.errors import Forbidden, NotFound
from steelyard.domain.people import SignedIn
from steelyard.services.sign_in import Client
from steelyard.web.security.address import client_address


def team_alone(request: Request) -> None:
    """Raises NotFound in local mode."""
    if not request.app.state.team:
        raise NotFound("Nobody signs in here: this installation serves its own machine.")


def own_session(request: Request) -> SignedIn:
    """The session the request came with. Raises NotFound in local mode, Forbidden for another kind of credential."""
    team_alone(request)
    found: SignedIn | None = getattr(request.state, "signed_in", None)
    if found is None:
        raise Forbidden("That is for a person who has signed in.", kept="Nothing was changed.")
    return found


def client_of(request: Request) -> Client:
    """Where somebody signs in from."""
    return Client(request.headers.get("user-agent", ""), client_address(request))


Mine = Annotated[SignedIn, Depends(own_session)]
TeamAlone = Depends(team_alone)
