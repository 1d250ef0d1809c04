"""The form of a benchmark run: what it offers, what it was sent made into a request, and the last run once more."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID

from steelyard.domain.cases import GoldenCase
from steelyard.domain.errors import InputError, InvalidForm, NotFound, SkillError
from steelyard.domain.models import ModelRef
from steelyard.domain.money import MICROCENTS_PER_USD
from steelyard.domain.races import race_target
from steelyard.domain.runs import Arm
from steelyard.domain.stale_causes import CauseKind
from steelyard.execution.plan import Plan
from steelyard.judging.default import DefaultJudge
from steelyard.services import demo
from steelyard.services.form_fields import Problems
from steelyard.services.juries import check_judges
from steelyard.services.model_offers import ModelChecker, ModelOffers, OfferedModel, OwnAddress
from steelyard.services.run_request import DEFAULT_MARGIN, DEFAULT_MAX_TOKENS, DEFAULT_THRESHOLD, Kept, RunRequest
from steelyard.services.selection import (
    NO_JUDGE,
    Choice,
    JudgeFinder,
    Selected,
    SkillSource,
    arms_of,
    budget_microcents,
    check_figures,
    select,
)
from steelyard.services.skills import KeptSkill, SkillService
from steelyard.skills.cases import ad_hoc_cases
from steelyard.storage import history, runs
from steelyard.storage.database import Database
from steelyard.storage.runs import RunRow

MOST_MODELS = 50
MOST_AD_HOC = 20

GOLDEN = "golden"
AD_HOC = "ad_hoc"
OF_SET = "set:"
DEFAULT_JUDGE = "default"


@dataclass(frozen=True)
class RunFormValues:
    """What the form shows and sends, as text.

    `cases` is "golden", "set:NAME" or "ad_hoc"; `ad_hoc` has (input, expected output) pairs, blank ones left out.
    `other_models` are typed in, one a line. `judge` is "default", "none" or a model, empty where it is still to be
    named; `further_judges`, one a line or with commas between, make a jury with it. `arm` is "both", "with_skill" or
    "without_skill"; `race` is "set", "future" or empty for none. `budget` is in US dollars; blank figures are the
    defaults. `version` is how a digest starts, empty for the version in use.
    """

    models: Sequence[str] = ()
    other_models: str = ""
    cases: str = GOLDEN
    ad_hoc: Sequence[tuple[str, str]] = ()
    arm: str = "both"
    trials: str = "1"
    judge: str = DEFAULT_JUDGE
    budget: str = ""
    max_tokens: str = str(DEFAULT_MAX_TOKENS)
    margin: str = f"{DEFAULT_MARGIN:g}"
    threshold: str = f"{DEFAULT_THRESHOLD:g}"
    seed: str = ""
    fresh: bool = False
    race: str = ""
    accept_judge: bool = False
    version: str = ""
    further_judges: str = ""


@dataclass(frozen=True)
class CaseSetCount:
    """A set of golden cases (as dev, regression) and how many it has."""

    name: str
    cases: int


@dataclass(frozen=True)
class RunForm:
    """What the form offers. `golden` are the accepted cases, of which `judged` need a judge.

    `values` are those of the last run of record, else the defaults; `default_judge` is for the models chosen there.
    `left_out` are models of that run which cannot be called from here now, and so are not chosen. `addresses` are the
    servers of one's own, whose models are among `models` once they were asked.
    """

    skill_id: UUID
    skill_name: str
    models: tuple[OfferedModel, ...]
    golden: int
    judged: int
    sets: tuple[CaseSetCount, ...]
    default_judge: DefaultJudge
    values: RunFormValues
    left_out: tuple[str, ...] = ()
    addresses: tuple[OwnAddress, ...] = ()


class RunForms:
    """Makes forms and reads them, for one tenant at a time."""

    def __init__(
        self,
        database: Database,
        skills: SkillService,
        offers: ModelOffers,
        checker: ModelChecker,
        default_judge: JudgeFinder,
    ) -> None:
        self._database = database
        self._skills = skills
        self._offers = offers
        self._checker = checker
        self._default_judge = default_judge

    async def form(self, tenant_id: UUID, skill: str | UUID, values: RunFormValues | None = None) -> RunForm:
        """The form for the skill of that name or id; `values` sent before are kept. Raises NotFound."""
        kept = await self._skills.kept(tenant_id, skill, "" if values is None else values.version)
        first = values is None
        if values is None:
            values = await self._first_values(tenant_id, kept)
        offered = await self._offers.offers(tenant_id, also=values.models)
        left_out: tuple[str, ...] = ()
        if first:
            usable = {offer.model for offer in offered if offer.usable}
            left_out = tuple(model for model in values.models if model not in usable)
            values = replace(values, models=tuple(model for model in values.models if model in usable))
        cases = [row.case for row in kept.cases]
        sets = Counter(case.case_set for case in cases if case.case_set)
        return RunForm(
            skill_id=kept.id,
            skill_name=kept.content.name,
            models=offered,
            golden=len(cases),
            judged=sum(case.needs_judge for case in cases),
            sets=tuple(CaseSetCount(name, count) for name, count in sorted(sets.items())),
            default_judge=self._default_judge(_readable(values.models)),
            values=values,
            left_out=left_out,
            addresses=self._offers.addresses(),
        )

    async def request(
        self, tenant_id: UUID, skill: str | UUID, values: RunFormValues, *, triggered_by: str = "web"
    ) -> Selected:
        """The run that was asked for. Raises NotFound, and InvalidForm with every field that cannot be used."""
        kept = await self._skills.kept(tenant_id, skill, values.version)
        return read_form(kept, values, self._default_judge, self._checker, triggered_by=triggered_by)

    async def rebenchmark_request(
        self,
        tenant_id: UUID,
        skill: str | UUID,
        *,
        causes: Collection[str],
        models: Sequence[ModelRef] | None = None,
        triggered_by: str = "web",
    ) -> RunRequest:
        """The skill's last run of record once more: its models, arms, trials, judge and figures, on the skill and its
        accepted cases as they are now.

        `causes` are the kinds of staleness. Only for age and drift every answer is called for anew: what has changed
        otherwise makes other cells, and the rest was paid before. A judge that was the default then is today's default.
        `models` stand in for the run's. Raises NotFound where there is no such run, InputError without a model.
        """
        kept = await self._skills.kept(tenant_id, skill)
        last = await self._last(tenant_id, kept.id)
        if last is None:
            raise NotFound(
                f"'{kept.content.name}' has no benchmark of record yet.", next_step="Run its first benchmark."
            )
        plan = Plan.from_json(last.plan)
        chosen = [ModelRef.parse(model) for model in plan.models] if models is None else list(models)
        if not chosen:
            raise InputError(
                "None of its models is left to run.", field="models", next_step="Choose others in the form of a run."
            )
        judges = judges_today(last, plan, self._default_judge)
        return RunRequest(
            content=kept.content,
            cases=[row.case for row in kept.cases],
            models=chosen,
            judge=judges[0] if judges else None,
            further_judges=tuple(judges[1:]),
            arms=plan.arms,
            trials=plan.trials,
            max_tokens=plan.max_tokens,
            margin=plan.margin,
            threshold=plan.threshold,
            seed=plan.seed,
            budget_microcents=last.budget_microcents,
            fresh=any(CauseKind(cause).fresh for cause in causes),
            race=plan.race if len(chosen) > 1 else None,
            judge_by_default=last.judge_by_default,
            triggered_by=triggered_by,
            kept=Kept(kept.id, kept.version_id, [row.id for row in kept.cases]),
        )

    async def _last(self, tenant_id: UUID, skill_id: UUID) -> RunRow | None:
        async with self._database.tenant(tenant_id) as connection:
            run_id = await history.last_of_record(connection, skill_id)
            return None if run_id is None else await runs.get_run(connection, run_id)

    async def _first_values(self, tenant_id: UUID, kept: KeptSkill) -> RunFormValues:
        last = await self._last(tenant_id, kept.id)
        if last is not None:
            return values_of(last)
        if kept.cases and await asyncio.to_thread(_is_example, kept):
            return RunFormValues(models=demo.MODELS, max_tokens=str(demo.MAX_TOKENS))
        return RunFormValues() if kept.cases else RunFormValues(cases=AD_HOC)


def judges_today(run: RunRow, plan: Plan, default_judge: JudgeFinder) -> list[ModelRef]:
    """The judges the same run would ask now: its own, or today's default where that was the default then."""
    named = [ModelRef.parse(juror.judge) for juror in plan.jurors]
    if not run.judge_by_default:
        return named
    default = default_judge([ModelRef.parse(text) for text in plan.models]).ref
    return named if default is None else [default]


def values_of(run: RunRow) -> RunFormValues:
    """The form as it would have been filled in for this run of record."""
    plan = Plan.from_json(run.plan)
    budget = run.budget_microcents
    return RunFormValues(
        models=plan.models,
        arm="both" if len(plan.arms) == 2 else plan.arms[0].value,
        trials=str(plan.trials),
        judge=NO_JUDGE if not plan.jurors else DEFAULT_JUDGE if run.judge_by_default else plan.jurors[0].judge,
        further_judges="\n".join(juror.judge for juror in plan.jurors[1:]),
        budget="" if budget is None else f"{budget / MICROCENTS_PER_USD:.8f}".rstrip("0").rstrip("."),
        max_tokens=str(plan.max_tokens),
        margin=f"{plan.margin:g}",
        threshold=f"{plan.threshold:g}",
        seed=str(plan.seed),
        race=plan.race or "",
    )


def read_form(
    kept: KeptSkill,
    values: RunFormValues,
    default_judge: JudgeFinder,
    checker: ModelChecker,
    *,
    triggered_by: str = "web",
) -> Selected:
    """The run the values ask for. Raises InvalidForm with every field that cannot be used."""
    source = SkillSource.of(kept)
    problems = Problems()
    models = _models(values, checker, problems)
    judge: ModelRef | None = None
    if not values.judge:
        problems.add("judge", "No judge is named.", "Name the judge, or choose No judge.")
    elif values.judge not in (DEFAULT_JUDGE, NO_JUDGE):
        with problems.caught("judge"):
            judge = ModelRef.typed(values.judge)
            checker.check(judge)
    further: tuple[ModelRef, ...] = ()
    with problems.caught("further_judges"):
        further = tuple(ModelRef.typed(one) for one in re.split(r"[\r\n,]", values.further_judges) if one.strip())
        for one in further:
            checker.check(one)
        check_judges(further if judge is None else (judge, *further))
    given: Sequence[GoldenCase] | None = None
    case_set: str | None = None
    match values.cases:
        case "golden":
            if not kept.cases:
                problems.add("cases", "This skill has no accepted golden cases.", "Type cases in, or add golden cases.")
        case "ad_hoc":
            with problems.caught("ad_hoc"):
                given = _ad_hoc(values.ad_hoc)
        case other if other.startswith(OF_SET):
            case_set = other.removeprefix(OF_SET)
        case other:
            problems.add("cases", f"'{other}' is no choice of cases.", "Choose one of those offered.")
    arms: tuple[Arm, ...] = ()
    with problems.caught("arm"):
        arms = arms_of(values.arm)
    choice = Choice(
        models=models,
        judge=judge,
        no_judge=values.judge == NO_JUDGE,
        given=given,
        ad_hoc=given is not None,
        case_set=case_set,
        arms=arms,
        trials=problems.whole("trials", values.trials, 1),
        max_tokens=problems.whole("max_tokens", values.max_tokens, DEFAULT_MAX_TOKENS),
        margin=problems.number("margin", values.margin, DEFAULT_MARGIN),
        threshold=problems.number("threshold", values.threshold, DEFAULT_THRESHOLD),
        seed=problems.whole("seed", values.seed, 0) if values.seed.strip() else None,
        fresh=values.fresh,
        triggered_by=triggered_by,
        accept_judge=values.accept_judge,
        further_judges=further,
    )
    with problems.caught("race"):
        choice = replace(choice, race=race_target(values.race) if values.race else None)
        if values.race and len(models) == 1:
            raise InputError(
                "One model has nobody to race against.",
                next_step="Choose two models at least, or call every model on every case.",
            )
    with problems.caught("budget"):
        usd = problems.number("budget", values.budget.strip().removeprefix("$"), 0.0)
        choice = replace(choice, budget_microcents=budget_microcents(usd if values.budget.strip() else None))
    with problems.caught("trials"):
        check_figures(choice)
    problems.raise_any()
    try:
        return select(source, choice, default_judge)
    except InputError as error:
        raise InvalidForm([error]) from error


def _models(values: RunFormValues, checker: ModelChecker, problems: Problems) -> tuple[ModelRef, ...]:
    found: dict[str, ModelRef] = {}
    for field, texts in (("models", values.models), ("other_models", values.other_models.splitlines())):
        for text in texts:
            if not text.strip():
                continue
            with problems.caught(field):
                ref = ModelRef.typed(text)
                found[ref.text] = ref
                checker.check(ref)
    if not found:
        problems.add("models", "No model is chosen.", "Choose one model at least; two make a comparison.")
    if len(found) > MOST_MODELS:
        problems.add("models", f"{len(found)} models are too many for one run.", f"Choose up to {MOST_MODELS}.")
    return tuple(found.values())


def _ad_hoc(pairs: Sequence[tuple[str, str]]) -> tuple[GoldenCase, ...]:
    filled = [(text, expected) for text, expected in pairs if text.strip() or expected.strip()]
    if not 1 <= len(filled) <= MOST_AD_HOC:
        raise InputError(
            f"{len(filled)} cases are typed in." if filled else "No case is typed in.",
            field="ad_hoc",
            next_step=f"Give 1 to {MOST_AD_HOC}, each with an input and the output that is expected.",
        )
    return ad_hoc_cases([text for text, _ in filled], [expected for _, expected in filled])


def _readable(texts: Sequence[str]) -> list[ModelRef]:
    models: list[ModelRef] = []
    for text in texts:
        try:
            models.append(ModelRef.parse(text))
        except InputError:
            # The form is shown with what was sent; reading it names what is wrong.
            continue
    return models


def _is_example(kept: KeptSkill) -> bool:
    source = kept.content.source
    try:
        return source is not None and Path(source).resolve().parent == demo.examples().resolve()
    except (SkillError, OSError, ValueError):
        return False
