"""Jobs are done on behalf of whoever started what they belong to, whichever worker does them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Concatenate, ParamSpec
from uuid import UUID

from steelyard.domain.actors import LOCAL, Actor, ActorKind, acting_as
from steelyard.storage import audit
from steelyard.storage.database import DATABASE_AWAY, Database

_AWAY_S = 0.5

More = ParamSpec("More")
# Of (tenant, run or what else was started), and what else there is to say.
Job = Callable[Concatenate[UUID, UUID, More], Awaitable[None]]


class OnBehalf:
    """Finds in the audit log who started something, or let it go on last."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def starter(self, job: Job[More]) -> Job[More]:
        """The job, done on behalf of whoever started what it is of."""

        async def done(tenant_id: UUID, subject_id: UUID, *args: More.args, **kwargs: More.kwargs) -> None:
            with acting_as(await self._starter_of(tenant_id, subject_id)):
                await job(tenant_id, subject_id, *args, **kwargs)

        return done

    async def _starter_of(self, tenant_id: UUID, subject_id: UUID) -> Actor:
        while True:
            try:
                async with self._database.tenant(tenant_id) as connection:
                    found = await audit.starter(connection, subject_id)
            except DATABASE_AWAY:
                await asyncio.sleep(_AWAY_S)
                continue
            # What was started before there was a log; or by the database's own hand.
            if found is None or found[0] not in set(ActorKind):
                return LOCAL
            kind, actor_id, name = found
            return Actor(ActorKind(kind), name, actor_id)
