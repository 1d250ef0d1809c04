"""Uses of skills as they are sent: each kept, known already, kept for a skill that is not here, or refused by name."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from steelyard.domain.errors import InputError
from steelyard.domain.usage import Measurement
from steelyard.intake import Refused, Use, read_item
from steelyard.services.usage import MAX_BATCH, UsageService
from steelyard.storage import skills, unmatched
from steelyard.storage.database import Database
from steelyard.storage.unmatched import UnmatchedSkill

_NOBODY = UUID(int=0)
MOST_NAMES = 100


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


class IntakeService:
    """Takes uses in, for one tenant at a time."""

    def __init__(self, database: Database, usage: UsageService) -> None:
        self._database = database
        self._usage = usage

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
        async with self._database.tenant(tenant_id) as connection:
            ids = await skills.ids_of(connection, sorted({use.skill for use in uses}))
            told = {ids[use.skill] for use in uses if use.skill in ids and use.skill_version is not None}
            versions = await skills.digests_of(connection, sorted(told)) if told else {}
        known = [(use, ids[use.skill]) for use in uses if use.skill in ids]
        measured = [_measurement(use, skill_id, _version(use, versions.get(skill_id, {}))) for use, skill_id in known]
        recorded = await self._usage.record(tenant_id, measured)
        others = [(use.skill, _measurement(use, _NOBODY, None)) for use in uses if use.skill not in ids]
        apart = await self._usage.record_unmatched(tenant_id, others)
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
