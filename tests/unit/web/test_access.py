"""Every route is in the table of what it asks for, and the table has no other."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.routing import BaseRoute, Route

from steelyard.api import nouns
from steelyard.web.access import ACCESS, OPEN
from steelyard.web.app import ROUTERS


def names(routes: Iterable[BaseRoute]) -> set[str]:
    return {f"{method} {route.path}" for route in routes if isinstance(route, Route) for method in route.methods or ()}


def test_every_route_says_what_it_asks_for_and_nothing_else_does() -> None:
    routed = names(route for router in (*ROUTERS, *nouns.ROUTERS) for route in router.routes)
    # The one route that the application itself declares.
    assert routed | {"GET /static/{name}"} == set(ACCESS) | OPEN
    assert not set(ACCESS) & OPEN
