"""Prices that a tenant gives for its own providers' models: whatever prices a call of that tenant goes by them."""

from __future__ import annotations

import ast
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

import steelyard
from steelyard.domain.calls import Usage
from steelyard.domain.errors import Conflict, InputError, InvalidForm, NotFound
from steelyard.domain.models import ModelRef
from steelyard.domain.runs import Arm
from steelyard.domain.spending import TenantBudget
from steelyard.services.provider_prices import MOST_MICROCENTS, NewPrice, typed_price
from steelyard.services.run_request import RunRequest
from steelyard.storage.server import Server
from tests.integration.services.made import checked, content, judged
from tests.integration.services.test_tenant_providers import ANN, BEN, Team, run_of, team_of, worked
from tests.modelserver import ModelServer
from tests.modelserver.config import ServerConfig

MODEL = ModelRef.parse("theirs:model-a")
USAGE = Usage(input_tokens=1_000_003, output_tokens=700, cache_read_tokens=11, cache_write_tokens=13)
TODAY = datetime.now(UTC).date()
# $0.20 and $0.60 for a million tokens, to the microcent.
IN, OUT = 20_000_000, 60_000_001


@pytest.fixture
def models() -> Iterator[ModelServer]:
    with ModelServer(ServerConfig(record_bodies=10_000)) as models:
        yield models


@pytest.fixture
async def team(server: Server, server_home: Path, models: ModelServer) -> AsyncIterator[Team]:
    async with team_of(server_home, models) as team:
        await team.sets(team.ann, ANN)
        await team.sets(team.ben, BEN)
        yield team


async def gives(team: Team, tenant_id: UUID, model: str = "theirs:model-a", **more: Any) -> None:
    amounts: dict[str, Any] = {"input_microcents": IN, "output_microcents": OUT, **more}
    await team.bench.provider_prices.put(tenant_id, NewPrice(model, **amounts))


async def priced(team: Team, tenant_id: UUID, usage: Usage = USAGE, when: date = TODAY, model: ModelRef = MODEL) -> Any:
    async with team.bench.providers.serving(tenant_id):
        return team.bench.price(usage, model, when)


async def cells(team: Team, tenant_id: UUID, run_id: UUID) -> list[dict[str, Any]]:
    async with team.bench.database.tenant(tenant_id) as connection:
        cursor = await connection.execute(
            """SELECT model_name, input_tokens, output_tokens, estimated_cost_microcents AS cost, price_version,
                      price_date
                 FROM benchmark_results WHERE benchmark_run_id = %s ORDER BY model_name, test_case_index""",
            (run_id,),
        )
        return list(await cursor.fetchall())


def exact(tokens_in: int, tokens_out: int, price_in: int = IN, price_out: int = OUT) -> int:
    """Whole microcents, by whole numbers alone: half to even."""
    whole, rest = divmod(tokens_in * price_in + tokens_out * price_out, 1_000_000)
    return whole + (1 if rest > 500_000 or (rest == 500_000 and whole % 2) else 0)


async def test_a_run_costs_its_tokens_at_the_price_that_was_given_and_the_verdict_has_a_cheapest(team: Team) -> None:
    await gives(team, team.ann)
    await gives(team, team.ann, "theirs:model-b", input_microcents=3 * IN, output_microcents=3 * OUT)
    run_id = await run_of(team, team.ann, "weigh", ["theirs:model-a", "theirs:model-b"])
    await worked(team, run_id)
    rows = await cells(team, team.ann, run_id)
    assert len(rows) == 6
    for row in rows:
        times = 1 if row["model_name"] == "theirs:model-a" else 3
        assert row["cost"] == exact(row["input_tokens"], row["output_tokens"], times * IN, times * OUT) > 0
        assert (row["price_version"], row["price_date"]) == (f"own since {TODAY}", TODAY)
    async with team.bench.database.tenant(team.ann) as connection:
        cursor = await connection.execute(
            "SELECT cheapest_model, spent_microcents, spent_is_lower_bound FROM benchmark_runs WHERE id = %s", (run_id,)
        )
        run = await cursor.fetchone()
    assert run == {
        "cheapest_model": "theirs:model-a",
        "spent_microcents": sum(row["cost"] for row in rows),
        "spent_is_lower_bound": False,
    }


async def test_a_judge_and_its_examination_cost_by_the_price_too(team: Team) -> None:
    # A microcent a token, so that what was spent is what was counted.
    for model in ("model-a", "judge"):
        await gives(team, team.ann, f"theirs:{model}", input_microcents=1_000_000, output_microcents=1_000_000)
    async with team.bench.providers.serving(team.ann):
        request = RunRequest(
            content("weigh"),
            [judged(n) for n in range(3)],
            [MODEL],
            ModelRef.parse("theirs:judge"),
            arms=(Arm.WITH_SKILL,),
            accept_judge=True,
        )
        run_id = (await team.bench.benchmarks.start(team.ann, request)).run_id
    await worked(team, run_id)
    async with team.bench.database.tenant(team.ann) as connection:
        cursor = await connection.execute(
            """SELECT spent_microcents, judge_spent_microcents, examined_microcents, spent_is_lower_bound
                 FROM benchmark_runs WHERE id = %s""",
            (run_id,),
        )
        run = await cursor.fetchone()
    assert run is not None
    answers = sum(row["input_tokens"] + row["output_tokens"] for row in await cells(team, team.ann, run_id))
    assert run["spent_microcents"] == answers + run["judge_spent_microcents"]
    assert run["judge_spent_microcents"] > run["examined_microcents"] > 0
    assert run["spent_is_lower_bound"] is False
    standing = await team.bench.budgets.standing(team.ann)
    assert (standing.spent, standing.unknown_calls) == (run["spent_microcents"], 0)


def prices_by_itself(source: str) -> bool:
    """Whether a module imports what works out a cost or a price, or a module through which it can be had."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                if any(one.name.split(".")[:2] == ["steelyard", "pricing"] for one in names):
                    return True
            case ast.ImportFrom(module="steelyard", names=names):
                if any(one.name in ("pricing", "*") for one in names):
                    return True
            case ast.ImportFrom(module="steelyard.pricing" | "steelyard.pricing.cost", names=names):
                if any(one.name in ("cost", "price_of", "*") for one in names):
                    return True
            case ast.ImportFrom(level=level) if level:
                # Nobody writes these here; one could lead there.
                return True
            case _:
                pass
    return False


@pytest.mark.parametrize(
    "source",
    [
        "from steelyard.pricing import Cost, cost",
        "from steelyard.pricing import (\n    Cost,\n    price_of,\n)",
        "def f():\n    from steelyard.pricing.cost import cost as worked_out",
        "import steelyard.pricing",
        "import steelyard.pricing.cost as priced",
        "from steelyard import pricing",
        "from steelyard.pricing import cost as module",
        "from steelyard.pricing import *",
        "from ..pricing import price_of",
    ],
)
def test_what_prices_by_itself_is_known_however_it_imports(source: str) -> None:
    assert prices_by_itself(source)
    assert not prices_by_itself("from steelyard.pricing import (\n    Cost,\n    Price,\n)")


def test_whatever_prices_a_call_does_it_by_the_tenant_s_prices() -> None:
    """Through the workbench, which knows whom it serves: no other module works out a cost or a price by itself."""
    source = Path(steelyard.__file__).parent
    found = {
        str(path.relative_to(source))
        for path in source.rglob("*.py")
        if prices_by_itself(path.read_text(encoding="utf-8"))
    }
    # The command asks so where there is no database, and with it no tenant's prices.
    assert found == {"pricing/__init__.py", "workbench/base.py", "cli/commands/models.py"}


async def test_another_process_has_a_price_that_was_given_just_before_the_run(
    team: Team, server_home: Path, models: ModelServer
) -> None:
    key = team.bench.env["STEELYARD_SECRET_KEY"]
    async with team_of(server_home, models, STEELYARD_SECRET_KEY=key) as other:
        # It has just looked, and takes what it found for so for two seconds.
        assert await priced(other, team.ann) is None
        await gives(team, team.ann)
        run_id = await run_of(team, team.ann, "weigh")
        await worked(other, run_id)
        assert [row["price_version"] for row in await cells(team, team.ann, run_id)] == [f"own since {TODAY}"] * 3


async def test_a_price_holds_for_its_own_tenant_alone(team: Team) -> None:
    await gives(team, team.ann)
    assert (await priced(team, team.ann)).microcents == exact(1_000_003, 700)
    assert await priced(team, team.ben) is None
    prices = team.bench.provider_prices
    assert await prices.listed(team.ben) == []
    with pytest.raises(NotFound):
        await prices.remove(team.ben, "theirs:model-a")
    await gives(team, team.ben, input_microcents=7, output_microcents=0)
    assert (await priced(team, team.ann)).microcents == exact(1_000_003, 700)
    assert (await priced(team, team.ben)).microcents == 7
    await prices.remove(team.ben, "theirs:model-a")
    assert [one.input_microcents for one in await prices.listed(team.ann)] == [IN]


async def test_the_server_s_own_provider_gets_no_price_of_a_tenant_s(
    team: Team, server_home: Path, models: ModelServer
) -> None:
    settings = server_home / "settings.toml"
    settings.write_text('share_providers = true\n[providers.openai.prices."model-a"]\ninput = 5\noutput = 5\n')
    ref = ModelRef.parse("openai:model-a")
    try:
        async with team_of(server_home, models) as shared:
            with pytest.raises(NotFound) as refused:
                await gives(shared, shared.ann, "openai:model-a")
            assert '[providers.openai.prices."model-a"]' in (refused.value.next_step or "")
            # Of one's own by that name it is one's own.
            await shared.sets(shared.ann, ANN, "openai")
            assert (await priced(shared, shared.ann, model=ref)).price_version == "settings"
            await gives(shared, shared.ann, "openai:model-a")
            assert (await priced(shared, shared.ann, model=ref)).price_version == f"own since {TODAY}"
            assert (await priced(shared, shared.ben, model=ref)).price_version == "settings"
            await shared.bench.tenant_providers.remove(shared.ann, "openai")
            assert (await priced(shared, shared.ann, model=ref)).price_version == "settings"
    finally:
        settings.unlink()


async def test_prices_go_with_their_provider_and_what_was_paid_stays(team: Team) -> None:
    await gives(team, team.ann)
    run_id = await run_of(team, team.ann, "weigh")
    await worked(team, run_id)
    before = await cells(team, team.ann, run_id)
    await gives(team, team.ann, input_microcents=1, output_microcents=1)
    assert (await priced(team, team.ann)).microcents == 1
    await team.bench.tenant_providers.remove(team.ann, "theirs")
    assert await team.bench.provider_prices.listed(team.ann) == []
    await team.sets(team.ann, ANN)
    assert await priced(team, team.ann) is None
    assert await cells(team, team.ann, run_id) == before


async def test_a_call_has_the_price_of_its_day(team: Team) -> None:
    week, tomorrow = TODAY - timedelta(days=7), TODAY + timedelta(days=1)
    for since, price in ((tomorrow, 3), (week, 1), (TODAY, 2)):
        await gives(team, team.ann, since=since, input_microcents=price * IN, output_microcents=0)
    usage = Usage(1_000_000, 0)
    days = {week - timedelta(days=1): None, week: 1, TODAY - timedelta(days=1): 1, TODAY: 2, tomorrow: 3}
    for day, times in days.items():
        found = await priced(team, team.ann, usage, day)
        assert (None if found is None else found.microcents) == (None if times is None else times * IN), day
    listed = await team.bench.provider_prices.listed(team.ann, "theirs")
    assert [(one.since, one.holds) for one in listed] == [(week, "past"), (TODAY, "now"), (tomorrow, "later")]
    await team.bench.provider_prices.remove(team.ann, "theirs:model-a", TODAY)
    assert (await priced(team, team.ann, usage)).microcents == IN
    assert await team.bench.provider_prices.remove(team.ann, "model-a", provider="theirs") == 2


async def test_what_is_under_way_ends_with_the_price_it_began_with_and_what_comes_next_has_the_new_one(
    team: Team,
) -> None:
    await gives(team, team.ann)
    async with team.bench.providers.serving(team.ann):
        await gives(team, team.ann, input_microcents=0, output_microcents=1_000_000)
        found = team.bench.price(USAGE, MODEL, TODAY)
        assert found is not None
        assert found.microcents == exact(1_000_003, 700)
    assert (await priced(team, team.ann)).microcents == 700


async def test_cache_tokens_have_their_own_price_or_that_of_input_and_a_variant_may_have_one(team: Team) -> None:
    await gives(team, team.ann, cache_read_microcents=0, cache_write_microcents=2 * IN)
    fresh = 1_000_003 - 11 - 13
    assert (await priced(team, team.ann)).microcents == exact(fresh + 2 * 13, 700)
    await gives(team, team.ann, "theirs:model-a?temperature=1", input_microcents=0, output_microcents=0)
    assert (await priced(team, team.ann, model=ModelRef.parse("theirs:model-a?temperature=1"))).microcents == 0
    assert (await priced(team, team.ann)).microcents == exact(fresh + 2 * 13, 700)


async def test_a_month_s_budget_holds_for_a_model_with_a_price_and_refuses_one_without(team: Team) -> None:
    most = 100_000_000
    await team.bench.budgets.put(team.ann, TenantBudget(most, None, True))
    with pytest.raises(InputError, match=r"No price is known of theirs:model-a") as refused:
        await run_of(team, team.ann, "weigh")
    assert "`steelyard providers set-price theirs:model-a`" in (refused.value.next_step or "")
    assert "Settings, Providers" in (refused.value.next_step or "")
    # So dear that not even one call has room.
    await gives(team, team.ann, input_microcents=MOST_MICROCENTS, output_microcents=MOST_MICROCENTS)
    run_id = await run_of(team, team.ann, "weigh")
    await worked(team, run_id)
    assert team.keys == {}
    await gives(team, team.ann)
    run_id = await run_of(team, team.ann, "weigh-again")
    await worked(team, run_id)
    assert team.keys == {ANN: 3}
    standing = await team.bench.budgets.standing(team.ann)
    costs = [row["cost"] for row in await cells(team, team.ann, run_id)]
    assert (standing.spent, standing.held, standing.is_lower_bound) == (sum(costs), 0, False)


async def test_estimates_and_offers_have_the_price(team: Team) -> None:
    request = RunRequest(content("weigh"), [checked(n) for n in range(3)], [MODEL], None, arms=(Arm.WITH_SKILL,))
    async with team.bench.providers.serving(team.ann):
        before = await team.bench.estimate(team.ann, request)
    assert (list(before.unpriced), before.cost_is_lower_bound) == (["theirs:model-a"], True)
    await gives(team, team.ann)
    async with team.bench.providers.serving(team.ann):
        after = await team.bench.estimate(team.ann, request)
        (offer,) = [one for one in await team.bench.offers.offers(team.ann) if one.model == "theirs:model-a"]
    assert (list(after.unpriced), after.cost_is_lower_bound) == ([], False)
    assert after.cost_microcents > 0
    assert offer.price is not None
    assert (offer.price.input_usd, offer.price.cache_read_usd) == (0.2, 0.2)


async def test_changes_are_in_the_audit_log_with_what_was_and_became(team: Team) -> None:
    await gives(team, team.ann)
    await gives(team, team.ann)
    await gives(team, team.ann, output_microcents=1)
    await team.bench.tenant_providers.remove(team.ann, "theirs")
    async with team.bench.database.tenant(team.ann) as connection:
        cursor = await connection.execute(
            """SELECT action, subject_name, change, actor_name FROM audit_log WHERE subject_kind = 'price'
                ORDER BY id"""
        )
        rows = await cursor.fetchall()
    name = f"theirs:model-a from {TODAY}"
    assert [(row["action"], row["subject_name"]) for row in rows] == [
        ("added", name),
        ("changed", name),
        ("deleted", name),
    ]
    assert [row["change"] for row in rows] == [
        {"input_microcents": [None, IN], "output_microcents": [None, OUT]},
        {"output_microcents": [OUT, 1]},
        {"input_microcents": [IN, None], "output_microcents": [1, None]},
    ]
    assert {row["actor_name"] for row in rows} == {"local"}


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"input_usd": "nan"}, "input"),
        ({"input_usd": "1e-3"}, "input"),
        ({"input_usd": "-1"}, "input"),
        ({"input_usd": ""}, "input"),
        ({"output_usd": "inf"}, "output"),
        ({"output_usd": "0,25"}, "output"),
        ({"output_usd": "0,125"}, "output"),
        ({"input_usd": "1,250"}, "input"),
        ({"input_usd": "00,600"}, "input"),
        ({"cache_read_usd": "$1,234.50"}, "cache_read"),
        ({"output_usd": "10000.00000001"}, "output"),
        ({"output_usd": "9" * 60}, "output"),
        ({"cache_read_usd": "0.123456789"}, "cache_read"),
        ({"cache_write_usd": "free"}, "cache_write"),
        ({"since": "yesterday"}, "since"),
    ],
)
def test_what_is_no_price_is_named_by_its_field(typed: dict[str, str], field: str) -> None:
    with pytest.raises(InvalidForm) as refused:
        typed_price("theirs:model-a", **{"input_usd": "0.2", "output_usd": "0.6", **typed})
    assert [one.field for one in refused.value.problems] == [field]
    assert refused.value.problems[0].next_step


def test_dollars_are_read_to_the_microcent() -> None:
    new = typed_price("theirs:model-a", "$1234.00000001", " .5 ", "0", "10000", "2026-01-31")
    assert (new.input_microcents, new.output_microcents) == (123_400_000_001, 50_000_000)
    assert (new.cache_read_microcents, new.cache_write_microcents) == (0, MOST_MICROCENTS)
    assert new.since == date(2026, 1, 31)


async def test_what_cannot_be_priced_is_refused(team: Team) -> None:
    wrong: dict[str, dict[str, Any]] = {
        "model": {"model": "theirs:" + "m" * 400},
        "since": {"since": TODAY + timedelta(days=400)},
        "input": {"input_microcents": -1},
        "output": {"output_microcents": MOST_MICROCENTS + 1},
    }
    for field, given in wrong.items():
        with pytest.raises(InputError) as refused:
            await gives(team, team.ann, **given)
        assert refused.value.field == field
    for model in ("theirs:", "theirs:a b", "theirs:a\x1b[2J", "theirs:a?colour=red"):
        with pytest.raises(InputError) as refused:
            await gives(team, team.ann, model)
        assert refused.value.field == "model", model
    for model in ("local:smollm2-135m", "nobodys:a"):
        with pytest.raises(NotFound):
            await gives(team, team.ann, model)
    assert await team.bench.provider_prices.listed(team.ann) == []


async def test_there_is_an_end_to_prices(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("steelyard.services.provider_prices.MOST_PRICES", 2)
    await gives(team, team.ann)
    await gives(team, team.ann, "theirs:b")
    with pytest.raises(Conflict):
        await gives(team, team.ann, "theirs:c")
    await gives(team, team.ann, "theirs:b", input_microcents=9)
