"""From what was typed to what is to be run: the skill, its cases, the models and the judge."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from steelyard.cli.options import Chosen
from steelyard.domain.cases import GoldenCase
from steelyard.domain.errors import CaseError, InputError, NotFound, SkillError
from steelyard.domain.models import ModelRef
from steelyard.domain.money import microcents
from steelyard.domain.runs import Arm
from steelyard.domain.skills import LintFinding
from steelyard.skills.cases import MAX_CASES_BYTES, ParsedCases, ad_hoc_cases, parse_cases
from steelyard.skills.folder import LoadedSkill, read_cases_file, read_skill

if TYPE_CHECKING:
    from steelyard.bootstrap import Workbench
    from steelyard.services.benchmarks import RunRequest

ARMS = {
    "both": (Arm.WITH_SKILL, Arm.WITHOUT_SKILL),
    "with_skill": (Arm.WITH_SKILL,),
    "without_skill": (Arm.WITHOUT_SKILL,),
}
NO_JUDGE = "none"


@dataclass(frozen=True)
class Typed:
    """What can be told without the database. `loaded` is None when the skill is named, not given by its path."""

    chosen: Chosen
    models: tuple[ModelRef, ...]
    judge: ModelRef | None
    loaded: LoadedSkill | None
    given: ParsedCases | None
    ad_hoc: bool

    @property
    def called(self) -> tuple[ModelRef, ...]:
        """Every model named that will be called."""
        return self.models if self.judge is None else (*self.models, self.judge)


@dataclass(frozen=True)
class Selected:
    """A request, and what to tell the person of how it came about."""

    request: RunRequest
    lossy: tuple[LintFinding, ...]
    judge_sentence: str
    same_family: bool
    unscored: int


def read(chosen: Chosen) -> Typed:
    """Check the options and read the files and standard input. Raises InputError and its kin."""
    if chosen.arm not in ARMS:
        raise InputError(f"--arm {chosen.arm} is not known.", next_step=f"Give one of: {', '.join(ARMS)}.")
    for name, value in (("--margin", chosen.margin), ("--threshold", chosen.threshold)):
        if not (math.isfinite(value) and 0 <= value <= 100):
            raise InputError(f"{name} {value:g} is out of range.", next_step="Give 0 to 100 points of quality.")
    budget_microcents(chosen.budget)
    models = tuple(ModelRef.parse(text) for text in chosen.models)
    if not models:
        raise InputError(
            "No model to run.",
            next_step="Give --model provider:name, once for each model; `steelyard models` shows what can be called.",
        )
    judge = None if chosen.judge in (None, NO_JUDGE) else ModelRef.parse(chosen.judge)
    loaded = _load(chosen.skill)
    given, ad_hoc = _given_cases(chosen)
    return Typed(chosen, models, judge, loaded, given, ad_hoc)


def budget_microcents(usd: float | None) -> int | None:
    """A budget typed in US dollars. Raises InputError."""
    if usd is None:
        return None
    if not (math.isfinite(usd) and usd > 0):
        raise InputError(f"--budget {usd:g} is no amount to spend.", next_step="Give US dollars above 0.")
    return microcents(usd)


async def select(workbench: Workbench, typed: Typed) -> Selected:
    """The request. Raises InputError and its kin."""
    from steelyard.judging.rubric import rubric_of
    from steelyard.services.benchmarks import DEFAULT_SEED, RunRequest

    chosen = typed.chosen
    loaded = typed.loaded or await _kept(workbench, chosen.skill)
    cases: Sequence[GoldenCase] = loaded.cases if typed.given is None else typed.given.cases
    lossy = loaded.findings if typed.given is None else typed.given.lossy
    of_record = not typed.ad_hoc and (typed.given is None or not loaded.cases)
    if chosen.case_set is not None:
        sets = sorted({case.case_set for case in cases if case.case_set})
        cases = [case for case in cases if case.case_set == chosen.case_set]
        of_record = False
        if not cases:
            there = f"Its sets: {', '.join(sets)}." if sets else "Its cases name no set; leave --case-set away."
            raise CaseError(f"No case is of the set '{chosen.case_set}'.", next_step=there)
    judge, sentence, same = _judge(workbench, typed, cases)
    unscored = 0 if judge is not None else sum(case.needs_judge for case in cases)
    if cases and unscored == len(cases) and chosen.judge is None:
        raise InputError(
            f"No case of '{loaded.content.name}' can be graded: all {len(cases)} need a judge, and no key for one is"
            " at hand.",
            kept="Nothing was called.",
            next_step="Set ANTHROPIC_API_KEY, OPENAI_API_KEY or GEMINI_API_KEY, name a judge with --judge, or give the"
            " cases checks.",
        )
    request = RunRequest(
        content=loaded.content,
        cases=cases,
        models=typed.models,
        judge=judge,
        rubric=rubric_of(loaded.content) if judge is not None else (),
        arms=ARMS[chosen.arm],
        trials=chosen.trials,
        max_tokens=chosen.max_tokens,
        margin=chosen.margin,
        threshold=chosen.threshold,
        seed=DEFAULT_SEED if chosen.seed is None else chosen.seed,
        budget_microcents=budget_microcents(chosen.budget),
        fresh=chosen.fresh,
        of_record=of_record,
    )
    return Selected(request, tuple(lossy), sentence, same, unscored)


def _load(skill: str) -> LoadedSkill | None:
    """The skill at this path; None when it can only be the name of an added one."""
    path = Path(skill).expanduser()
    looks_like_path = any(mark in skill for mark in ("/", "\\", "~")) or path.suffix in (".md", ".txt", ".prompt")
    return read_skill(path) if path.exists() or looks_like_path else None


async def _kept(workbench: Workbench, name: str) -> LoadedSkill:
    try:
        content, cases = await workbench.skills.content(workbench.tenant_id, name)
    except NotFound as error:
        raise SkillError(
            f"'{name}' is no file or folder here, and no skill of that name was added.",
            next_step="Give the path of a skill folder or prompt file; `steelyard skills list` shows added skills.",
        ) from error
    return LoadedSkill(content, tuple(cases))


def _given_cases(chosen: Chosen) -> tuple[ParsedCases | None, bool]:
    """(cases given in place of the skill's own, whether they are ad hoc)."""
    if chosen.case or chosen.expect:
        if chosen.cases is not None:
            raise InputError("--cases and --case are two ways to give cases.", next_step="Use one of them.")
        return ParsedCases(ad_hoc_cases(chosen.case, chosen.expect)), True
    if chosen.cases == "-":
        # One byte more than is read, so that what is too long is refused and not cut.
        return parse_cases("-", sys.stdin.buffer.read(MAX_CASES_BYTES + 1)), True
    if chosen.cases is not None:
        return read_cases_file(Path(chosen.cases).expanduser()), False
    return None, False


def _judge(workbench: Workbench, typed: Typed, cases: Sequence[GoldenCase]) -> tuple[ModelRef | None, str, bool]:
    """(the judge, a sentence on it, whether it is of a candidate's family)."""
    from steelyard.judging.default import same_family

    if typed.chosen.judge == NO_JUDGE:
        return None, "No judge, as asked: only deterministic checks grade.", False
    if cases and not any(case.needs_judge for case in cases):
        return None, "No judge needed: deterministic checks grade every case.", False
    if typed.judge is None:
        found = workbench.default_judge(typed.models)
        return found.ref, found.sentence, found.same_family
    same = same_family(typed.judge, typed.models)
    warning = " It is of a candidate's own family and may favour it." if same else ""
    return typed.judge, f"Judge: {typed.judge.text}.{warning}", same
