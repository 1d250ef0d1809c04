"""Scheduled checks: what is new is told once, signed, and again when it comes back; and again after a kill."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from steelyard.domain.calls import ModelResponse, Usage
from steelyard.domain.errors import InputError
from steelyard.domain.notices import RETRY_AFTER_S, CheckTimes, NoticeSettings, SmtpServer
from steelyard.domain.reach import ANYWHERE
from steelyard.domain.stale_causes import CauseKind
from steelyard.services.deliveries import LEASE_S, Deliveries
from steelyard.services.estimates import Estimator
from steelyard.services.mail_limits import MailLimits
from steelyard.services.notices import NoticeService
from steelyard.services.rebenchmarks import Rebenchmarks
from steelyard.services.schedule import Schedule
from steelyard.services.scheduled_check import CheckResult, ScheduledCheck
from steelyard.services.secret_keeping import SecretKeeping
from steelyard.services.stale_check import StaleChecks
from steelyard.services.stale_watch import StaleWatch
from steelyard.services.worker import work
from steelyard.storage import audit, deliveries, schedule, scheduled_runs
from steelyard.storage.database import Database
from steelyard.vault.ring import KeyRing
from tests.integration.execution.bench import fit
from tests.integration.services.made import Made, asks, checked, content
from tests.integration.services.receivers import PASSWORD, Hook, Post, hook_server, mail_server
from tests.integration.services.test_staleness import World

RING = KeyRing([bytes(range(32))])


@dataclass
class Told:
    """One process that checks and tells, in a world whose days pass as they are set."""

    world: World
    settings: NoticeSettings
    check: ScheduledCheck
    sending: Deliveries
    notices: NoticeService
    rebenchmarks: Rebenchmarks
    schedule: Schedule

    @property
    def tenant_id(self) -> UUID:
        return self.world.made.tenant_id

    @property
    def database(self) -> Database:
        return self.world.made.bench.database

    async def benchmarked(self, name: str = "", cases: int = 8) -> UUID:
        """A skill whose benchmark is of today."""
        request = asks(content(name), [checked(number) for number in range(cases)])
        await self.world.run(request)
        async with self.database.tenant(self.tenant_id) as connection:
            cursor = await connection.execute("SELECT id FROM skills WHERE name = %s", (request.content.name,))
            row = await cursor.fetchone()
        assert row is not None
        return row["id"]

    async def aged(self, skill_id: UUID, days: int) -> UUID:
        """The skill, with its answers that many days older."""
        async with self.database.tenant(self.tenant_id) as connection:
            for name, key in (("skills", "id"), ("benchmark_runs", "skill_id")):
                query = f"UPDATE {name} SET answers_since = answers_since - make_interval(days => %s) WHERE {key} = %s"
                await connection.execute(query.encode(), (days, skill_id))
        return skill_id

    async def checked(self) -> CheckResult:
        result = await self.check.run(self.tenant_id, asked=True)
        assert result is not None
        await self.sending.send_due(self.tenant_id)
        return result

    async def log(self) -> list[deliveries.DeliveryRow]:
        async with self.database.tenant(self.tenant_id) as connection:
            return await deliveries.list_deliveries(connection, 50)

    async def scheduled(self) -> list[dict[str, object]]:
        async with self.database.tenant(self.tenant_id) as connection:
            cursor = await connection.execute(
                """SELECT id, skill_id, budget_microcents, accept_judge, status, spent_microcents FROM benchmark_runs
                    WHERE triggered_by = 'schedule' ORDER BY created_at"""
            )
            return list(await cursor.fetchall())


async def told_of(world: World, settings: NoticeSettings) -> Told:
    database, around, service = world.made.bench.database, await world.around(), await world.service()
    checks = StaleChecks(database, around)
    sending = Deliveries(database, settings, SecretKeeping(lambda: RING), now=world.now)
    estimator = Estimator(database, service, world.price, world.make_judge)
    again = Rebenchmarks(
        database,
        service,
        checks,
        lambda tenant, request: estimator.estimate(tenant, request, concurrency=4),
        now=world.now,
    )
    check = ScheduledCheck(database, StaleWatch(database, around), checks, again, sending, settings, now=world.now)
    notices = NoticeService(database, sending, again, settings, MailLimits(database, now=world.now), now=world.now)
    clock = Schedule(database, check, sending, again, settings, now=world.now)
    return Told(world, settings, check, sending, notices, again, clock)


@pytest.fixture
async def told(made: Made) -> Told:
    return await told_of(World(made), NoticeSettings(CheckTimes(), "https://scales.example", reach=ANYWHERE))


@pytest.fixture
async def hook(told: Told) -> AsyncIterator[Hook]:
    """The tenant's webhook."""
    async with hook_server() as hook:
        secret = await told.notices.set_webhook(told.tenant_id, hook.url)
        assert secret is not None
        assert secret.startswith("whsec_")
        hook.secret = secret
        yield hook


async def test_a_cause_is_told_once_and_again_when_it_comes_back(told: Told, hook: Hook) -> None:
    await told.benchmarked("weigh-letters")
    assert (await told.checked()).new == ()
    told.world.factor["m0"] = 2.0
    await told.checked()
    await told.checked()
    assert len(hook.heard) == 1
    (skill,) = hook.heard[0][1]["data"]["skills"]
    assert skill["url"] == "https://scales.example/skills/weigh-letters/benchmark"
    assert [cause["kind"] for cause in skill["causes"]] == ["price"]
    assert skill["causes"][0]["retest"]["calls"] == 0
    assert skill["outlook"] is None
    told.world.days = 100
    await told.checked()
    assert [cause["kind"] for cause in hook.heard[1][1]["data"]["skills"][0]["causes"]] == ["age"]
    told.world.factor["m0"] = 1.0
    await told.checked()
    assert len(hook.heard) == 2, "what is gone is no news"
    told.world.factor["m0"] = 2.0
    await told.checked()
    assert [cause["kind"] for cause in hook.heard[2][1]["data"]["skills"][0]["causes"]] == ["price"]
    assert hook.unsigned == 0
    assert {row.state for row in await told.log()} == {"delivered"}
    async with told.database.tenant(told.tenant_id) as connection:
        cursor = await connection.execute("SELECT count(*)::int AS n FROM deliveries WHERE payload IS NOT NULL")
        assert await cursor.fetchone() == {"n": 0}


async def test_who_is_killed_with_a_message_in_hand_leaves_it_to_be_sent_under_the_same_id(
    told: Told, hook: Hook
) -> None:
    await told.benchmarked()
    told.world.factor["m0"] = 2.0
    result = await told.check.run(told.tenant_id, asked=True)
    assert result is not None
    assert result.messages == 1
    (stored,) = await told.log()
    # Taken, sent, and killed before what came of it was noted.
    async with told.database.tenant(told.tenant_id) as connection:
        now = told.world.now()
        held = await deliveries.claim_delivery(connection, now, now + timedelta(seconds=LEASE_S))
    assert held is not None
    await told.sending._post(told.tenant_id, held, await webhook_of(told))
    later = await told_of(told.world, told.settings)
    assert await later.sending.send_due(told.tenant_id) == 0, "another may be at it"
    told.world.days = (LEASE_S + 1) / 86_400
    assert await later.sending.send_due(told.tenant_id) == 1
    assert [identity for identity, _ in hook.heard] == [str(stored.id)] * 2


async def webhook_of(told: Told) -> deliveries.Webhook:
    async with told.database.tenant(told.tenant_id) as connection:
        found = await deliveries.find_webhook(connection)
    assert found is not None
    assert found.secret is None, "it is encrypted from the start"
    assert (found.key_id, found.url in repr(found)) == (RING.current, False)
    return found


async def test_a_receiver_that_fails_is_tried_again_ever_later_and_then_given_up(told: Told, hook: Hook) -> None:
    await told.benchmarked()
    told.world.factor["m0"] = 2.0
    hook.answers = [500, 302] + [503] * 20
    await told.checked()
    waited = [0.0]
    for _ in range(20):
        (row,) = await told.log()
        if row.next_at is None:
            break
        assert await told.sending.send_due(told.tenant_id) == 0, "not before its time"
        told.world.days += ((row.next_at - told.world.now()).total_seconds() + 1) / 86_400
        waited.append(told.world.days)
        await told.sending.send_due(told.tenant_id)
    (row,) = await told.log()
    assert (row.state, row.attempts, row.last_status) == ("given_up", len(RETRY_AFTER_S) + 1, "HTTP 503")
    assert len({identity for identity, _ in hook.heard}) == 1
    assert hook.elsewhere == 0
    assert 2 < waited[-1] < 5


async def test_a_receiver_that_says_gone_is_not_asked_again(told: Told, hook: Hook) -> None:
    await told.benchmarked()
    told.world.factor["m0"] = 2.0
    hook.answers = [410]
    await told.checked()
    (row,) = await told.log()
    assert (row.state, row.attempts, row.last_status) == ("given_up", 1, "HTTP 410")


async def test_addresses_of_this_machine_are_refused_unless_they_are_allowed(made: Made) -> None:
    guarded = await told_of(World(made), NoticeSettings())
    with pytest.raises(InputError, match="not https"):
        await guarded.notices.set_webhook(made.tenant_id, "http://hooks.example/hook")
    bad = ["ftp://x/", "https://", "https://a b/", "https://user:pw@example.org/", "https://2130706433:9/"]
    for url in [*bad, *(f"https://{host}:9/hook" for host in ("127.0.0.1", "[::ffff:10.0.0.1]", "169.254.169.254"))]:
        with pytest.raises(InputError):
            await guarded.notices.set_webhook(made.tenant_id, url)
    # Where a name leads is only known when it is asked for.
    await guarded.notices.set_webhook(made.tenant_id, "https://localhost:9/hook")
    (row,) = await guarded.notices.test(made.tenant_id)
    assert row.state == "given_up"
    assert row.last_status == "The host is at an address of this machine or of a private network"


async def test_a_digest_by_mail_says_what_why_and_what_it_takes(told: Told) -> None:
    async with mail_server() as post:
        mailing = await mailing_of(told, post)
        await mailing.notices.set_recipients(told.tenant_id, ["ann@example.org", "bob@example.org"])
        await told.benchmarked("weigh-letters")
        await told.benchmarked("weigh-parcels")
        told.world.factor["m0"] = 2.0
        await mailing.checked()
        await mailing.checked()
        assert [row.last_status for row in await mailing.log()] == ["taken by the mail server"]
        ((to, mail),) = post.mails
        assert to == ["ann@example.org", "bob@example.org"]
        assert mail["subject"] == "Steelyard: 2 benchmarks are stale"
        (row,) = await mailing.log()
        assert mail["message-id"] == f"<{row.id}@scales.example>"
        assert mail.get_content_type() == "text/plain"
        body = mail.get_payload(decode=True)
        assert isinstance(body, bytes)
        text = body.decode()
        assert "A price changed: At today's prices: test:m0" in text
        assert "Testing again takes no call and costs $0; 16 answers are used again." in text
        assert "https://scales.example/skills/weigh-letters/benchmark" in text
        wrong = await mailing_of(told, post, password="wrong " + PASSWORD)
        (test,) = await wrong.notices.test(told.tenant_id)
        assert test.last_status == "the mail server refused the user or password (535)"
        assert len(post.mails) == 1
    (test,) = await mailing.notices.test(told.tenant_id)
    assert test.last_status == "no connection to the mail server, or it broke off"


async def mailing_of(told: Told, post: Post, password: str = PASSWORD) -> Told:
    smtp = SmtpServer("127.0.0.1", post.port, "scales@scales.example", "none", "user", password)
    assert password not in repr(smtp)
    return await told_of(told.world, replace(told.settings, smtp=smtp))


async def test_no_address_can_add_a_header(told: Told) -> None:
    for wrong in ("ann@example.org\r\nBcc: eve@example.org", "ann", "a@b@c", "Ann <ann@example.org>", "ann@-x.org,b"):
        with pytest.raises(InputError):
            await told.notices.set_recipients(told.tenant_id, [wrong])


async def test_several_workers_check_each_slot_once_and_catch_up_after_a_rest(told: Told, hook: Hook) -> None:
    await told.benchmarked()
    told.world.factor["m0"] = 2.0
    others = [told, *[await told_of(told.world, told.settings) for _ in range(3)]]
    assert [await one.check.run(told.tenant_id) for one in others] == [None] * 4, "no slot since the tenant came"
    told.world.days = 3
    ran = await asyncio.gather(*(one.check.run(told.tenant_id) for one in others))
    assert sum(one is not None for one in ran) == 1
    assert [await one.check.run(told.tenant_id) for one in others] == [None] * 4
    slot = told.settings.checks.last_slot(told.world.now())
    due = await schedule.tenants_due(told.database, slot, told.world.now())
    assert told.tenant_id in due, "there is a message to be sent"
    await asyncio.gather(*(one.schedule.work(told.tenant_id) for one in others))
    assert len(hook.heard) == 1
    assert told.tenant_id not in await schedule.tenants_due(told.database, slot, told.world.now())


async def test_a_check_that_was_killed_is_done_by_another_once_its_lease_ends(told: Told) -> None:
    told.world.days = 1
    now = told.world.now()
    async with told.database.tenant(told.tenant_id) as connection:
        assert await schedule.claim_check(connection, None, now, now + timedelta(minutes=10))
    assert await told.check.run(told.tenant_id) is None
    told.world.days += 11 / 1_440
    assert await told.check.run(told.tenant_id) is not None


def test_slots_are_those_of_the_settings() -> None:
    times = CheckTimes(every_hours=12)
    assert times.last_slot(datetime(2026, 3, 1, 5, 59, tzinfo=UTC)) == datetime(2026, 2, 28, 18, tzinfo=UTC)
    assert times.last_slot(datetime(2026, 3, 1, 6, 0, tzinfo=UTC)) == datetime(2026, 3, 1, 6, tzinfo=UTC)


async def serve(told: Told, run_id: object) -> None:
    """See a scheduled run to its end, at what it was estimated to cost."""
    assert isinstance(run_id, UUID)
    stop = asyncio.Event()
    async with asyncio.timeout(60):
        await work(
            told.database,
            told.world.made.caller(lambda model, prompt: ModelResponse("120 g", Usage(10, 200), 5.0)),
            told.world.price,
            told.world.make_judge,
            unfit=fit,
            run_id=run_id,
            concurrency=8,
            stop=stop,
            ended=lambda _: stop.set(),
        )


async def test_runs_begin_within_the_months_budget_one_at_a_time_and_two_workers_begin_one(told: Told) -> None:
    first = await told.aged(await told.benchmarked("weigh-letters"), 110)
    second = await told.aged(await told.benchmarked("weigh-parcels"), 100)
    assert await told.rebenchmarks.begin_next(told.tenant_id) == (None, False), "off unless it is set"
    cost = (await told.world.checked(first)).causes[0].retest
    assert cost is not None
    # Enough for one run and a half.
    budget = round(cost.cost_microcents * 1.5)
    await told.rebenchmarks.set_allowance(told.tenant_id, f"{budget / 1e8:.8f}", ["age"])
    result = await told.check.run(told.tenant_id, asked=True)
    assert result is not None
    said = {one.skill: one.outlook or "" for one in result.new}
    assert said["weigh-letters"].startswith("It is tested again by itself, for about $")
    assert said["weigh-parcels"].startswith("Not tested again by itself for want of budget: about $")
    others = [await told_of(told.world, told.settings) for _ in range(4)]
    begun = await asyncio.gather(*(one.rebenchmarks.begin_next(told.tenant_id) for one in others))
    assert sum(one is not None for one, _ in begun) == 1
    (run,) = await told.scheduled()
    assert isinstance(run["id"], UUID)
    async with told.database.tenant(told.tenant_id) as connection:
        assert await audit.starter(connection, run["id"]) == ("schedule", None, "schedule")
    assert (run["skill_id"], run["accept_judge"]) == (first, False)
    assert run["budget_microcents"] == budget
    assert await told.rebenchmarks.begin_next(told.tenant_id) == (None, True), "it may spend all there is"
    await serve(told, run["id"])
    (run,) = await told.scheduled()
    assert run["status"] == "completed"
    assert await told.rebenchmarks.begin_next(told.tenant_id) == (None, False)
    assert [one["skill_id"] for one in await told.scheduled()] == [first], "the rest does not do for the second"
    _, standing = await told.rebenchmarks.standing(told.tenant_id)
    assert standing is not None
    assert budget / 2 < standing.spent_microcents <= budget
    assert [one.kind for one in (await told.world.checked(first)).causes] == []
    await told.rebenchmarks.set_allowance(told.tenant_id, f"{(budget + 3 * cost.cost_microcents) / 1e8:.8f}", ["age"])
    one, more = await told.rebenchmarks.begin_next(told.tenant_id)
    assert more
    assert one is not None
    assert one.skill == "weigh-parcels"
    assert [row["skill_id"] for row in await told.scheduled()] == [first, second]


async def test_a_run_that_failed_or_did_not_cure_its_cause_is_not_begun_again(told: Told) -> None:
    skill_id = await told.aged(await told.benchmarked(), 100)
    await told.rebenchmarks.set_allowance(told.tenant_id, "100", ["age"])
    await told.check.run(told.tenant_id, asked=True)
    begun, _ = await told.rebenchmarks.begin_next(told.tenant_id)
    assert begun is not None
    service = await told.world.service()
    await service.cancel(told.tenant_id, str(begun.run_id))
    assert await told.rebenchmarks.begin_next(told.tenant_id) == (None, False)
    result = await told.check.run(told.tenant_id, asked=True)
    assert result is not None
    said = await told.rebenchmarks.outlooks(told.tenant_id, result.stale)
    assert "was not completed" in said[skill_id]


async def test_a_run_under_way_for_the_skill_and_an_unknown_price_are_reasons_to_wait(told: Told) -> None:
    skill_id = await told.aged(await told.benchmarked(), 100)
    await told.rebenchmarks.set_allowance(told.tenant_id, "100", [CauseKind.AGE.value])
    result = await told.check.run(told.tenant_id, asked=True)
    assert result is not None
    told.world.factor["m0"] = -1.0
    said = await told.rebenchmarks.outlooks(told.tenant_id, result.stale)
    assert "the price of test:m0 is not known" in said[skill_id]
    assert await told.rebenchmarks.begin_next(told.tenant_id) == (None, False)
    del told.world.factor["m0"]
    request = await (await told.world.checks()).request(told.tenant_id, skill_id, [CauseKind.AGE])
    await (await told.world.service()).start(told.tenant_id, request)
    assert await told.rebenchmarks.begin_next(told.tenant_id) == (None, False)
    assert await told.scheduled() == []


async def test_what_is_no_budget_and_no_cause_is_refused(told: Told) -> None:
    for usd, causes in (("nan", ["age"]), ("-1", ["age"]), ("0.000000001", ["age"]), ("5", []), ("5", ["weather"])):
        with pytest.raises(InputError):
            await told.rebenchmarks.set_allowance(told.tenant_id, usd, causes)
    async with told.database.tenant(told.tenant_id) as connection:
        assert await scheduled_runs.allowance(connection) == scheduled_runs.Allowance(None, [])


async def test_a_check_that_fails_is_not_tried_again_at_once_and_one_broken_off_is(
    told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    await told.aged(await told.benchmarked(), 100)
    told.world.days = 1
    real = told.rebenchmarks.outlooks

    async def fault(*args: object) -> dict[UUID, str]:
        raise RuntimeError("a fault")

    async def stopped(*args: object) -> dict[UUID, str]:
        raise asyncio.CancelledError

    for kind, error in ((stopped, asyncio.CancelledError), (fault, RuntimeError)):
        monkeypatch.setattr(told.rebenchmarks, "outlooks", kind)
        with pytest.raises(error):
            await told.check.run(told.tenant_id)
        assert await told.log() == []
    monkeypatch.setattr(told.rebenchmarks, "outlooks", real)
    assert await told.check.run(told.tenant_id) is None
    told.world.days += 11 / 1_440
    assert await told.check.run(told.tenant_id) is not None
