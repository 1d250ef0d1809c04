"""What a skill takes in use: recording measurements, and the figures and series pages show of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from math import isfinite
from typing import Literal
from uuid import UUID

from steelyard.domain.calls import Usage
from steelyard.domain.errors import InputError, NotFound
from steelyard.domain.models import ModelRef
from steelyard.domain.usage import Measurement
from steelyard.pricing import Cost
from steelyard.skills.text import unstorable
from steelyard.storage import usage
from steelyard.storage.database import Database
from steelyard.storage.usage import BenchmarkPoint, ModelTotals, UsageDay, UsageTotals

Pricer = Callable[[Usage, ModelRef, date], Cost | None]
SeriesDays = Literal[30, 90, 365]

MAX_BATCH = 10_000
WINDOW_DAYS = 30
OLDEST_DAYS = 3650
_AHEAD = timedelta(days=1)
_MAX_COUNT = 10**12
_MAX_COST = 10**15


@dataclass(frozen=True)
class Recorded:
    """How many measurements were new, and how many had been sent before."""

    kept: int
    duplicates: int


@dataclass(frozen=True)
class UsageWindow:
    """Some days of use. Averages are per use, None without any; cost only over uses whose cost is known.

    `cost_microcents` is a lower bound where `cost_unknown` uses have no known cost.
    """

    uses: int
    cost_microcents: int
    cost_unknown: int
    avg_cost_microcents: float | None
    avg_input_tokens: float | None
    avg_output_tokens: float | None
    avg_total_tokens: float | None
    avg_latency_ms: float | None


@dataclass(frozen=True)
class ModelShare:
    """One model's share of the uses, 0-1, and what it took."""

    model: str
    share: float
    window: UsageWindow


@dataclass(frozen=True)
class Change:
    """The last 30 days against the 30 before, in percent; None where the earlier value is 0 or unknown."""

    uses_percent: float | None
    cost_percent: float | None
    avg_cost_percent: float | None
    avg_tokens_percent: float | None


@dataclass(frozen=True)
class SkillUsage:
    """A skill in use: all time, the last 30 UTC days with today, the 30 before, and who did the work.

    `predominant_model` had the most uses in the last 30 days, or of all time where there were none in those.
    """

    total: UsageWindow
    last_30_days: UsageWindow
    previous_30_days: UsageWindow
    change: Change
    predominant_model: str | None
    predominant_share: float | None
    models: tuple[ModelShare, ...]


class UsageService:
    """Use cases on measurements, for one tenant at a time."""

    def __init__(
        self, database: Database, price: Pricer, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._database = database
        self._price = price
        self._now = now
        self._months: set[date] = set()

    async def record(self, tenant_id: UUID, batch: Sequence[Measurement]) -> Recorded:
        """Keep measurements, priced here where they come without a price; one sent twice counts once.

        Raises InputError on a value out of range, NotFound on a skill or version that is not there: then nothing of
        the batch is kept.
        """
        if not batch:
            return Recorded(0, 0)
        if len(batch) > MAX_BATCH:
            raise InputError(f"A batch has at most {MAX_BATCH:,} measurements, not {len(batch):,}.")
        now = self._now()
        for measurement in batch:
            _check(measurement, now)
        await self.make_partitions(tenant_id, [measurement.measured_at for measurement in batch])
        priced = [self.priced(measurement) for measurement in batch]
        async with self._database.tenant(tenant_id) as connection:
            line = await usage.kept_from(connection)
            for measurement in batch:
                check_kept(measurement.measured_at, line)
            wanted = {measurement.skill_id for measurement in batch}
            missing = wanted - await usage.hold_skills(connection, list(wanted))
            if missing:
                raise NotFound(f"No skill {min(map(str, missing))}.")
            versions = {m.skill_version_id: m.skill_id for m in batch if m.skill_version_id is not None}
            known = await usage.hold_versions(connection, list(versions)) if versions else {}
            for measurement in batch:
                version = measurement.skill_version_id
                if version is not None and known.get(version) != measurement.skill_id:
                    raise NotFound(f"No version {version} of skill {measurement.skill_id}.")
            kept = await usage.record_measurements(connection, tenant_id, priced)
        return Recorded(kept, len(batch) - kept)

    def check_time(self, measured_at: datetime) -> None:
        """Raises InputError for a time without a zone, over a day ahead, or over ten years back."""
        _check_time(measured_at, self._now())

    def priced(self, measurement: Measurement) -> Measurement:
        """At the price of its day where it comes without one; as it is where none is known."""
        if measurement.cost_microcents is not None or measurement.price_version is not None:
            return measurement
        cost = self.price(measurement.usage, measurement.model, measurement.measured_at)
        if cost is None:
            return measurement
        return replace(
            measurement, cost_microcents=cost.microcents, price_version=cost.price_version, price_date=cost.price_date
        )

    def price(self, usage: Usage, model: ModelRef, at: datetime) -> Cost | None:
        """The cost at the prices of that day; None where none is known."""
        return self._price(usage, model, at.astimezone(UTC).date())

    async def make_partitions(self, tenant_id: UUID, moments: Sequence[datetime]) -> None:
        """The months of these measurements and the next two, in a transaction of its own; known ones cost nothing."""
        utc = [moment.astimezone(UTC).date() for moment in (*moments, self._now() + timedelta(days=62))]
        months = {day.replace(day=1) for day in utc}
        if months <= self._months:
            return
        async with self._database.tenant(tenant_id) as connection:
            await usage.ensure_partitions(connection, min(months), max(months))
        month = min(months)
        while month <= max(months):
            self._months.add(month)
            month = (month + timedelta(days=31)).replace(day=1)

    async def skill(self, tenant_id: UUID, skill_id: UUID) -> SkillUsage:
        """The figures of the quick-stat cards; all zero and None for a skill never used."""
        today = self._today()
        recent, earlier = today - timedelta(days=WINDOW_DAYS - 1), today - timedelta(days=2 * WINDOW_DAYS - 1)
        async with self._database.tenant(tenant_id) as connection:
            rows = await usage.totals_by_model(connection, skill_id, previous=earlier, recent=recent, last=today)
        by_model: dict[str, list[ModelTotals]] = {}
        for row in rows:
            by_model.setdefault(row.model_name, []).append(row)
        of_recent = [[row] for row in rows if row.stretch == "recent"]
        last = _window([row for row in rows if row.stretch == "recent"])
        before = _window([row for row in rows if row.stretch == "previous"])
        windows = [(found[0].model_name, _window(found)) for found in of_recent or by_model.values()]
        uses = sum(window.uses for _, window in windows)
        shares = tuple(
            ModelShare(model, window.uses / uses, window)
            for model, window in sorted(windows, key=lambda pair: (-pair[1].uses, pair[0]))
        )
        return SkillUsage(
            total=_window(rows),
            last_30_days=last,
            previous_30_days=before,
            change=Change(
                _percent(before.uses, last.uses),
                None
                if before.cost_unknown or last.cost_unknown
                else _percent(before.cost_microcents, last.cost_microcents),
                _percent(before.avg_cost_microcents, last.avg_cost_microcents),
                _percent(before.avg_total_tokens, last.avg_total_tokens),
            ),
            predominant_model=shares[0].model if shares else None,
            predominant_share=shares[0].share if shares else None,
            models=shares,
        )

    async def daily(self, tenant_id: UUID, skill_id: UUID, days: int = 90) -> tuple[UsageDay, ...]:
        """Every one of the last `days` UTC days (1 to 3,650), oldest first, today last. Raises InputError."""
        if not 1 <= days <= OLDEST_DAYS:
            raise InputError(f"A series has 1 to {OLDEST_DAYS:,} days, not {days:,}.")
        async with self._database.tenant(tenant_id) as connection:
            return tuple(await usage.usage_days(connection, skill_id, self._first_of(days), self._today()))

    async def quality_history(
        self, tenant_id: UUID, skill_id: UUID, *, days: int | None = None, at_least: int = 0, limit: int = 400
    ) -> Sequence[BenchmarkPoint]:
        """The newest completed runs of record, oldest first.

        Where `days` are given, those of the last `days` UTC days, and earlier ones where they are not `at_least` many.
        """
        since = None
        if days is not None:
            since = datetime.combine(self._first_of(days), datetime.min.time(), UTC)
        async with self._database.tenant(tenant_id) as connection:
            return await usage.benchmark_points(connection, skill_id, since=since, at_least=at_least, limit=limit)

    def _today(self) -> date:
        return self._now().astimezone(UTC).date()

    def _first_of(self, days: int) -> date:
        """The first of the last `days` UTC days."""
        return self._today() - timedelta(days=days - 1)


def check_kept(at: datetime, kept_from: date | None) -> None:
    """Raises InputError for a use of a day of which no uses are kept any more: it could be a repeat of one that was."""
    if kept_from is not None and at.astimezone(UTC).date() < kept_from:
        raise InputError(
            f"A use of {at.astimezone(UTC):%Y-%m-%d} is too old: from before {kept_from} only daily sums are kept, in"
            " which a use that was sent before cannot be told from a new one."
        )


def _check_time(at: datetime, now: datetime) -> None:
    """Raises InputError."""
    if at.tzinfo is None:
        raise InputError("A measurement's time has no time zone.", next_step="Send it as 2026-01-31T12:00:00Z.")
    if at > now + _AHEAD or at < now - timedelta(days=OLDEST_DAYS):
        raise InputError(f"A measurement of {at.isoformat()} lies in the future or more than ten years back.")


def _check(measurement: Measurement, now: datetime) -> None:
    """Raises InputError."""
    counts = measurement.usage
    _check_time(measurement.measured_at, now)
    numbers = (
        counts.input_tokens,
        counts.output_tokens,
        counts.cache_read_tokens,
        counts.cache_write_tokens,
        counts.reasoning_tokens,
    )
    if any(not 0 <= number <= _MAX_COUNT for number in numbers):
        raise InputError("A measurement's token counts are out of range.")
    if measurement.cost_microcents is not None and not 0 <= measurement.cost_microcents <= _MAX_COST:
        raise InputError("A measurement's cost is out of range.")
    latency = measurement.latency_ms
    if latency is not None and not (isfinite(latency) and 0 <= latency <= 1e10):
        raise InputError("A measurement's latency is out of range.")
    if reason := unstorable([measurement.model.text, measurement.source, measurement.price_version or ""]):
        raise InputError(f"A measurement cannot be kept: {reason}.")


def _window(rows: Sequence[UsageTotals]) -> UsageWindow:
    uses = sum(row.uses for row in rows)
    known = uses - sum(row.cost_unknown for row in rows)
    cost = sum(row.cost_microcents for row in rows)
    timed = sum(row.latency_uses for row in rows)

    def average(total: float, count: int) -> float | None:
        return total / count if count else None

    return UsageWindow(
        uses=uses,
        cost_microcents=cost,
        cost_unknown=uses - known,
        avg_cost_microcents=average(cost, known),
        avg_input_tokens=average(sum(row.input_tokens for row in rows), uses),
        avg_output_tokens=average(sum(row.output_tokens for row in rows), uses),
        avg_total_tokens=average(sum(row.total_tokens for row in rows), uses),
        avg_latency_ms=average(sum(row.latency_ms_sum for row in rows), timed),
    )


def _percent(before: float | None, after: float | None) -> float | None:
    return None if not before or after is None else 100.0 * (after - before) / before
