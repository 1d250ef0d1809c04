"""Runs AI reviews: one call, committed as it came before it is read, and asked once more when it cannot be."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID, uuid4

from steelyard.domain.calls import CallError, ModelRequest, ModelResponse, StopReason, Usage
from steelyard.domain.models import ModelRef
from steelyard.domain.reviews import ReviewStatus
from steelyard.execution.cells import ModelCaller, Pricer
from steelyard.judging.review import read_review, review_request
from steelyard.storage import reviews, skills
from steelyard.storage.database import DATABASE_AWAY, Connection, Database
from steelyard.storage.queue import LeftToOthers
from steelyard.storage.reviews import PaidCall, ReviewRow

# The model and the protocol of a review.
ReviewUnfit = Callable[[ModelRef, str], str | None]

logger = logging.getLogger(__name__)

_ASKS = 2
_AWAY_S = 1.0


def always_fit(model: ModelRef, protocol: str) -> str | None:
    """Every review can be made here."""
    return None


class Reviewer:
    """One per worker process. `run` is the handler of the queue's reviews."""

    def __init__(self, database: Database, caller: ModelCaller, price: Pricer, *, unfit: ReviewUnfit) -> None:
        """`unfit` says why a review by a model under a protocol cannot be made here as it was asked for."""
        self._database = database
        self._caller = caller
        self._price = price
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
                await asyncio.sleep(_AWAY_S)
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
            response = await self._call(tenant_id, found.id, request)
            reply, stop_reason, calls = response.output, response.stop_reason.value, calls + 1

    async def _call(self, tenant_id: UUID, review_id: UUID, request: ModelRequest) -> ModelResponse:
        """One call, its reply and its price committed. Raises CallError, what it wasted committed too."""
        try:
            response = await self._caller.complete(request)
        except CallError as error:
            if error.wasted != Usage() or not error.wasted_known:
                paid = self._paid(request.model, error.wasted, None, known=error.wasted_known)
                await self._keep(tenant_id, review_id, paid)
            raise
        known = response.usage_known and response.wasted_known
        paid = self._paid(request.model, response.usage + response.wasted, response, known=known)
        await self._keep(tenant_id, review_id, paid)
        return response

    def _paid(self, model: ModelRef, usage: Usage, response: ModelResponse | None, *, known: bool) -> PaidCall:
        cost = self._price(usage, model, datetime.now(UTC).date()) if usage != Usage() else None
        return PaidCall(
            raw_reply=None if response is None else response.output,
            stop_reason=None if response is None else response.stop_reason.value,
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            cost_microcents=None if cost is None else cost.microcents,
            cost_known=known and cost is not None,
            price_version=None if cost is None else cost.price_version,
            price_date=None if cost is None else cost.price_date,
            latency_ms=None if response is None else response.latency_ms,
        )

    async def _keep(self, tenant_id: UUID, review_id: UUID, call: PaidCall) -> None:
        key = uuid4()
        await self._commit(tenant_id, lambda connection: reviews.record_call(connection, review_id, key, call))

    async def _end(self, tenant_id: UUID, review_id: UUID, message: str) -> None:
        await self._commit(tenant_id, lambda connection: reviews.fail_review(connection, review_id, message))

    async def _commit(self, tenant_id: UUID, write: Callable[[Connection], Awaitable[None]]) -> None:
        """Write until it is known to be on disk; `write` done twice must do what it does done once."""
        while True:
            try:
                async with self._database.tenant(tenant_id) as connection:
                    await write(connection)
            except DATABASE_AWAY:
                await asyncio.sleep(_AWAY_S)
            else:
                return
