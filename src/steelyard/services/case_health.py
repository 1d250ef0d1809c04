"""The health of a skill's golden cases: suspect ones, settled ones, and such as say nearly the same."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID

import numpy as np

from steelyard.domain.errors import Conflict, InputError
from steelyard.services.case_text import CaseDraft
from steelyard.services.cases import CaseService
from steelyard.services.catalogue import CatalogueRow
from steelyard.services.run_matrix import first_line
from steelyard.skills.cases.duplicates import suggested_families
from steelyard.statistics import settled_cases, suspect_cases
from steelyard.storage.case_health import CaseOutcome, RecordedRun, case_outcomes, recorded_runs
from steelyard.storage.cases import CaseRow, accepted_cases
from steelyard.storage.database import Database

SCHEMA = "steelyard.health/1"
MOST_RUNS = 10
MOST_CELLS = 100_000
MOST_COMPARED = 3_000
"""Texts of more cases than these take seconds to compare, and other pages would wait."""
MOST_IN_FAMILY = 200
_KEPT = 64

_Key = tuple[UUID, UUID, UUID | None, datetime | None, datetime | None]


@dataclass(frozen=True)
class CaseName:
    """A case by its row, its key and the first line of its input (hostile)."""

    id: UUID
    key: str
    title: str
    family: str | None


@dataclass(frozen=True)
class Suspect:
    """A case that all `n_models` fail; `by_chance`: how often they would if each failed it as often as other cases."""

    case: CaseName
    n_models: int
    by_chance: float

    @property
    def says(self) -> str:
        chance = f"{100 * self.by_chance:.1f}%" if self.by_chance >= 0.001 else "fewer than 0.1%"
        return (
            f"All {self.n_models} models fail it, as by chance in {chance} of cases. Read its expected output first:"
            " correct it, or retire the case, if it is wrong. It may also be right and hard."
        )


@dataclass(frozen=True)
class Settled:
    """A case passed `passes` times in `n_runs` runs and never failed."""

    case: CaseName
    passes: int
    n_runs: int

    @property
    def says(self) -> str:
        return (
            f"Passed {self.passes:,} times in {self.n_runs:,} runs and never failed: it tells no models apart. Keep it"
            " to guard what was gained, and add harder ones; or retire it to save its calls."
        )


@dataclass(frozen=True)
class Alike:
    """Cases whose inputs are nearly the same and that are in no family together."""

    cases: tuple[CaseName, ...]

    @property
    def family(self) -> str:
        """The family to put them in: one that some have, else one named after the first."""
        return next((case.family for case in self.cases if case.family), f"like {self.cases[0].key}")

    def says(self, case_id: UUID) -> str:
        others = [case.key for case in self.cases if case.id != case_id]
        named = ", ".join(others[:3]) + (f" and {len(others) - 3:,} more" if len(others) > 3 else "")
        return (
            f"Nearly the same input as {named}. Put them in one family, so that they count as one;"
            " or retire all but one."
        )


@dataclass(frozen=True)
class Flag:
    """What is to be said of one case in the list: a word or two, and the explanation with what to do."""

    badge: str
    says: str


@dataclass(frozen=True)
class CaseHealth:
    """What was found in a skill's accepted cases; nothing is left out of a run for it.

    `runs`: how many runs of record it rests on, all of the version `version`, which is an `earlier` one where the
    current version has none; 0 without a benchmark, and then only texts were compared. `compared`: whether they were.
    """

    cases: int
    runs: int
    models: int
    version: str | None
    earlier: bool
    suspects: tuple[Suspect, ...]
    settled: tuple[Settled, ...]
    alike: tuple[Alike, ...]
    compared: bool

    @property
    def found(self) -> bool:
        return bool(self.suspects or self.settled or self.alike)

    @cached_property
    def flags(self) -> Mapping[UUID, tuple[Flag, ...]]:
        """By case; cases of which nothing is to be said are left out."""
        flags: dict[UUID, tuple[Flag, ...]] = {}
        for one in self.suspects:
            flags[one.case.id] = (*flags.get(one.case.id, ()), Flag("suspect", one.says))
        for one in self.settled:
            flags[one.case.id] = (*flags.get(one.case.id, ()), Flag("always passed", one.says))
        for group in self.alike:
            for case in group.cases:
                flags[case.id] = (*flags.get(case.id, ()), Flag("near duplicate", group.says(case.id)))
        return flags

    def to_json(self) -> dict[str, Any]:
        """The documented form `steelyard.health/1`."""

        def named(case: CaseName) -> dict[str, Any]:
            return asdict(case) | {"id": str(case.id)}

        return {
            "schema": SCHEMA,
            "cases": self.cases,
            "runs": self.runs,
            "models": self.models,
            "version": self.version,
            "earlier_version": self.earlier,
            "texts_compared": self.compared,
            "suspect": [
                named(one.case) | {"models": one.n_models, "by_chance": one.by_chance} for one in self.suspects
            ],
            "always_passed": [named(one.case) | {"passes": one.passes, "runs": one.n_runs} for one in self.settled],
            "near_duplicates": [[named(case) for case in group.cases] for group in self.alike],
        }


class CaseHealthService:
    """Finds it for one tenant at a time, and keeps what it found until cases or benchmarks change."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._kept: OrderedDict[_Key, CaseHealth] = OrderedDict()
        self._turn = asyncio.Lock()

    def known(self, tenant_id: UUID, skill: CatalogueRow) -> CaseHealth | None:
        """What was found before and still holds; reads nothing."""
        return self._kept.get(_key(tenant_id, skill))

    async def of(self, tenant_id: UUID, skill: CatalogueRow, *, compare_all: bool = False) -> CaseHealth:
        """What is found; texts of more than 3,000 cases are compared only with `compare_all`."""
        key = _key(tenant_id, skill)
        # One after another: each may take a second of this process.
        async with self._turn:
            found = self._kept.get(key)
            if found is None or (compare_all and not found.compared):
                async with self._database.tenant(tenant_id) as connection:
                    rows = await accepted_cases(connection, skill.id)
                    of_version = await recorded_runs(connection, skill.id, skill.version_id, MOST_RUNS)
                    if not of_version and (last := await recorded_runs(connection, skill.id, None, 1)):
                        of_version = await recorded_runs(connection, skill.id, last[0].skill_version_id, MOST_RUNS)
                    chosen = _within(of_version)
                    outcomes = await case_outcomes(connection, [run.id for run in chosen])
                compare = compare_all or len(rows) <= MOST_COMPARED
                found = await asyncio.to_thread(health_of, rows, chosen, outcomes, compare=compare)
                found = replace(found, earlier=bool(chosen) and chosen[0].skill_version_id != skill.version_id)
                self._kept[key] = found
                while len(self._kept) > _KEPT:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(key)
            return found

    async def join_family(self, tenant_id: UUID, skill: CatalogueRow, case_ids: Sequence[UUID], family: str) -> int:
        """Put these cases in one family; how many were changed. Each is edited, as by its form.

        Raises InputError, NotFound, Conflict where one is out of use.
        """
        family = family.strip()
        if not family or not 2 <= len(case_ids) <= MOST_IN_FAMILY:
            raise InputError(f"A family has a name, and is made of 2 to {MOST_IN_FAMILY} cases.")
        service = CaseService(self._database)
        entries = [await service.get(tenant_id, case_id) for case_id in dict.fromkeys(case_ids)]
        if any(entry.skill_id != skill.id or entry.retired_at is not None for entry in entries):
            raise Conflict(
                "A case of these was edited or retired meanwhile.",
                kept="Nothing was changed.",
                next_step="Look at the skill's cases again.",
            )
        others = [entry for entry in entries if entry.case.family != family]
        for entry in others:
            await service.edit(tenant_id, entry.id, replace(CaseDraft.of(entry.case), family=family))
        return len(others)


def health_of(
    rows: Sequence[CaseRow], runs: Sequence[RecordedRun], outcomes: Sequence[CaseOutcome], *, compare: bool
) -> CaseHealth:
    """What these outcomes say of these cases; `runs` the newest first. Pure.

    A case passes in a run when more than half of its trials do. Of each model the newest run that has the case tells
    whether it is suspect; for being settled all runs count.
    """
    places = {row.id: place for place, row in enumerate(rows)}
    models = {name: place for place, name in enumerate(sorted({one.model_name for one in outcomes}))}
    tables = {run.id: np.full((len(rows), len(models)), np.nan) for run in runs}
    for one in outcomes:
        if one.case_id in places:
            tables[one.benchmark_run_id][places[one.case_id], models[one.model_name]] = 2 * one.passed > one.told
    names = [CaseName(row.id, row.case.case_id, first_line(row.case.input), row.case.family) for row in rows]
    newest = np.full((len(rows), len(models)), np.nan)
    for run in reversed(runs):
        newest = np.where(np.isnan(tables[run.id]), newest, tables[run.id])
    told = np.stack([(~np.isnan(table)).sum(axis=1) for table in tables.values()]) if runs else np.zeros((0, len(rows)))
    return CaseHealth(
        cases=len(rows),
        runs=len(runs),
        models=len(models),
        version=runs[0].skill_digest if runs else None,
        earlier=False,
        suspects=tuple(Suspect(names[one.case], one.n_models, one.by_chance) for one in suspect_cases(newest)),
        settled=tuple(
            Settled(names[place], int(told[:, place].sum()), int((told[:, place] > 0).sum()))
            for place in settled_cases(list(tables.values()))
        ),
        alike=tuple(
            Alike(tuple(names[place] for place in group))
            for group in (suggested_families([row.case for row in rows]) if compare else ())
        ),
        compared=compare,
    )


def _key(tenant_id: UUID, skill: CatalogueRow) -> _Key:
    return tenant_id, skill.version_id, skill.last_run_id, skill.benchmarked_at, skill.cases_changed_at


def _within(runs: Sequence[RecordedRun]) -> list[RecordedRun]:
    """The newest runs of at most so many cells, but two where there are."""
    chosen: list[RecordedRun] = []
    for run in runs:
        if len(chosen) >= 2 and sum(one.planned for one in chosen) + run.planned > MOST_CELLS:
            break
        chosen.append(run)
    return chosen
