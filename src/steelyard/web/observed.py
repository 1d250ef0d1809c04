"""Around every request: an id that goes back to whoever asked, a count by its address's template, a line, a span."""

from __future__ import annotations

import logging
import re
import secrets
import time
from contextlib import suppress
from typing import Any
from uuid import UUID

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from steelyard import logs, telemetry
from steelyard.services.metrics import Metrics

logger = logging.getLogger("steelyard.requests")

HEADER = "x-request-id"
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# What asks for it does so every few seconds, and a line each would bury the others.
_PROBES = frozenset({"/healthz", "/readyz", "/metrics"})
_UNTRACED = _PROBES | {"/v1/traces"}


def request_id(given: str | None) -> str:
    """The id a request came with, where it is one; else a new one."""
    return given if given is not None and _ID.match(given) else secrets.token_hex(16)


class Observed:
    """Counts requests and gives each its id, which every line logged meanwhile has."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = request_id(headers.get(HEADER))
        method = scope["method"] if scope["method"] in _METHODS else "other"
        began, status, seconds = time.perf_counter(), 500, None

        async def with_id(message: Message) -> None:
            nonlocal status, seconds
            if message["type"] == "http.response.start":
                status, seconds = message["status"], time.perf_counter() - began
                MutableHeaders(scope=message)[HEADER] = given
            await send(message)

        with logs.about(request_id=given), telemetry.request(method, headers.get, given) as traced:
            try:
                await self._app(scope, receive, with_id)
            finally:
                took = time.perf_counter() - began if seconds is None else seconds
                route = _template(scope)
                self._metrics.request(method, route, status, took)
                if route not in _UNTRACED:
                    traced(route, status)
                if route not in _PROBES:
                    fields = {"method": method, "route": route, "status": status, "ms": round(took * 1000, 1)}
                    logger.info("Answered.", extra={logs.FIELDS: fields | _whose(scope)})


def _whose(scope: Scope) -> dict[str, str]:
    """The tenant that was found to ask, and the run that the address names: ids alone, as they are read."""
    found: dict[str, str] = {}
    principal = scope.get("state", {}).get("principal")
    if principal is not None:
        found["tenant_id"] = str(principal.tenant_id)
    with suppress(ValueError):
        found["run_id"] = str(UUID(str(scope.get("path_params", {}).get("run_id"))))
    return found


def _template(scope: Scope) -> str:
    """The address as its route has it (`/skills/{ref}`); "none" where no route took it."""
    route: Any = scope.get("route")
    return str(getattr(route, "path", "none"))
