"""Millions of measurements over a year, a month at a time, with their daily rollup."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import numpy as np
import numpy.typing as npt

from benchmarks.pages.copying import fill_table, uuids, words_of
from steelyard.storage.database import Database
from steelyard.storage.usage import ensure_partitions

_DAYS = 364
_CHUNK = 500_000
_MAIN_SHARE = 0.04
# US cents per million tokens, in and out, are microcents per token; None is a model of unknown price.
_MODELS: tuple[tuple[str, str, int | None, int | None], ...] = (
    ("anthropic:claude-haiku-4-5", "anthropic", 100, 500),
    ("anthropic:claude-sonnet-5", "anthropic", 200, 1000),
    ("openai:gpt-5.4-mini", "openai", 75, 450),
    ("google:gemini-3-flash-preview", "google", 50, 300),
    ("workshop:brass-7b", "workshop", None, None),
)
_SHARES = (0.5, 0.2, 0.15, 0.13, 0.02)

_INSERT = """
    INSERT INTO token_measurements (tenant_id, id, skill_id, measured_at, model_name, model_provider, input_tokens,
                                    output_tokens, total_tokens, cost_microcents, latency_ms, source)
    SELECT %s, s.id, k.id, s.at, m.name, m.provider, s.sent, s.received, s.sent + s.received, nullif(s.cost, -1),
           s.latency, 'generated'
      FROM sent_uses s
      JOIN sent_owners k ON k.number = s.skill
      JOIN (SELECT row_number() OVER () - 1 AS number, name, provider
              FROM unnest(%s::text[], %s::text[]) AS m (name, provider)) m ON m.number = s.model
     ORDER BY s.id"""
_ROLLUP = """
    INSERT INTO measurement_daily AS old (tenant_id, skill_id, day, model_name, skill_version_id, uses, input_tokens,
                                          output_tokens, total_tokens, cache_read_tokens, cache_write_tokens,
                                          reasoning_tokens, cost_microcents, cost_unknown, latency_us_sum, latency_uses)
    SELECT %s, k.id, (s.at AT TIME ZONE 'UTC')::date AS day, m.name, '00000000-0000-0000-0000-000000000000', count(*),
           sum(s.sent), sum(s.received), sum(s.sent + s.received), 0, 0, 0,
           coalesce(sum(s.cost) FILTER (WHERE s.cost >= 0), 0), count(*) FILTER (WHERE s.cost < 0),
           sum(round(s.latency * 1000)::bigint), count(*)
      FROM sent_uses s
      JOIN sent_owners k ON k.number = s.skill
      JOIN (SELECT row_number() OVER () - 1 AS number, name FROM unnest(%s::text[]) AS m (name)) m
        ON m.number = s.model
     GROUP BY k.id, day, m.name ORDER BY k.id, day, m.name
    ON CONFLICT (tenant_id, skill_id, day, model_name, skill_version_id) DO UPDATE
       SET uses = old.uses + EXCLUDED.uses, input_tokens = old.input_tokens + EXCLUDED.input_tokens,
           output_tokens = old.output_tokens + EXCLUDED.output_tokens,
           total_tokens = old.total_tokens + EXCLUDED.total_tokens,
           cost_microcents = old.cost_microcents + EXCLUDED.cost_microcents,
           cost_unknown = old.cost_unknown + EXCLUDED.cost_unknown,
           latency_us_sum = old.latency_us_sum + EXCLUDED.latency_us_sum,
           latency_uses = old.latency_uses + EXCLUDED.latency_uses"""


async def add_measurements(
    database: Database,
    tenant_id: UUID,
    main: UUID,
    count: int,
    dice: np.random.Generator,
    now: datetime,
    say: Callable[[str], None],
) -> None:
    """So many uses of all the tenant's skills over the last year, 4% of them of `main`, the others by Zipf's law."""
    first = (now.astimezone(UTC) - timedelta(days=_DAYS)).date()
    async with database.tenant(tenant_id) as connection:
        rows = await (
            await connection.execute("SELECT id FROM skills WHERE id <> %s ORDER BY name", (main,))
        ).fetchall()
    async with database.tenant(tenant_id) as connection:
        await ensure_partitions(connection, first, now.astimezone(UTC).date())
    owners = words_of([main, *(row["id"] for row in rows)])
    weights = 1 / np.arange(2, len(owners) + 1) ** 0.8
    shares = (
        np.array([1.0])
        if len(owners) == 1
        else np.concatenate([[_MAIN_SHARE], (1 - _MAIN_SHARE) * dice.permutation(weights / weights.sum())])
    )
    done = 0
    parts = max(1, -(-count // _CHUNK))
    for part in range(parts):
        size = count // parts + (part < count % parts)
        begin, end = first + timedelta(days=_DAYS * part / parts), first + timedelta(days=_DAYS * (part + 1) / parts)
        uses = _uses(dice, size, shares, begin, end, part)
        async with database.tenant(tenant_id) as connection:
            await fill_table(
                connection, "sent_owners", {"id": ("uuid", owners), "number": ("int", np.arange(len(owners)))}
            )
            await fill_table(connection, "sent_uses", uses)
            names, providers = [model[0] for model in _MODELS], [model[1] for model in _MODELS]
            await connection.execute(_INSERT, (tenant_id, names, providers))
            await connection.execute(_ROLLUP, (tenant_id, names))
        done += size
        say(f"{done:,} of {count:,} measurements are there.")


def _uses(
    dice: np.random.Generator, size: int, shares: npt.NDArray[np.float64], begin: date, end: date, part: int
) -> dict[str, tuple[str, npt.NDArray[np.generic]]]:
    """Some days' uses, by skill and time, so that each index grows at few places."""
    skill = np.sort(dice.choice(len(shares), size, p=shares))
    model = dice.choice(len(_MODELS), size, p=_SHARES)
    sent, received = dice.gamma(3, 300, size).astype(np.int64) + 50, dice.gamma(4, 40, size).astype(np.int64) + 5
    rates = np.array([(0, 0) if a is None or b is None else (a, b) for *_, a, b in _MODELS])
    unknown = np.array([a is None for *_, a, _ in _MODELS])
    cost = np.where(unknown[model], -1, sent * rates[model, 0] + received * rates[model, 1])
    start = int(datetime(begin.year, begin.month, begin.day, tzinfo=UTC).timestamp() * 1e6)
    length = max(1, (end - begin).days) * 86_400 * 10**6
    order = np.arange(size, dtype=np.uint64) + np.uint64(part << 40)
    return {
        "id": ("uuid", uuids(order << np.uint64(16), dice.integers(0, 2**62, size, np.uint64))),
        "skill": ("int", skill),
        "model": ("int", model),
        "at": ("time", start + (dice.random(size) * length).astype(np.int64)),
        "sent": ("big", sent),
        "received": ("big", received),
        "cost": ("big", cost),
        "latency": ("real", dice.lognormal(7.5, 0.5, size)),
    }
