"""Providers that tenants set for themselves: each calls with its own key, which is found nowhere but encrypted."""

from __future__ import annotations

import asyncio
import logging
from base64 import b64decode
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql

from steelyard import logs
from steelyard.bootstrap import open_workbench
from steelyard.cli.commands.secrets import shown
from steelyard.domain.calls import CallError
from steelyard.domain.errors import InputError, MissingKey, ModelRefError, NotFound
from steelyard.domain.models import ModelRef
from steelyard.domain.runs import Arm
from steelyard.providers.tenants import NoTenant
from steelyard.services.run_request import RunRequest
from steelyard.storage.server import Server
from steelyard.storage.tenants import ensure_tenant
from steelyard.vault.ring import key_id, new_key
from steelyard.workbench import Workbench
from tests.integration.providers.conftest import request_for
from tests.integration.services.made import checked, content
from tests.modelserver import ModelServer
from tests.modelserver.config import Fault, ServerConfig

ANN, BEN = "sk-ann-5f2d0c9b8a7e6d41", "sk-ben-0a1b2c3d4e5f6a7b"
SERVERS = "sk-server-99887766554433"
MODEL = ModelRef.parse("theirs:model-a")


@dataclass
class Team:
    """A workbench in team mode, a model server, and two tenants."""

    bench: Workbench
    models: ModelServer
    ann: UUID
    ben: UUID

    async def sets(self, tenant_id: UUID, key: str | None, name: str = "theirs", url: str | None = None) -> None:
        url = self.models.openai_url if url is None else url
        await self.bench.tenant_providers.put(tenant_id, name, "openai-compatible", url, key)

    async def says(self, tenant_id: UUID, text: str = "theirs:model-a") -> str:
        async with self.bench.providers.serving(tenant_id):
            return (await self.bench.providers.complete(request_for(text))).output

    @property
    def keys(self) -> Counter[str]:
        """How often the server was called with each key."""
        return Counter(header["Authorization"].removeprefix("Bearer ") for header in self.models.stats.headers)


@asynccontextmanager
async def team_of(server_home: Path, models: ModelServer, **env: str) -> AsyncGenerator[Team]:
    env = {
        "STEELYARD_HOME": str(server_home),
        "STEELYARD_MODE": "team",
        "STEELYARD_ALLOW_PRIVATE": "127.0.0.0/8",
        "STEELYARD_SECRET_KEY": new_key(),
        "OPENAI_BASE_URL": models.openai_url,
        "OPENAI_API_KEY": SERVERS,
        **env,
    }
    async with open_workbench(env=env) as bench:
        ann, ben = uuid4(), uuid4()
        for tenant_id in (ann, ben):
            async with bench.database.tenant(tenant_id) as connection:
                await ensure_tenant(connection, tenant_id, str(tenant_id))
        yield Team(bench, models, ann, ben)


@pytest.fixture
def models() -> Iterator[ModelServer]:
    with ModelServer(ServerConfig(record_bodies=10_000)) as models:
        yield models


@pytest.fixture
async def team(server: Server, server_home: Path, models: ModelServer) -> AsyncIterator[Team]:
    async with team_of(server_home, models) as team:
        yield team


async def run_of(team: Team, tenant_id: UUID, name: str, models: Sequence[str] = ("theirs:model-a",)) -> UUID:
    async with team.bench.providers.serving(tenant_id):
        request = RunRequest(
            content(name),
            [checked(n) for n in range(3)],
            [ModelRef.parse(text) for text in models],
            None,
            arms=(Arm.WITH_SKILL,),
        )
        return (await team.bench.benchmarks.start(tenant_id, request)).run_id


async def worked(team: Team, *runs: UUID, until_s: float = 30.0) -> None:
    """A worker that serves everybody, until these runs have ended."""
    stop, left = asyncio.Event(), set(runs)

    def ended(run_id: UUID) -> None:
        left.discard(run_id)
        if not left:
            stop.set()

    async with asyncio.timeout(until_s):
        await team.bench.work(run_id=None, stop=stop, ended=ended)


async def until(happened: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not happened():  # noqa: ASYNC110 - there is nothing to wait for but the state
            await asyncio.sleep(0.02)


async def test_two_tenants_whose_providers_are_called_alike_each_call_with_their_own_key(team: Team) -> None:
    await team.sets(team.ann, ANN)
    await team.sets(team.ben, BEN)
    first = await run_of(team, team.ann, "weigh")
    second = await run_of(team, team.ben, "weigh")
    await worked(team, first, second)
    assert team.keys == {ANN: 3, BEN: 3}
    for tenant_id, run_id in ((team.ann, first), (team.ben, second)):
        async with team.bench.database.tenant(tenant_id) as connection:
            rows = await connection.execute("SELECT status, partial FROM benchmark_runs WHERE id = %s", (run_id,))
            assert await rows.fetchone() == {"status": "completed", "partial": False}


async def test_a_worker_calls_with_no_other_key_where_a_tenants_is_gone(team: Team) -> None:
    await team.sets(team.ann, ANN)
    await team.sets(team.ben, BEN)
    run_id = await run_of(team, team.ann, "weigh")
    other = await run_of(team, team.ben, "weigh")
    await team.bench.tenant_providers.remove(team.ann, "theirs")
    left: list[str] = []
    stop = asyncio.Event()

    def heard(run: object) -> None:
        left.append(getattr(run, "why", ""))

    working = asyncio.create_task(team.bench.work(run_id=None, stop=stop, left=heard))
    gone = "There is no provider 'theirs'."
    await until(lambda: gone in left and len(team.models.stats.headers) >= 3)
    stop.set()
    await working
    assert team.keys == {BEN: 3}
    await team.sets(team.ann, ANN)
    await worked(team, run_id)
    assert team.keys == {BEN: 3, ANN: 3}
    assert other != run_id


async def test_the_servers_own_key_is_not_a_tenants_unless_it_is_shared(
    team: Team, server_home: Path, models: ModelServer
) -> None:
    async with team.bench.providers.serving(team.ann):
        with pytest.raises(ModelRefError, match="no provider 'openai'") as refused:
            team.bench.providers.check(ModelRef.parse("openai:model-a"))
        assert "Settings, Providers" in (refused.value.next_step or "")
        with pytest.raises(ModelRefError, match="not offered here"):
            team.bench.providers.check(ModelRef.parse("local:smollm2-135m"))
        assert [offer.model for offer in await team.bench.offers.offers(team.ann)] == []
        assert team.bench.default_judge([]).ref is None
    assert (await team.bench.tenant_providers.standing(team.ann)).servers is None
    settings = server_home / "settings.toml"
    settings.write_text("share_providers = true\n")
    try:
        async with team_of(server_home, models) as open_handed:
            await open_handed.says(open_handed.ann, "openai:model-a")
            await open_handed.sets(open_handed.ben, BEN, "openai")
            await open_handed.says(open_handed.ben, "openai:model-a")
            assert open_handed.keys == {SERVERS: 1, BEN: 1}
            async with open_handed.bench.providers.serving(open_handed.ann):
                with pytest.raises(ModelRefError, match="operator's alone"):
                    open_handed.bench.providers.check(ModelRef.parse("local:/etc/hostname.gguf"))
    finally:
        settings.unlink()


async def test_models_asked_for_where_no_tenant_is_served_are_nobodys(team: Team) -> None:
    await team.sets(team.ann, ANN)
    assert (await asyncio.create_task(team.says(team.ann))) != ""
    team.bench.providers.require_tenant()
    with pytest.raises(NoTenant):
        await team.bench.providers.complete(request_for("theirs:model-a"))
    assert team.keys == {ANN: 1}


async def test_a_key_is_used_from_the_next_job_on_and_what_it_replaced_is_closed(team: Team) -> None:
    await team.sets(team.ann, ANN)
    providers = team.bench.providers
    async with providers.serving(team.ann):
        await providers.complete(request_for("theirs:model-a"))
        before = providers.now
        await team.sets(team.ann, BEN)
        assert providers.now is before, "what is under way goes on as it began"
        await providers.complete(request_for("theirs:model-a"))
    await team.says(team.ann)
    assert team.keys == {ANN: 2, BEN: 1}
    await until(lambda: not before._gateways)


async def test_another_process_hears_of_a_change_within_seconds(
    team: Team, server_home: Path, models: ModelServer
) -> None:
    key = team.bench.env["STEELYARD_SECRET_KEY"]
    async with team_of(server_home, models, STEELYARD_SECRET_KEY=key) as other:
        await team.sets(team.ann, ANN)
        await other.says(team.ann)
        await team.sets(team.ann, BEN)
        async with asyncio.timeout(60):
            while team.keys[BEN] == 0:
                await other.says(team.ann)
                await asyncio.sleep(0.2)


async def test_the_address_is_part_of_what_a_model_is_and_the_key_is_not(team: Team) -> None:
    await team.sets(team.ann, ANN)
    async with team.bench.providers.serving(team.ann):
        one = team.bench.providers.identity(MODEL)
    await team.sets(team.ann, BEN)
    async with team.bench.providers.serving(team.ann):
        assert team.bench.providers.identity(MODEL) == one
    await team.sets(team.ann, BEN, url=team.models.url)
    async with team.bench.providers.serving(team.ann):
        assert team.bench.providers.identity(MODEL) != one
    assert BEN not in one


async def test_a_key_goes_along_to_no_other_address(team: Team) -> None:
    await team.sets(team.ann, ANN)
    with pytest.raises(InputError) as refused:
        await team.sets(team.ann, None, url="https://elsewhere.example/v1")
    assert refused.value.field == "key"
    # The same again is the same provider.
    await team.sets(team.ann, " ")
    await team.says(team.ann)
    assert team.keys == {ANN: 1}


async def test_what_cannot_be_a_provider_is_named_by_its_field_without_the_key(team: Team) -> None:
    put, url = team.bench.tenant_providers.put, team.models.openai_url
    wrong = {
        "name": ("Not a name", "openai", None, ANN),
        "kind": ("a", "telepathy", None, ANN),
        "base_url": ("a", "openai-compatible", "https://169.254.169.254/", ANN),
        "key": ("a", "openai", None, None),
    }
    for field, given in wrong.items():
        with pytest.raises(InputError) as refused:
            await put(team.ann, *given)
        assert (refused.value.field, ANN in str(refused.value)) == (field, False)
    for key in (f"{ANN}\n{ANN}", "schlüssel-0123456789", "a b", "k" * 5_000):
        with pytest.raises(InputError) as refused:
            await put(team.ann, "a", "openai", url, key)
        assert refused.value.field == "key"
        assert key[:12] not in str(refused.value)
    assert (await team.bench.tenant_providers.standing(team.ann)).own == []


async def test_only_the_end_of_a_key_is_shown_with_when_and_by_whom(team: Team) -> None:
    await team.sets(team.ann, ANN)
    await team.sets(team.ann, "short-key", "short")
    await team.sets(team.ann, None, "open")
    own = {one.name: one for one in (await team.bench.tenant_providers.standing(team.ann)).own}
    assert (own["theirs"].key_end, own["theirs"].key_set_by, own["theirs"].problem) == (
        ANN[-4:],
        "whoever runs this server",
        None,
    )
    assert own["theirs"].key_set_at is not None
    assert (own["short"].key_end, own["short"].has_key) == (None, True), "four of nine would be too much"
    assert (own["open"].has_key, own["open"].key_set_at) == (False, None)
    assert ANN not in repr(own)
    assert (await team.bench.tenant_providers.standing(team.ben)).own == []
    with pytest.raises(NotFound):
        await team.bench.tenant_providers.remove(team.ben, "theirs")


async def test_a_key_that_cannot_be_read_is_named_and_disturbs_nothing_else(
    team: Team, server_home: Path, models: ModelServer, server: Server
) -> None:
    await team.sets(team.ann, ANN)
    await team.sets(team.ann, BEN, "fine")
    await team.sets(team.ben, BEN)
    with psycopg.connect(server.admin_dsn) as connection:
        connection.execute("SET row_security = off")
        # Ben's row in the place of Ann's: it was encrypted as Ben's.
        connection.execute(
            "UPDATE tenant_providers a SET sealed = b.sealed FROM tenant_providers b"
            " WHERE a.tenant_id = %s AND a.name = 'theirs' AND b.tenant_id = %s",
            (team.ann, team.ben),
        )
    team.bench.providers.changed(team.ann)
    async with team.bench.providers.serving(team.ann):
        with pytest.raises(MissingKey, match=r"cannot be read.*moved here") as refused:
            team.bench.providers.check(MODEL)
        assert "anew" in (refused.value.next_step or "")
        team.bench.providers.check(ModelRef.parse("fine:model-a"))
    assert await team.says(team.ann, "fine:model-a")
    trial = await team.bench.tenant_providers.try_out(team.ann, "theirs")
    assert (trial.works, "cannot be read" in trial.said) == (False, True)
    # Another installation, whose master key is another one.
    async with team_of(server_home, models) as elsewhere:
        (fine, broken) = (await elsewhere.bench.tenant_providers.standing(team.ann)).own
        assert "which is not at hand here" in (fine.problem or "")
        status = await elsewhere.bench.rotation.status()
        assert {(one.tenant_id, one.name) for one in status.unreadable} >= {(team.ann, "fine"), (team.ben, "theirs")}
        assert broken.name == "theirs"


async def test_looking_at_secrets_in_a_home_without_a_master_key_makes_none(
    server_home: Path, models: ModelServer, capsys: pytest.CaptureFixture[str]
) -> None:
    key = new_key()
    async with team_of(server_home, models, STEELYARD_SECRET_KEY=key) as team:
        await team.sets(team.ann, ANN)
    kept = server_home / "secret.key"
    kept.unlink(missing_ok=True)
    async with team_of(server_home, models, STEELYARD_SECRET_KEY="") as restored:
        status = await restored.bench.rotation.status()
        assert (status.ring, kept.exists()) == ((), False)
        (why,) = {one.why for one in status.unreadable if one.tenant_id == team.ann}
        assert key_id(b64decode(key)) in why
        assert shown(status) == 1
    assert "No master key is at hand" in capsys.readouterr().out
    assert not kept.exists()


async def test_trying_a_key_asks_for_models_and_costs_nothing(team: Team) -> None:
    team.models.config = ServerConfig(api_key=ANN)
    await team.sets(team.ann, ANN)
    trial = await team.bench.tenant_providers.try_out(team.ann, "theirs")
    assert (trial.works, "cost nothing" in trial.said) == (True, True)
    await team.sets(team.ann, ANN, "closed", url="http://127.0.0.1:9/v1")
    assert "No connection" in (await team.bench.tenant_providers.try_out(team.ann, "closed")).said
    await team.sets(team.ann, ANN, "odd", url=f"{team.models.url}/nothing")
    assert (await team.bench.tenant_providers.try_out(team.ann, "odd")).works is None
    assert team.models.stats.started == 0
    with pytest.raises(NotFound):
        await team.bench.tenant_providers.try_out(team.ben, "theirs")


async def test_new_master_keys_encrypt_everything_anew_while_it_is_used(
    server: Server, server_home: Path, models: ModelServer
) -> None:
    old, new = new_key(), new_key()
    async with team_of(server_home, models, STEELYARD_SECRET_KEY=old) as team:
        await team.sets(team.ann, ANN)
        await team.sets(team.ben, BEN)
        await team.bench.notices.set_webhook(team.ann, "https://hooks.example/")
        async with team.bench.database.tenant(team.ben) as connection:
            # As an older version stored it.
            await connection.execute(
                "INSERT INTO webhooks (tenant_id, url, secret) VALUES (%s, 'https://hooks.example/', 'whsec_eA==')",
                (team.ben,),
            )
    async with team_of(server_home, models, STEELYARD_SECRET_KEY=f"{new},{old}") as team2:
        before = await team2.bench.rotation.status()
        assert before.under["not encrypted"] >= 1
        rotated = await team2.bench.rotation.rotate()
        assert rotated.done >= 4
        assert all(one.tenant_id not in (team.ann, team.ben) for one in rotated.unreadable)
        assert (await team2.bench.rotation.rotate()).done == 0
        await team2.says(team.ann)
    async with team_of(server_home, models, STEELYARD_SECRET_KEY=new) as team3:
        await team3.says(team.ann)
        await team3.says(team.ben)
        status = await team3.bench.rotation.status()
        assert status.ring == (rotated.ring[0],)
        assert status.under["not encrypted"] == 0
        assert all(one.tenant_id not in (team.ann, team.ben) for one in status.unreadable)
    assert team.keys == {ANN: 2, BEN: 1}
    with psycopg.connect(server.admin_dsn) as connection:
        connection.execute("SET row_security = off")
        rows = connection.execute(
            "SELECT secret FROM webhooks WHERE tenant_id = ANY(%s)", ([team.ann, team.ben],)
        ).fetchall()
    assert rows == [(None,), (None,)]


async def test_a_secret_that_was_replaced_while_it_was_encrypted_anew_stays_as_it_was_set(
    server: Server, server_home: Path, models: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from steelyard.services import rotation

    old, new = new_key(), new_key()
    async with team_of(server_home, models, STEELYARD_SECRET_KEY=old) as team:
        await team.sets(team.ann, ANN)
        async with team_of(server_home, models, STEELYARD_SECRET_KEY=f"{new},{old}") as other:
            real = rotation.reseal

            async def later(connection: object, row: rotation.SealedRow, *rest: object) -> bool:
                if row.name == "theirs":
                    with suppress(InputError):
                        await team.sets(team.ann, BEN)
                return await real(connection, row, *rest)  # type: ignore[arg-type]

            monkeypatch.setattr(rotation, "reseal", later)
            found = await other.bench.rotation.rotate()
            assert found.passed >= 1
            await other.says(team.ann)
    assert team.keys == {BEN: 1}


async def test_a_key_is_found_nowhere_whatever_goes_wrong_with_it(
    server: Server, server_home: Path, models: ModelServer, capfd: pytest.CaptureFixture[str]
) -> None:
    logs.configure({})
    settings = server_home / "settings.toml"
    settings.write_text("[calls]\ndeadline_s = 0.2\n")
    try:
        async with team_of(server_home, models) as team:
            await everything_goes_wrong(team, server, capfd)
    finally:
        settings.unlink()


async def everything_goes_wrong(team: Team, server: Server, capfd: pytest.CaptureFixture[str]) -> None:
    echo = f"Incorrect API key provided: {ANN}, also known as sk-ann-******{ANN[-4:]}."
    answers = [
        Fault(status=401, message=echo),
        Fault(status=400, message=echo),
        Fault(status=404, message=echo),
        Fault(status=302, location=f"http://127.0.0.1/?key={ANN}"),
        Fault(kind="malformed"),
        Fault(kind="prose"),
        f"Your key is {ANN}.",
    ]
    left = list(answers)

    def reply(_: object) -> Fault | str:
        return left.pop(0) if left else answers[-1]

    team.models.config = ServerConfig(reply=reply, record_bodies=100)
    await team.sets(team.ann, ANN)
    await team.sets(team.ann, ANN, "hangs", url="http://127.0.0.1:9/v1")
    said: list[str] = []
    for name in ("theirs", "theirs", "theirs", "theirs", "hangs"):
        try:
            said.append(await team.says(team.ann, f"{name}:model-a"))
        except CallError as error:
            said += [error.message, repr(error)]
    left = list(answers)
    run_id = await run_of(team, team.ann, "leaky", ["theirs:model-a", "theirs:model-b"])
    await worked(team, run_id)
    async with team.bench.providers.serving(team.ann):
        try:
            raise RuntimeError(f"a fault that repeats {ANN}")
        except RuntimeError:
            logging.getLogger("steelyard.test").exception("It failed with %s", ANN)
    said += [(await team.bench.tenant_providers.try_out(team.ann, name)).said for name in ("theirs", "hangs")]
    said.append(capfd.readouterr().err)
    assert "It failed with [key]" in said[-1]
    assert ANN not in "\n".join(said)
    assert ANN not in whole_database(server)
    assert team.keys[ANN] > 0, "it was sent, and to where it belongs"


def whole_database(server: Server) -> str:
    """Every value of every column of every table, as text."""
    found: list[str] = []
    with psycopg.connect(server.admin_dsn) as connection:
        connection.execute("SET row_security = off")
        tables = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"
        ).fetchall()
        assert len(tables) > 30
        for (table,) in tables:
            rows = connection.execute(sql.SQL("SELECT t::text FROM {} t").format(sql.Identifier(table)))
            for (text,) in rows:
                found.append(text)
                found += [bytes.fromhex(part).decode("latin-1") for part in hexes(text)]
    return "\n".join(found)


def hexes(text: str) -> list[str]:
    """What stands in a row as bytes."""
    parts = (part.split(",")[0].strip('"()') for part in text.split("\\x")[1:])
    return [part for part in parts if len(part) % 2 == 0 and all(char in "0123456789abcdef" for char in part)]
