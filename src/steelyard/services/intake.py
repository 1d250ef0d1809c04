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
from steelyard.pricing import Cost
from steelyard.services.usage import MAX_BATCH, UsageService, check_kept
from steelyard.storage import seen_spans, skills, unmatched, usage
from steelyard.storage.database import Connection, Database
from steelyard.storage.unmatched import UnmatchedSkill

_NOBODY = UUID(int=0)
MOST_NAMES = 100
# A request that is sent again later than this finds the same rows, but a second span of one call would count.
SPANS_KNOWN_DAYS = 3
# Past it the day begins anew: to forget twice costs a look.
_MOST_FORGOTTEN_FOR = 10_000


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
        # The day, and for whom it is done.
        self._forgot_on: date | None = None
        self._forgot_for: set[UUID] = set()

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
        read, refused = await asyncio.to_thread(self._read, items)
        return await self._keep(tenant_id, read, refused)

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
            read = [self._priced(index, call.use) for index, call in enumerate(some)]
            taken = await self._keep(tenant_id, read, [], {call.use.id: call.marks for call in some})
            kept, duplicates, apart = kept + taken.kept, duplicates + taken.duplicates, apart + taken.unmatched
            versions += taken.unknown_versions
            refused.update((item.field, item.message) for item in taken.refused)
        return TakenSpans(kept, duplicates, apart, versions, found.nameless, refused)

    async def _forget(self, tenant_id: UUID) -> None:
        """Once a day for each tenant: what is known of spans for more days than anyone sends a request again."""
        today = self._now().astimezone(UTC).date()
        if self._forgot_on != today or len(self._forgot_for) >= _MOST_FORGOTTEN_FOR:
            self._forgot_on, self._forgot_for = today, set()
        if tenant_id in self._forgot_for:
            return
        forgot_for = self._forgot_for
        async with self._database.tenant(tenant_id) as connection:
            await seen_spans.forget_spans(connection, today - timedelta(days=SPANS_KNOWN_DAYS))
        forgot_for.add(tenant_id)

    async def unmatched(self, tenant_id: UUID) -> Sequence[UnmatchedSkill]:
        """The names of skills that uses were sent for and that are not here, the most used first, at most 100."""
        async with self._database.tenant(tenant_id) as connection:
            return await unmatched.list_unmatched(connection, MOST_NAMES)

    async def _keep(
        self,
        tenant_id: UUID,
        read: Sequence[_Read],
        refused: list[RefusedItem],
        marks: Mapping[UUID, Marks] | None = None,
    ) -> Taken:
        """In one transaction. Those that are too old join `refused`; of those with marks, by id, what was counted under
        another id is a duplicate.
        """
        await self._usage.make_partitions(tenant_id, [one.use.measured_at for one in read])
        async with self._database.tenant(tenant_id) as connection:
            read = _of_kept_days(read, await usage.kept_from(connection), refused)
            fresh = read if marks is None else await _uncounted(connection, tenant_id, read, marks)
            known = await self._known(connection, fresh)
            own = [one.measured(*known[_key(one)]) for one in fresh if _key(one) in known]
            kept = await usage.record_measurements(connection, tenant_id, own) if own else 0
            others = [(one.use.skill, one.measured(_NOBODY, None)) for one in fresh if _key(one) not in known]
            apart = await unmatched.keep_unmatched(connection, tenant_id, others) if others else 0
        return Taken(
            kept=kept,
            duplicates=len(read) - kept - apart,
            unmatched=apart,
            unknown_versions=sum(
                one.use.skill_version is not None and known.get(_key(one), (None, _NOBODY))[1] is None for one in fresh
            ),
            refused=tuple(sorted(refused, key=lambda item: item.index)),
        )

    def _read(self, items: Sequence[object]) -> tuple[list[_Read], list[RefusedItem]]:
        found: list[_Read] = []
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
                found.append(self._priced(index, use))
        return found, refused

    def _priced(self, index: int, use: Use) -> _Read:
        told = use.cost_microcents is not None
        return _Read(index, use, None if told else self._usage.price(use.usage, use.model, use.measured_at))

    async def _known(self, connection: Connection, read: Sequence[_Read]) -> dict[_Key, tuple[UUID, UUID | None]]:
        """(skill, version) of each name and digest that uses are of; names of no skill are left out.

        They stay until the transaction ends: a skill that is being deleted is waited for, and then is not here.
        """
        keys = {_key(one) for one in read}
        ids = await usage.hold_skills_named(connection, sorted({name for name, _ in keys}))
        told = sorted({ids[name] for name, digest in keys if name in ids and digest is not None})
        digests = await skills.digests_of(connection, told) if told else {}
        found = {key: (ids[key[0]], _version(key[1], digests.get(ids[key[0]], {}))) for key in keys if key[0] in ids}
        named = sorted({version for _, version in found.values() if version is not None})
        there = await usage.hold_versions(connection, named) if named else {}
        return {key: (skill, version if version in there else None) for key, (skill, version) in found.items()}


async def _uncounted(
    connection: Connection, tenant_id: UUID, read: Sequence[_Read], marks: Mapping[UUID, Marks]
) -> list[_Read]:
    fresh = await seen_spans.claim_calls(connection, tenant_id, [marks[one.use.id] for one in read])
    return [one for one in read if marks[one.use.id].call in fresh]


_Key = tuple[str, str | None]


@dataclass(frozen=True)
class _Read:
    """An item that was read; `cost` is what it is priced at where it came without one."""

    index: int
    use: Use
    cost: Cost | None

    def measured(self, skill_id: UUID, version_id: UUID | None) -> Measurement:
        use, cost = self.use, self.cost
        return Measurement(
            skill_id,
            use.measured_at,
            use.model,
            use.usage,
            use.cost_microcents if cost is None else cost.microcents,
            None if cost is None else cost.price_version,
            None if cost is None else cost.price_date,
            use.latency_ms,
            version_id,
            use.source,
            use.id,
        )


def _key(one: _Read) -> _Key:
    return one.use.skill, one.use.skill_version


def _of_kept_days(read: Sequence[_Read], line: date | None, refused: list[RefusedItem]) -> list[_Read]:
    """Those of days of which uses are kept; the others are added to `refused`."""
    found: list[_Read] = []
    for one in read:
        try:
            check_kept(one.use.measured_at, line)
        except InputError as error:
            refused.append(RefusedItem(one.index, "measured_at", error.message))
        else:
            found.append(one)
    return found


def _version(digest: str | None, digests: dict[str, UUID]) -> UUID | None:
    """The version whose digest starts as the use says; None where that is none or several."""
    if digest is None:
        return None
    found = [version for known, version in digests.items() if known.startswith(digest)]
    return found[0] if len(found) == 1 else None
