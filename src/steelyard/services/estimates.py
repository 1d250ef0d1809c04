"""What a run will take before it is paid: calls, tokens, dollars, minutes, and the smallest lead it can show."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from uuid import UUID

from steelyard.domain.calls import Usage
from steelyard.domain.cases import GoldenCase
from steelyard.domain.models import ModelRef
from steelyard.domain.races import RaceTarget
from steelyard.domain.runs import Arm
from steelyard.execution.plan import system_prompt
from steelyard.judging import Judge
from steelyard.pricing import Cost
from steelyard.services.benchmarks import BenchmarkService, RunRequest
from steelyard.services.examinations import ExaminationAhead, examination_ahead
from steelyard.statistics import FEWEST_CASES, alpha_for_look, detectable_lead, first_drop, misses_too_many
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
    both. `judge_fails` says in a sentence that the judge is known to fail it.
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
    judge_fails: str | None = None


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
        reuse = await self._benchmarks.reuse(tenant_id, request)
        async with self._database.tenant(tenant_id) as connection:
            seen = await typical_calls(connection, [model.text for model in request.models])
            judge = None if request.judge is None else self._make_judge(request.judge)
            ahead = await examination_ahead(connection, request, judge)
        return work_out_estimate(
            request,
            paid=reuse.paid,
            to_judge=reuse.to_judge,
            seen=seen,
            price=self._price,
            concurrency=concurrency,
            today=datetime.now(UTC).date(),
            ahead=ahead,
        )


def work_out_estimate(
    request: RunRequest,
    *,
    paid: Sequence[int],
    seen: Mapping[str, TypicalCall],
    price: Pricer,
    concurrency: int,
    today: date,
    ahead: ExaminationAhead | None = None,
    to_judge: int | None = None,
) -> Estimate:
    """The estimate of a request of which `paid` cells of each model are paid for. Pure.

    `ahead` is what the judge's examination still takes, nothing where it is left out. `to_judge` cells are to be graded
    by the judge; where it is not known, in proportion to the calls.

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
    judge_calls = round(calls * len(judged) / len(cases)) if cases and to_judge is None else to_judge or 0
    judge_cost = 0
    if request.judge is not None and judge_calls and judged:
        criteria = sum(len(case.assertions) or len(request.rubric) or DEFAULT_CRITERIA for case in judged) / len(judged)
        mean_in = sum(_tokens(case.prompt) + _tokens(case.expected) for case in judged) / len(judged)
        mean_out = total_out / calls if calls else TYPICAL_OUTPUT_TOKENS
        judge_in = round(judge_calls * (JUDGE_PROMPT_TOKENS + mean_in + mean_out))
        judge_out = round(judge_calls * JUDGE_TOKENS_PER_CRITERION * (criteria + 1))
        cost = _cost(price, Usage(judge_in, judge_out), judge_calls, request.judge, today)
        if cost is None:
            unpriced.append(request.judge.text)
        judge_cost = cost or 0
        total_in, total_out = total_in + judge_in, total_out + judge_out
        seconds.append(judge_calls * TYPICAL_LATENCY_S / concurrency)
    canary_cost = 0
    ungraded = () if ahead is None else ahead.ungraded
    if request.judge is not None and ungraded:
        texts = [(cases[one.case_index].prompt, cases[one.case_index].expected, one.output) for one in ungraded]
        canary_in = sum(JUDGE_PROMPT_TOKENS + sum(map(_tokens, text)) for text in texts)
        canary_out = len(ungraded) * JUDGE_TOKENS_PER_CRITERION * (DEFAULT_CRITERIA + 1)
        cost = _cost(price, Usage(canary_in, canary_out), len(ungraded), request.judge, today)
        if cost is None and request.judge.text not in unpriced:
            unpriced.append(request.judge.text)
        canary_cost = cost or 0
        judge_cost += canary_cost
        total_in, total_out = total_in + canary_in, total_out + canary_out
        seconds.append(len(ungraded) * TYPICAL_LATENCY_S / concurrency)
    no_verdict = why_no_verdict(cases, request.judge)
    comparable = no_verdict is None and len(request.models) > 1 and len(cases) >= FEWEST_CASES
    # A race has half of its look's share left for what it claims at its end.
    share = alpha_for_look(1) / (1 if request.race is None else 2)
    lead = detectable_lead(len(cases), alpha=share) if comparable and request.race != "set" else None
    return Estimate(
        planned=planned,
        reused=sum(paid),
        calls=calls,
        judge_calls=judge_calls,
        input_tokens=total_in,
        output_tokens=total_out,
        cost_microcents=total_cost + judge_cost,
        judge_cost_microcents=judge_cost,
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
            judge_calls + len(ungraded),
            Arm.WITH_SKILL in arms and bool(request.content.cut),
        ),
        canary_calls=len(ungraded),
        canary_cost_microcents=canary_cost,
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


def _judge_fails(request: RunRequest, ahead: ExaminationAhead | None) -> str | None:
    if request.judge is None or ahead is None or ahead.known_to_fail is None:
        return None
    fate = (
        "It is accepted all the same, and every report says so."
        if request.accept_judge
        else "The run will stop before a call: name another judge, or accept this one."
    )
    return f"The judge {request.judge.text} failed its examination: {ahead.known_to_fail}. {fate}"


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
