"""Every model seen: how much it was used, what it costs today, how good it was by family of skills, how fast it is.

A family of skills is what a skill's frontmatter calls itself by under `metadata`: family, else category, else domain,
the keys that skills in the wild use for it. Names are no substitute: a prefix ("aws-", "seo-") is as often a vendor or
a verb as a kind of task, and a wrong family would be worse than none.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from uuid import UUID

from steelyard.domain.errors import ModelRefError
from steelyard.domain.models import ModelRef
from steelyard.pricing import Price
from steelyard.storage import model_stats
from steelyard.storage.database import Database
from steelyard.storage.model_stats import ModelLatency, ModelQuality, ModelSeen

MOST_MODELS = 500
# How long figures may stand while no run is created, started or ended: what a run under way adds comes that late.
KEPT_FOR_S = 60.0
_TENANTS_KEPT = 256

PriceFinder = Callable[[ModelRef, date], Price | None]


@dataclass(frozen=True)
class FamilyQuality:
    """Mean quality over the `n` cases of `skills` skills of one family; `family` None is of skills that name none."""

    family: str | None
    skills: int
    n: int
    quality: float


@dataclass(frozen=True)
class ModelEntry:
    """One model, variants apart.

    `quality` is over the `n` cases of the last completed run of record of each of `skills` skills that had the model,
    in the arm those runs compare; None where no such run gave it one. `price` is today's in US dollars per million
    tokens by class, None where it is not known. `latency` is of its newest 200 calls. `cells` are stored results.
    """

    model: str
    provider: str
    runs: int
    cells: int
    last_used: datetime
    price: Price | None
    quality: float | None
    n: int
    skills: int
    families: tuple[FamilyQuality, ...]
    latency: ModelLatency | None


@dataclass(frozen=True)
class ModelsView:
    """The models last used first, at most 500; `read_at` is when their figures were read."""

    models: tuple[ModelEntry, ...]
    has_families: bool
    read_at: datetime


@dataclass(frozen=True)
class _Figures:
    newest: str
    read_at: datetime
    until: float
    seen: list[ModelSeen]
    cells: dict[str, int]
    qualities: list[ModelQuality]
    latencies: dict[str, ModelLatency]


@dataclass
class _Kept:
    reading: asyncio.Lock = field(default_factory=asyncio.Lock)
    figures: _Figures | None = None


class ModelViews:
    """Reads the models' page, for one tenant at a time. Adding up every run takes some 50 ms, so it is kept."""

    def __init__(self, database: Database, price: PriceFinder, *, kept_for_s: float = KEPT_FOR_S) -> None:
        self._database = database
        self._price = price
        self._kept_for_s = kept_for_s
        self._kept: OrderedDict[UUID, _Kept] = OrderedDict()

    async def view(self, tenant_id: UUID) -> ModelsView:
        """Every model of any run, whether it has been called yet or not."""
        figures = await self._figures(tenant_id)
        by_model: dict[str, list[FamilyQuality]] = {}
        for row in figures.qualities:
            by_model.setdefault(row.model, []).append(FamilyQuality(row.family, row.skills, row.n, row.quality))
        entries = [self._entry(seen, figures, tuple(by_model.get(seen.model, ()))) for seen in figures.seen]
        has_families = any(row.family is not None for row in figures.qualities)
        return ModelsView(tuple(entries), has_families, figures.read_at)

    async def _figures(self, tenant_id: UUID) -> _Figures:
        kept = self._kept.setdefault(tenant_id, _Kept())
        self._kept.move_to_end(tenant_id)
        while len(self._kept) > _TENANTS_KEPT:
            self._kept.popitem(last=False)
        async with self._database.tenant(tenant_id) as connection:
            newest = await model_stats.newest_run(connection)
        async with kept.reading:
            figures = kept.figures
            if figures is None or figures.newest != newest or time.monotonic() > figures.until:
                figures = kept.figures = await self._read(tenant_id)
        return figures

    async def _read(self, tenant_id: UUID) -> _Figures:
        until = time.monotonic() + self._kept_for_s
        read_at = datetime.now(UTC)
        # At the same time, on a connection each.
        (newest, seen, latencies), cells, qualities = await asyncio.gather(
            self._seen(tenant_id), self._cells(tenant_id), self._qualities(tenant_id)
        )
        return _Figures(newest, read_at, until, seen, cells, qualities, latencies)

    async def _seen(self, tenant_id: UUID) -> tuple[str, list[ModelSeen], dict[str, ModelLatency]]:
        async with self._database.tenant(tenant_id) as connection:
            newest = await model_stats.newest_run(connection)
            seen = await model_stats.models_seen(connection, limit=MOST_MODELS)
            return newest, seen, await model_stats.latencies(connection, [one.model for one in seen])

    async def _cells(self, tenant_id: UUID) -> dict[str, int]:
        async with self._database.tenant(tenant_id) as connection:
            return await model_stats.cells_by_model(connection)

    async def _qualities(self, tenant_id: UUID) -> list[ModelQuality]:
        async with self._database.tenant(tenant_id) as connection:
            return await model_stats.qualities(connection)

    def _entry(self, seen: ModelSeen, figures: _Figures, families: tuple[FamilyQuality, ...]) -> ModelEntry:
        n = sum(family.n for family in families)
        try:
            ref: ModelRef | None = ModelRef.parse(seen.model)
        except ModelRefError:
            ref = None
        return ModelEntry(
            model=seen.model,
            provider=seen.model.partition(":")[0],
            runs=seen.runs,
            cells=figures.cells.get(seen.model, 0),
            last_used=seen.last_used,
            price=None if ref is None else self._price(ref, datetime.now(UTC).date()),
            quality=sum(family.quality * family.n for family in families) / n if n else None,
            n=n,
            skills=sum(family.skills for family in families),
            families=families,
            latency=figures.latencies.get(seen.model),
        )
