"""A jury's scores in a run: who counts for which model, and whether the verdict rests on own families. Pure."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from steelyard.domain.errors import ModelRefError
from steelyard.domain.models import ModelRef, model_family
from steelyard.execution.plan import Plan
from steelyard.execution.scores import compared_arm
from steelyard.judging.scoring import with_checks
from steelyard.statistics import NotComparable, own_family_bias, pool_jurors
from steelyard.storage.figures import CellFigures, JurorGrade

if TYPE_CHECKING:
    from steelyard.statistics import Jury, OwnFamilyCheck

# Reasons of a verdict for which nothing was compared, so that families decide nothing either.
_NOTHING_COMPARED = ("no_cases", "no_complete_cases", "missing_scores", "one_model_left")

# (model, arm, case index, trial)
_Cell = tuple[str, str, int, int]


@dataclass(frozen=True)
class JurorFigures:
    """One judge of a jury. `mean` quality of what it graded in the compared arm; `leniency`: points above the jury on
    the same outputs; `own`: the run's models of its family, whose scores by it do not count where that is possible."""

    judge: str
    digest: str
    family: str | None
    mean: float | None
    leniency: float
    own: tuple[str, ...]


@dataclass(frozen=True)
class FamilyAdvantage:
    """Points that jurors give their own family above what the others give it, with the two-sided 95% interval.

    `family` is None of the mean over all families. `named`: this favour is shown.
    """

    family: str | None
    points: float
    low: float
    high: float
    p: float
    named: bool


@dataclass(frozen=True)
class JuryFigures:
    """What a jury came to. `outputs`: those of the compared arm that all have graded; the figures of agreement are over
    them, and None where they cannot be told.

    `holds`: the verdict is the same without own-family scores; `reason` as in `OwnFamilyCheck`; `everyone`: what the
    verdict would be with all scores, in a sentence, None where no juror is of a candidate's family. `without_own`: the
    scores counted are without own-family ones. `advantages` are empty where `advantage_reason` says why.
    """

    jurors: tuple[JurorFigures, ...]
    outputs: int
    n_eff: float | None
    rho: float | None
    spearman: float | None
    alpha: float | None
    holds: bool = True
    reason: str | None = None
    everyone: str | None = None
    without_own: bool = False
    advantages: tuple[FamilyAdvantage, ...] = ()
    advantage_reason: str | None = None

    @property
    def own(self) -> bool:
        """Whether any juror is of a candidate's family."""
        return any(juror.own for juror in self.jurors)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> JuryFigures:
        """The inverse of `to_json`."""
        values = dict(data)
        values["jurors"] = tuple(replace(JurorFigures(**one), own=tuple(one["own"])) for one in data["jurors"])
        values["advantages"] = tuple(FamilyAdvantage(**one) for one in data["advantages"])
        return cls(**values)


@dataclass(frozen=True)
class Sitting:
    """A jury's part in working out a verdict.

    `everyone`: the cells as they are stored, at the plain mean of all jurors. `counted`: with each model's quality
    without its own family's jurors and without leniency, the same cells where none is of a candidate's family, None
    where that leaves too little to compare.
    """

    everyone: list[CellFigures]
    counted: list[CellFigures] | None
    figures: JuryFigures


def family_of(model: str) -> str | None:
    """The family of a model as text; None where it cannot be read."""
    try:
        return model_family(ModelRef.parse(model))
    except ModelRefError:
        return None


def sit(
    plan: Plan, figures: Sequence[CellFigures], grades: Sequence[JurorGrade], clusters: Sequence[str] | None
) -> Sitting:
    """The sitting of the plan's jury over these cells. `clusters` has a label per case, None where none are alike."""
    places = {juror.digest: place for place, juror in enumerate(plan.jury)}
    graded = _by_cell(grades, places)
    everyone = [_with_cost(cell, graded.get(_cell_of(cell))) for cell in figures]
    jurors, models = [family_of(juror.judge) for juror in plan.jury], [family_of(model) for model in plan.models]
    table = _outputs(plan, graded)
    own = {
        (juror, model)
        for juror, family in enumerate(jurors)
        for model, other in enumerate(models)
        if family is not None and family == other
    }
    plain = pool_jurors(table)
    pooled: Jury | None = plain
    if own:
        try:
            pooled = pool_jurors(table, jurors, models)
        except NotComparable:
            pooled = None
    leniency = (pooled or plain).leniency
    counted: list[CellFigures] | None = everyone
    if own and pooled is not None:
        counted = [_without_own(plan, cell, graded.get(_cell_of(cell)), leniency, own) for cell in everyone]
    elif pooled is None:
        counted = None
    said = JuryFigures(
        jurors=tuple(
            JurorFigures(
                judge=juror.judge,
                digest=juror.digest,
                family=jurors[place],
                mean=_mean([value for output in table[place] for value in output if not math.isnan(value)]),
                leniency=leniency[place],
                own=tuple(model for at, model in enumerate(plan.models) if (place, at) in own),
            )
            for place, juror in enumerate(plan.jury)
        ),
        outputs=sum(not math.isnan(value) for output in table[0] for value in output),
        n_eff=plain.n_eff,
        rho=plain.rho,
        spearman=plain.spearman,
        alpha=plain.alpha,
        without_own=bool(own) and pooled is not None,
    )
    if own:
        said = _with_bias(said, plan, graded, jurors, models, clusters)
    return Sitting(everyone, counted, said)


def no_claim(check: OwnFamilyCheck) -> str | None:
    """The reason for which a verdict may not stand as it was decided; None where it may."""
    compared = check.everyone.kind != "single" and check.everyone.reason not in _NOTHING_COMPARED
    return check.reason if compared else None


@dataclass(frozen=True)
class _Graded:
    """One cell by all judges, in the plan's order; `cost` of all of them is None where one's is not known."""

    scores: list[float]
    passed: list[bool]
    cost: int | None


def _by_cell(grades: Sequence[JurorGrade], places: Mapping[str, int]) -> dict[_Cell, _Graded]:
    """The cells that every juror has graded."""
    found: dict[_Cell, dict[int, JurorGrade]] = defaultdict(dict)
    for grade in grades:
        if grade.judge_digest in places:
            cell = (grade.model_name, grade.arm, grade.test_case_index, grade.trial)
            found[cell][places[grade.judge_digest]] = grade
    graded: dict[_Cell, _Graded] = {}
    for cell, by_place in found.items():
        if len(by_place) == len(places):
            each = [by_place[place] for place in range(len(places))]
            graded[cell] = _Graded(
                [with_checks(one.quality, one.criteria, one.checks, one.held) for one in each],
                [one.passed for one in each],
                _sum([one.cost_microcents for one in each]),
            )
    return graded


def _sum(costs: Sequence[int | None]) -> int | None:
    known = [cost for cost in costs if cost is not None]
    return sum(known) if len(known) == len(costs) else None


def _cell_of(cell: CellFigures) -> _Cell:
    return cell.model_name, cell.arm, cell.test_case_index, cell.trial


def _outputs(plan: Plan, graded: Mapping[_Cell, _Graded]) -> list[list[list[float]]]:
    """(n_jurors, n_cases * trials, n_models) of the compared arm; NaN where the jury has not graded."""
    arm = compared_arm(plan).value
    nothing = _Graded([math.nan] * len(plan.jury), [], None)
    rows = [
        [graded.get((model, arm, case, trial), nothing).scores for model in plan.models]
        for case in range(len(plan.case_ids))
        for trial in range(plan.trials)
    ]
    return [[[output[place] for output in row] for row in rows] for place in range(len(plan.jury))]


def _without_own(
    plan: Plan,
    cell: CellFigures,
    graded: _Graded | None,
    leniency: Sequence[float],
    own: set[tuple[int, int]],
) -> CellFigures:
    """The cell by the jurors who are not of its model's family; one the jury did not grade as it is."""
    if graded is None:
        return cell
    model = plan.models.index(cell.model_name)
    kept = [place for place in range(len(leniency)) if (place, model) not in own]
    quality = math.fsum(graded.scores[place] - leniency[place] for place in kept) / len(kept)
    return replace(
        cell,
        quality_score=min(100.0, max(0.0, quality)),
        passed=2 * sum(graded.passed[place] for place in kept) > len(kept),
    )


def _with_bias(
    said: JuryFigures,
    plan: Plan,
    graded: Mapping[_Cell, _Graded],
    jurors: Sequence[str | None],
    models: Sequence[str | None],
    clusters: Sequence[str | None] | None,
) -> JuryFigures:
    """With the favour jurors show their own families, over cases that all have graded for every model they graded."""
    arm = compared_arm(plan).value
    heard = [place for place, model in enumerate(plan.models) if any(cell[:2] == (model, arm) for cell in graded)]
    table = [
        [
            [
                _mean([graded[at].scores[juror] for at in _trials(plan, plan.models[model], arm, case) if at in graded])
                for model in heard
            ]
            for case in range(len(plan.case_ids))
        ]
        for juror in range(len(jurors))
    ]
    if not heard:
        return replace(said, advantage_reason="too_few_cases")
    known = [[[math.nan if value is None else value for value in row] for row in each] for each in table]
    found = own_family_bias(known, jurors, [models[model] for model in heard], clusters)
    if found.reason is not None or found.overall is None:
        return replace(said, advantage_reason=found.reason)
    pairs = list(found.families) or [(None, found.overall)]
    return replace(
        said,
        advantages=tuple(
            FamilyAdvantage(
                None if family is None else str(family), one.points, one.low, one.high, one.p, family in found.named
            )
            for family, one in pairs
        ),
    )


def _trials(plan: Plan, model: str, arm: str, case: int) -> list[_Cell]:
    return [(model, arm, case, trial) for trial in range(plan.trials)]


def _with_cost(cell: CellFigures, graded: _Graded | None) -> CellFigures:
    return cell if graded is None else replace(cell, judged=True, judgement_cost_microcents=graded.cost)


def _mean(values: Sequence[float]) -> float | None:
    return math.fsum(values) / len(values) if values else None
