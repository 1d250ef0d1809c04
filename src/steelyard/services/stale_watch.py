"""Which of a tenant's skills are worth a check: read in a query for every thousand, without a cell each."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from steelyard.domain.errors import SteelyardError
from steelyard.domain.models import ModelRef
from steelyard.services.repricing import cost_of
from steelyard.services.stale_check import USE_DAYS, Surroundings
from steelyard.statistics.drift import FEWEST_RATED, FEWEST_USES
from steelyard.storage import staleness
from steelyard.storage.database import Database
from steelyard.storage.staleness import UsedCell, Watched

AT_ONCE = 1_000
_NAMES = {one.name for one in fields(UsedCell)}


@dataclass
class _Known:
    """What was asked once for all skills of a watch."""

    today: date
    fates: dict[str, bool] = field(default_factory=dict[str, bool])
    identities: dict[str, str | None] = field(default_factory=dict[str, "str | None"])
    judges: dict[tuple[str, bool, tuple[str, ...]], str | None] = field(
        default_factory=dict[tuple[str, bool, "tuple[str, ...]"], "str | None"]
    )


class StaleWatch:
    """Looks over all skills, for one tenant at a time. No model is called."""

    def __init__(self, database: Database, around: Surroundings) -> None:
        self._database = database
        self._around = around

    async def suspects(
        self, tenant_id: UUID, *, after: tuple[str, UUID] | None = None
    ) -> AsyncGenerator[tuple[str, UUID]]:
        """(name, id) of every benchmarked skill that has a cause or may have one, by name.

        None with a cause is left out, but for a price that changed for some calls of a model alone (as those with
        long prompts): of each model one stored call is priced anew. Whether use has drifted is not told here: who has
        enough uses or feedback is among them. `StaleChecks.check` tells of each.
        """
        now = self._around.now()
        known = _Known(now.date())
        while True:
            async with self._database.tenant(tenant_id) as connection:
                page = await staleness.watched_skills(
                    connection,
                    at=now,
                    limit_days=self._around.limit_days,
                    first=known.today - timedelta(days=USE_DAYS - 1),
                    after=after,
                    limit=AT_ONCE,
                )
            suspected = await asyncio.to_thread(self._suspected, page, known)
            for one in suspected:
                yield one.name, one.skill_id
            if len(page) < AT_ONCE:
                return
            after = page[-1].name, page[-1].skill_id

    def _suspected(self, page: Sequence[Watched], known: _Known) -> list[Watched]:
        return [one for one in page if self._suspect(one, known)]

    def _suspect(self, one: Watched, known: _Known) -> bool:
        return (
            one.stale
            or one.uses >= FEWEST_USES
            or one.opinions >= FEWEST_RATED
            or any(self._fated(text, known) for text in one.models)
            or any(self._changed(*pair, known) for pair in zip(one.models, one.identities, strict=False))
            or self._judged_otherwise(one, known)
            or any(self._costs_otherwise(cell, known) for cell in one.sampled)
        )

    def _fated(self, text: str, known: _Known) -> bool:
        if text not in known.fates:
            ref, market = ModelRef.parse(text), self._around.market
            known.fates[text] = market.fate(ref) is not None or market.newer(ref, known.today) is not None
        return known.fates[text]

    def _changed(self, text: str, identity: str, known: _Known) -> bool:
        if text not in known.identities:
            try:
                known.identities[text] = self._around.market.identity(ModelRef.parse(text))
            except (SteelyardError, OSError):
                known.identities[text] = None
        now = known.identities[text]
        return now is not None and now != identity

    def _judged_otherwise(self, one: Watched, known: _Known) -> bool:
        if one.judge is None:
            return False
        key = one.judge, one.judge_by_default, tuple(one.models) if one.judge_by_default else ()
        if key not in known.judges:
            try:
                ref = ModelRef.parse(one.judge)
                if one.judge_by_default:
                    ref = self._around.default_judge([ModelRef.parse(text) for text in one.models]).ref or ref
                known.judges[key] = self._around.make_judge(ref).digest
            except SteelyardError:
                known.judges[key] = None
        now = known.judges[key]
        return now is not None and now != one.judge_digest

    def _costs_otherwise(self, stored: Mapping[str, Any], known: _Known) -> bool:
        cell = UsedCell(**{name: value for name, value in stored.items() if name in _NAMES})
        cost = cost_of(cell, ModelRef.parse(cell.model_name), self._around.price, known.today)
        return cost != cell.estimated_cost_microcents
