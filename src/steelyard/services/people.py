"""What people say of a run: their agreement with each other and with the grades, and claims on their own scale."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING, Any
from uuid import UUID

import numpy as np

from steelyard.services.people_words import needs
from steelyard.services.ratings import DrawnRun, drawn_run
from steelyard.statistics import (
    alpha_for_look,
    calibrate,
    human_difference,
    human_mean,
    judge_agreement,
    points_of_ratings,
)
from steelyard.statistics.agreement import correlation, ranks
from steelyard.storage import ratings, runs
from steelyard.storage.database import Connection, Database
from steelyard.storage.ratings import RatingRow

if TYPE_CHECKING:
    from steelyard.statistics import HumanEstimate, JudgeAgreement
    from steelyard.statistics.calibration import Method
    from steelyard.statistics.special import Floats

SCHEMA = "steelyard.people/1"
CERTIFIED_FROM = 10
"""So many rated outputs make the agreement with people part of what a judge is known by."""


@dataclass(frozen=True)
class Rater:
    """One person: blind ratings of drawn outputs, their mean on 1-10, outputs passed over, and ratings in view."""

    name: str
    rated: int
    mean: float | None
    skipped: int
    in_view: int


@dataclass(frozen=True)
class RaterPair:
    """Two raters on the `n` outputs both have rated; None where nothing can be computed."""

    first: str
    second: str
    n: int
    spearman: float | None
    pearson: float | None


@dataclass(frozen=True)
class Calibrated:
    """How the grades lie to people's ratings, as `statistics.Calibration` says; means are by model in their order."""

    method: Method
    n_rated: int
    n_cases: int
    error_before: float | None
    error_after: float | None
    reason: str | None
    means: tuple[float | None, ...]


@dataclass(frozen=True)
class ModelOfPeople:
    """One model: its mean grade, the same calibrated (still judge points), and what people would give it (PPI++)."""

    model: str
    graded: float | None
    calibrated: float | None
    people: HumanEstimate


@dataclass(frozen=True)
class GapOfPeople:
    """What people would give `leader` above `rival`, in points of 0-100."""

    leader: str
    rival: str
    difference: HumanEstimate


@dataclass(frozen=True)
class PeopleReport:
    """What people say of a run. Grades and people's points are 0-100; (rating - 1)/9 x 100 makes points of a rating.

    Only blind ratings of drawn outputs count, the others are in no figure but `in_view`. `agreement` rests on all of
    them; `models`, `gaps` and `best` on the first `cases` drawn cases, the last goal at which every output was asked
    about, which is look `look` and may spend `alpha`. `best`: the model that people rate above each other one, the
    largest p being below alpha. `cases` is 0 and `models`, `gaps` say why nothing is claimed before the first goal.
    `asked` outputs of `goal` drawn cases lead to the next look, `done` of them are rated or skipped. `claimable`: the
    run has enough cases for a claim. `needs` says in sentences what is missing for more. `judge` is None where checks
    alone graded.
    """

    run_id: UUID
    judge: str | None
    ratings: int
    outputs: int
    in_view: int
    skipped: int
    raters: tuple[Rater, ...]
    pairs: tuple[RaterPair, ...]
    agreement: JudgeAgreement | None
    calibration: Calibrated | None
    cases: int
    look: int
    alpha: float
    models: tuple[ModelOfPeople, ...]
    gaps: tuple[GapOfPeople, ...]
    best: str | None
    goal: int | None
    asked: int
    done: int
    claimable: bool
    needs: tuple[str, ...] = ()

    @property
    def certifies(self) -> bool:
        """Whether enough outputs are rated for the agreement to speak for or against the judge."""
        return self.agreement is not None and self.agreement.n_rated >= CERTIFIED_FROM

    @property
    def certified(self) -> JudgeAgreement | None:
        """The agreement as a judge's certificate has it: once it certifies."""
        return self.agreement if self.certifies else None

    @property
    def claims(self) -> bool:
        """Whether every model has an estimate on the human scale."""
        return bool(self.models) and all(model.people.mean is not None for model in self.models)

    def to_json(self) -> dict[str, Any]:
        """The documented form `steelyard.people/1`; what is unknown is null."""
        shown = asdict(self) | {"run_id": str(self.run_id), "certifies": self.certifies, "claims": self.claims}
        return {"schema": SCHEMA} | shown


class PeopleService:
    """Reads what people say of runs, for one tenant at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def report(self, tenant_id: UUID, run_id: UUID) -> PeopleReport:
        """What people say of the run so far. Raises NotFound."""
        async with self._database.tenant(tenant_id) as connection:
            return await people_report(connection, run_id)


async def people_report(connection: Connection, run_id: UUID) -> PeopleReport:
    """The same within a transaction of the caller's. Raises NotFound."""
    run = await runs.get_run(connection, run_id)
    said = await ratings.run_ratings(connection, run_id)
    blind = [row for row in said if row.blind and row.drawn]
    drawn = await drawn_run(connection, run, whole=bool(blind))
    rated = [row.benchmark_result_id for row in blind if row.score is not None]
    lengths = await ratings.output_lengths(connection, list(set(rated))) if rated else {}
    return await asyncio.to_thread(report_of, drawn, said, lengths)


def report_of(drawn: DrawnRun, said: Sequence[RatingRow], lengths: Mapping[UUID, int]) -> PeopleReport:
    """The report of these ratings; `lengths` in characters of the outputs rated. Pure: same rows, same report."""
    blind = [row for row in said if row.blind and row.drawn]
    scores = [row for row in blind if row.score is not None]
    table = _Table(drawn, blind, lengths)
    done_goals = [goal for goal in drawn.goals if table.asked_about(goal)]
    # A look at fewer cases than a claim needs is none: all of a small run's cases may be rated.
    cases = done_goals[-1] if done_goals and scores else 0
    look = max(1, len(done_goals))
    next_goal = next((goal for goal in drawn.goals if goal > cases), None)
    coming = drawn.asked(next_goal) if next_goal is not None else []
    calibration = table.calibration() if scores else None
    models, gaps, best = table.claims(cases, calibration, alpha_for_look(look)) if scores else ((), (), None)
    report = PeopleReport(
        run_id=drawn.run.id,
        judge=drawn.plan.judge,
        ratings=len(scores),
        outputs=len({row.benchmark_result_id for row in scores}),
        in_view=sum(not row.blind for row in said),
        skipped=len(blind) - len(scores),
        raters=_raters(said),
        pairs=table.pairs(),
        agreement=table.agreement(),
        calibration=calibration,
        cases=cases,
        look=look,
        alpha=alpha_for_look(look),
        models=models,
        gaps=gaps,
        best=best,
        goal=next_goal,
        asked=len(coming),
        done=sum(cell.id in table.asked_ids for _, cell in coming),
        claimable=drawn.claimable,
    )
    return replace(report, needs=needs(report, len(drawn.plan.case_ids)))


class _Table:
    """The grades and ratings as arrays: cases of the run by its models, each at the trial drawn."""

    def __init__(self, drawn: DrawnRun, blind: Sequence[RatingRow], lengths: Mapping[UUID, int]) -> None:
        self._drawn = drawn
        self._models = drawn.plan.models
        self._names = sorted({row.rater for row in blind if row.score is not None})
        self.asked_ids = {row.benchmark_result_id for row in blind}
        shape = len(drawn.plan.case_ids), len(self._models)
        self._graded: Floats = np.full(shape, np.nan)
        self._failed = np.zeros(shape, dtype=np.bool_)
        self._lengths: Floats = np.full(shape, np.nan)
        places: dict[UUID, tuple[int, int]] = {}
        for (case, model, trial), cell in drawn.cells.items():
            if trial == drawn.draw.trial(case):
                places[cell.id] = case, model
                self._graded[case, model] = math.nan if cell.score is None else cell.score
                self._failed[case, model] = not cell.ratable and cell.score is not None
                self._lengths[case, model] = lengths.get(cell.id, math.nan)
        self._ratings: Floats = np.full((len(self._names), *shape), np.nan)
        for row in blind:
            place = places.get(row.benchmark_result_id)
            if row.score is not None and place is not None:
                self._ratings[(self._names.index(row.rater), *place)] = row.score
        self._any_rated = np.flatnonzero((~np.isnan(self._ratings)).any(axis=(0, 2)))

    def asked_about(self, cases: int) -> bool:
        """Whether somebody was asked about every output of the first so many drawn cases."""
        return all(cell.id in self.asked_ids for _, cell in self._drawn.asked(cases))

    def agreement(self) -> JudgeAgreement | None:
        if not self._names:
            return None
        at = self._any_rated
        return judge_agreement(self._graded[at], self._ratings[:, at], self._lengths[at])

    def pairs(self) -> tuple[RaterPair, ...]:
        found: list[RaterPair] = []
        for one, other in combinations(range(len(self._names)), 2):
            both = ~np.isnan(self._ratings[one]) & ~np.isnan(self._ratings[other])
            first, second = self._ratings[one][both], self._ratings[other][both]
            found.append(
                RaterPair(
                    self._names[one],
                    self._names[other],
                    int(both.sum()),
                    correlation(ranks(first), ranks(second)) if first.size else None,
                    correlation(first, second),
                )
            )
        return tuple(found)

    def calibration(self) -> Calibrated:
        found = calibrate(self._graded, self._ratings)
        return Calibrated(
            method=found.method,
            n_rated=found.n_rated,
            n_cases=found.n_cases,
            error_before=found.error_before,
            error_after=found.error_after,
            reason=found.reason,
            means=_means(found.scores) if found.method != "none" else (None,) * len(self._models),
        )

    def claims(
        self, cases: int, calibration: Calibrated | None, alpha: float
    ) -> tuple[tuple[ModelOfPeople, ...], tuple[GapOfPeople, ...], str | None]:
        people = self._people(cases)
        clusters = [
            f"case {place}" if family is None else f"family {family}"
            for place, family in enumerate(self._drawn.families)
        ]
        calibrated = calibration.means if calibration else (None,) * len(self._models)
        graded = _means(self._graded)
        models = tuple(
            ModelOfPeople(
                name, graded[place], calibrated[place], human_mean(self._graded[:, place], people[:, place], clusters)
            )
            for place, name in enumerate(self._models)
        )
        means = [model.people.mean for model in models]
        known = [mean for mean in means if mean is not None]
        if len(known) < len(models) or len(models) < 2:
            return models, (), None
        leader = known.index(max(known))
        gaps = tuple(
            GapOfPeople(
                self._models[leader],
                self._models[rival],
                human_difference(self._graded[:, [leader, rival]], people[:, [leader, rival]], clusters),
            )
            for rival in range(len(models))
            if rival != leader
        )
        shown = all(
            gap.difference.p is not None and gap.difference.p < alpha and (gap.difference.mean or 0.0) > 0
            for gap in gaps
        )
        return models, gaps, self._models[leader] if shown else None

    def _people(self, cases: int) -> Floats:
        """Points by case and model: the mean of those who rated it, in the first so many drawn cases alone.

        A failure of the model itself is nothing one could show; there it has 0 points from people as from the judge.
        """
        people: Floats = np.full(self._graded.shape, np.nan)
        inside = list(self._drawn.draw.order[:cases])
        if not inside or not self._names:
            return people
        given = points_of_ratings(self._ratings[:, inside])
        counts = (~np.isnan(given)).sum(axis=0)
        means = np.where(counts > 0, np.nansum(given, axis=0) / np.maximum(counts, 1), np.nan)
        people[inside] = np.where(self._failed[inside], 0.0, means)
        return people


def _means(table: Floats) -> tuple[float | None, ...]:
    """Each column's mean over what is known of it."""
    columns = (column[~np.isnan(column)] for column in table.T)
    return tuple(float(column.mean()) if column.size else None for column in columns)


def _raters(said: Sequence[RatingRow]) -> tuple[Rater, ...]:
    found: list[Rater] = []
    for name in dict.fromkeys(row.rater for row in said):
        own = [row for row in said if row.rater == name]
        scores = [row.score for row in own if row.blind and row.score is not None]
        found.append(
            Rater(
                name,
                len(scores),
                math.fsum(scores) / len(scores) if scores else None,
                sum(row.score is None for row in own),
                sum(not row.blind for row in own),
            )
        )
    return tuple(found)
