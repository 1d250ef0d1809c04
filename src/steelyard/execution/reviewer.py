"""Runs AI reviews: one call, committed as it came before it is read, and asked once more when it cannot be."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from uuid import UUID

from steelyard.domain.calls import CallError, ModelRequest, StopReason
from steelyard.domain.models import ModelRef
from steelyard.domain.reviews import ReviewStatus
from steelyard.execution import paid
from steelyard.execution.callers import ModelCaller, Pricer
from steelyard.execution.paid import PaidCalls
from steelyard.judging.review import read_review, review_request
from steelyard.storage import reviews, skills
from steelyard.storage.database import DATABASE_AWAY, Connection, Database
from steelyard.storage.queue import LeftToOthers
from steelyard.storage.reviews import PaidCall, ReviewRow

# The model and the protocol of a review.
ReviewUnfit = Callable[[ModelRef, str], str | None]

logger = logging.getLogger(__name__)

_ASKS = 2


def always_fit(model: ModelRef, protocol: str) -> str | None:
    """Every review can be made here."""
    return None


class Reviewer:
    """One per worker process. `run` is the handler of the queue's reviews."""

    def __init__(self, database: Database, caller: ModelCaller, price: Pricer, *, unfit: ReviewUnfit) -> None:
        """`unfit` says why a review by a model under a protocol cannot be made here as it was asked for."""
        self._database = database
        self._calls = PaidCalls(database, caller, price)
        self._unfit = unfit
        self._left: set[UUID] = set()

    @property
    def left_reviews(self) -> frozenset[UUID]:
        """The reviews this worker found it cannot make as they were asked for."""
        return frozenset(self._left)

    async def run(self, tenant_id: UUID, review_id: UUID) -> None:
        """Bring a review to its end; one that has ended, or whose skill is gone, is left as it is.

        Raises LeftToOthers where it cannot be made here; why is then on the review.
        """
        while True:
            try:
                async with self._database.session() as session:
                    await reviews.hold_review(session, review_id)
                    await self._run(tenant_id, review_id)
            except DATABASE_AWAY:
                await asyncio.sleep(paid.AWAY_S)
            else:
                return

    async def _run(self, tenant_id: UUID, review_id: UUID) -> None:
        async with self._database.tenant(tenant_id) as connection:
            found = await reviews.find_review(connection, review_id)
            if found is None or found.status not in (ReviewStatus.PENDING, ReviewStatus.RUNNING):
                return
            why = self._unfit(ModelRef.parse(found.model), found.protocol)
            await (
                reviews.start_review(connection, review_id)
                if why is None
                else reviews.note_waiting(connection, review_id, why)
            )
            files = await skills.version_files(connection, found.skill_version_id)
            name = await skills.name_of(connection, found.skill_id)
        if why is not None:
            self._left.add(review_id)
            raise LeftToOthers
        request = review_request(ModelRef.parse(found.model), name, files)
        try:
            await self._review(tenant_id, found, request)
        except DATABASE_AWAY:
            raise
        except CallError as error:
            await self._end(tenant_id, review_id, f"{found.model}: {error.message}")
        except Exception as error:
            # The boundary of one review: a fault of ours in it is its named failure and nobody else's.
            logger.exception("A review failed for a fault of Steelyard's own.")
            await self._end(tenant_id, review_id, f"Steelyard failed on this review: {type(error).__name__}: {error}")

    async def _review(self, tenant_id: UUID, found: ReviewRow, request: ModelRequest) -> None:
        """Read the reply that is there already, or ask for one; ask once more where it cannot be read."""
        reply, stop_reason, calls = found.raw_reply, found.stop_reason, found.calls
        problem = ""
        while True:
            if reply is not None:
                try:
                    review = read_review(reply, stop_reason or StopReason.STOP)
                except ValueError as error:
                    problem = str(error)
                else:
                    async with self._database.tenant(tenant_id) as connection:
                        await reviews.complete_review(connection, found.id, review)
                    return
            if calls >= _ASKS:
                message = f"{found.model} did not reply in the form asked for: {problem or 'no reply was kept'}."
                await self._end(tenant_id, found.id, message)
                return
            if stop_reason == StopReason.LENGTH:
                request = replace(request, max_tokens=request.max_tokens * 2)
            response = await self._calls.call(
                tenant_id, request, partial(_record, found.id), partial(_calling, found.id)
            )
            reply, stop_reason, calls = response.output, response.stop_reason.value, calls + 1

    async def _end(self, tenant_id: UUID, review_id: UUID, message: str) -> None:
        await self._calls.commit(tenant_id, lambda connection: reviews.fail_review(connection, review_id, message))


async def _record(review_id: UUID, connection: Connection, key: UUID, call: PaidCall) -> None:
    await reviews.record_call(connection, review_id, key, call)


async def _calling(review_id: UUID, connection: Connection, calling: bool) -> None:
    await reviews.note_calling(connection, review_id, calling)
