"""A benchmark set against production: what each model would cost a month, and whether the cases look like the uses."""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from steelyard.domain.calls import Usage
from steelyard.domain.models import ModelRef
from steelyard.execution.plan import Plan
from steelyard.execution.scores import clusters_of
from steelyard.pricing import Cost
from steelyard.services.catalogue import CatalogueRow
from steelyard.services.cost_trend import CostTrends, TrendSplit, cost_of_uses
from steelyard.services.reports import RunReport, build_report
from steelyard.skills.language import UNKNOWN, language_of
from steelyard.statistics import scaled_amount
from steelyard.storage import production
from steelyard.storage.database import Connection, Database
from steelyard.storage.production import CaseTokens, InputLengths, ModelWindow

if TYPE_CHECKING:
    from steelyard.statistics import Scaled

Pricer = Callable[[Usage, ModelRef, date], Cost | None]

DAYS = 30
FEWEST_USES = 20
TEXTS = 200


@dataclass(frozen=True)
class Amount:
    """Microcents a month with the two-sided 95% interval; `low` and `high` are equal where nothing is estimated."""

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class MonthlyCost:
    """One benchmarked model at the traffic of the model in use. `saving` is against that one; negative costs more.

    `input_ratio` and `output_ratio` are its tokens against those of the model in use, on the same `n` cases. `month`
    is None where the model's price, or its tokens, are not known.
    """

    model: str
    in_use: bool
    cheapest_good_enough: bool
    quality: float | None
    quality_low: float | None
    quality_high: float | None
    n: int
    input_ratio: float | None
    output_ratio: float | None
    month: Amount | None
    saving: Amount | None


@dataclass(frozen=True)
class Lengths:
    """Input tokens of the uses and of the golden cases, both as the model in use counts them."""

    uses: InputLengths
    cases: int
    case_least: float
    case_median: float
    case_most: float

    @property
    def share_within(self) -> float:
        """The share of uses, 0-1, that are no shorter than the shortest case and no longer than the longest."""
        return self.uses.within / self.uses.uses


@dataclass(frozen=True)
class Languages:
    """How many golden cases and how many inputs that came with feedback are of each language."""

    cases: Mapping[str, int]
    uses: Mapping[str, int]

    @property
    def not_covered(self) -> tuple[str, ...]:
        """Languages of uses that no case has."""
        return tuple(language for language in self.uses if language != UNKNOWN and language not in self.cases)


@dataclass(frozen=True)
class Production:
    """A skill's last 30 UTC days beside its last benchmark.

    `uses` of the model in use, of `all_uses`; `measured_microcents` is what they did cost, less `cost_unknown` of
    them. `why_none` and `next_step` say why there are no `models`.
    """

    skill: str
    run_id: UUID | None
    model_in_use: str | None
    uses: int
    all_uses: int
    measured_microcents: int
    cost_unknown: int
    models: tuple[MonthlyCost, ...]
    lengths: Lengths | None
    languages: Languages
    trend: TrendSplit
    why_none: str | None = None
    next_step: str | None = None

    @property
    def cheapest(self) -> MonthlyCost | None:
        return next((one for one in self.models if one.cheapest_good_enough), None)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types; money in microcents."""
        lengths = self.lengths
        return asdict(self) | {
            "run_id": None if self.run_id is None else str(self.run_id),
            "lengths": None if lengths is None else asdict(lengths) | {"share_within": lengths.share_within},
            "languages": asdict(self.languages) | {"not_covered": list(self.languages.not_covered)},
            "assumptions": list(ASSUMPTIONS),
        }


ASSUMPTIONS = (
    "A month is the last 30 days, and only the uses of the model in use are moved.",
    "Another model's tokens in production are to those of the model in use as they are on the same golden cases.",
    "What was read from a cache, or written to it, stays the same share of the input.",
    "All is priced at today's prices. The interval holds what the choice of cases does, and nothing else.",
)


class ProductionService:
    """Use cases on production beside the benchmark, for one tenant at a time."""

    def __init__(
        self, database: Database, price: Pricer, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._database = database
        self._price = price
        self._now = now
        self._trends = CostTrends(database, price, now=now)

    async def of(self, tenant_id: UUID, row: CatalogueRow, *, days: int = 90) -> Production:
        """All of it; `days` is the span of the trend alone. Raises InputError."""
        trend = await self._trends.split(tenant_id, row.id, days)
        today = self._now().astimezone(UTC).date()
        since = today - timedelta(days=DAYS - 1)
        async with self._database.tenant(tenant_id) as connection:
            recent = await production.model_windows(connection, row.id, since, today)
            report = None if row.last_run_id is None else await build_report(connection, tenant_id, row.last_run_id)
            plan = None if report is None else Plan.from_json(report.run.plan)
            inputs = [] if plan is None else await production.case_inputs(connection, list(plan.case_ids))
            texts = await production.texts_of_use(connection, row.id, TEXTS)
            tokens = [] if report is None else await production.case_tokens(connection, report.run.id, report.arm)
            used = recent[0] if recent else None
            lengths = None
            if used is not None:
                lengths = await _lengths(connection, row.id, used.model_name, tokens, since, today)
        why = _why_none(row, used, report, tokens)
        models: tuple[MonthlyCost, ...] = ()
        if why is None and used is not None and report is not None and plan is not None:
            clusters = clusters_of([family for _, family in inputs]) if len(inputs) == len(plan.case_ids) else None
            models = self._models(used, report, _tables(tokens, len(plan.case_ids)), clusters, today)
        return Production(
            row.name,
            row.last_run_id,
            None if used is None else used.model_name,
            0 if used is None else used.uses,
            sum(one.uses for one in recent),
            0 if used is None else used.cost_microcents,
            0 if used is None else used.cost_unknown,
            models,
            lengths,
            await asyncio.to_thread(lambda: Languages(_languages([text for text, _ in inputs]), _languages(texts))),
            trend,
            *(why or (None, None)),
        )

    def _models(
        self,
        used: ModelWindow,
        report: RunReport,
        tables: Mapping[str, Sequence[tuple[float, float]]],
        clusters: Sequence[str] | None,
        today: date,
    ) -> tuple[MonthlyCost, ...]:
        tokens = Usage(
            used.input_tokens,
            used.output_tokens,
            used.cache_read_tokens,
            used.cache_write_tokens,
            used.reasoning_tokens,
        )
        own = self._amounts(used.model_name, tokens, used.uses, today)
        known = used.cost_microcents if not used.cost_unknown else None
        now = float(sum(own)) if own is not None else known
        found: list[MonthlyCost] = []
        for index, name in enumerate(report.names):
            amounts = self._amounts(name, tokens, used.uses, today)
            in_use = name == used.model_name
            scaled = None
            if name in tables:
                scaled = scaled_amount(tables[used.model_name], tables[name], amounts or (0.0, 0.0), clusters)
            month = Amount(float(now), float(now), float(now)) if in_use and now is not None else None
            if not in_use and scaled is not None and amounts is not None:
                month = Amount(scaled.value, scaled.low, scaled.high)
            figures = report.verdict.models[index]
            found.append(
                MonthlyCost(
                    name,
                    in_use,
                    index == report.verdict.cheapest_good_enough,
                    figures.mean,
                    figures.low,
                    figures.high,
                    0 if scaled is None else scaled.n,
                    *_ratios(scaled),
                    month,
                    _saving(now, month),
                )
            )
        return tuple(sorted(found, key=lambda one: (one.month is None, one.month.value if one.month else 0.0)))

    def _amounts(self, name: str, tokens: Usage, uses: int, day: date) -> tuple[float, float] | None:
        """What the inputs and the outputs of these uses cost, microcents; None where the price is not known.

        The output's share is what it adds: a long input makes the output dearer too where prices have tiers.
        """
        alone = Usage(tokens.input_tokens, 0, tokens.cache_read_tokens, tokens.cache_write_tokens)
        inputs = cost_of_uses(self._price, name, alone, uses, day)
        whole = cost_of_uses(self._price, name, tokens, uses, day)
        return None if inputs is None or whole is None else (float(inputs), float(whole - inputs))


def _ratios(scaled: Scaled | None) -> tuple[float | None, float | None]:
    return (None, None) if scaled is None else (scaled.ratios[0], scaled.ratios[1])


def _saving(now: float | None, month: Amount | None) -> Amount | None:
    if now is None or month is None:
        return None
    return Amount(
        now - month.value,
        None if month.high is None else now - month.high,
        None if month.low is None else now - month.low,
    )


def _why_none(
    row: CatalogueRow, used: ModelWindow | None, report: RunReport | None, tokens: Sequence[CaseTokens]
) -> tuple[str, str] | None:
    """(why models cannot be set beside production, what to do); None where they can."""
    if used is None:
        return (
            f"No use was recorded in the last {DAYS} days.",
            "Send uses to POST /v1/measurements, or import a CSV file with `steelyard measurements import`.",
        )
    if report is None:
        return "There is no benchmark to set beside production.", f"Run one: `steelyard run {row.name}`."
    if used.uses < FEWEST_USES:
        return (
            f"The model in use had {used.uses:,} uses in the last {DAYS} days; below {FEWEST_USES} say little.",
            "Wait for more.",
        )
    if used.model_name not in report.names or all(one.model_name != used.model_name for one in tokens):
        return (
            f"The model in use, {used.model_name}, has no answers in the last benchmark: how many tokens others take"
            " in its place is not known.",
            f"Benchmark it with the others: `steelyard run {row.name} --model {used.model_name}`.",
        )
    return None


def _tables(tokens: Sequence[CaseTokens], cases: int) -> dict[str, list[tuple[float, float]]]:
    """Each model's (input, output) tokens by case; NaN where they are not known."""
    tables: dict[str, list[tuple[float, float]]] = {}
    for one in tokens:
        table = tables.setdefault(one.model_name, [(math.nan, math.nan)] * cases)
        if one.input_tokens is not None and one.output_tokens is not None and one.test_case_index < cases:
            table[one.test_case_index] = (one.input_tokens, one.output_tokens)
    return tables


async def _lengths(
    connection: Connection, skill_id: UUID, model: str, tokens: Sequence[CaseTokens], first: date, last: date
) -> Lengths | None:
    told = sorted(one.input_tokens for one in tokens if one.model_name == model and one.input_tokens is not None)
    if not told:
        return None
    uses = await production.input_lengths(
        connection, skill_id, model, first=first, last=last, least=told[0], most=told[-1]
    )
    middle = (told[(len(told) - 1) // 2] + told[len(told) // 2]) / 2
    return Lengths(uses, len(told), told[0], middle, told[-1]) if uses.uses else None


def _languages(texts: Sequence[str]) -> dict[str, int]:
    return dict(Counter(language_of(text) for text in texts).most_common())
