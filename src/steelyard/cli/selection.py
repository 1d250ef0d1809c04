"""From what was typed to what is to be run: the skill, its cases, the models and the judge."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from steelyard.cli.options import Chosen
from steelyard.domain.errors import InputError, NoCases, NotFound, SkillError
from steelyard.domain.models import ModelRef
from steelyard.domain.races import race_target
from steelyard.domain.skills import LintFinding
from steelyard.services import selection
from steelyard.services.juries import check_judges
from steelyard.services.selection import NO_JUDGE, Choice, SkillSource, arms_of, budget_microcents, check_figures
from steelyard.skills.cases import MAX_CASES_BYTES, ParsedCases, ad_hoc_cases, parse_cases
from steelyard.skills.folder import LoadedSkill, read_cases_file, read_skill

if TYPE_CHECKING:
    from steelyard.services.run_request import RunRequest
    from steelyard.workbench import Workbench


@dataclass(frozen=True)
class Typed:
    """What can be told without the database. `loaded` is None when the skill is named, not given by its path.

    `keeps`: it is for a run, which keeps what was read; an estimate keeps nothing.
    """

    chosen: Chosen
    choice: Choice
    loaded: LoadedSkill | None
    lossy: tuple[LintFinding, ...]
    keeps: bool = True

    @property
    def called(self) -> tuple[ModelRef, ...]:
        """Every model named that will be called."""
        models, judge = self.choice.models, self.choice.judge
        return models if judge is None else (*models, judge, *self.choice.further_judges)


@dataclass(frozen=True)
class Selected:
    """A request, and what to tell the person of how it came about."""

    request: RunRequest
    lossy: tuple[LintFinding, ...]
    judge_sentence: str
    same_family: bool
    unscored: int


def read(chosen: Chosen, *, keeps: bool = True) -> Typed:
    """Check the options, then read the files and standard input. Raises InputError and its kin."""
    models = tuple(ModelRef.typed(text) for text in chosen.models)
    if not models:
        raise InputError(
            "No model to run.",
            next_step="Give --model provider:name, once for each model; `steelyard models` shows what can be called.",
        )
    judges = tuple(ModelRef.typed(text) for text in chosen.judges if text != NO_JUDGE)
    if judges and NO_JUDGE in chosen.judges:
        raise InputError("--judge none is no judge beside another.", next_step="Give the judges, or 'none' alone.")
    check_judges(judges)
    choice = Choice(
        models=models,
        judge=judges[0] if judges else None,
        no_judge=NO_JUDGE in chosen.judges,
        further_judges=judges[1:],
        case_set=chosen.case_set,
        arms=arms_of(chosen.arm),
        trials=chosen.trials,
        max_tokens=chosen.max_tokens,
        margin=chosen.margin,
        threshold=chosen.threshold,
        seed=chosen.seed,
        budget_microcents=budget_microcents(chosen.budget),
        fresh=chosen.fresh,
        race=None if chosen.race is None else race_target(chosen.race),
        accept_judge=chosen.accept_judge,
    )
    check_figures(choice)
    loaded = _load(chosen.skill)
    given, ad_hoc = _given_cases(chosen)
    lossy = given.lossy if given is not None else loaded.findings if loaded is not None else ()
    choice = replace(choice, given=None if given is None else given.cases, ad_hoc=ad_hoc)
    if loaded is not None and chosen.version:
        raise InputError(
            "--version is of an added skill, and a folder or file is given.",
            next_step="Give the skill's name; `steelyard skills list` shows those there are.",
        )
    return Typed(chosen, choice, loaded, tuple(lossy), keeps)


async def select(workbench: Workbench, typed: Typed) -> Selected:
    """The request. Raises InputError and its kin."""
    source = await _source(workbench, typed)
    check_cases(source, typed)
    found = selection.select(source, typed.choice, workbench.default_judge)
    return Selected(found.request, typed.lossy, found.judge_sentence, found.same_family, found.unscored)


def check_cases(source: SkillSource, typed: Typed) -> None:
    """Raises NoCases where there is nothing to run."""
    if typed.choice.given is None and not source.cases:
        raise NoCases(
            f"The skill '{source.content.name}' has no golden cases, so there is nothing to run.",
            next_step="Add evals/evals.json to its folder, or give --cases FILE or --case INPUT --expect OUTPUT.",
        )


def _load(skill: str) -> LoadedSkill | None:
    """The skill at this path; None when it can only be the name of an added one."""
    path = Path(skill).expanduser()
    looks_like_path = any(mark in skill for mark in ("/", "\\", "~")) or path.suffix in (".md", ".txt", ".prompt")
    return read_skill(path) if path.exists() or looks_like_path else None


async def _source(workbench: Workbench, typed: Typed) -> SkillSource:
    version = typed.chosen.version or ""
    if typed.loaded is not None:
        return SkillSource(typed.loaded.content, typed.loaded.cases)
    name = typed.chosen.skill
    try:
        return SkillSource.of(await workbench.skills.kept(workbench.tenant_id, name, version))
    except NotFound as error:
        if version and "version" in error.message:
            raise
        raise SkillError(
            f"'{name}' is no file or folder here, and no skill of that name was added.",
            next_step="Give the path of a skill folder or prompt file; `steelyard skills list` shows added skills.",
        ) from error


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
