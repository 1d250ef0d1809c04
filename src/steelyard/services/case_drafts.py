"""Golden cases drafted by any configured model, made by whichever worker takes them; none is accepted by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from uuid import UUID

from steelyard.domain.errors import InputError, NotFound
from steelyard.domain.models import ModelRef
from steelyard.execution.fitness import KnownModels
from steelyard.judging import DefaultJudge
from steelyard.judging.drafting import MOST_DRAFTS, drafting_digest
from steelyard.services.case_words import by_of
from steelyard.services.tokens import read_place, write_place
from steelyard.services.waits import with_wait, with_waits
from steelyard.storage import case_drafts
from steelyard.storage.case_drafts import DraftsRow
from steelyard.storage.catalogue import find_glance
from steelyard.storage.database import Database
from steelyard.storage.once import bind
from steelyard.storage.paid_jobs import DRAFTS as JOBS
from steelyard.storage.queue import Queue
from steelyard.storage.served import DRAFTS

DEFAULT_DRAFTS = 8


class CaseDrafts:
    """Use cases on drafts of cases, for one tenant at a time."""

    def __init__(
        self,
        database: Database,
        queue: Queue,
        models: KnownModels,
        default_judge: Callable[[Iterable[ModelRef]], DefaultJudge],
    ) -> None:
        self._database = database
        self._queue = queue
        self._models = models
        self._default_judge = default_judge

    async def request(
        self,
        tenant_id: UUID,
        skill_id: UUID,
        model: ModelRef | None,
        *,
        wanted: int = DEFAULT_DRAFTS,
        budget_microcents: int | None = None,
        who: str | None = None,
    ) -> UUID:
        """Queue drafts of cases for the skill's current version; what is under way already is not begun twice.

        Without a model the one drafts them that would judge by default. Raises InputError, NotFound, and ModelRefError
        or MissingKey where the model cannot be called.
        """
        if not 1 <= wanted <= MOST_DRAFTS:
            raise InputError(f"At most {MOST_DRAFTS} cases are drafted at once, and at least 1.", field="count")
        model = model or self._default_judge([]).ref
        if model is None:
            raise InputError(
                "No model is named, and none with a key is there by default.",
                field="model",
                next_step="Name one: --model provider:name.",
            )
        self._models.check(model)
        by = by_of(who)
        async with self._database.tenant(tenant_id) as connection:
            glance = await find_glance(connection, skill_id=skill_id)
            if glance is None:
                raise NotFound("No such skill.")
            draft_id = await case_drafts.open_drafts(connection, skill_id, model.text)
            if draft_id is None:
                draft_id = await case_drafts.insert_drafts(
                    connection,
                    tenant_id,
                    skill_id=skill_id,
                    skill_version_id=glance.current_version_id,
                    model=model.text,
                    protocol=drafting_digest(self._models.identity(model)),
                    requested_by=by.who,
                    wanted=wanted,
                    budget_microcents=budget_microcents,
                )
            await bind(connection, draft_id)
        await self._queue.defer_drafts(tenant_id, draft_id)
        return draft_id

    async def get(self, tenant_id: UUID, draft_id: UUID) -> DraftsRow:
        """As they stand. Raises NotFound."""
        async with self._database.tenant(tenant_id) as connection:
            return await with_wait(connection, DRAFTS, await case_drafts.get_drafts(connection, draft_id))

    async def list(self, tenant_id: UUID, skill_id: UUID, *, limit: int = 20) -> Sequence[DraftsRow]:
        """The newest first."""
        async with self._database.tenant(tenant_id) as connection:
            found = await case_drafts.list_drafts(connection, skill_id, limit=limit)
            return await with_waits(connection, DRAFTS, found)

    async def after(
        self, tenant_id: UUID, skill_id: UUID, *, after: str | None = None, limit: int = 50
    ) -> tuple[Sequence[DraftsRow], str | None]:
        """At most `limit`, the newest first, and the token of the older ones. Raises InputError."""
        place = None if after is None else read_place(after)
        async with self._database.tenant(tenant_id) as connection:
            found = await case_drafts.list_drafts(connection, skill_id, limit=limit + 1, before=place)
            shown = await with_waits(connection, DRAFTS, found[:limit])
        return shown, write_place(shown[-1].created_at, shown[-1].id) if len(found) > limit else None

    async def requeue(self, tenant_id: UUID) -> int:
        """Queue again what no worker may have in hand any more; returns how many drafts have not ended."""
        async with self._database.tenant(tenant_id) as connection:
            unfinished = await JOBS.unfinished(connection)
        for draft_id in unfinished:
            await self._queue.defer_drafts(tenant_id, draft_id)
        return len(unfinished)
