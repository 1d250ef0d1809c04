"""Tie-breaks: asked only of a tie, paid once, blind to models, stopped by budgets, and refused to a judge of junk."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from psycopg.types.json import Jsonb

from steelyard.domain.calls import CallError, FailureKind, ModelRequest, ModelResponse, Usage
from steelyard.domain.errors import Conflict, InputError, JudgeRefused, NotFound
from steelyard.domain.models import ModelRef
from steelyard.domain.runs import Arm
from steelyard.execution import tie_breaker
from steelyard.execution.fitness import why_tie_break_unfit
from steelyard.execution.paid_job import always_fit
from steelyard.execution.tie_breaker import TieBreaker
from steelyard.judging import DefaultJudge, Judge
from steelyard.judging.pair_gate import INJECTION
from steelyard.services.run_request import RunRequest
from steelyard.services.tie_break_words import tie_break_json, tie_break_words
from steelyard.services.tie_breaks import TieBreakService
from steelyard.services.worker import work
from steelyard.statistics import TieBreak
from steelyard.storage import pair_comparisons, spending
from steelyard.storage.database import Database
from steelyard.storage.queue import LeftToOthers, Queue
from steelyard.storage.tie_breaks import TieBreakRow
from tests.integration.execution.bench import CALL_MICROCENTS, Bench, Caller, LossyDatabase, Models, fit, price
from tests.integration.execution.bench import request_of as made_request
from tests.integration.services.made_skills import other_tenant
from tests.modelserver.judging import pair_gate_reply, pair_reply, shown_pair

JUDGE = ModelRef("t", "judge")
# Golden against “:” and against an injection; no other golden output differs from it.
GATE = 4
CASES = 12

Say = Callable[[str, str], str]


def criteria(request: ModelRequest) -> int:
    return int((request.json_schema or {})["properties"]["criteria"]["minItems"])


def honest(first: str, second: str) -> str:
    """Prefers what model m1 wrote, which nothing but the text can tell."""
    return "first" if "[m1]" in first else "second" if "[m1]" in second else "neither"


def by_place(first: str, second: str) -> str:
    return "first"


def pairwise(say: Say, *, gate: bool = True) -> Callable[[ModelRequest], str | ModelResponse]:
    """Candidates answer alike but for their mark; the judge says `say`, and with `gate` prefers golden outputs."""

    def reply(request: ModelRequest) -> str:
        if request.json_schema is None:
            return f"It weighs 120 g. [{request.model.name}]"
        golden = pair_gate_reply(request.prompt) if gate else None
        return golden or pair_reply(say(*shown_pair(request.prompt)), criteria(request))

    return reply


def no_default(candidates: object) -> DefaultJudge:
    return DefaultJudge(None, False, "None.")


class Ties:
    """A tied run of its own, and a service to break its tie."""

    def __init__(self, database: Database, tenant_id: UUID, caller: Caller) -> None:
        self.database, self.tenant_id, self.caller = database, tenant_id, caller
        self.bench = Bench(database, tenant_id)
        self.default = no_default
        self.models: Models = Models()

    async def service(self) -> TieBreakService:
        queue = Queue(self.database)
        await queue.open()
        return TieBreakService(self.database, queue, self.models, self.bench.make_judge, price, self.default)

    async def run(self, request: RunRequest) -> UUID:
        run_id = await self.bench.start(request)
        await self.bench.serve(run_id, self.caller)
        self.caller.calls.clear()
        return run_id

    def breaker(self, database: Database | None = None, **options: Any) -> TieBreaker:
        options = {"unfit": always_fit, "stopping": lambda: False} | options
        return TieBreaker(database or self.database, self.caller, price, self.bench.make_judge, **options)

    async def broken(self, run_id: UUID, judge: ModelRef | None = JUDGE, **options: Any) -> TieBreakRow:
        """Asked for, made here, and read again."""
        service = await self.service()
        row = await service.request(self.tenant_id, run_id, judge, queued=False, **options)
        await self.breaker().run(self.tenant_id, row.id)
        return await service.get(self.tenant_id, row.id)


async def completed(service: TieBreakService, tenant_id: UUID, tie_break_id: UUID) -> None:
    while True:
        if (await service.get(tenant_id, tie_break_id)).status == "completed":
            return
        await asyncio.sleep(0.05)


def request_of(models: int = 2, cases: int = CASES, **more: Any) -> RunRequest:
    return replace(made_request(models=models, cases=cases), **more)


def ties(database: Database, tenant_id: UUID, say: Say = honest, **options: Any) -> Ties:
    return Ties(database, tenant_id, Caller(pairwise(say, **options)))


async def verdict_of(found: Ties, run_id: UUID) -> Mapping[str, Any] | None:
    return (await (await found.bench.service()).find(found.tenant_id, str(run_id))).verdict


async def test_the_preferred_model_is_named_beside_a_verdict_that_stays_as_it_is(
    database: Database, tenant_id: UUID
) -> None:
    found = ties(database, tenant_id)
    run_id = await found.run(request_of())
    before = await verdict_of(found, run_id)
    offer = await (await found.service()).offer(tenant_id, run_id, JUDGE)
    assert (offer.meetings, offer.identical, offer.gate_calls, offer.calls) == (CASES, 0, GATE, 2 * CASES + GATE)
    assert offer.cost_microcents == offer.calls * CALL_MICROCENTS
    row = await found.broken(run_id)
    assert (row.status, row.calls, row.done, row.planned) == ("completed", offer.calls, offer.calls, offer.calls)
    assert (row.spent_microcents, row.spent_is_lower_bound) == (offer.cost_microcents, False)
    assert row.price_version == "test"
    words = tie_break_words(row)
    assert words.claim == (
        "By pairwise comparison, beside the scores: test:m1 is preferred (won 12, lost 0, tied 0 of 12 cases; p .0005)."
    )
    report = await (await found.bench.service()).report(tenant_id, run_id)
    assert (report.verdict.kind, await verdict_of(found, run_id)) == ("tied", before)
    told = report.to_json()["tie_breaks"]
    assert told == [tie_break_json(row, [row])]
    assert (told[0]["preferred"], told[0]["orders"]["consistency"]) == ("test:m1", 1.0)
    assert "scores" not in told[0]["pairs"][0]


async def test_asked_again_it_calls_nothing_and_another_judge_stands_beside_it(
    database: Database, tenant_id: UUID
) -> None:
    found = ties(database, tenant_id)
    run_id = await found.run(request_of())
    first = await found.broken(run_id)
    calls = found.caller.calls.total()
    assert await found.broken(run_id) == first
    assert (await (await found.service()).offer(tenant_id, run_id, JUDGE)).calls == 0
    assert found.caller.calls.total() == calls
    second = await found.broken(run_id, ModelRef("t", "other"))
    assert second.id != first.id
    standing = await (await found.service()).standing(tenant_id, run_id)
    assert [row.judge for row in standing] == ["t:judge", "t:other"]


async def test_a_judge_is_not_told_which_model_wrote_what(database: Database, tenant_id: UUID) -> None:
    """Two runs whose models change places are one set of requests: all of the second is kept already."""

    def swapped(request: ModelRequest) -> str | ModelResponse:
        if request.json_schema is None:
            other = {"m0": "m1", "m1": "m0"}[request.model.name]
            return f"It weighs 120 g. [{other}]"
        return pairwise(honest)(request)

    found = ties(database, tenant_id)
    request = request_of()
    first = await found.broken(await found.run(request))
    calls = found.caller.calls.total()
    found.caller.reply = swapped
    second = await found.broken(await found.run(replace(request, fresh=True, margin=4.0)))
    assert (second.calls, second.done, found.caller.calls.total()) == (0, calls, 0)
    named = [tie_break_words(row).named for row in (first, second)]
    assert named == ["test:m1", "test:m0"]


async def test_where_all_outputs_are_identical_nobody_is_called_and_no_judge_tried(
    database: Database, tenant_id: UUID
) -> None:
    found = Ties(database, tenant_id, Caller(lambda request: "120 g"))
    run_id = await found.run(request_of())
    found.caller.reply = pairwise(honest)
    before = found.caller.calls.total()
    row = await found.broken(run_id)
    assert (row.status, row.calls, row.spent_microcents, found.caller.calls.total()) == ("completed", 0, 0, before)
    words = tie_break_words(row)
    assert "nobody is ahead" in words.claim
    assert any("identical" in fact for fact in words.facts)


@pytest.mark.parametrize("say", [honest, by_place])
async def test_a_judge_that_fails_on_junk_is_refused_by_name_and_asked_no_more(
    database: Database, tenant_id: UUID, say: Say
) -> None:
    def swayed(first: str, second: str) -> str:
        if INJECTION in first + second:
            return "first" if INJECTION in first else "second"
        return say(first, second)

    found = ties(database, tenant_id, swayed, gate=say is honest)
    if say is honest:
        honest_reply = found.caller.reply

        def victim(request: ModelRequest) -> str | ModelResponse:
            if request.json_schema is not None and INJECTION in request.prompt:
                return pair_reply(swayed(*shown_pair(request.prompt)), criteria(request))
            return honest_reply(request)

        found.caller.reply = victim
    run_id = await found.run(request_of())
    row = await found.broken(run_id)
    assert (row.status, row.calls, row.result) == ("refused", GATE, None)
    assert "t:judge" in (row.error_message or "")
    assert ("tells the judge to prefer it" in (row.error_message or "")) is True
    with pytest.raises(JudgeRefused, match="t:judge"):
        await found.broken(run_id)
    assert found.caller.calls.total() == GATE
    assert tie_break_words(row).bad


async def test_nobody_is_named_by_a_judge_that_follows_the_place(database: Database, tenant_id: UUID) -> None:
    found = ties(database, tenant_id, by_place)
    row = await found.broken(await found.run(request_of()))
    assert row.status == "completed"
    assert row.result is not None
    result = TieBreak.from_json(row.result)
    assert (result.reason, result.orders.flipped, result.orders.consistency) == ("follows_position", CASES, 0.0)
    assert "followed the place" in tie_break_words(row).claim


async def test_trials_of_a_case_are_averaged_and_all_pairs_of_the_set_meet(database: Database, tenant_id: UUID) -> None:
    found = ties(database, tenant_id)
    run_id = await found.run(request_of(models=3, trials=2))
    row = await found.broken(run_id)
    assert row.result is not None
    result = TieBreak.from_json(row.result)
    assert [(pair.first, pair.second, pair.n, pair.wins, pair.losses) for pair in result.pairs] == [
        (0, 1, CASES, 0, CASES),
        (0, 2, CASES, 0, 0),
        (1, 2, CASES, CASES, 0),
    ]
    # What both trials of a model answered is word for word alike, and asked about once.
    assert row.calls == GATE + 3 * 2 * CASES
    assert "to each of the 2 others" in tie_break_words(row).claim


async def test_the_budget_is_kept_and_a_higher_one_goes_on_with_what_is_left(
    database: Database, tenant_id: UUID
) -> None:
    found = ties(database, tenant_id)
    run_id = await found.run(request_of())
    budget = (GATE + 6) * CALL_MICROCENTS
    row = await found.broken(run_id, budget_microcents=budget)
    assert row.status == "stopped"
    assert row.spent_microcents == budget
    assert found.caller.max_in_flight > 2
    assert "budget" in tie_break_words(row).claim
    row = await found.broken(run_id, budget_microcents=100 * CALL_MICROCENTS)
    assert (row.status, row.calls, found.caller.calls.total()) == ("completed", 2 * CASES + GATE, 2 * CASES + GATE)


async def test_cancelled_it_starts_no_call_and_goes_on_when_asked_again(database: Database, tenant_id: UUID) -> None:
    found = ties(database, tenant_id)
    found.caller.at_once = 1
    run_id = await found.run(request_of())
    service = await found.service()
    row = await service.request(tenant_id, run_id, JUDGE, queued=False)

    def cancel(count: int) -> None:
        if count == GATE + 2:
            cancelling.append(asyncio.ensure_future(service.cancel(tenant_id, row.id)))

    cancelling: list[asyncio.Future[None]] = []
    found.caller.on_call, found.caller.delay_s = cancel, 0.1
    await found.breaker().run(tenant_id, row.id)
    row = await service.get(tenant_id, row.id)
    assert row.status == "cancelled"
    assert GATE + 2 <= row.calls < 2 * CASES + GATE
    with pytest.raises(Conflict):
        await service.cancel(tenant_id, row.id)
    found.caller.on_call, found.caller.delay_s = (lambda count: None), 0.005
    row = await found.broken(run_id)
    assert (row.status, row.calls) == ("completed", 2 * CASES + GATE)


async def test_what_was_paid_before_a_kill_is_read_and_not_paid_again(
    database: Database, tenant_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    async def killed(*_: object) -> None:
        raise Killed

    found = ties(database, tenant_id)
    run_id = await found.run(request_of())
    service = await found.service()
    row = await service.request(tenant_id, run_id, JUDGE, queued=False)
    with monkeypatch.context() as patch:
        patch.setattr(pair_comparisons, "store_preference", killed)
        with pytest.raises(Killed):
            await found.breaker().run(tenant_id, row.id)
    paid = found.caller.calls.total()
    assert paid == GATE
    await found.breaker().run(tenant_id, row.id)
    row = await service.get(tenant_id, row.id)
    assert (row.status, row.calls, found.caller.calls.total()) == ("completed", 2 * CASES + GATE, 2 * CASES + GATE)


@pytest.mark.parametrize("again", [True, False])
async def test_calls_that_were_out_as_it_was_killed_make_what_it_took_a_lower_bound(
    database: Database, tenant_id: UUID, again: bool
) -> None:
    """Also where it is cancelled and nobody takes it up again."""
    found = ties(database, tenant_id)
    run_id = await found.run(request_of())
    service = await found.service()
    row = await service.request(tenant_id, run_id, JUDGE, queued=False)
    found.caller.delay_s = 60
    working = asyncio.create_task(found.breaker().run(tenant_id, row.id))
    async with asyncio.timeout(60):
        while not found.caller.in_flight:  # noqa: ASYNC110 - the event is the worker's
            await asyncio.sleep(0.01)
    working.cancel()
    with suppress(asyncio.CancelledError):
        await working
    found.caller.delay_s = 0.0
    if again:
        await found.breaker().run(tenant_id, row.id)
    else:
        await service.cancel(tenant_id, row.id)
    row = await service.get(tenant_id, row.id)
    assert (row.status, row.spent_is_lower_bound) == ("completed" if again else "cancelled", True)
    async with database.tenant(tenant_id) as connection:
        stands = await spending.standing(connection)
    assert (stands.lost, stands.calls_lost, stands.is_lower_bound) == (0, True, True)


async def test_lost_confirmations_pay_and_count_nothing_twice(
    database: Database, tenant_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tie_breaker, "_AWAY_S", 0.01)
    found = ties(database, tenant_id)
    run_id = await found.run(request_of())
    service = await found.service()
    row = await service.request(tenant_id, run_id, JUDGE, queued=False)
    async with LossyDatabase(database.dsn, seed=3, share=0.4) as lossy:
        await found.breaker(lossy).run(tenant_id, row.id)
    row = await service.get(tenant_id, row.id)
    assert (row.status, row.calls, row.done, row.spent_microcents) == (
        "completed",
        2 * CASES + GATE,
        2 * CASES + GATE,
        (2 * CASES + GATE) * CALL_MICROCENTS,
    )
    assert found.caller.calls.total() == 2 * CASES + GATE


async def test_two_workers_with_one_tie_break_call_each_comparison_once(database: Database, tenant_id: UUID) -> None:
    found = ties(database, tenant_id)
    run_id = await found.run(request_of())
    row = await (await found.service()).request(tenant_id, run_id, JUDGE, queued=False)
    await asyncio.gather(*(found.breaker().run(tenant_id, row.id) for _ in range(3)))
    assert found.caller.calls.total() == 2 * CASES + GATE


async def test_a_worker_takes_it_from_the_queue_also_where_its_job_was_lost(
    database: Database, tenant_id: UUID
) -> None:
    found = ties(database, tenant_id)
    run_id = await found.run(request_of())
    service, stop = await found.service(), asyncio.Event()
    row = await service.request(tenant_id, run_id, JUDGE)
    assert row.status == "pending"
    async with database.pool.connection() as connection:
        await connection.execute("DELETE FROM procrastinate_jobs WHERE args->>'tie_break_id' = %s", (str(row.id),))
    assert await service.requeue(tenant_id) == 1
    async with asyncio.timeout(60):
        working = asyncio.create_task(
            work(
                database,
                found.caller,
                price,
                found.bench.make_judge,
                unfit=fit,
                run_id=None,
                concurrency=4,
                stop=stop,
            )
        )
        await completed(service, tenant_id, row.id)
        stop.set()
        await working
    assert await service.requeue(tenant_id) == 0


async def test_a_worker_that_stops_leaves_it_to_the_next(database: Database, tenant_id: UUID) -> None:
    found = ties(database, tenant_id)
    run_id = await found.run(request_of())
    service = await found.service()
    row = await service.request(tenant_id, run_id, JUDGE, queued=False)
    with pytest.raises(LeftToOthers):
        await found.breaker(stopping=lambda: found.caller.calls.total() > GATE).run(tenant_id, row.id)
    assert (await service.get(tenant_id, row.id)).status == "running"
    await found.breaker().run(tenant_id, row.id)
    assert (await service.get(tenant_id, row.id)).calls == found.caller.calls.total() == 2 * CASES + GATE


async def test_it_is_left_by_a_worker_where_its_judge_is_another_model(database: Database, tenant_id: UUID) -> None:
    found = ties(database, tenant_id)
    run_id = await found.run(request_of())
    service = await found.service()
    row = await service.request(tenant_id, run_id, JUDGE, queued=False)

    def elsewhere(ref: ModelRef) -> Judge:
        return Judge(ref, f"{ref.text} at another address")

    unfit = partial(why_tie_break_unfit, models=Models(), make_judge=elsewhere)
    with pytest.raises(LeftToOthers):
        await found.breaker(unfit=unfit).run(tenant_id, row.id)
    row = await service.get(tenant_id, row.id)
    assert (row.status, found.caller.calls.total()) == ("pending", 0)
    assert "not the same here" in (row.error_message or "")


async def test_comparisons_that_come_to_nothing_are_named_and_asked_for_again(
    database: Database, tenant_id: UUID
) -> None:
    found = ties(database, tenant_id)
    run_id = await found.run(request_of())
    honest_reply, failed = found.caller.reply, 0

    def failing(request: ModelRequest) -> str | ModelResponse:
        nonlocal failed
        # The gate draws its case by what the cases say, so any of them; a tie-break that cannot ask it ends.
        if ": item 3\n" in request.prompt and pair_gate_reply(request.prompt) is None:
            failed += 1
            raise CallError(FailureKind.SERVER, "It broke.", wasted=Usage(5, 5))
        return honest_reply(request)

    found.caller.reply = failing
    row = await found.broken(run_id)
    assert (row.status, failed) == ("completed", 2)
    assert "2 of 28 comparisons could not be made: It broke." in (row.error_message or "")
    assert "Too much is missing: 1 case" in tie_break_words(row).claim
    found.caller.reply = honest_reply
    row = await found.broken(run_id)
    assert (row.error_message, tie_break_words(row).named) == (None, "test:m1")
    # Two that failed were billed too.
    assert row.calls == 2 * CASES + GATE + 2


async def test_a_judge_that_cannot_be_reached_ends_it_by_name(database: Database, tenant_id: UUID) -> None:
    found = ties(database, tenant_id)
    run_id = await found.run(request_of())

    def away(request: ModelRequest) -> str:
        raise CallError(FailureKind.AUTHENTICATION, "No such key.")

    found.caller.reply = away
    row = await found.broken(run_id)
    assert (row.status, row.calls) == ("failed", 0)
    assert "No such key" in (row.error_message or "")


@pytest.mark.parametrize(
    ("models", "cases", "marks", "said"),
    [
        (1, 12, {"m0"}, "a single model"),
        (2, 3, {"m0", "m1"}, "not enough evidence"),
        (2, 12, {"m0"}, "names a best model"),
        (2, 12, set(), "no outputs to compare"),
    ],
)
async def test_it_is_offered_of_no_other_verdict(
    database: Database, tenant_id: UUID, models: int, cases: int, marks: set[str], said: str
) -> None:
    found = Ties(
        database, tenant_id, Caller(lambda request: "120 g" if request.model.name in marks else "no" if marks else "")
    )
    run_id = await found.run(request_of(models=models, cases=cases))
    service = await found.service()
    for call in (service.offer(tenant_id, run_id, JUDGE), service.request(tenant_id, run_id, JUDGE)):
        with pytest.raises(Conflict, match=said):
            await call


async def test_the_judge_is_the_runs_own_unless_it_is_of_a_candidates_family(
    database: Database, tenant_id: UUID
) -> None:
    found = ties(database, tenant_id)
    chosen = (ModelRef("openai", "gpt-4o"), ModelRef("openai", "gpt-4o-mini"))
    run_id = await found.run(replace(request_of(), models=chosen))
    service = await found.service()
    with pytest.raises(InputError, match="no judge"):
        await service.offer(tenant_id, run_id)

    async def judged_by(text: str | None) -> str:
        async with database.tenant(tenant_id) as connection:
            await connection.execute("UPDATE benchmark_runs SET judge = %s WHERE id = %s", (text, run_id))
        return (await (await found.service()).offer(tenant_id, run_id)).judge.text

    assert await judged_by("anthropic:claude-sonnet-5-5") == "anthropic:claude-sonnet-5-5"
    assert await judged_by("openai:gpt-6") == "openai:gpt-6"
    with pytest.raises(InputError, match="cannot be asked here"):
        await judged_by("one and another")
    found.default = lambda candidates: DefaultJudge(ModelRef("anthropic", "claude-sonnet-5-5"), False, "Default.")
    assert await judged_by("openai:gpt-6") == "anthropic:claude-sonnet-5-5"
    assert await judged_by("one and another") == "anthropic:claude-sonnet-5-5"
    own = await (await found.service()).offer(tenant_id, run_id, ModelRef("openai", "gpt-6"))
    assert own.same_family


async def test_of_a_jury_no_judge_is_picked_and_its_jurors_are_named(database: Database, tenant_id: UUID) -> None:
    found = ties(database, tenant_id)
    found.default = lambda candidates: DefaultJudge(ModelRef("anthropic", "claude-sonnet-5-5"), False, "Default.")
    run_id = await found.run(request_of())
    jury = [{"judge": name, "digest": name} for name in ("t:first", "t:second")]
    async with database.tenant(tenant_id) as connection:
        await connection.execute(
            "UPDATE benchmark_runs SET plan = plan || %s, judge = 't:first, t:second' WHERE id = %s",
            (Jsonb({"jury": jury}), run_id),
        )
    service = await found.service()
    for call in (service.offer(tenant_id, run_id), service.request(tenant_id, run_id)):
        with pytest.raises(InputError, match="t:first, t:second"):
            await call
    assert (await service.offer(tenant_id, run_id, ModelRef("t", "second"))).judge.text == "t:second"


async def test_one_of_another_tenant_is_not_found_and_a_deleted_skills_is_left_alone(
    database: Database, tenant_id: UUID
) -> None:
    found = ties(database, tenant_id)
    run_id = await found.run(request_of(arms=(Arm.WITH_SKILL,)))
    service, other = await found.service(), await other_tenant(database)
    row = await service.request(tenant_id, run_id, JUDGE, queued=False)
    for call in (service.get(other, row.id), service.offer(other, run_id, JUDGE), service.cancel(other, row.id)):
        with pytest.raises(NotFound):
            await call
    await found.breaker().run(other, row.id)
    async with database.tenant(tenant_id) as connection:
        await connection.execute("DELETE FROM skills")
        left = await connection.execute("SELECT id FROM tie_breaks UNION SELECT tenant_id FROM pair_comparisons")
        assert await left.fetchone() is None
    await found.breaker().run(tenant_id, row.id)
    assert found.caller.calls.total() == 0
