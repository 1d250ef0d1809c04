"""Breaking the tie of a finished run by pairwise comparison: what it would take, asking for it, and what came of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from uuid import UUID

from steelyard.domain.calls import Usage
from steelyard.domain.errors import Conflict, InputError, JudgeRefused, SteelyardError
from steelyard.domain.models import ModelRef
from steelyard.domain.runs import RunStatus
from steelyard.domain.tie_breaks import TieBreakStatus
from steelyard.execution.fitness import KnownModels
from steelyard.execution.plan import Plan
from steelyard.execution.scores import compared_arm
from steelyard.execution.tied import read_meetings, tied_models
from steelyard.judging import DefaultJudge, Judge
from steelyard.judging.pair_protocol import SYSTEM
from steelyard.judging.pairs import Duel, PairJudge
from steelyard.pricing import Cost
from steelyard.services.estimates import CHARACTERS_PER_TOKEN, JUDGE_TOKENS_PER_CRITERION
from steelyard.services.tie_break_words import favours
from steelyard.services.waits import with_wait, with_waits
from steelyard.storage import pair_comparisons, runs, tie_breaks
from steelyard.storage.database import Connection, Database
from steelyard.storage.once import bind
from steelyard.storage.queue import Queue
from steelyard.storage.runs import RunRow
from steelyard.storage.served import TIE_BREAKS
from steelyard.storage.tie_breaks import TieBreakRow

_FRAME_CHARACTERS = 600
_OWN = " It is of a tied model's own family, and may favour it; name another judge where you can."

Pricer = Callable[[Usage, ModelRef, date], Cost | None]


@dataclass(frozen=True)
class TieBreakOffer:
    """What breaking a run's tie would take. Money in microcents, None where the judge's price is not known.

    `meetings` are pairs of outputs, `identical` of them the same text and so ties without a call; each other one takes
    two calls, one an order. `calls` are those still to be made, the gate's among them; `paid` are kept already.
    `judge_sentence` says which judge and why, `same_family` that it may favour one of its own.
    """

    run: RunRow
    models: tuple[str, ...]
    judge: ModelRef
    judge_digest: str
    judge_sentence: str
    same_family: bool
    cases: int
    meetings: int
    identical: int
    gate_calls: int
    calls: int
    paid: int
    input_tokens: int
    output_tokens: int
    cost_microcents: int | None


class TieBreakService:
    """Use cases on tie-breaks, for one tenant at a time."""

    def __init__(
        self,
        database: Database,
        queue: Queue,
        models: KnownModels,
        make_judge: Callable[[ModelRef], Judge],
        price: Pricer,
        default_judge: Callable[[Iterable[ModelRef]], DefaultJudge],
    ) -> None:
        self._database = database
        self._queue = queue
        self._models = models
        self._make_judge = make_judge
        self._price = price
        self._default_judge = default_judge

    async def offer(self, tenant_id: UUID, run_id: UUID, judge: ModelRef | None = None) -> TieBreakOffer:
        """What it would take. Keeps nothing.

        Raises NotFound, Conflict where the run has no tie to break, and InputError and its kin where no judge can be
        asked.
        """
        async with self._database.tenant(tenant_id) as connection:
            run = await runs.get_run(connection, run_id)
            models = await _tied(connection, run)
            ref, sentence = self._choose(run, models, judge)
            tied = await read_meetings(connection, run, models)
            digest = self._digest(ref)
            rows = await pair_comparisons.pair_rows(connection, run.skill_id, digest, list(tied.duels))
        left = [duel for key, duel in tied.duels.items() if key not in rows or rows[key].preference is None]
        usage = _expected(left)
        return TieBreakOffer(
            run=run,
            models=models,
            judge=ref,
            judge_digest=digest,
            judge_sentence=sentence,
            same_family=favours(ref.text, models),
            cases=tied.cases,
            meetings=len(tied.meetings),
            identical=tied.identical,
            gate_calls=len(tied.gate_digests),
            calls=len(left),
            paid=len(tied.duels) - len(left),
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            cost_microcents=self._cost(usage, len(left), ref),
        )

    async def request(
        self,
        tenant_id: UUID,
        run_id: UUID,
        judge: ModelRef | None = None,
        *,
        budget_microcents: int | None = None,
        requested_by: str | None = None,
        queued: bool = True,
    ) -> TieBreakRow:
        """Ask for it; one judge breaks a run's tie once, and what is left of it goes on when it is asked for again.

        Without `queued` the caller makes it itself. Raises what `offer` raises, and JudgeRefused where this judge was
        found unfit.
        """
        async with self._database.tenant(tenant_id) as connection:
            run = await runs.lock_run(connection, run_id)
            models = await _tied(connection, run)
            ref, _ = self._choose(run, models, judge)
            digest = self._digest(ref)
            earlier = await _earlier(connection, run_id, digest)
            if earlier is not None and earlier.status == TieBreakStatus.REFUSED:
                raise refused(earlier)
            if earlier is None:
                tie_break_id = await tie_breaks.insert_tie_break(
                    connection,
                    tenant_id,
                    run_id=run_id,
                    models=models,
                    judge=ref.text,
                    judge_digest=digest,
                    budget_microcents=budget_microcents,
                    requested_by=requested_by,
                )
            else:
                tie_break_id = earlier.id
                if _is_whole(earlier):
                    await bind(connection, tie_break_id)
                    return earlier
                await tie_breaks.reopen_tie_break(connection, earlier.id, budget_microcents)
            await bind(connection, tie_break_id)
            row = await with_wait(connection, TIE_BREAKS, await tie_breaks.get_tie_break(connection, tie_break_id))
        if queued:
            await self._queue.defer_tie_break(tenant_id, tie_break_id)
        return row

    async def get(self, tenant_id: UUID, tie_break_id: UUID) -> TieBreakRow:
        """One tie-break as it stands. Raises NotFound."""
        async with self._database.tenant(tenant_id) as connection:
            return await with_wait(connection, TIE_BREAKS, await tie_breaks.get_tie_break(connection, tie_break_id))

    async def standing(self, tenant_id: UUID, run_id: UUID) -> Sequence[TieBreakRow]:
        """Those of the run as it ended last, the first asked for first."""
        async with self._database.tenant(tenant_id) as connection:
            rows = await tie_breaks.standing_tie_breaks(connection, run_id)
            return await with_waits(connection, TIE_BREAKS, rows)

    async def cancel(self, tenant_id: UUID, tie_break_id: UUID) -> None:
        """Start no further call of it; what is out is kept. Raises NotFound, and Conflict where it has ended."""
        async with self._database.tenant(tenant_id) as connection:
            row = await tie_breaks.get_tie_break(connection, tie_break_id)
            message = "Cancelled. What was compared is kept, and not paid again when it goes on."
            if not await tie_breaks.end_tie_break(connection, row.id, TieBreakStatus.CANCELLED, message=message):
                raise Conflict(f"The tie-break is {row.status} already.")

    async def hand_on(self, tenant_id: UUID, tie_break_id: UUID) -> None:
        """Queue one that whoever asked for it was to make and cannot: a worker that can goes on with it."""
        await self._queue.defer_tie_break(tenant_id, tie_break_id)

    async def requeue(self, tenant_id: UUID) -> int:
        """Queue again what no worker may have in hand any more; returns how many have not ended."""
        async with self._database.tenant(tenant_id) as connection:
            unfinished = await tie_breaks.unfinished_tie_breaks(connection)
        for tie_break_id in unfinished:
            await self._queue.defer_tie_break(tenant_id, tie_break_id)
        return len(unfinished)

    def _digest(self, judge: ModelRef) -> str:
        return PairJudge.like(self._make_judge(judge)).digest

    def _choose(self, run: RunRow, tied: Sequence[str], judge: ModelRef | None) -> tuple[ModelRef, str]:
        """The judge named, else the run's own unless it is of a tied model's family and another is at hand.

        Of a jury's judges none is taken by itself: it has to be named.
        """
        if judge is not None:
            self._models.check(judge)
            return judge, f"Judge: {judge.text}.{_OWN if favours(judge.text, tied) else ''}"
        jurors = [one["judge"] for one in run.plan.get("jury", ())]
        if jurors:
            raise InputError(
                f"The run had a jury, and one judge breaks a tie: it is to be named. Its jurors: {', '.join(jurors)}.",
                field="judge",
                next_step=f"Name one of them, or another judge: `--judge {jurors[0]}`.",
            )
        own = self._usable(run.judge)
        if own is not None and not favours(own.text, tied):
            return own, f"Judge: {own.text}, which judged the run."
        default = self._default_judge([ModelRef.parse(name) for name in tied]).ref
        other = None if default is None else self._usable(default.text)
        if other is not None and (own is None or not favours(other.text, tied)):
            why = "" if own is None else f", as {own.text}, which judged the run, is of a tied model's family"
            return other, f"Judge: {other.text} (the default){why}."
        if own is not None:
            return own, f"Judge: {own.text}, which judged the run.{_OWN}"
        named = "The run had no judge" if run.judge is None else f"The run's judge, {run.judge}, cannot be asked here"
        raise InputError(
            f"{named}, and there is no other by default.",
            field="judge",
            next_step="Name the judge to compare the outputs as provider:name (`--judge`).",
        )

    def _usable(self, text: str | None) -> ModelRef | None:
        if text is None:
            return None
        try:
            ref = ModelRef.parse(text)
            self._models.check(ref)
        except SteelyardError:
            return None
        return ref

    def _cost(self, usage: Usage, calls: int, judge: ModelRef) -> int | None:
        if not calls:
            return 0
        each = Usage(round(usage.input_tokens / calls), round(usage.output_tokens / calls))
        cost = self._price(each, judge, datetime.now(UTC).date())
        return None if cost is None else cost.microcents * calls


def why_no_tie(run: RunRow) -> str | None:
    """Why there is no tie to break in this run, in a sentence; None where there is one."""
    short = f"Run {str(run.id)[:8]}"
    if run.status in (RunStatus.PENDING, RunStatus.RUNNING):
        return f"{short} is {run.status}: whether its models are tied is known when it has ended."
    if run.verdict is None:
        return f"{short} ended without a verdict, so there is no tie to break."
    match run.verdict["statistics"]["kind"]:
        case "best":
            return f"{short} names a best model: there is no tie to break."
        case "single":
            return f"{short} has a single model: there is nothing to compare it with."
        case "not_enough":
            return (
                f"{short} has not enough evidence for a verdict, and a tie is one. Only models that the scores were"
                " enough to compare, and could not tell apart, are compared pair by pair."
            )
        case _ if len(tied_models(run)) < 2:
            return f"{short} has one model alone in its tied set: there is no pair to compare."
        case _:
            return None


def refused(row: TieBreakRow) -> JudgeRefused:
    """The error of a tie-break whose judge may not compare."""
    return JudgeRefused(
        row.error_message or f"The judge {row.judge} may not compare.",
        kept="What it replied is kept, and the run's verdict is as it was.",
        next_step="Name another judge (`--judge`).",
    )


async def _tied(connection: Connection, run: RunRow) -> tuple[str, ...]:
    why, models = why_no_tie(run), tied_models(run)
    if why is None and not await pair_comparisons.any_meet(
        connection, run.id, compared_arm(Plan.from_json(run.plan)).value, models
    ):
        why = f"Run {str(run.id)[:8]} has no outputs to compare: on no case did two of its tied models answer."
    if why is not None:
        raise Conflict(why, kept="Nothing was called.")
    return models


async def _earlier(connection: Connection, run_id: UUID, digest: str) -> TieBreakRow | None:
    standing = await tie_breaks.standing_tie_breaks(connection, run_id)
    return next((row for row in standing if row.judge_digest == digest), None)


def _is_whole(row: TieBreakRow) -> bool:
    """Whether nothing is left to do: it has its result of every comparison, or some worker is at it."""
    return row.status == TieBreakStatus.COMPLETED and row.error_message is None


def _expected(duels: Sequence[Duel]) -> Usage:
    """Guessed as of judgements: one token for four characters sent, and a sentence for each criterion."""
    sent = sum(
        len(SYSTEM)
        + _FRAME_CHARACTERS
        + len(one.prompt)
        + len(one.expected)
        + sum(map(len, one.criteria))
        + len(one.first)
        + len(one.second)
        for one in duels
    )
    replied = sum(JUDGE_TOKENS_PER_CRITERION * (len(one.criteria) + 1) for one in duels)
    return Usage(math.ceil(sent / CHARACTERS_PER_TOKEN), replied)
