"""What a run will take before it is paid: calls, tokens, dollars, minutes, and the smallest lead it can show."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from uuid import UUID

from steelyard.domain.calls import Usage
from steelyard.domain.cases import GoldenCase
from steelyard.domain.models import ModelRef
from steelyard.domain.money import dollars
from steelyard.domain.races import RaceTarget
from steelyard.domain.runs import Arm
from steelyard.execution.plan import system_prompt
from steelyard.judging import Judge
from steelyard.pricing import Cost
from steelyard.services.benchmarks import BenchmarkService
from steelyard.services.examinations import ExaminationAhead, examination_ahead
from steelyard.services.run_request import RunRequest
from steelyard.statistics import FEWEST_CASES, alpha_for_look, detectable_lead, first_drop, misses_too_many
from steelyard.storage import spending
from steelyard.storage.database import Database
from steelyard.storage.figures import TypicalCall, typical_calls

CHARACTERS_PER_TOKEN = 4.0
TYPICAL_OUTPUT_TOKENS = 600
TYPICAL_LATENCY_S = 8.0
JUDGE_PROMPT_TOKENS = 700
JUDGE_TOKENS_PER_CRITERION = 90
DEFAULT_CRITERIA = 4

Pricer = Callable[[Usage, ModelRef, date], Cost | None]


@dataclass(frozen=True)
class ModelEstimate:
    """One model's share, both arms; `cost_microcents` is None where the price is unknown."""

    model: str
    calls: int
    tokens: int
    cost_microcents: int | None


@dataclass(frozen=True)
class Estimate:
    """What is to be expected. Money in microcents, `detectable_lead` in points of quality.

    `reused` cells have a paid answer already and cost nothing again. The cost is a lower bound when some price is
    unknown (`unpriced` names those models). `detectable_lead` is the true lead found with 80% power at the first
    look; None for one model, for so few cases that nothing is claimed, or where `no_verdict` says in a sentence why no
    verdict can come of the run. `assumptions` say in sentences what was guessed. `race` is its target: all figures are
    then those of the full grid, which it comes to at most, and on its own cases every lead counts.

    `judge_calls` are judgements; the judge's examination takes `canary_calls` more, and `judge_cost_microcents` is of
    both. `judge_fails` says in a sentence that the judge is known to fail it,
    `judge_unpriced` that a judge's price is unknown. `month_left_microcents` is what is left of the tenant's budget of
    this month, `most_for_a_run_microcents` what one run may cost; None without a limit.
    """

    planned: int
    reused: int
    calls: int
    judge_calls: int
    input_tokens: int
    output_tokens: int
    cost_microcents: int
    judge_cost_microcents: int
    cost_is_lower_bound: bool
    unpriced: tuple[str, ...]
    minutes: float
    n_cases: int
    detectable_lead: float | None
    no_verdict: str | None
    race: RaceTarget | None
    per_model: tuple[ModelEstimate, ...]
    assumptions: tuple[str, ...]
    canary_calls: int = 0
    canary_cost_microcents: int = 0
    judge_unpriced: bool = False
    judge_fails: str | None = None
    month_left_microcents: int | None = None
    most_for_a_run_microcents: int | None = None


class Estimator:
    """Estimates from what this tenant has measured before, else from stated guesses."""

    def __init__(
        self,
        database: Database,
        benchmarks: BenchmarkService,
        price: Pricer,
        make_judge: Callable[[ModelRef], Judge],
    ) -> None:
        self._database = database
        self._benchmarks = benchmarks
        self._price = price
        self._make_judge = make_judge

    async def estimate(self, tenant_id: UUID, request: RunRequest, *, concurrency: int) -> Estimate:
        """Keeps nothing. Raises what `BenchmarkService.paid` raises."""
        paid = await self._benchmarks.paid(tenant_id, request)
        async with self._database.tenant(tenant_id) as connection:
            seen = await typical_calls(connection, [model.text for model in request.models])
            month = await spending.standing(connection)
            ahead = [await examination_ahead(connection, request, self._make_judge(one)) for one in request.judges]
        judgements = await self._benchmarks.judgements_ahead(tenant_id, request)
        estimate = work_out_estimate(
            request,
            paid=paid,
            seen=seen,
            price=self._price,
            concurrency=concurrency,
            today=datetime.now(UTC).date(),
            ahead=ahead,
            judgements=judgements,
        )
        return replace(
            estimate, month_left_microcents=month.left, most_for_a_run_microcents=month.budget.run_microcents
        )


def budget_warnings(estimate: Estimate) -> list[str]:
    """What of the tenant's limits speaks against it, in sentences."""
    said: list[str] = []
    left, most = estimate.month_left_microcents, estimate.most_for_a_run_microcents
    may = "may" if estimate.race is not None else "will"
    if most is not None and estimate.cost_microcents > most:
        said.append(f"One run has a budget of {dollars(most)} at most here: that {may} stop it before its end.")
    if left is not None and estimate.cost_microcents > left:
        said.append(f"{dollars(left)} is left of this month's budget: that {may} stop it before its end.")
    return said


def work_out_estimate(
    request: RunRequest,
    *,
    paid: Sequence[int],
    seen: Mapping[str, TypicalCall],
    price: Pricer,
    concurrency: int,
    today: date,
    ahead: Sequence[ExaminationAhead] = (),
    judgements: Sequence[int] | None = None,
) -> Estimate:
    """The estimate of a request of which `paid` cells of each model are paid for. Pure.

    `ahead` is what each judge's examination still takes, nothing where it is left out; `judgements` how many answers
    each has yet to grade, those of the calls where it is left out.

    Tokens are characters / 4 of what is sent; output tokens and latency are those seen of the model, else typical.
    """
    cases, arms = request.cases, request.arms
    per_model_cells = len(cases) * len(arms) * request.trials
    planned = per_model_cells * len(request.models)
    system = {arm: _tokens(system_prompt(arm, request.content.prompt)) for arm in arms}
    sent = request.trials * sum(_tokens(case.prompt) + system[arm] for case in cases for arm in arms)
    rows: list[ModelEstimate] = []
    seconds: list[float] = []
    total_in = total_out = total_cost = 0
    unpriced: list[str] = []
    guessed: list[str] = []
    for model, done in zip(request.models, paid, strict=True):
        known = seen.get(model.text)
        told = known.output_tokens if known else None
        output = min(request.max_tokens, TYPICAL_OUTPUT_TOKENS if told is None else round(told))
        calls = per_model_cells - done
        used_in, used_out = round(sent * calls / per_model_cells), output * calls
        if known is None and calls:
            guessed.append(model.text)
        cost = _cost(price, Usage(used_in, used_out), calls, model, today)
        if cost is None:
            unpriced.append(model.text)
        rows.append(ModelEstimate(model.text, calls, used_in + used_out, cost))
        total_in, total_out, total_cost = total_in + used_in, total_out + used_out, total_cost + (cost or 0)
        latency_s = known.latency_ms / 1000 if known else TYPICAL_LATENCY_S * output / TYPICAL_OUTPUT_TOKENS
        at_once = 1 if model.provider == "local" else concurrency
        seconds.append(calls * latency_s / at_once)
    judged = [case for case in cases if case.needs_judge] if request.judge else []
    calls = sum(row.calls for row in rows)
    each = round(calls * len(judged) / len(cases)) if cases else 0
    asked = _Asked(price, today, total_out / max(1, calls) if calls else TYPICAL_OUTPUT_TOKENS)
    for place, judge in enumerate(request.judges):
        number = each if judgements is None else judgements[place]
        asked.judge(judge, number, judged, len(request.rubric))
        if ahead:
            asked.examine(judge, [(cases[one.case_index], one.output) for one in ahead[place].ungraded])
    unpriced += [name for name in asked.unpriced if name not in unpriced]
    total_in, total_out = total_in + asked.tokens_in, total_out + asked.tokens_out
    seconds.append((asked.calls + asked.canaries) * TYPICAL_LATENCY_S / concurrency)
    no_verdict = why_no_verdict(cases, request.judge)
    comparable = no_verdict is None and len(request.models) > 1 and len(cases) >= FEWEST_CASES
    # A race has half of its look's share left for what it claims at its end.
    share = alpha_for_look(1) / (1 if request.race is None else 2)
    lead = detectable_lead(len(cases), alpha=share) if comparable and request.race != "set" else None
    return Estimate(
        planned=planned,
        reused=sum(paid),
        calls=calls,
        judge_calls=asked.calls,
        input_tokens=total_in,
        output_tokens=total_out,
        cost_microcents=total_cost + asked.cost,
        judge_cost_microcents=asked.cost,
        cost_is_lower_bound=bool(unpriced),
        unpriced=tuple(unpriced),
        minutes=sum(seconds) / 60,
        n_cases=len(cases),
        detectable_lead=lead,
        no_verdict=no_verdict,
        race=request.race,
        per_model=tuple(rows),
        assumptions=_assumptions(
            guessed,
            min(request.max_tokens, TYPICAL_OUTPUT_TOKENS),
            asked.calls + asked.canaries,
            Arm.WITH_SKILL in arms and bool(request.content.cut),
        ),
        canary_calls=asked.canaries,
        canary_cost_microcents=asked.canary_cost,
        judge_unpriced=bool(asked.unpriced),
        judge_fails=_judge_fails(request, ahead),
    )


def race_sentence(target: RaceTarget, n_cases: int) -> str:
    """What a race on so many cases does, and when it can save calls at the earliest."""
    first = first_drop(n_cases)
    if first is None:
        return (
            f"A race saves nothing on {n_cases:,} {'case' if n_cases == 1 else 'cases'}: no model is dropped before 8,"
            " and all are called by then."
            if n_cases <= FEWEST_CASES
            else f"A race saves nothing on {n_cases:,} cases: its first look is after them all."
        )
    best = "on these very cases" if target == "set" else "on cases like these"
    return (
        f"A race for the best {best}: from the {first}th case on, a model shown not to be the best is called no more."
        " What it takes is at most what is said here, and less the further the models are apart."
    )


@dataclass
class _Asked:
    """Adds up what all judges are asked. `mean_out`: tokens of a candidate's answer."""

    price: Pricer
    today: date
    mean_out: float
    calls: int = 0
    canaries: int = 0
    cost: int = 0
    canary_cost: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    unpriced: list[str] = field(default_factory=list[str])

    def judge(self, judge: ModelRef, number: int, judged: Sequence[GoldenCase], rubric: int) -> None:
        """So many answers to these cases, on their assertions or a rubric of so many criteria."""
        if not number or not judged:
            return
        criteria = sum(len(case.assertions) or rubric or DEFAULT_CRITERIA for case in judged) / len(judged)
        mean_in = sum(_tokens(case.prompt) + _tokens(case.expected) for case in judged) / len(judged)
        used_in = round(number * (JUDGE_PROMPT_TOKENS + mean_in + self.mean_out))
        self.calls += number
        self._pay(judge, number, used_in, round(number * JUDGE_TOKENS_PER_CRITERION * (criteria + 1)))

    def examine(self, judge: ModelRef, shown: Sequence[tuple[GoldenCase, str]]) -> None:
        """These outputs, each of a canary on its case."""
        if not shown:
            return
        texts = [(case.prompt, case.expected, output) for case, output in shown]
        used_in = sum(JUDGE_PROMPT_TOKENS + sum(map(_tokens, text)) for text in texts)
        self.canaries += len(shown)
        used_out = len(shown) * JUDGE_TOKENS_PER_CRITERION * (DEFAULT_CRITERIA + 1)
        self.canary_cost += self._pay(judge, len(shown), used_in, used_out)

    def _pay(self, judge: ModelRef, number: int, used_in: int, used_out: int) -> int:
        cost = _cost(self.price, Usage(used_in, used_out), number, judge, self.today)
        if cost is None and judge.text not in self.unpriced:
            self.unpriced.append(judge.text)
        self.cost += cost or 0
        self.tokens_in += used_in
        self.tokens_out += used_out
        return cost or 0


def _judge_fails(request: RunRequest, ahead: Sequence[ExaminationAhead]) -> str | None:
    known = [(judge, one.known_to_fail) for judge, one in zip(request.judges, ahead, strict=False) if one.known_to_fail]
    if not known:
        return None
    fate = (
        "It is accepted all the same, and every report says so."
        if request.accept_judge
        else "The run will stop before a call: name another judge, or accept this one."
    )
    said = " ".join(f"The judge {judge.text} failed its examination: {why}." for judge, why in known)
    return f"{said} {fate}"


def why_no_verdict(cases: Sequence[GoldenCase], judge: ModelRef | None) -> str | None:
    """A sentence when so many cases cannot be graded that every model will be left out of the verdict; else None."""
    ungradable = 0 if judge is not None else sum(case.needs_judge for case in cases)
    if not misses_too_many(ungradable, len(cases)):
        return None
    need = "needs" if ungradable == 1 else "need"
    return (
        f"No verdict can come of this: {ungradable:,} of {len(cases):,} {'case' if len(cases) == 1 else 'cases'} {need}"
        " a judge, and none is chosen."
    )


def _assumptions(guessed: list[str], most: int, judge_calls: int, cut: bool) -> tuple[str, ...]:
    said = [f"Input tokens are guessed at one for {CHARACTERS_PER_TOKEN:.0f} characters."]
    if guessed:
        said.append(
            f"Not run here before, so {most:,} output tokens and"
            f" {TYPICAL_LATENCY_S * most / TYPICAL_OUTPUT_TOKENS:.1f} s a call are assumed: {', '.join(guessed)}."
        )
    if judge_calls:
        said.append(f"A judgement is taken to be {JUDGE_TOKENS_PER_CRITERION} output tokens for each criterion.")
    if cut:
        said.append("The skill's references are longer than the limit and are sent cut.")
    return tuple(said)


def _cost(price: Pricer, usage: Usage, calls: int, model: ModelRef, today: date) -> int | None:
    """The cost of `calls` equal calls, so that price tiers by the length of a prompt apply to each."""
    if not calls:
        return 0
    each = price(Usage(round(usage.input_tokens / calls), round(usage.output_tokens / calls)), model, today)
    return None if each is None else each.microcents * calls


def _tokens(text: str) -> int:
    return math.ceil(len(text) / CHARACTERS_PER_TOKEN)
