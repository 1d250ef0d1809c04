"""What a person asks for as a run, and whether it can be run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from steelyard.domain.cases import CaseSource, GoldenCase
from steelyard.domain.errors import InputError, NoCases
from steelyard.domain.models import ModelRef
from steelyard.domain.races import RaceTarget
from steelyard.domain.runs import Arm
from steelyard.domain.skills import SkillContent
from steelyard.execution.fitness import KnownModels
from steelyard.judging import Judge
from steelyard.services.juries import check_jury

DEFAULT_MAX_TOKENS = 4096
DEFAULT_MARGIN = 5.0
DEFAULT_THRESHOLD = 70.0
DEFAULT_SEED = 20_250_101
MAX_CELLS = 200_000
MAX_SEED = 2**31 - 1
MAX_TRIALS = 100


@dataclass(frozen=True)
class Kept:
    """Where a skill's version and the request's cases are kept already, so that nothing of them is saved again.

    `case_ids` has one entry per case of the request, None for one that is not kept.
    """

    skill_id: UUID
    version_id: UUID
    case_ids: Sequence[UUID | None]


@dataclass(frozen=True)
class RunRequest:
    """What a person asks for. `of_record` False is for a choice of cases or others than the skill's own.

    Without a `rubric` the skill's own is used. Money in microcents, `margin` and `threshold` in points of quality.
    With a `race` models are called no more once they are shown not to be the best.
    `of_draft`: it would be of record, were its version not a draft; it is once that is made the version in use.
    `accept_judge`: the judge's scores count even where it fails its examination, and every report says so.
    `further_judges` make a jury with the judge, all of them equal.
    `judge_by_default`: nobody named the judge, so that another default stands for a change of it.
    """

    content: SkillContent
    cases: Sequence[GoldenCase]
    models: Sequence[ModelRef]
    judge: ModelRef | None
    rubric: tuple[str, ...] = ()
    arms: tuple[Arm, ...] = (Arm.WITH_SKILL, Arm.WITHOUT_SKILL)
    trials: int = 1
    max_tokens: int = DEFAULT_MAX_TOKENS
    margin: float = DEFAULT_MARGIN
    threshold: float = DEFAULT_THRESHOLD
    seed: int = DEFAULT_SEED
    budget_microcents: int | None = None
    fresh: bool = False
    race: RaceTarget | None = None
    of_record: bool = True
    triggered_by: str = "cli"
    kept: Kept | None = None
    accept_judge: bool = False
    judge_by_default: bool = False
    of_draft: bool = False
    further_judges: tuple[ModelRef, ...] = ()

    @property
    def judges(self) -> tuple[ModelRef, ...]:
        """All that grade: none, one, or a jury."""
        return () if self.judge is None else (self.judge, *self.further_judges)

    @property
    def counts(self) -> bool:
        """Whether the run becomes the skill's benchmark of record: never with an ad-hoc case, whatever was asked."""
        return self.of_record and all(case.source is not CaseSource.AD_HOC for case in self.cases)


def check_request(request: RunRequest, models: KnownModels, make_judge: Callable[[ModelRef], Judge]) -> None:
    """Raises InputError and its kin, with the field, for what cannot be run, and ModelRefError or MissingKey."""
    if not request.cases:
        raise NoCases(
            f"The skill '{request.content.name}' has no golden cases, so there is nothing to run.",
            field="cases",
            next_step="Add golden cases to it, in evals/evals.json of its folder for one, or give ad-hoc ones.",
        )
    if not request.models:
        raise InputError("No model to run.", field="models", next_step="Name one model at least.")
    names = [model.text for model in request.models]
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise InputError(
            f"{doubled[0]} is given twice.",
            field="models",
            next_step="Name each model once; more trials repeat its calls.",
        )
    if not 1 <= request.trials <= MAX_TRIALS:
        raise InputError(
            f"{request.trials} trials are out of range.", field="trials", next_step=f"Give 1 to {MAX_TRIALS}."
        )
    if not 0 <= request.seed <= MAX_SEED:
        said = f"A seed of {request.seed} is out of range."
        raise InputError(said, field="seed", next_step=f"Give 0 to {MAX_SEED:,}.")
    if request.race is not None and len(names) < 2:
        raise InputError(
            "One model has nobody to race against.",
            field="race",
            next_step="Name two models at least, or call it on every case.",
        )
    planned = len(names) * len(request.arms) * len(request.cases) * request.trials
    if planned > MAX_CELLS:
        raise InputError(f"This run would have {planned:,} cells, more than {MAX_CELLS:,}.", field="trials")
    for model in request.models:
        models.check(model)
    for judge in request.judges:
        models.check(judge)
    check_jury(request, [make_judge(judge).digest for judge in request.judges])
