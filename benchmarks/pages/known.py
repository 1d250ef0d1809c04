"""What a filled home has that pages can be asked about: names, runs, cases, versions and the tokens of list pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, LiteralString, get_args
from uuid import UUID

from benchmarks.pages.library import MAIN
from steelyard.bootstrap import open_workbench
from steelyard.services.catalogue import MAX_LIMIT
from steelyard.storage.catalogue import Sort
from steelyard.workbench import Workbench

LIST_PAGE = 50
_COUNTED_CELLS = 100


@dataclass(frozen=True)
class KnownRun:
    """A run that has ended: its stored cells, its cases and its models."""

    id: str
    cells: int
    cases: int
    models: int


@dataclass(frozen=True)
class Scales:
    """How much there is."""

    skills: int
    runs: int
    results: int
    measurements: int


@dataclass(frozen=True)
class Known:
    """Everything a visit can name. `usual` are the main skill's runs of about 100 cells, `largest` has most cells.

    `list_tokens` are the starts of later pages of the list of skills by (sort, direction), `run_tokens` those of the
    main skill's runs; the last of each is of the last page.
    """

    scales: Scales
    skills: Sequence[str]
    benchmarked: Sequence[str]
    models: Sequence[str]
    usual: Sequence[KnownRun]
    largest: KnownRun
    outputs: Sequence[tuple[str, int, str]]
    versions: Sequence[str]
    files: Sequence[tuple[str, str]]
    cases: Sequence[str]
    reviews: Sequence[str]
    list_tokens: Mapping[tuple[str, bool], Sequence[str]]
    run_tokens: Sequence[str]


async def known_of(home: Path) -> Known:
    """What is in that home, which is brought to this version's schema first. Raises SteelyardError.

    Raises ValueError for a home the generator has not filled.
    """
    async with open_workbench(env={"STEELYARD_HOME": str(home)}) as workbench:
        rows = await _Reader(workbench).rows("SELECT id FROM skills WHERE name = %s", MAIN)
        if not rows:
            raise ValueError(f"{home} has no skill {MAIN}: fill it with `python -m benchmarks.pages.generate`.")
        return await _known(workbench, rows[0]["id"])


class _Reader:
    def __init__(self, workbench: Workbench) -> None:
        self._workbench = workbench

    async def rows(self, query: LiteralString, *values: object) -> list[dict[str, Any]]:
        async with self._workbench.database.tenant(self._workbench.tenant_id) as connection:
            return await (await connection.execute(query, values)).fetchall()

    async def column(self, query: LiteralString, *values: object) -> list[str]:
        """The only column, as text."""
        return [str(next(iter(row.values()))) for row in await self.rows(query, *values)]


async def _known(workbench: Workbench, main: UUID) -> Known:
    read = _Reader(workbench)
    runs = [
        KnownRun(str(row["id"]), row["cells"], row["cases"], row["models"])
        for row in await read.rows(
            """SELECT r.id, count(*)::int AS cells, jsonb_array_length(r.plan -> 'case_ids') AS cases,
                      cardinality(r.models) AS models
                 FROM benchmark_runs r JOIN benchmark_results b ON b.benchmark_run_id = r.id
                WHERE r.skill_id = %s AND r.status = 'completed' AND r.of_record
                GROUP BY r.tenant_id, r.id ORDER BY r.created_at, r.id""",
            main,
        )
    ]
    usual = [run for run in runs if abs(run.cells - _COUNTED_CELLS) <= _COUNTED_CELLS / 2] or runs
    return Known(
        scales=await _scales(read, main),
        skills=await read.column("SELECT name FROM skills ORDER BY name"),
        benchmarked=await read.column("SELECT name FROM skills WHERE last_run_id IS NOT NULL ORDER BY name"),
        models=await read.column("SELECT DISTINCT unnest(models) FROM benchmark_runs ORDER BY 1"),
        usual=usual,
        largest=max(runs, key=lambda run: run.cells),
        outputs=[
            (str(row["run"]), row["index"], str(row["id"]))
            for row in await read.rows(
                """SELECT benchmark_run_id AS run, test_case_index AS index, id FROM benchmark_results
                    WHERE output_produced IS NOT NULL ORDER BY id LIMIT 500"""
            )
        ],
        versions=await read.column(
            "SELECT digest FROM skill_versions WHERE skill_id = %s ORDER BY created_at, id", main
        ),
        files=[
            (row["digest"], row["path"])
            for row in await read.rows(
                """SELECT v.digest, f.path FROM skill_versions v
                     JOIN skill_files f ON f.tenant_id = v.tenant_id AND f.skill_version_id = v.id
                    WHERE v.skill_id = %s ORDER BY v.created_at, f.path""",
                main,
            )
        ],
        cases=await read.column("SELECT id FROM golden_cases WHERE skill_id = %s ORDER BY id", main),
        reviews=await read.column("SELECT id FROM skill_reviews WHERE skill_id = %s ORDER BY id", main),
        list_tokens={
            (sort, descending): await _list_tokens(workbench, sort, descending)
            for sort in get_args(Sort)
            for descending in (False, True)
        },
        run_tokens=await _run_tokens(workbench, main),
    )


async def _scales(read: _Reader, main: UUID) -> Scales:
    (row,) = await read.rows(
        """SELECT (SELECT count(*) FROM skills) AS skills,
                  (SELECT count(*) FROM benchmark_runs WHERE skill_id = %s) AS runs,
                  (SELECT count(*) FROM benchmark_results) AS results,
                  (SELECT coalesce(sum(uses), 0)::bigint FROM measurement_daily) AS measurements""",
        main,
    )
    return Scales(**row)


async def _list_tokens(workbench: Workbench, sort: Sort, descending: bool) -> list[str]:
    tokens: list[str] = []
    page = await workbench.catalogue.page(workbench.tenant_id, sort=sort, descending=descending, limit=MAX_LIMIT)
    while page.next is not None:
        tokens.append(page.next)
        page = await workbench.catalogue.page(
            workbench.tenant_id, sort=sort, descending=descending, after=page.next, limit=MAX_LIMIT
        )
    return tokens


async def _run_tokens(workbench: Workbench, skill_id: UUID) -> list[str]:
    tokens: list[str] = []
    page = await workbench.history.page(workbench.tenant_id, skill_id, limit=LIST_PAGE)
    while page.next is not None:
        tokens.append(page.next)
        page = await workbench.history.page(workbench.tenant_id, skill_id, after=page.next, limit=LIST_PAGE)
    return tokens
