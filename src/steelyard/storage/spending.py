"""The gate of paid calls: a tenant's budget of the month, what is held of it for calls, and what is spent."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum, auto
from typing import LiteralString
from uuid import UUID

from steelyard.domain.actors import Actor
from steelyard.domain.spending import SpendKind, TenantBudget
from steelyard.storage.database import Connection, clean
from steelyard.storage.rows import record_row

# A hold that is not renewed for so long is of a worker that is gone.
LEASE_S = 60.0
NO_ID = UUID(int=0)
"""In the place of an id that somebody who acted does not have."""


@dataclass(frozen=True)
class Asked:
    """Leave for one call: `microcents` it costs at most, None where its model's price is not known."""

    id: UUID
    microcents: int | None


class Leave(Enum):
    """HELD and FREE: the call may be made, with money held for it and without. WAIT: not before some that is held comes
    back. SPENT: not any more this month. UNPRICED: its price is not known, and such calls are refused."""

    HELD = auto()
    FREE = auto()
    WAIT = auto()
    SPENT = auto()
    UNPRICED = auto()


@dataclass(frozen=True)
class Granted:
    """What came of asking, in its order, and how the month stood before: money in microcents.

    `lost`: held for calls of workers that are gone, which may have been paid for.
    """

    month: date
    budget: int
    spent: int
    lost: int
    leaves: Sequence[Leave]


@dataclass(frozen=True)
class Account:
    """For whom calls are paid: the tenant, the skill they are about, and who started what they are made for."""

    tenant_id: UUID
    skill_id: UUID
    by: Actor


@dataclass(frozen=True)
class Payment:
    """What finished calls came to. `unknown` of the `calls` cost something that is not known.

    It counts in the month that money was held in for it, which `holds` gives back, else in the one it is written in.
    """

    account: Account
    kind: SpendKind
    model: str
    microcents: int
    calls: int = 1
    unknown: int = 0
    month: date | None = None
    holds: tuple[UUID, ...] = ()


@dataclass(frozen=True)
class MonthStanding:
    """How a UTC month stands, in microcents. `held` for calls that are out, `lost` held for calls of workers that are
    gone; `calls_lost`: others went with theirs, that no money was held for. `unknown_calls` cost what is not known."""

    month: date
    budget: TenantBudget
    spent: int
    held: int
    lost: int
    calls: int
    unknown_calls: int
    calls_lost: bool

    @property
    def is_lower_bound(self) -> bool:
        """Whether more may have been spent than is known."""
        return bool(self.lost or self.calls_lost or self.unknown_calls)

    @property
    def left(self) -> int | None:
        """What another call may cost at most now; None without a budget."""
        budget = self.budget.month_microcents
        return None if budget is None else max(0, budget - self.spent - self.held - self.lost)


HELD_FROM = """EXISTS (SELECT FROM budgets WHERE month_microcents IS NOT NULL AND refuse_unpriced
                                    AND changed_at < {} - interval '5 s')"""
"""Whether money is held for every call made since a moment: workers hear of a budget within a second or two."""

_THIS_MONTH = "date_trunc('month', now() AT TIME ZONE 'UTC')::date"


async def budget(connection: Connection) -> TenantBudget:
    """What is set for the current tenant."""
    async with connection.cursor(row_factory=record_row(TenantBudget)) as cursor:
        await cursor.execute("SELECT month_microcents, run_microcents, refuse_unpriced FROM budgets")
        return await cursor.fetchone() or TenantBudget()


async def set_budget(connection: Connection, tenant_id: UUID, new: TenantBudget) -> None:
    """Set it; workers hold to it within a second."""
    await connection.execute(
        """INSERT INTO budgets AS old (tenant_id, month_microcents, run_microcents, refuse_unpriced)
           VALUES (%s, %s, %s, %s)
           ON CONFLICT (tenant_id) DO UPDATE
              SET month_microcents = EXCLUDED.month_microcents, run_microcents = EXCLUDED.run_microcents,
                  refuse_unpriced = EXCLUDED.refuse_unpriced, changed_at = now()""",
        (tenant_id, new.month_microcents, new.run_microcents, new.refuse_unpriced),
    )


async def ask(
    connection: Connection, tenant_id: UUID, worker: UUID, asked: Sequence[Asked], *, drop: Collection[UUID] = ()
) -> Granted | None:
    """Hold money for calls that are about to be made, as far as the month has it; None where it has no budget.

    The month is locked until the transaction ends. `drop` are holds that are given back first.
    """
    limits = await budget(connection)
    if drop:
        await give_back(connection, drop)
    if limits.month_microcents is None:
        return None
    cursor = await connection.execute(
        f"""INSERT INTO spend_months (tenant_id, month) VALUES (%s, {_THIS_MONTH})
            ON CONFLICT (tenant_id, month) DO UPDATE SET month = EXCLUDED.month
            RETURNING month, spent_microcents""".encode(),
        (tenant_id,),
    )
    month = await cursor.fetchone()
    assert month is not None
    await connection.execute("DELETE FROM spend_holds WHERE month < %s - 62", (month["month"],))
    cursor = await connection.execute(
        """SELECT coalesce(sum(microcents) FILTER (WHERE lease_until >= clock_timestamp()), 0)::bigint AS held,
                  coalesce(sum(microcents) FILTER (WHERE lease_until < clock_timestamp()), 0)::bigint AS lost
             FROM spend_holds WHERE month = %s""",
        (month["month"],),
    )
    out = await cursor.fetchone()
    assert out is not None
    most = limits.month_microcents - month["spent_microcents"] - out["lost"]
    leaves = _decided(asked, most=most, room=most - out["held"], refuse_unpriced=limits.refuse_unpriced)
    held = [one for one, leave in zip(asked, leaves, strict=True) if leave is Leave.HELD]
    if held:
        await connection.execute(
            """INSERT INTO spend_holds (tenant_id, id, month, worker, microcents, lease_until)
               SELECT %s, id, %s, %s, microcents, clock_timestamp() + make_interval(secs => %s)
                 FROM unnest(%s::uuid[], %s::bigint[]) AS new (id, microcents)""",
            (
                tenant_id,
                month["month"],
                worker,
                LEASE_S,
                [one.id for one in held],
                [one.microcents for one in held],
            ),
        )
    return Granted(month["month"], limits.month_microcents, month["spent_microcents"], out["lost"], leaves)


def _decided(asked: Sequence[Asked], *, most: int, room: int, refuse_unpriced: bool) -> list[Leave]:
    """`most` is what a call may cost when nothing else is out, `room` beside what is."""
    leaves: list[Leave] = []
    for one in asked:
        if one.microcents is None:
            leaves.append(Leave.UNPRICED if refuse_unpriced else Leave.FREE if most > 0 else Leave.SPENT)
        elif one.microcents > most:
            leaves.append(Leave.SPENT)
        elif one.microcents > room:
            leaves.append(Leave.WAIT)
        else:
            room -= one.microcents
            leaves.append(Leave.HELD)
    return leaves


async def give_back(connection: Connection, holds: Collection[UUID]) -> None:
    """Let go of money held for calls that were not made. Done twice it does what it does done once."""
    # In the order in which everybody locks them: the month first.
    await connection.execute(
        """SELECT 1 FROM spend_months WHERE month IN (SELECT month FROM spend_holds WHERE id = ANY(%s))
            ORDER BY month FOR UPDATE""",
        (list(holds),),
    )
    await connection.execute("DELETE FROM spend_holds WHERE id = ANY(%s)", (list(holds),))


async def renew(connection: Connection, worker: UUID, holds: Collection[UUID]) -> set[UUID]:
    """Say that the calls these are held for are still out; returns those there are. One being paid now is left out."""
    cursor = await connection.execute(
        """UPDATE spend_holds SET lease_until = clock_timestamp() + make_interval(secs => %s)
            WHERE id IN (SELECT id FROM spend_holds WHERE worker = %s AND id = ANY(%s) FOR UPDATE SKIP LOCKED)
            RETURNING id""",
        (LEASE_S, worker, list(holds)),
    )
    return {row["id"] for row in await cursor.fetchall()}


async def pay(connection: Connection, tenant_id: UUID, payments: Sequence[Payment]) -> None:
    """Count what calls came to, and let go of what was held for them. The last thing a transaction does, and once: the
    month is locked until it ends."""
    payments = [one for one in payments if one.calls or one.microcents or one.holds]
    if not payments:
        return
    await connection.execute(
        _PAY,
        {
            "tenant": tenant_id,
            "months": [one.month for one in payments],
            "skills": [one.account.skill_id for one in payments],
            "kinds": [one.kind.value for one in payments],
            "models": [clean(one.model) for one in payments],
            "by_kinds": [one.account.by.kind.value for one in payments],
            "by_ids": [one.account.by.id or NO_ID for one in payments],
            "by_names": [clean(one.account.by.name) for one in payments],
            "spent": [one.microcents for one in payments],
            "calls": [one.calls for one in payments],
            "unknown": [one.unknown for one in payments],
            "holds": [hold for one in payments for hold in one.holds],
        },
    )


# One round trip for all of it. PostgreSQL runs the last part first, so that the month is locked before the rest.
_PAY = f"""
    WITH new AS MATERIALIZED (
        SELECT coalesce(month, {_THIS_MONTH}) AS month, skill_id, kind, model, by_kind, by_id, by_name, spent, calls,
               unknown
          FROM unnest(%(months)s::date[], %(skills)s::uuid[], %(kinds)s::text[], %(models)s::text[],
                      %(by_kinds)s::text[], %(by_ids)s::uuid[], %(by_names)s::text[], %(spent)s::bigint[],
                      %(calls)s::integer[], %(unknown)s::integer[])
               AS p (month, skill_id, kind, model, by_kind, by_id, by_name, spent, calls, unknown)),
    split AS (
        INSERT INTO spend AS old (tenant_id, month, skill_id, kind, model, by_kind, by_id, by_name, spent_microcents,
                                  calls, unknown_calls)
        SELECT %(tenant)s, month, skill_id, kind, model, by_kind, by_id, max(by_name), sum(spent), sum(calls),
               sum(unknown)
          FROM new WHERE calls > 0 OR spent > 0 GROUP BY 2, 3, 4, 5, 6, 7 ORDER BY 2, 3, 4, 5, 6, 7
        ON CONFLICT (tenant_id, month, skill_id, kind, model, by_kind, by_id) DO UPDATE
           SET spent_microcents = old.spent_microcents + EXCLUDED.spent_microcents,
               calls = old.calls + EXCLUDED.calls, unknown_calls = old.unknown_calls + EXCLUDED.unknown_calls,
               by_name = EXCLUDED.by_name),
    returned AS (DELETE FROM spend_holds WHERE id = ANY(%(holds)s::uuid[]))
    INSERT INTO spend_months AS old (tenant_id, month, spent_microcents, calls, unknown_calls)
    SELECT %(tenant)s, month, sum(spent), sum(calls), sum(unknown) FROM new GROUP BY month ORDER BY month
    ON CONFLICT (tenant_id, month) DO UPDATE
       SET spent_microcents = old.spent_microcents + EXCLUDED.spent_microcents, calls = old.calls + EXCLUDED.calls,
           unknown_calls = old.unknown_calls + EXCLUDED.unknown_calls
""".encode()


async def mark_lost(connection: Connection, tenant_id: UUID, months: Collection[date]) -> None:
    """What was spent in these months is the least: calls no money was held for went with their worker.

    To be done as `pay` is, at the end of a transaction.
    """
    if months:
        await connection.execute(
            """INSERT INTO spend_months AS old (tenant_id, month, calls_lost)
               SELECT %s, month, true FROM unnest(%s::date[]) AS month ORDER BY month
               ON CONFLICT (tenant_id, month) DO UPDATE SET calls_lost = true WHERE NOT old.calls_lost""",
            (tenant_id, list(months)),
        )


async def mark_lost_of(connection: Connection, table: LiteralString, job_id: UUID) -> None:
    """The same where the row of a job says that calls of it were out, whose worker is gone; nothing where not.

    Calls may have been made in any month since it began.
    """
    await connection.execute(
        f"""WITH was AS (SELECT tenant_id, created_at, coalesce(started_at, created_at) AS began FROM {table}
                         WHERE id = %s AND calling FOR UPDATE)
            INSERT INTO spend_months AS old (tenant_id, month, calls_lost)
            SELECT tenant_id, month::date, true
              FROM was, generate_series(date_trunc('month', began AT TIME ZONE 'UTC'), now() AT TIME ZONE 'UTC',
                                        interval '1 month') AS month
             WHERE NOT {HELD_FROM.format("was.created_at")} ORDER BY month
            ON CONFLICT (tenant_id, month) DO UPDATE SET calls_lost = true WHERE NOT old.calls_lost""".encode(),
        (job_id,),
    )


# A tie-break that was ended while calls of it were out: they come back to their worker, if it is there.
_LOST_AT_THE_END = f"""EXISTS (
                       SELECT FROM tie_breaks t
                        WHERE t.calling AND t.status NOT IN ('pending', 'running')
                          AND date_trunc('month', t.completed_at AT TIME ZONE 'UTC') = asked.month
                          AND NOT {HELD_FROM.format("t.created_at")})"""


async def standing(connection: Connection, month: date | None = None) -> MonthStanding:
    """How a month stands, this one where none is given."""
    limits = await budget(connection)
    cursor = await connection.execute(
        f"""SELECT asked.month, coalesce(m.spent_microcents, 0) AS spent, coalesce(m.calls, 0) AS calls,
                   coalesce(m.unknown_calls, 0) AS unknown_calls,
                   coalesce(m.calls_lost, false) OR {_LOST_AT_THE_END} AS calls_lost, h.held, h.lost
              FROM (SELECT coalesce(%s::date, {_THIS_MONTH}) AS month) asked
              LEFT JOIN spend_months m ON m.month = asked.month
             CROSS JOIN LATERAL (
                 SELECT coalesce(sum(microcents) FILTER (WHERE lease_until >= clock_timestamp()), 0)::bigint AS held,
                        coalesce(sum(microcents) FILTER (WHERE lease_until < clock_timestamp()), 0)::bigint AS lost
                   FROM spend_holds WHERE spend_holds.month = asked.month) h""".encode(),
        (month,),
    )
    row = await cursor.fetchone()
    assert row is not None
    return MonthStanding(budget=limits, **row)
