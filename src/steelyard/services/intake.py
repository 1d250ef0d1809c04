"""Uses of skills as they are sent: each kept, known already, kept for a skill that is not here, or refused by name."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from steelyard.domain.errors import InputError
from steelyard.domain.usage import Measurement
from steelyard.intake import Refused, Use, read_item
from steelyard.intake.otlp import Form, Marks, SpanUse, find_calls, read_spans
from steelyard.services.usage import MAX_BATCH, Claim, UsageService
from steelyard.storage import seen_spans, skills, unmatched
from steelyard.storage.database import Connection, Database
from steelyard.storage.unmatched import UnmatchedSkill

_NOBODY = UUID(int=0)
MOST_NAMES = 100
# A request that is sent again later than this finds the same rows, but a second span of one call would count.
SPANS_KNOWN_DAYS = 3


@dataclass(frozen=True)
class RefusedItem:
    """An item that was not kept: its place in the batch, from 0, the field to mend, and why."""

    index: int
    field: str
    message: str


@dataclass(frozen=True)
class Taken:
    """What became of a batch: kept + duplicates + unmatched + refused is its length.

    `unmatched` uses are kept until a skill of their name is added. `unknown_versions` of those kept named a version
    the skill does not have, and count for the skill alone.
    """

    kept: int
    duplicates: int
    unmatched: int
    unknown_versions: int
    refused: tuple[RefusedItem, ...]


@dataclass(frozen=True)
class TakenSpans:
    """What became of a request of spans. `nameless` counts model calls that name no skill, which are not kept.

    `refused` counts model calls that cannot be kept, by (field, reason). Spans that are no model call count nowhere.
    """

    kept: int
    duplicates: int
    unmatched: int
    unknown_versions: int
    nameless: int
    refused: Mapping[tuple[str, str], int]

    @property
    def rejected(self) -> int:
        """Model calls that are not kept and never will be."""
        return self.nameless + sum(self.refused.values())


class IntakeService:
    """Takes uses in, for one tenant at a time."""

    def __init__(
        self, database: Database, usage: UsageService, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._database = database
        self._usage = usage
        self._now = now
        self._forgot_on: date | None = None

    async def take(self, tenant_id: UUID, items: Sequence[object]) -> Taken:
        """Keep what can be kept, whatever else is in the batch; what is told as kept is committed.

        A use sent again under the same key and time counts once. Raises InputError for more than 10,000 items.
        """
        if len(items) > MAX_BATCH:
            raise InputError(
                f"A batch has at most {MAX_BATCH:,} measurements, not {len(items):,}.",
                kept="Nothing was kept.",
                next_step="Send it in several.",
            )
        # Ten thousand take a good part of a second, for which the pages would stand still.
        uses, refused = await asyncio.to_thread(self._read, items)
        return await self._keep(tenant_id, uses, refused)

    async def take_spans(self, tenant_id: UUID, body: bytes, form: Form) -> TakenSpans:
        """Keep the model calls among the spans of an ExportTraceServiceRequest, each call once.

        What is told as kept is committed, and a request sent again after a lost answer counts once. Raises InputError
        for a body that is no such request.
        """
        found = await asyncio.to_thread(lambda: find_calls(read_spans(body, form)))
        refused = Counter(found.refused)
        calls: list[SpanUse] = []
        for call in found.uses:
            try:
                self._usage.check_time(call.use.measured_at)
            except InputError as error:
                refused["measured_at", error.message] += 1
            else:
                calls.append(call)
        await self._forget(tenant_id)
        if found.links:
            async with self._database.tenant(tenant_id) as connection:
                await seen_spans.follow_links(connection, tenant_id, found.links)
        kept, duplicates, apart = 0, found.repeated, 0
        versions = sum(call.odd_version for call in calls)
        for start in range(0, len(calls), MAX_BATCH):
            some = calls[start : start + MAX_BATCH]
            claim = _claim(tenant_id, {call.use.id: call.marks for call in some})
            taken = await self._keep(tenant_id, [call.use for call in some], [], claim)
            kept, duplicates, apart = kept + taken.kept, duplicates + taken.duplicates, apart + taken.unmatched
            versions += taken.unknown_versions
        return TakenSpans(kept, duplicates, apart, versions, found.nameless, refused)

    async def _forget(self, tenant_id: UUID) -> None:
        """Once a day: what is known of spans for more days than anyone sends a request again."""
        today = self._now().astimezone(UTC).date()
        if self._forgot_on == today:
            return
        async with self._database.tenant(tenant_id) as connection:
            await seen_spans.forget_spans(connection, today - timedelta(days=SPANS_KNOWN_DAYS))
        self._forgot_on = today

    async def _keep(
        self, tenant_id: UUID, uses: Sequence[Use], refused: Sequence[RefusedItem], claim: Claim | None = None
    ) -> Taken:
        async with self._database.tenant(tenant_id) as connection:
            ids = await skills.ids_of(connection, sorted({use.skill for use in uses}))
            told = {ids[use.skill] for use in uses if use.skill in ids and use.skill_version is not None}
            versions = await skills.digests_of(connection, sorted(told)) if told else {}
        known = [(use, ids[use.skill]) for use in uses if use.skill in ids]
        measured = [_measurement(use, skill_id, _version(use, versions.get(skill_id, {}))) for use, skill_id in known]
        recorded = await self._usage.record(tenant_id, measured, claim=claim)
        others = [(use.skill, _measurement(use, _NOBODY, None)) for use in uses if use.skill not in ids]
        apart = await self._usage.record_unmatched(tenant_id, others, claim=claim)
        return Taken(
            kept=recorded.kept,
            duplicates=recorded.duplicates + apart.duplicates,
            unmatched=apart.kept,
            unknown_versions=sum(
                use.skill_version is not None and one.skill_version_id is None
                for (use, _), one in zip(known, measured, strict=True)
            ),
            refused=tuple(refused),
        )

    async def unmatched(self, tenant_id: UUID) -> Sequence[UnmatchedSkill]:
        """The names of skills that uses were sent for and that are not here, the most used first, at most 100."""
        async with self._database.tenant(tenant_id) as connection:
            return await unmatched.list_unmatched(connection, MOST_NAMES)

    def _read(self, items: Sequence[object]) -> tuple[list[Use], list[RefusedItem]]:
        uses: list[Use] = []
        refused: list[RefusedItem] = []
        for index, item in enumerate(items):
            try:
                use = read_item(item)
                self._usage.check_time(use.measured_at)
            except Refused as error:
                refused.append(RefusedItem(index, error.field, error.message))
            except InputError as error:
                refused.append(RefusedItem(index, "measured_at", error.message))
            else:
                uses.append(use)
        return uses, refused


def _claim(tenant_id: UUID, marks: Mapping[UUID, Marks]) -> Claim:
    """Leaves out the uses whose call was counted before, by the id of the use."""

    async def claim(connection: Connection, batch: Sequence[Measurement]) -> Sequence[Measurement]:
        fresh = await seen_spans.claim_calls(connection, tenant_id, [marks[one.id] for one in batch])
        return [one for one in batch if marks[one.id].call in fresh]

    return claim


def _measurement(use: Use, skill_id: UUID, version_id: UUID | None) -> Measurement:
    return Measurement(
        skill_id,
        use.measured_at,
        use.model,
        use.usage,
        cost_microcents=use.cost_microcents,
        latency_ms=use.latency_ms,
        skill_version_id=version_id,
        source=use.source,
        id=use.id,
    )


def _version(use: Use, digests: dict[str, UUID]) -> UUID | None:
    """The version whose digest starts as the use says; None where that is none or several."""
    if use.skill_version is None:
        return None
    found = [version for digest, version in digests.items() if digest.startswith(use.skill_version)]
    return found[0] if len(found) == 1 else None
