"""Runs AI reviews."""

from __future__ import annotations

from uuid import UUID

from steelyard.domain.calls import ModelRequest
from steelyard.domain.models import ModelRef
from steelyard.domain.reviews import Review
from steelyard.domain.spending import SpendKind
from steelyard.execution.callers import ModelCaller, Pricer
from steelyard.execution.paid_job import JobUnfit, PaidJob
from steelyard.judging.review import read_review, review_request
from steelyard.storage import reviews, skills
from steelyard.storage.database import Connection, Database
from steelyard.storage.paid_jobs import REVIEWS
from steelyard.storage.reviews import ReviewRow


class Reviewer(PaidJob[ReviewRow, Review]):
    """One per worker process. `run` is the handler of the queue's reviews."""

    def __init__(self, database: Database, caller: ModelCaller, price: Pricer, *, unfit: JobUnfit) -> None:
        super().__init__(database, caller, price, REVIEWS, SpendKind.REVIEWS, "this review", unfit=unfit)

    async def _find(self, connection: Connection, job_id: UUID) -> ReviewRow | None:
        return await reviews.find_review(connection, job_id)

    async def _request(self, connection: Connection, found: ReviewRow) -> ModelRequest:
        files = await skills.version_files(connection, found.skill_version_id)
        name = await skills.name_of(connection, found.skill_id)
        return review_request(ModelRef.parse(found.model), name, files)

    def _read(self, reply: str, stop_reason: str) -> Review:
        return read_review(reply, stop_reason)

    async def _keep(self, tenant_id: UUID, found: ReviewRow, read: Review) -> None:
        async with self._database.tenant(tenant_id) as connection:
            await reviews.complete_review(connection, found.id, read)
