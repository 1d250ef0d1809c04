"""A live judge on the pairs: every grade kept before it is used, taken up again where it stopped, within a budget."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from benchmarks.judge.ledger import Graded, Ledger, key_of
from benchmarks.judge.pairs import Pair, read_pairs, scores
from steelyard.bootstrap import home_of
from steelyard.domain.calls import CallError, Usage
from steelyard.domain.cases import GoldenCase
from steelyard.domain.models import ModelRef
from steelyard.domain.money import MICROCENTS_PER_USD, dollars
from steelyard.judging import Judge
from steelyard.judging.canaries import canaries_of, findings, for_canary
from steelyard.judging.protocol import DEFAULT_RUBRIC, shown_to_judge
from steelyard.pricing import cost
from steelyard.providers.limiter import CallSlots
from steelyard.providers.registry import Providers
from steelyard.providers.settings import load_settings

_AT_ONCE = 16


@dataclass(frozen=True)
class Task:
    """One output to be graded on a case."""

    case: GoldenCase
    output: str


@dataclass
class LiveJudge:
    """Grades tasks it has not graded yet, `_AT_ONCE` at a time, until the budget (microcents) is reached."""

    judge: Judge
    providers: Providers
    price: Callable[[Usage, ModelRef, date], int | None]
    ledger: Ledger
    budget: int | None

    async def grade(self, tasks: Sequence[Task]) -> None:
        left = iter({self.key(task): task for task in tasks if self.key(task) not in self.ledger.graded}.values())
        await asyncio.gather(*(self._serve(left) for _ in range(_AT_ONCE)))

    def key(self, task: Task) -> str:
        return key_of(self.judge.digest, task.case, task.output)

    def quality(self, task: Task) -> float | None:
        found = self.ledger.graded.get(self.key(task))
        return None if found is None else found.quality

    async def _serve(self, left: Iterator[Task]) -> None:
        for task in left:
            if self.budget is not None and self.ledger.spent_microcents >= self.budget:
                return
            when = datetime.now(UTC).date()
            try:
                grade = await self.judge.grade(self.providers, task.case, task.output, (), threshold=70.0)
            except CallError as error:
                self._keep(task, None, error.message, error.attempts, error.wasted, when)
                continue
            assert grade.judgement is not None
            judged = grade.judgement
            self._keep(task, judged.quality, ", ".join(judged.flags), judged.calls, judged.usage, when)

    def _keep(self, task: Task, quality: float | None, message: str, calls: int, usage: Usage, when: date) -> None:
        price = self.price(usage, self.judge.model, when)
        self.ledger.add(Graded(self.key(task), quality, message, calls, usage.input_tokens, usage.output_tokens, price))


async def judge_pairs(
    model: ModelRef, limit: int | None, budget_usd: float | None, max_tokens: int, path: Path
) -> list[str]:
    """Grade the pairs and the canaries; returns lines of Markdown. Raises SteelyardError where the model is unknown."""
    settings = load_settings(home_of(), os.environ)
    every = read_pairs()
    pairs = every[:limit]
    providers = Providers(settings, slots=CallSlots(_AT_ONCE))
    ledger = Ledger(path)
    try:
        providers.check(model)
        judge = Judge(model, providers.identity(model), max_tokens)

        def price(usage: Usage, of: ModelRef, when: date) -> int | None:
            found = cost(usage, of, when, settings.prices)
            return None if found is None else found.microcents

        budget = None if budget_usd is None else round(budget_usd * MICROCENTS_PER_USD)
        live = LiveJudge(judge, providers, price, ledger, budget)
        golden = [GoldenCase(pair.case.case_id, pair.input, pair.outputs[pair.better]) for pair in every[:3]]
        canaries = canaries_of(golden)
        asked = [Task(for_canary(golden[canary.case_index]), canary.output) for canary in canaries]
        both = [Task(pair.case, output) for pair in pairs for output in pair.outputs]
        await live.grade([*asked, *both])
        return [
            *_pairs(live, pairs),
            "",
            "Canaries of the first three pairs:",
            "",
            *(
                f"- {one.kind.value}: {one.sentence}; {'passed' if one.passed else 'not passed'}"
                for one in findings(canaries, _graded(live, asked))
            ),
        ]
    finally:
        ledger.close()
        await providers.aclose()


def same_prompts(judge: Judge, pairs: Sequence[Pair]) -> int:
    """Outputs whose prompt is byte for byte the same whichever of its pair is graded first, the random mark aside."""
    fixed = Judge(judge.model, judge.identity, judge.max_tokens, nonce=lambda text: "0" * 32)

    def prompts(pair: Pair, order: Sequence[int]) -> dict[int, str]:
        return {
            place: fixed.request(pair.case, DEFAULT_RUBRIC, shown_to_judge(pair.outputs[place], pair.input)).prompt
            for place in order
        }

    return sum(
        first[place] == second[place]
        for pair in pairs
        for first, second in [(prompts(pair, (0, 1)), prompts(pair, (1, 0)))]
        for place in (0, 1)
    )


def _pairs(live: LiveJudge, pairs: Sequence[Pair]) -> Iterator[str]:
    qualities = {
        (pair.subset, pair.index, place): quality
        for pair in pairs
        for place, output in enumerate(pair.outputs)
        if (quality := live.quality(Task(pair.case, output))) is not None
    }
    ledger, usage = live.ledger, live.ledger.usage
    unknown = any(one.cost_microcents is None for one in ledger.all)
    failed = 2 * len(pairs) - len(qualities)
    yield (
        f"{live.judge.model.text} on {len(pairs)} of 419 pairs ({datetime.now(UTC):%Y-%m-%d}, protocol digest"
        f" {live.judge.digest[:12]}):"
    )
    yield ""
    yield "| subset | pairs | right | tie | wrong | accuracy, a tie half right (95% interval) |"
    yield "|---|---|---|---|---|---|"
    for score in scores(pairs, qualities):
        if score.accuracy is None:
            continue
        known = score.low is not None and score.high is not None
        interval = f" ({100 * (score.low or 0):.0f}–{100 * (score.high or 0):.0f}%)" if known else ""
        yield (
            f"| {score.subset} | {score.n} | {score.right} | {score.ties} | {score.wrong} |"
            f" {100 * score.accuracy:.0f}%{interval} |"
        )
    yield ""
    same = same_prompts(live.judge, pairs)
    yield f"- Ties: {_share(sum(s.ties for s in scores(pairs, qualities)[:-1]), len(qualities) // 2)} of the pairs."
    yield (
        f"- Order: {same} of {2 * len(pairs)} prompts are byte for byte the same whichever output of the pair comes"
        " first, so that no order can move a grade."
    )
    why = "no reply in the form asked for, or the budget was reached"
    yield f"- Not graded: {failed} of {2 * len(pairs)} outputs ({why})."
    spent = dollars(ledger.spent_microcents)
    yield (
        f"- Took {sum(one.calls for one in ledger.all):,} calls, {usage.input_tokens:,} tokens in and"
        f" {usage.output_tokens:,} out, {'at least ' if unknown else ''}{spent}, canaries included."
    )


def _graded(live: LiveJudge, asked: Sequence[Task]) -> dict[int, float]:
    found = {place: live.quality(task) for place, task in enumerate(asked)}
    return {place: quality for place, quality in found.items() if quality is not None}


def _share(count: int, of: int) -> str:
    return f"{100 * count / of:.0f}%" if of else "none"
