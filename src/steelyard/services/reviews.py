"""AI reviews of a skill by any configured model, run by whichever worker takes them."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from steelyard.domain.errors import NotFound
from steelyard.domain.models import ModelRef
from steelyard.execution.fitness import KnownModels
from steelyard.judging.review import review_digest
from steelyard.services.tokens import read_place, write_place
from steelyard.services.waits import with_wait, with_waits
from steelyard.storage import reviews
from steelyard.storage.catalogue import find_glance
from steelyard.storage.database import Database
from steelyard.storage.once import bind
from steelyard.storage.paid_jobs import REVIEWS as JOBS
from steelyard.storage.queue import Queue
from steelyard.storage.reviews import ReviewRow
from steelyard.storage.served import REVIEWS


class ReviewService:
    """Use cases on reviews, for one tenant at a time."""

    def __init__(self, database: Database, queue: Queue, models: KnownModels) -> None:
        self._database = database
        self._queue = queue
        self._models = models

    async def request(
        self, tenant_id: UUID, skill_id: UUID, model: ModelRef, *, requested_by: str | None = None
    ) -> UUID:
        """Queue a review of the skill's current version; one that is under way already is not begun twice.

        Raises NotFound, and ModelRefError or MissingKey where the model cannot be called.
        """
        self._models.check(model)
        protocol = review_digest(self._models.identity(model))
        async with self._database.tenant(tenant_id) as connection:
            glance = await find_glance(connection, skill_id=skill_id)
            if glance is None:
                raise NotFound("No such skill.")
            review_id = await reviews.open_review(connection, glance.current_version_id, model.text, protocol)
            if review_id is None:
                review_id = await reviews.insert_review(
                    connection,
                    tenant_id,
                    skill_id=skill_id,
                    skill_version_id=glance.current_version_id,
                    model=model.text,
                    protocol=protocol,
                    requested_by=requested_by,
                )
            await bind(connection, review_id)
        await self._queue.defer_review(tenant_id, review_id)
        return review_id

    async def get(self, tenant_id: UUID, review_id: UUID) -> ReviewRow:
        """One review as it stands. Raises NotFound."""
        async with self._database.tenant(tenant_id) as connection:
            return await with_wait(connection, REVIEWS, await reviews.get_review(connection, review_id))

    async def list(self, tenant_id: UUID, skill_id: UUID, *, limit: int = 50) -> Sequence[ReviewRow]:
        """The newest first."""
        async with self._database.tenant(tenant_id) as connection:
            found = await reviews.list_reviews(connection, skill_id, limit=limit)
            return await with_waits(connection, REVIEWS, found)

    async def after(
        self, tenant_id: UUID, skill_id: UUID, *, after: str | None = None, limit: int = 50
    ) -> tuple[Sequence[ReviewRow], str | None]:
        """At most `limit`, the newest first, and the token of the older ones. Raises InputError."""
        place = None if after is None else read_place(after)
        async with self._database.tenant(tenant_id) as connection:
            found = await reviews.list_reviews(connection, skill_id, limit=limit + 1, before=place)
            shown = await with_waits(connection, REVIEWS, found[:limit])
        return shown, write_place(shown[-1].created_at, shown[-1].id) if len(found) > limit else None

    async def requeue(self, tenant_id: UUID) -> int:
        """Queue again what no worker may have in hand any more; returns how many reviews have not ended."""
        async with self._database.tenant(tenant_id) as connection:
            unfinished = await JOBS.unfinished(connection)
        for review_id in unfinished:
            await self._queue.defer_review(tenant_id, review_id)
        return len(unfinished)
