"""One that keeps sending large bodies, or whose never end: those of all others are taken meanwhile."""

from __future__ import annotations

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steelyard.api.turns import Sender, Turns
from steelyard.domain.errors import TooMany
from steelyard.intake.otlp import Form
from steelyard.services.intake import IntakeService, TakenSpans
from steelyard.web.quiet import QuietServer
from steelyard.web.server import config_of
from tests.integration.web.harness import Site
from tests.integration.web.keyed import bearer, let_in, made_key, other_tenant
from tests.integration.web.spans import PROTOBUF, URL, call, protobuf

ANN, BOB, CID = Sender("ann", "key"), Sender("bob", "key"), Sender("cid", "key")
AT_A_TIME, WAITING = 2, 16
LARGE = protobuf(call(1, note="x" * 1_200_000))


class Bodies:
    """Bodies that take a few turns of the loop, or until they are let; `taken` has them in the order they began."""

    def __init__(self) -> None:
        self.turns = Turns(AT_A_TIME, WAITING)
        self.taken: list[Sender] = []
        self.refused: Counter[Sender] = Counter()
        self.let = asyncio.Event()
        self.hanging = asyncio.Semaphore(0)
        self.was_refused = defaultdict[Sender, asyncio.Event](asyncio.Event)

    async def send(self, sender: Sender, *, hangs: bool = False) -> bool:
        try:
            async with self.turns.turn(sender):
                self.taken.append(sender)
                if hangs:
                    self.hanging.release()
                    await self.let.wait()
                for _ in range(3):
                    await asyncio.sleep(0)
        except TooMany:
            self.refused[sender] += 1
            self.was_refused[sender].set()
            return False
        return True


@asynccontextmanager
async def flood(bodies: Bodies, *senders: Sender) -> AsyncGenerator[None]:
    """Thirty of each that send again as soon as they are answered."""
    stop = asyncio.Event()

    async def keeps_sending(sender: Sender) -> None:
        while not stop.is_set():
            await bodies.send(sender)
            await asyncio.sleep(0)

    sending = [asyncio.create_task(keeps_sending(sender)) for sender in senders for _ in range(30)]
    for sender in senders:
        await bodies.was_refused[sender].wait()
    try:
        yield
    finally:
        stop.set()
        await asyncio.gather(*sending)


async def all_hang(bodies: Bodies) -> None:
    async with asyncio.timeout(30):
        for _ in range(AT_A_TIME):
            await bodies.hanging.acquire()


async def test_bodies_of_others_are_taken_while_one_keeps_sending() -> None:
    bodies = Bodies()
    async with flood(bodies, ANN):
        for _ in range(40):
            before = len(bodies.taken)
            assert await bodies.send(BOB)
            assert bodies.taken.index(BOB, before) <= before + AT_A_TIME
        assert ANN in bodies.taken[-AT_A_TIME - 2 :], "she has her turns all the same"
    assert bodies.refused[BOB] == 0


async def test_bodies_of_one_that_never_end_keep_none_of_others_waiting() -> None:
    bodies = Bodies()
    hung = [asyncio.create_task(bodies.send(ANN, hangs=True)) for _ in range(AT_A_TIME + WAITING)]
    await all_hang(bodies)
    async with asyncio.timeout(30):
        assert all(await asyncio.gather(*(bodies.send(sender) for sender in (BOB, CID) for _ in range(4))))
    assert Counter(bodies.taken) == {ANN: AT_A_TIME, BOB: 4, CID: 4}
    bodies.let.set()
    assert sum(await asyncio.gather(*hung)) >= AT_A_TIME + WAITING // 2


async def test_a_key_that_keeps_sending_shuts_out_no_other_key_of_its_tenant() -> None:
    bodies, other = Bodies(), Sender("ann", "another key")
    async with flood(bodies, ANN, Sender("ann", "a third")):
        for _ in range(20):
            assert await bodies.send(other)
    assert bodies.refused[other] == 0


async def test_one_alone_has_every_turn_and_place_and_beyond_them_its_newest_is_told_to_come_again() -> None:
    bodies = Bodies()
    sent = [asyncio.create_task(bodies.send(ANN, hangs=True)) for _ in range(AT_A_TIME + WAITING)]
    await all_hang(bodies)
    assert not await bodies.send(ANN), "the newest"
    bodies.let.set()
    assert all(await asyncio.gather(*sent))


async def test_who_has_the_most_waiting_makes_room_and_nobody_else() -> None:
    bodies = Bodies()
    sent = [asyncio.create_task(bodies.send(one, hangs=True)) for one in (ANN, BOB, *[ANN] * 9, *[BOB] * 7)]
    await all_hang(bodies)
    later = [asyncio.create_task(bodies.send(one, hangs=True)) for one in (BOB, CID, BOB, CID, BOB)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    # Of Ann's nine the newest goes for Bob's eighth, and one for Cid; Bob's ninth is refused, his eighth goes for Cid.
    assert bodies.refused == {ANN: 2, BOB: 3}
    bodies.let.set()
    await asyncio.gather(*sent, *later)
    assert Counter(bodies.taken) == {ANN: 8, BOB: 8, CID: 2}


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32))
def test_whatever_is_cancelled_refused_or_done_no_turn_is_lost(seed: int) -> None:
    rng = random.Random(seed)
    senders = [Sender(whose, of) for whose in "abc" for of in "12"]

    async def storm() -> None:
        bodies = Bodies()
        tasks = list[asyncio.Task[bool]]()
        for _ in range(60):
            tasks.append(asyncio.create_task(bodies.send(rng.choice(senders))))
            if rng.random() < 0.3:
                rng.choice(tasks).cancel()
            if rng.random() < 0.3:
                await asyncio.sleep(0)
        await asyncio.gather(*tasks, return_exceptions=True)
        hung = [asyncio.create_task(bodies.send(ANN, hangs=True)) for _ in range(AT_A_TIME + 1)]
        await all_hang(bodies)
        before = len(bodies.taken)
        await asyncio.sleep(0)
        assert len(bodies.taken) == before
        bodies.let.set()
        assert all(await asyncio.gather(*hung))

    asyncio.run(storm())


class HeldIntake(IntakeService):
    """Keeps the spans of one tenant once they are let."""

    held: UUID
    begun: asyncio.Semaphore
    let: asyncio.Event

    async def take_spans(self, tenant_id: UUID, body: bytes, form: Form) -> TakenSpans:
        if tenant_id == self.held:
            self.begun.release()
            await self.let.wait()
        return await super().take_spans(tenant_id, body, form)


@pytest.fixture
async def intake(site: Site) -> HeldIntake:
    bench = site.workbench
    found = HeldIntake(bench.database, bench.usage)
    found.held, found.begun, found.let = site.tenant_id, asyncio.Semaphore(0), asyncio.Event()
    bench.__dict__["intake"] = found
    let_in(site)
    return found


@pytest.fixture
async def http(site: Site) -> AsyncIterator[httpx.AsyncClient]:
    server = QuietServer(config_of(site.app))
    listening = await asyncio.get_running_loop().create_server(asyncio.Protocol, "127.0.0.1", 0)
    socket = listening.sockets[0].dup()
    listening.close()
    serving = asyncio.create_task(server.serve(sockets=[socket]))
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(
        base_url=f"http://localhost:{socket.getsockname()[1]}", timeout=120, limits=limits
    ) as client:
        yield client
    server.should_exit = True
    await serving


async def test_spans_of_a_tenant_are_taken_while_anothers_hold_every_turn_and_place(
    site: Site, intake: HeldIntake, http: httpx.AsyncClient
) -> None:
    ann = bearer(await made_key(site))
    bob = bearer(await made_key(site, tenant_id=await other_tenant(site.workbench.database)))

    async def send(headers: dict[str, str]) -> int:
        return (await http.post(URL, content=LARGE, headers=PROTOBUF | headers)).status_code

    sent = [asyncio.create_task(send(ann)) for _ in range(AT_A_TIME + WAITING + 1)]
    async with asyncio.timeout(120):
        for _ in range(AT_A_TIME):
            await intake.begun.acquire()
        # One too many: nothing else of hers can be answered.
        (refused,), _ = await asyncio.wait(sent, return_when=asyncio.FIRST_COMPLETED)
        assert refused.result() == 429
        assert [await send(bob) for _ in range(3)] == [200, 200, 200]
        # A stranger is refused before anything of the body is read, and takes no place.
        assert await send({}) == 401
        intake.let.set()
        assert Counter(await asyncio.gather(*sent)) == {200: AT_A_TIME + WAITING, 429: 1}
