"""The comparison of a run's models as rows of a table, in the order asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from steelyard.charts.models import ModelFigures, Standing
from steelyard.execution.summaries import ModelSummary
from steelyard.services.reports import RunReport
from steelyard.web.model_names import ModelName, model_name
from steelyard.web.race_words import drops_of
from steelyard.web.verdicts import standings_of


@dataclass(frozen=True)
class ModelRow:
    """One model in the arm compared. `excluded`: it misses over 5% of its scores and is left out of the verdict.

    `dropped` says when and by whom in a race; it may hold hostile names.
    """

    name: ModelName
    summary: ModelSummary
    standings: tuple[Standing, ...]
    excluded: bool
    dropped: str = ""


@dataclass(frozen=True)
class Column:
    """`descending`: what a first press on its heading shows on top."""

    key: str
    title: str
    descending: bool
    value: Callable[[ModelRow], float | str | None]
    numeric: bool = True


COLUMNS = (
    Column("model", "Model", False, lambda row: row.name.short.casefold(), numeric=False),
    Column("quality", "Quality, of 100", True, lambda row: row.summary.quality, numeric=False),
    Column("pass", "Pass rate", True, lambda row: row.summary.pass_rate),
    Column("cost", "Average cost", False, lambda row: row.summary.avg_cost_microcents),
    Column("tokens", "Average tokens", False, lambda row: row.summary.avg_tokens),
    Column("latency", "Latency", False, lambda row: row.summary.latency_ms_p50),
    Column("lift", "Lift", True, lambda row: row.summary.lift),
    Column("cases", "Cases", True, lambda row: row.summary.n),
    Column("failures", "Failures", True, lambda row: row.summary.failures),
)
BY_KEY = {column.key: column for column in COLUMNS}
DEFAULT_SORT = "quality"


def model_rows(report: RunReport) -> list[ModelRow]:
    """The models in the arm compared, in the run's order."""
    standings = standings_of(report)
    excluded = {name for name, figures in zip(report.names, report.verdict.models, strict=True) if figures.excluded}
    drops = drops_of(report.raced, report.names)
    return [
        ModelRow(
            model_name(summary.model),
            summary,
            standings.get(summary.model, ()),
            summary.model in excluded,
            drops.get(summary.model, ""),
        )
        for summary in report.summaries
        if summary.arm == report.arm
    ]


def sorted_rows(rows: Sequence[ModelRow], key: str, *, descending: bool) -> list[ModelRow]:
    """By that column, what is unknown last either way, equals by name."""
    value = BY_KEY[key].value
    named = sorted(rows, key=lambda row: row.name.text)
    known = [row for row in named if value(row) is not None]
    unknown = [row for row in named if value(row) is None]

    def of(row: ModelRow) -> tuple[float, str]:
        found = value(row)
        return (0.0, found) if isinstance(found, str) else (found or 0.0, "")

    return [*sorted(known, key=of, reverse=descending), *unknown]


def figures_of(rows: Sequence[ModelRow]) -> list[ModelFigures]:
    """The rows as charts take them."""
    return [
        ModelFigures(
            model=row.name.text,
            label=row.name.full,
            quality=row.summary.quality,
            low=row.summary.quality_low,
            high=row.summary.quality_high,
            cost_microcents=row.summary.avg_cost_microcents,
            cases=row.summary.n,
            standings=frozenset(row.standings),
        )
        for row in rows
    ]
