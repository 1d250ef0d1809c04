"""Live progress: every viewer sees the run to its end, one poll serves them all, and nothing is left behind."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from uuid import UUID, uuid4

import psycopg
import pytest

from steelyard.domain.calls import Trouble
from steelyard.domain.cases import GoldenCase
from steelyard.domain.errors import NotFound
from steelyard.services.live import LiveRuns
from steelyard.services.run_progress import RunProgress
from steelyard.services.run_view import RunViews
from steelyard.storage import runs
from steelyard.storage.database import Database
from steelyard.storage.server import Server
from tests.integration.services.made import JUDGE, Made, asks, checked, content


class CountingViews(RunViews):
    """Counts what is read, and can be made to fail."""

    def __init__(self, database: Database, troubles: Callable[[], Sequence[Trouble]] = tuple) -> None:
        super().__init__(database, troubles)
        self.signatures = self.snapshots = self.away = self.lost = 0

    async def signature(self, tenant_id: UUID, run_id: UUID) -> str:
        self.signatures += 1
        if self.away:
            self.away -= 1
            raise psycopg.OperationalError("The server is restarting.")
        try:
            return await super().signature(tenant_id, run_id)
        except psycopg.OperationalError:
            self.lost += 1
            raise

    async def progress(self, tenant_id: UUID, run_id: UUID) -> RunProgress:
        self.snapshots += 1
        return await super().progress(tenant_id, run_id)


async def watch(live: LiveRuns, made: Made, run_id: UUID) -> list[RunProgress]:
    return [snapshot async for snapshot in live.subscribe(made.tenant_id, run_id)]


def _polls() -> bool:
    return any(task.get_name().startswith("live run") for task in asyncio.all_tasks())


async def settled(live: LiveRuns) -> None:
    async with asyncio.timeout(60):
        while live.watched or _polls():  # noqa: ASYNC110 - a task that is gone sets no event
            await asyncio.sleep(0.01)


async def test_viewers_of_two_processes_see_one_run_to_the_same_end(
    made: Made, database: Database, server: Server
) -> None:
    run_id = await made.bench.start(asks(content(), [checked(number) for number in range(60)]))
    async with Database(server.dsn) as other:
        broadcasters = [LiveRuns(RunViews(one), interval_s=0.02) for one in (database, other)]
        watching = [asyncio.create_task(watch(live, made, run_id)) for live in broadcasters for _ in range(3)]
        await asyncio.sleep(0.1)
        await made.bench.serve(run_id, made.caller(lambda model, prompt: "120 g"))
        async with asyncio.timeout(60):
            seen = await asyncio.gather(*watching)
        for snapshots in seen:
            assert [one.status for one in snapshots[-1:]] == ["completed"]
            assert snapshots[0].ended == 0
            ended = [one.ended for one in snapshots]
            assert ended == sorted(ended)
        last = {(s[-1].signature, s[-1].ended, s[-1].spent_microcents, s[-1].lanes) for s in seen}
        assert len(last) == 1
        for live in broadcasters:
            await settled(live)


async def test_many_viewers_share_one_poll_and_a_quiet_run_is_not_read_again(made: Made, database: Database) -> None:
    run_id = await made.bench.start(asks(content(), [checked(1)]))
    views = CountingViews(database)
    live = LiveRuns(views, interval_s=0.02)
    watching = [asyncio.create_task(watch(live, made, run_id)) for _ in range(20)]
    await asyncio.sleep(0.5)
    assert live.watched == 1
    assert views.snapshots == 1
    assert 5 <= views.signatures <= 30
    for task in watching:
        task.cancel()
    await asyncio.gather(*watching, return_exceptions=True)
    await settled(live)


async def test_a_quiet_run_is_told_anew_now_and_then(made: Made, database: Database) -> None:
    run_id = await made.bench.start(asks(content(), [checked(1)]))
    live = LiveRuns(RunViews(database), interval_s=0.02, refresh_s=0.1)
    updates = live.subscribe(made.tenant_id, run_id)
    async with asyncio.timeout(60):
        seen = [await anext(updates) for _ in range(3)]
    assert {one.signature for one in seen} == {seen[0].signature}
    await updates.aclose()
    await settled(live)


async def test_what_calls_wait_for_is_told_while_they_do_without_reading_the_run_again(
    made: Made, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("steelyard.services.live.TROUBLE_S", 0.05)
    run_id = await made.bench.start(asks(content(), [checked(1)]))
    async with database.tenant(made.tenant_id) as connection:
        await runs.start_run(connection, run_id)
    met: list[Trouble] = []
    views = CountingViews(database, lambda: met)
    updates = LiveRuns(views, interval_s=0.02).subscribe(made.tenant_id, run_id)
    async with asyncio.timeout(60):
        assert (await anext(updates)).troubles == ()
        refused = Trouble("test", "429 Too Many Requests", 3, 2.5)
        met[:] = [refused, Trouble("another", "No connection", 1, 9.0)]
        assert (await anext(updates)).troubles == (refused,), "only of a provider this run calls"
        met[:] = [Trouble("test", "429 Too Many Requests", 3, 3.5)]
        assert (await anext(updates)).troubles[0].since_s == 3.5
        met.clear()
        assert (await anext(updates)).troubles == ()
    assert views.snapshots == 1
    await updates.aclose()


async def test_viewers_that_vanish_leave_nothing_behind(made: Made, database: Database) -> None:
    run_id = await made.bench.start(asks(content(), [checked(1)]))
    live = LiveRuns(RunViews(database), interval_s=0.02)
    first = live.subscribe(made.tenant_id, run_id)
    await anext(first)
    second = asyncio.create_task(watch(live, made, run_id))
    await asyncio.sleep(0.1)
    await first.aclose()
    assert live.watched == 1
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    await settled(live)


async def test_an_iterator_that_is_only_dropped_unsubscribes(made: Made, database: Database) -> None:
    run_id = await made.bench.start(asks(content(), [checked(1)]))
    live = LiveRuns(RunViews(database), interval_s=0.02)
    async for _ in live.subscribe(made.tenant_id, run_id):
        break
    await settled(live)


async def test_a_database_that_is_away_for_a_while_only_delays(
    made: Made, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("steelyard.services.live._AWAY_S", 0.01)
    run_id = await made.bench.start(asks(content(), [checked(1)]))
    views = CountingViews(database)
    views.away = 3
    live = LiveRuns(views, interval_s=0.02)
    watching = asyncio.create_task(watch(live, made, run_id))
    await asyncio.sleep(0.3)
    views.away = 3
    await made.bench.serve(run_id, made.caller(lambda model, prompt: "120 g"))
    async with asyncio.timeout(60):
        assert (await watching)[-1].status == "completed"


async def test_lost_connections_are_no_end(
    made: Made, database: Database, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("steelyard.services.live._AWAY_S", 0.01)
    run_id = await made.bench.start(asks(content(), [checked(1)]))
    views = CountingViews(database)
    watching = asyncio.create_task(watch(LiveRuns(views, interval_s=0.02), made, run_id))
    async with (
        asyncio.timeout(60),
        await psycopg.AsyncConnection.connect(server.admin_dsn, autocommit=True) as admin,
    ):
        # Until one is lost in the middle of a reading: before it, another connection takes its place.
        while not views.lost:
            await admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'steelyard_app'"
            )
            await asyncio.sleep(0.005)
    await database.pool.check()
    await made.bench.serve(run_id, made.caller(lambda model, prompt: "120 g"))
    async with asyncio.timeout(60):
        assert (await watching)[-1].status == "completed"


async def test_a_run_that_has_ended_gives_one_snapshot(made: Made, database: Database) -> None:
    run_id = await made.run(asks(content(), [checked(1)]))
    live = LiveRuns(RunViews(database))
    assert [one.status for one in await watch(live, made, run_id)] == ["completed"]
    await settled(live)


async def test_a_run_that_is_not_there_is_not_found_by_every_viewer(made: Made, database: Database) -> None:
    live = LiveRuns(RunViews(database), interval_s=0.02)
    seen = await asyncio.gather(*(watch(live, made, uuid4()) for _ in range(3)), return_exceptions=True)
    assert [type(one) for one in seen] == [NotFound] * 3
    await settled(live)


async def test_closing_ends_every_subscription(made: Made, database: Database) -> None:
    run_id = await made.bench.start(asks(content(), [checked(1)]))
    live = LiveRuns(RunViews(database), interval_s=0.02)
    watching = [asyncio.create_task(watch(live, made, run_id)) for _ in range(3)]
    await asyncio.sleep(0.1)
    await live.aclose()
    async with asyncio.timeout(60):
        assert all([one.status for one in seen] == ["pending"] for seen in await asyncio.gather(*watching))
    await settled(live)


async def test_whoever_watches_is_told_how_far_the_judges_examination_is_and_what_came_of_it(
    made: Made, database: Database
) -> None:
    cases = [GoldenCase(str(number), f"How heavy is {number}?", f"{number * 12} g") for number in range(1, 5)]
    run_id = await made.bench.start(asks(content(), cases, judge=JUDGE))
    caller = made.caller(lambda model, prompt: "120 g")
    caller.at_once, caller.delay_s = 1, 0.1
    watching = asyncio.create_task(watch(LiveRuns(RunViews(database), interval_s=0.01), made, run_id))
    await made.bench.serve(run_id, caller)
    async with asyncio.timeout(60):
        seen = [one.examination for one in await watching]
    assert seen[0] is None
    said = list(dict.fromkeys(one.sentence for one in seen if one is not None))
    assert said[0].startswith("Examining the judge on 11 outputs of known grade: ")
    done = [one.done for one in seen if one is not None and one.under_way]
    assert done == sorted(done)
    assert len(set(done)) > 1
    assert said[-1] == "The judge passed its examination on 11 outputs of known grade"
