"""From what a person chose to the run that is asked for: cases, judge and figures, checked alike for every door."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from steelyard.domain.cases import CaseSource, GoldenCase
from steelyard.domain.errors import CaseError, InputError
from steelyard.domain.models import ModelRef
from steelyard.domain.money import microcents
from steelyard.domain.races import RaceTarget
from steelyard.domain.runs import Arm
from steelyard.domain.skills import SkillContent
from steelyard.judging.default import DefaultJudge, same_family
from steelyard.judging.rubric import rubric_of
from steelyard.services.juries import check_judges, jury_sentence, own_family
from steelyard.services.run_request import (
    DEFAULT_MARGIN,
    DEFAULT_MAX_TOKENS,
    DEFAULT_SEED,
    DEFAULT_THRESHOLD,
    MAX_TRIALS,
    Kept,
    RunRequest,
)
from steelyard.services.skills import KeptSkill

ARMS = {
    "both": (Arm.WITH_SKILL, Arm.WITHOUT_SKILL),
    "with_skill": (Arm.WITH_SKILL,),
    "without_skill": (Arm.WITHOUT_SKILL,),
}
NO_JUDGE = "none"
ADD_JUROR = "A second judge of another family beside it makes a jury, which scores each family's models without it."
MAX_TOKENS = 1_000_000
MAX_BUDGET_USD = 10_000_000

# Chooses the judge for these candidates when none is named.
JudgeFinder = Callable[[Iterable[ModelRef]], DefaultJudge]


@dataclass(frozen=True)
class SkillSource:
    """A skill with its own golden cases; `kept` is None for one just read from a folder or file."""

    content: SkillContent
    cases: Sequence[GoldenCase]
    kept: KeptSkill | None = None

    @classmethod
    def of(cls, kept: KeptSkill) -> SkillSource:
        return cls(kept.content, [row.case for row in kept.cases], kept)


@dataclass(frozen=True)
class Choice:
    """What was chosen. `judge` None is the default judge unless `no_judge`; `further_judges` make a jury with it.
    `given` cases stand in for the skill's own.

    `ad_hoc`: the given cases never count as the skill's, as those typed in. Money in microcents, `margin` and
    `threshold` in points of quality; `seed` None is the fixed one.
    """

    models: tuple[ModelRef, ...]
    judge: ModelRef | None = None
    no_judge: bool = False
    given: Sequence[GoldenCase] | None = None
    ad_hoc: bool = False
    case_set: str | None = None
    arms: tuple[Arm, ...] = ARMS["both"]
    trials: int = 1
    max_tokens: int = DEFAULT_MAX_TOKENS
    margin: float = DEFAULT_MARGIN
    threshold: float = DEFAULT_THRESHOLD
    seed: int | None = None
    budget_microcents: int | None = None
    fresh: bool = False
    race: RaceTarget | None = None
    triggered_by: str = "cli"
    accept_judge: bool = False
    further_judges: tuple[ModelRef, ...] = ()


@dataclass(frozen=True)
class Selected:
    """A request, and what to tell the person of its judge; `unscored` cases need one and have none."""

    request: RunRequest
    judge_sentence: str
    same_family: bool
    unscored: int


def select(source: SkillSource, choice: Choice, default_judge: JudgeFinder) -> Selected:
    """The request. Raises InputError and its kin, with the field."""
    check_figures(choice)
    cases, of_record = choose_cases(source, choice)
    judge, sentence, same = choose_judge(choice, cases, default_judge)
    jury = () if judge is None else choice.further_judges
    if judge is not None and jury:
        check_judges((judge, *jury))
        sentence = jury_sentence((judge, *jury), choice.models)
        same = bool(own_family((judge, *jury), choice.models))
    unscored = 0 if judge is not None else sum(case.needs_judge for case in cases)
    if cases and unscored == len(cases):
        why = "none is to be asked" if choice.no_judge else "none is chosen or there by default"
        raise InputError(
            f"No case of '{source.content.name}' can be graded: all {len(cases)} need a judge, and {why}.",
            field="judge",
            kept="Nothing was called.",
            next_step="Name a judge that can be called, or give the cases checks."
            if choice.no_judge
            else "Set a vendor's key such as ANTHROPIC_API_KEY, name a judge that can be called, or give the cases"
            " checks.",
        )
    request = RunRequest(
        content=source.content,
        cases=cases,
        models=choice.models,
        judge=judge,
        rubric=rubric_of(source.content) if judge is not None else (),
        arms=choice.arms,
        trials=choice.trials,
        max_tokens=choice.max_tokens,
        margin=choice.margin,
        threshold=choice.threshold,
        seed=DEFAULT_SEED if choice.seed is None else choice.seed,
        budget_microcents=choice.budget_microcents,
        fresh=choice.fresh,
        race=choice.race,
        of_record=of_record and (source.kept is None or source.kept.current),
        of_draft=of_record and source.kept is not None and source.kept.draft,
        triggered_by=choice.triggered_by,
        kept=_kept(source, cases),
        accept_judge=choice.accept_judge,
        further_judges=jury,
        judge_by_default=judge is not None and choice.judge is None,
    )
    return Selected(request, sentence, same, unscored)


def check_figures(choice: Choice) -> None:
    """Raises InputError for a figure out of its range."""
    for field, value, low, high, unit in (
        ("trials", choice.trials, 1, MAX_TRIALS, "trials"),
        ("max_tokens", choice.max_tokens, 1, MAX_TOKENS, "tokens"),
        ("margin", choice.margin, 0, 100, "points of quality"),
        ("threshold", choice.threshold, 0, 100, "points of quality"),
    ):
        if not (math.isfinite(value) and low <= value <= high):
            said = field.replace("_", " ")
            raise InputError(
                f"{value:,g} is out of range for the {said}.",
                field=field,
                next_step=f"Give {low:,} to {high:,} {unit}.",
            )


def choose_cases(source: SkillSource, choice: Choice) -> tuple[Sequence[GoldenCase], bool]:
    """(the cases, whether the run is one of record). Only all of a skill's own cases make one; cases given to a skill
    that has none of its own become its own. Raises CaseError.
    """
    cases = source.cases
    of_record = choice.case_set is None
    if choice.given is not None:
        cases = choice.given
        of_record = of_record and not choice.ad_hoc and not source.cases
    if choice.case_set is not None:
        sets = sorted({case.case_set for case in cases if case.case_set})
        cases = [case for case in cases if case.case_set == choice.case_set]
        if not cases:
            there = f"Its sets: {', '.join(sets)}." if sets else "Its cases name no set; choose all of them."
            raise CaseError(f"No case is of the set '{choice.case_set}'.", field="cases", next_step=there)
    if choice.given is not None and not of_record:
        cases = [_made_ad_hoc(case) for case in cases]
    return cases, of_record


def choose_judge(
    choice: Choice, cases: Sequence[GoldenCase], default_judge: JudgeFinder
) -> tuple[ModelRef | None, str, bool]:
    """(the judge, a sentence on it, whether it is of a candidate's family). Raises InputError."""
    if choice.no_judge and choice.further_judges:
        raise InputError(
            "No judge is to be asked, and yet one is named.",
            field="judge",
            next_step="Name the judges, or none of them.",
        )
    if choice.no_judge:
        return None, "No judge, as asked: only deterministic checks grade.", False
    if cases and not any(case.needs_judge for case in cases):
        return None, "No judge needed: deterministic checks grade every case.", False
    if choice.judge is None:
        found = default_judge(choice.models)
        if found.ref is None and choice.further_judges:
            raise InputError(
                "There is no default judge here to sit with the others.",
                field="judge",
                next_step="Name the first judge too.",
            )
        return found.ref, found.sentence, found.same_family
    same = same_family(choice.judge, choice.models)
    warning = f" It is of a candidate's own family and may favour it. {ADD_JUROR}" if same else ""
    return choice.judge, f"Judge: {choice.judge.text}.{warning}", same


def budget_microcents(usd: float | None) -> int | None:
    """A budget in US dollars. Raises InputError."""
    if usd is None:
        return None
    if not (math.isfinite(usd) and 0 < usd <= MAX_BUDGET_USD):
        raise InputError(
            f"A budget of {usd:g} is no amount to spend.",
            field="budget",
            next_step=f"Give US dollars above 0, {MAX_BUDGET_USD:,} at most.",
        )
    return microcents(usd)


def arms_of(name: str) -> tuple[Arm, ...]:
    """The arms of "both", "with_skill" or "without_skill". Raises InputError."""
    if name not in ARMS:
        raise InputError(f"The arm '{name}' is not known.", field="arm", next_step=f"Give one of: {', '.join(ARMS)}.")
    return ARMS[name]


def _made_ad_hoc(case: GoldenCase) -> GoldenCase:
    """What a run is only lent must not become one of the skill's own cases."""
    return case if case.source is CaseSource.AD_HOC else replace(case, source=CaseSource.AD_HOC)


def _kept(source: SkillSource, cases: Sequence[GoldenCase]) -> Kept | None:
    if source.kept is None:
        return None
    own = {id(row.case): row.id for row in source.kept.cases}
    return Kept(source.kept.id, source.kept.version_id, [own.get(id(case)) for case in cases])
