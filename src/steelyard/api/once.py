"""Idempotency-Key: the same request sent again gets the answer it had, and makes nothing twice."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

from fastapi import Request
from starlette.responses import Response

from steelyard.api.away import database_away
from steelyard.api.principal import principal_of
from steelyard.domain.access import Principal
from steelyard.domain.once import reserved
from steelyard.services.once import Kept, Made
from steelyard.storage.database import DATABASE_AWAY
from steelyard.workbench import Workbench

HEADER = "idempotency-key"
REPLAYED = "idempotency-replayed"


@dataclass(frozen=True)
class Answer:
    """A document as it is sent."""

    status: int
    body: bytes
    location: str | None

    def response(self, *, replayed: bool = False) -> Response:
        """The HTTP answer; `replayed`: it was given before."""
        headers = {REPLAYED: "true"} if replayed else {}
        if self.location is not None:
            headers["location"] = self.location
        kind = "application/json" if self.body else None
        return Response(self.body, self.status, headers, kind)


async def once(
    request: Request,
    make: Callable[[], Awaitable[Answer]],
    made_before: Callable[[Workbench, UUID, UUID], Awaitable[Answer]],
) -> Response:
    """`make` the answer, once for each key; without one each time. Raises what it raises, InputError, Conflict."""
    keys = request.headers.getlist(HEADER)
    if not keys:
        return (await make()).response()
    bench: Workbench = request.app.state.workbench
    principal = principal_of(request)
    tenant = principal.tenant_id
    with database_away():
        found = await bench.once.begin(tenant, sender(principal), ",".join(keys), await digest_of(request))
        match found:
            case Kept():
                return Answer(found.status, found.body, found.location).response(replayed=True)
            case Made():
                return (await made_before(bench, tenant, found.id)).response(replayed=True)
            case _:
                pass
    token = reserved.set(found)
    try:
        answer = await make()
    except Exception:
        # Without the database the key stays reserved for a while, and no request is begun twice.
        with suppress(*DATABASE_AWAY):
            await bench.once.release(tenant, found)
        raise
    finally:
        reserved.reset(token)
    # What was made is known by its key all the same.
    with suppress(*DATABASE_AWAY):
        await bench.once.answered(tenant, found, Kept(answer.status, answer.body, answer.location))
    return answer.response()


def sender(principal: Principal) -> str:
    """Whose keys these are: two senders' never meet."""
    if principal.key_id is not None:
        return f"key:{principal.key_id}"
    return "local" if principal.user_id is None else f"user:{principal.user_id}"


async def digest_of(request: Request) -> str:
    """sha256 of all that the request asks."""
    asked = hashlib.sha256()
    for part in (request.method, request.url.path, request.url.query, request.headers.get("content-type", "")):
        asked.update(part.encode("utf-8", "replace") + b"\x00")
    asked.update(await request.body())
    return asked.hexdigest()
