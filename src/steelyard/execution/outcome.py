"""From stored cells to what is claimed: per-model figures and the verdict. Pure: same rows, same outcome."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from steelyard.domain.races import RaceStanding
from steelyard.execution.plan import Plan
from steelyard.execution.rounds import claimed, standing_of
from steelyard.execution.scores import by_lane, clusters_of, compared_arm, race_by_cells, score, score_table
from steelyard.execution.sitting import JuryFigures, no_claim, sit
from steelyard.execution.summaries import ModelSummary, summarise
from steelyard.statistics import alpha_for_look, both_ways, decide, sentence
from steelyard.storage.figures import CellFigures, JurorGrade
from steelyard.storage.runs import Headline

if TYPE_CHECKING:
    from steelyard.statistics import Verdict


@dataclass(frozen=True)
class Raced:
    """A race's part of an outcome: how it stands, and about what the cells it did not call for would have cost.

    `saved_microcents` takes each model's average cost per cell, judgement included; None where a price is not known.
    """

    standing: RaceStanding
    saved_microcents: int | None

    def to_json(self) -> dict[str, Any]:
        return {"standing": self.standing.to_json(), "saved_microcents": self.saved_microcents}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Raced:
        """The inverse of `to_json`."""
        return cls(RaceStanding.from_json(data["standing"]), data["saved_microcents"])


@dataclass(frozen=True)
class Outcome:
    """What a run came to. `models` are the names the verdict's indices stand for, in the arm compared.

    `best_observed` is, of equal means, the cheapest of known cost; `cheapest_observed`, of equal costs, the best; both
    are of the models the verdict compares, or of all where it compares none.
    """

    arm: str
    models: tuple[str, ...]
    summaries: tuple[ModelSummary, ...]
    verdict: Verdict
    sentence: str
    best_observed: tuple[str, float] | None
    cheapest_observed: tuple[str, int] | None
    raced: Raced | None = None
    jury: JuryFigures | None = None

    @property
    def headline(self) -> Headline | None:
        """The best model, else the leading one, else the highest observed; None where no model has a quality."""
        verdict = self.verdict
        index = verdict.leader if verdict.best is None else verdict.best
        named = self.models[index] if index is not None else self.best_observed and self.best_observed[0]
        return next(
            (
                Headline(s.model, s.quality, s.quality_low, s.quality_high, s.avg_cost_microcents)
                for s in self.summaries
                if s.model == named and s.arm == self.arm and s.quality is not None
            ),
            None,
        )

    def to_json(self) -> dict[str, Any]:
        raced = {} if self.raced is None else {"race": self.raced.to_json()}
        jury = {} if self.jury is None else {"jury": self.jury.to_json()}
        return (
            raced
            | jury
            | {
                "arm": self.arm,
                "models": list(self.models),
                "summaries": [asdict(summary) for summary in self.summaries],
                "statistics": self.verdict.to_json(),
                "sentence": self.sentence,
            }
        )


def comparison_digest(plan: Plan) -> str:
    """What makes two runs on a skill's own cases looks at one comparison: same models, judge, arm and threshold."""
    seen = [sorted(plan.identities), plan.judge_digest, compared_arm(plan).value, plan.threshold]
    return hashlib.sha256(json.dumps(seen).encode()).hexdigest()


def cases_digest(plan: Plan, figures: Sequence[CellFigures]) -> str:
    """The cases a verdict rests on: those with any score in the compared arm.

    A race takes its look before it has run them all, so that its plan's cases stand for it; it is a look beside that of
    a whole run on the same cases, being another question put to them.
    """
    if plan.race is not None:
        planned = sorted(str(case_id) for case_id in plan.case_ids)
        return hashlib.sha256(json.dumps([planned, plan.trials, plan.race]).encode()).hexdigest()
    arm = compared_arm(plan)
    scored = {cell.test_case_index for cell in figures if cell.arm == arm and score(cell) is not None}
    ids = sorted(str(plan.case_ids[index]) for index in scored)
    return hashlib.sha256(json.dumps([ids, plan.trials]).encode()).hexdigest()


def work_out(
    plan: Plan,
    families: Sequence[str | None],
    figures: Sequence[CellFigures],
    *,
    look: int,
    grades: Sequence[JurorGrade] = (),
) -> Outcome:
    """The outcome of these cells. `families` has one entry per case; None is a family of its own. `grades` are what the
    judges of a jury said one by one.

    All figures are of the scores that the verdict rests on: of a jury, each model's without its own family's jurors.
    """
    clusters = clusters_of(families)
    sitting = sit(plan, figures, grades, clusters) if plan.jury else None
    if sitting is not None:
        figures = sitting.counted or sitting.everyone
    cells = by_lane(figures)
    n_cases = len(plan.case_ids)
    race = None if plan.race is None else race_by_cells(plan, figures, clusters, alpha_for_look(look))
    standing = None if race is None else standing_of(plan, race)
    called = {model: n_cases if standing is None else standing.cases_of(model) for model in plan.models}
    summaries = summarise(plan, cells, called, clusters)
    arm = compared_arm(plan)
    compared = [summary for summary in summaries if summary.arm == arm]
    costs = [summary.avg_cost_microcents for summary in compared]
    known = [math.nan if cost is None else float(cost) for cost in costs]
    jury = None if sitting is None else sitting.figures
    if race is None:
        decided = decide(score_table(plan, cells), costs=known, clusters=clusters, margin=plan.margin, look=look)
        if sitting is not None and sitting.figures.own:
            scores = score_table(plan, by_lane(sitting.everyone))
            everyone = decide(scores, costs=known, clusters=clusters, margin=plan.margin, look=look)
            check = both_ways(everyone, decided if sitting.counted is not None else None)
            said = sentence(everyone, plan.models, costs)
            jury = replace(sitting.figures, holds=check.holds, reason=check.reason, everyone=said)
            decided = _claimed(decided, no_claim(check))
    else:
        decided = claimed(race, race.verdict(known, plan.margin), look)
    more = [one for one in summaries if standing is None or one.model in standing.survivors]
    verdict = replace(decided, more_cost_microcents=cost_of_cases(decided.more_cases, plan, more, cells))
    # What the verdict leaves out is not held up as the best or the cheapest, unless it leaves out all.
    seen = [compared[index] for index in verdict.compared] or compared
    scored = [(s.model, s.quality) for s in sorted(seen, key=_quality_first) if s.quality is not None]
    priced = [
        (s.model, s.avg_cost_microcents) for s in sorted(seen, key=_cost_first) if s.avg_cost_microcents is not None
    ]
    return Outcome(
        arm=arm.value,
        models=plan.models,
        summaries=tuple(summaries),
        verdict=verdict,
        sentence=sentence(verdict, plan.models, costs),
        best_observed=scored[0] if scored else None,
        cheapest_observed=priced[0] if priced else None,
        raced=None if standing is None else Raced(standing, _saved(plan, standing, summaries, cells)),
        jury=jury,
    )


def _claimed(verdict: Verdict, reason: str | None) -> Verdict:
    """The verdict without its claim where there is a reason for it; more cases would not help."""
    if reason is None:
        return verdict
    return replace(
        verdict,
        kind="not_enough",
        best=None,
        tied=(),
        cheapest_good_enough=None,
        more_cases=None,
        more_cost_microcents=None,
        reason=reason,
    )


def _saved(
    plan: Plan,
    standing: RaceStanding,
    summaries: Sequence[ModelSummary],
    cells: Mapping[tuple[str, str], Sequence[CellFigures]],
) -> int | None:
    """What the cells a race did not call for would have cost, in microcents; None where a price is not known."""
    saved = [
        (standing.cases - standing.cases_of(one.model), _cost_of_case(one, cells[one.model, one.arm]))
        for one in summaries
    ]
    if any(cost is None for spared, cost in saved if spared):
        return None
    return round(plan.trials * math.fsum(spared * (cost or 0.0) for spared, cost in saved))


def _cost_of_case(summary: ModelSummary, cells: Sequence[CellFigures]) -> float | None:
    """A cell's average cost with its judgement; None where a price is not known."""
    judging = _judging_cost(cells)
    if summary.avg_cost_microcents is None or judging is None:
        return None
    return summary.avg_cost_microcents + judging


def _quality_first(summary: ModelSummary) -> tuple[float, float]:
    return -_known(summary.quality, -math.inf), _known(summary.avg_cost_microcents, math.inf)


def _cost_first(summary: ModelSummary) -> tuple[float, float]:
    return _known(summary.avg_cost_microcents, math.inf), -_known(summary.quality, -math.inf)


def _known(value: float | None, otherwise: float) -> float:
    return otherwise if value is None else value


def cost_of_cases(
    number: int | None,
    plan: Plan,
    summaries: Sequence[ModelSummary],
    cells: Mapping[tuple[str, str], Sequence[CellFigures]],
) -> int | None:
    """What a person would pay for so many more cases in this run, in microcents.

    Each case is called for by every model of `summaries` in every arm, as often as there are trials, and judged as
    often and as dearly as the cells seen were. None where a price is not known.
    """
    if number is None:
        return None
    if plan.judge is not None and not any(cell.judged for seen in cells.values() for cell in seen):
        return None
    each: list[float] = []
    for summary in summaries:
        cost = _cost_of_case(summary, cells[summary.model, summary.arm])
        if cost is None:
            return None
        each.append(cost)
    return round(number * plan.trials * math.fsum(each))


def _judging_cost(cells: Sequence[CellFigures]) -> float | None:
    """The judge's average cost per cell that has come to a score; None where no cost of it is known.

    What a reply that could not be read cost is not known: those that are stand for it.
    """
    scored = [cell for cell in cells if score(cell) is not None]
    costs = [cell.judgement_cost_microcents for cell in scored if cell.judged]
    known = [cost for cost in costs if cost is not None]
    if costs and not known:
        return None
    return math.fsum(known) / max(1, len(known)) * len(costs) / max(1, len(scored))
