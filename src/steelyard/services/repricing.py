"""A run at the prices of another day: its stored tokens priced anew, its quality as it is, and what turns round."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from itertools import combinations
from typing import Any
from uuid import UUID

from steelyard.domain.calls import Usage
from steelyard.domain.errors import Conflict, InputError
from steelyard.domain.models import ModelRef
from steelyard.execution.outcome import work_out
from steelyard.execution.plan import Plan
from steelyard.pricing import Cost
from steelyard.storage import runs
from steelyard.storage.cases import cases_by_id
from steelyard.storage.database import Connection, Database
from steelyard.storage.figures import run_figures
from steelyard.storage.runs import RunRow
from steelyard.storage.staleness import UsedCell, used_cells

Pricer = Callable[[Usage, ModelRef, date], Cost | None]
SCHEMA = "steelyard.prices/1"
FIRST_DAY = date(2023, 1, 1)


@dataclass(frozen=True)
class ModelPrices:
    """One model's average cost per case in microcents, as stored and at the other day's prices; None is unknown.

    Ranks are by cost, 1 the cheapest, among models of known cost, and are shared by equal costs; None without one.
    """

    model: str
    then: int | None
    now: int | None
    rank_then: int | None
    rank_now: int | None

    @property
    def changed(self) -> bool:
        return self.then != self.now

    @property
    def flipped(self) -> bool:
        """Whether it stands elsewhere in the order of costs."""
        return self.rank_then != self.rank_now

    @property
    def percent(self) -> float | None:
        """The change in percent of the cost then; None where that is 0 or either is unknown."""
        return None if not self.then or self.now is None else 100.0 * (self.now - self.then) / self.then


@dataclass(frozen=True)
class Repriced:
    """A run's compared arm at the prices of `day`. `flips` are pairs: the first is cheaper now, the second was then.

    `cheapest_*` have the lowest known cost; `good_enough_*` are the cheapest shown to be good enough, None without one.
    `sentence_now` is the verdict's at those prices.
    """

    run_id: UUID
    day: date
    arm: str
    models: tuple[ModelPrices, ...]
    cheapest_then: str | None
    cheapest_now: str | None
    good_enough_then: str | None
    good_enough_now: str | None
    sentence_then: str
    sentence_now: str

    @property
    def changed(self) -> bool:
        return any(one.changed for one in self.models)

    @property
    def flips(self) -> tuple[tuple[str, str], ...]:
        known = [one for one in self.models if one.then is not None and one.now is not None]
        found: list[tuple[str, str]] = []
        for one, other in combinations(known, 2):
            before, after = (one.then or 0) - (other.then or 0), (one.now or 0) - (other.now or 0)
            if before < 0 < after:
                found.append((other.model, one.model))
            elif after < 0 < before:
                found.append((one.model, other.model))
        return tuple(found)

    @property
    def decides(self) -> bool:
        """Whether another model is the cheapest, or the cheapest good enough, or the order of costs is another."""
        return (
            self.cheapest_then != self.cheapest_now or self.good_enough_then != self.good_enough_now or bool(self.flips)
        )

    def to_json(self) -> dict[str, Any]:
        """The form `steelyard.prices/1`. Money in microcents per case; what is unknown is null."""
        return {
            "schema": SCHEMA,
            "run": str(self.run_id),
            "prices_of": self.day.isoformat(),
            "arm": self.arm,
            "models": [
                {
                    "model": one.model,
                    "avg_cost_then_microcents": one.then,
                    "avg_cost_now_microcents": one.now,
                    "change_percent": one.percent,
                    "rank_then": one.rank_then,
                    "rank_now": one.rank_now,
                    "flipped": one.flipped,
                }
                for one in self.models
            ],
            "cheapest_then": self.cheapest_then,
            "cheapest_now": self.cheapest_now,
            "cheapest_good_enough_then": self.good_enough_then,
            "cheapest_good_enough_now": self.good_enough_now,
            "flips": [{"cheaper_now": one, "cheaper_then": other} for one, other in self.flips],
            "sentence_then": self.sentence_then,
            "sentence_now": self.sentence_now,
        }


class RunPrices:
    """Prices runs anew, for one tenant at a time. No model is called."""

    def __init__(
        self, database: Database, price: Pricer, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._database = database
        self._price = price
        self._now = now

    def day_of(self, text: str) -> date:
        """ "today", or a day as 2026-01-31 up to today. Raises InputError."""
        today = self._now().astimezone(UTC).date()
        if text == "today":
            return today
        try:
            day = date.fromisoformat(text)
        except ValueError:
            raise InputError(
                f"'{text[:40]}' is no day.", field="prices", next_step="Give today, or a day as 2026-01-31."
            ) from None
        if not FIRST_DAY <= day <= today:
            raise InputError(
                f"Prices of {day} are not known.",
                field="prices",
                next_step=f"Give a day from {FIRST_DAY} to {today}.",
            )
        return day

    async def at(self, tenant_id: UUID, run_id: UUID, day: date) -> Repriced:
        """The run at the prices of that day. Raises NotFound, and Conflict for a run without a verdict."""
        async with self._database.tenant(tenant_id) as connection:
            run = await runs.get_run(connection, run_id)
            return await reprice(connection, run, self._price, day)


async def reprice(
    connection: Connection, run: RunRow, price: Pricer, day: date, cells: Sequence[UsedCell] | None = None
) -> Repriced:
    """The run at the prices of `day`. Raises Conflict for a run without a verdict."""
    stored = run.verdict
    if stored is None:
        raise Conflict(
            f"Run {str(run.id)[:8]} has no verdict yet, so its prices cannot be compared.",
            next_step="Wait until it has ended.",
        )
    used = await used_cells(connection, run.id) if cells is None else cells
    costs = costs_at(used, price, day)
    then, now = average_costs(used), average_costs(used, costs)
    arm, plan = str(stored["arm"]), Plan.from_json(run.plan)
    old = {model: then.get((model, arm)) for model in plan.models}
    new = {model: now.get((model, arm)) for model in plan.models}
    ranks_then, ranks_now = _ranks(old), _ranks(new)
    models = tuple(
        ModelPrices(model, old[model], new[model], ranks_then.get(model), ranks_now.get(model)) for model in plan.models
    )
    names, statistics = stored["models"], stored["statistics"]
    enough = statistics.get("cheapest_good_enough")
    good_enough_then = None if enough is None else str(names[enough])
    cheapest_now, good_enough_now, sentence_now = run.cheapest_model, good_enough_then, str(stored["sentence"])
    if old != new:
        figures = await run_figures(connection, run.id)
        anew = [replace(one, estimated_cost_microcents=cost) for one, cost in zip(figures, costs, strict=True)]
        cases = await cases_by_id(connection, plan.case_ids)
        families = [cases[case_id].family for case_id in plan.case_ids]
        look = int(statistics.get("look") or 1)
        # Of 200,000 cells that is seconds, in which others are answered.
        outcome = await asyncio.to_thread(work_out, plan, families, anew, look=look)
        index = outcome.verdict.cheapest_good_enough
        good_enough_now = None if index is None else outcome.models[index]
        cheapest_now = outcome.cheapest_observed[0] if outcome.cheapest_observed else None
        sentence_now = outcome.sentence
    return Repriced(
        run_id=run.id,
        day=day,
        arm=arm,
        models=models,
        cheapest_then=run.cheapest_model,
        cheapest_now=cheapest_now,
        good_enough_then=good_enough_then,
        good_enough_now=good_enough_now,
        sentence_then=str(stored["sentence"]),
        sentence_now=sentence_now,
    )


def costs_at(cells: Sequence[UsedCell], price: Pricer, day: date) -> list[int | None]:
    """What each cell costs at the prices of `day`, in microcents; None where its tokens or the price are unknown."""
    models = {name: ModelRef.parse(name) for name in {cell.model_name for cell in cells}}
    return [cost_of(cell, models[cell.model_name], price, day) for cell in cells]


def cost_of(cell: UsedCell, model: ModelRef, price: Pricer, day: date) -> int | None:
    """One cell's cost in microcents."""
    if cell.input_tokens is None or cell.output_tokens is None:
        return None
    usage = Usage(
        cell.input_tokens,
        cell.output_tokens,
        cell.cache_read_tokens or 0,
        cell.cache_write_tokens or 0,
        cell.reasoning_tokens or 0,
    )
    cost = price(usage, model, day)
    return None if cost is None else cost.microcents


def average_costs(
    cells: Sequence[UsedCell], costs: Sequence[int | None] | None = None
) -> dict[tuple[str, str], int | None]:
    """By model and arm the average per answer that came back, as `ModelSummary` has it; None where one is unknown."""
    given = [cell.estimated_cost_microcents for cell in cells] if costs is None else costs
    lanes: dict[tuple[str, str], list[int | None]] = defaultdict(list)
    for cell, cost in zip(cells, given, strict=True):
        if cell.came_back:
            lanes[cell.model_name, cell.arm].append(cost)
    return {lane: _average(found) for lane, found in lanes.items()}


def _average(costs: Sequence[int | None]) -> int | None:
    known = [cost for cost in costs if cost is not None]
    return round(sum(known) / len(known)) if known and len(known) == len(costs) else None


def _ranks(costs: Mapping[str, int | None]) -> dict[str, int]:
    known = {model: cost for model, cost in costs.items() if cost is not None}
    return {model: 1 + sum(other < cost for other in known.values()) for model, cost in known.items()}
