"""The spend page, its file and JSON, and the budgets set on the settings page."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from datetime import UTC, date, datetime
from html import unescape
from uuid import UUID, uuid4

import pytest

from steelyard.domain.actors import LOCAL, SCHEDULE, Actor, ActorKind, acting
from steelyard.domain.errors import InputError
from steelyard.domain.models import ModelRef
from steelyard.domain.spending import SpendKind
from steelyard.services.spend import projected_end
from steelyard.services.spend_limits import granted
from steelyard.storage import skills, spending
from steelyard.storage.spending import Account, Asked, Payment
from tests.integration.execution.bench import CALL_MICROCENTS, Bench, Caller, price, request_of
from tests.integration.web.harness import Site
from tests.integration.web.made import content

USD = 100_000_000


def words_of(html: str) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", html)))


async def made_skill(site: Site, name: str) -> UUID:
    async with site.workbench.database.tenant(site.tenant_id) as connection:
        skill_id, _ = await skills.save_skill(connection, site.tenant_id, replace(content(name), name=name))
    return skill_id


async def spent(site: Site, *payments: tuple[UUID, SpendKind, str, Actor, int, int], month: date | None = None) -> None:
    async with site.workbench.database.tenant(site.tenant_id) as connection:
        await spending.pay(
            connection,
            site.tenant_id,
            [
                Payment(Account(site.tenant_id, skill, by), kind, model, amount, calls=2, unknown=unknown, month=month)
                for skill, kind, model, by, amount, unknown in payments
            ],
        )


async def test_before_anything_is_spent_the_page_says_what_will_be_there(site: Site) -> None:
    page = words_of((await site.client.get("/spend")).text)
    assert "Nothing was called for in" in page
    assert "Nothing stops what is started." in page
    data = (await site.client.get("/v1/spend")).json()
    assert (data["spent_microcents"], data["budget_microcents"], data["by"]["skill"]["lines"]) == (0, None, [])


async def test_a_month_is_split_by_what_it_went_to_and_for_whom(site: Site) -> None:
    weigh, gone = await made_skill(site, "weigh"), uuid4()
    ann = Actor(ActorKind.MEMBER, "Ann <b>", uuid4())
    await spent(
        site,
        (weigh, SpendKind.ANSWERS, "t:small", ann, 3 * USD, 0),
        (weigh, SpendKind.JUDGING, "t:judge", ann, USD, 0),
        (gone, SpendKind.ANSWERS, "t:large", SCHEDULE, 4 * USD, 0),
        (weigh, SpendKind.REVIEWS, "=HYPERLINK(1)", LOCAL, 0, 1),
    )
    await site.post("/settings/budgets", {"month": "16", "run": "", "refuse_unpriced": "1"})
    html = (await site.client.get("/spend")).text
    page = words_of(html)
    assert "Spent at least $8.00 8 calls" in page
    assert "$8.00 left" in page
    assert 'value="800000000" max="1600000000"' in html
    assert "What 2 calls cost" not in page
    assert "What 1 call cost is not known" in page
    assert "a deleted skill" in page
    assert "Ann &lt;b&gt;" in html
    assert "tested again by itself" in page
    assert 'href="/skills/weigh/runs"' in html
    by = (await site.client.get("/v1/spend")).json()["by"]
    assert [(one["name"], one["spent_microcents"], one["share"]) for one in by["kind"]["lines"]] == [
        ("answers", 7 * USD, 7 / 8),
        ("judging", USD, 1 / 8),
        ("reviews", 0, 0.0),
    ]
    assert [one["name"] for one in by["model"]["lines"]] == ["t:large", "t:small"]
    assert [one["name"] for one in by["judge"]["lines"]] == ["t:judge"]
    assert {one["name"]: one["spent_microcents"] for one in by["skill"]["lines"]} == {None: 4 * USD, "weigh": 4 * USD}
    rows = list(csv.DictReader(io.StringIO((await site.client.get("/spend.csv")).text)))
    assert sum(int(row["spent_microcents"]) for row in rows) == 8 * USD
    assert "'=HYPERLINK(1)" in {row["model"] for row in rows}


async def test_the_dearest_fifty_are_shown_and_the_others_counted_and_older_months_are_led_to(site: Site) -> None:
    for number in range(53):
        await spent(site, (uuid4(), SpendKind.ANSWERS, "t:m", LOCAL, USD + number, 0))
    for number in range(14):
        at = date(2024 + (5 + number) // 12, (5 + number) % 12 + 1, 1)
        await spent(site, (uuid4(), SpendKind.ANSWERS, "t:m", LOCAL, USD, 0), month=at)
    page = (await site.client.get("/spend")).text
    assert "3 more" in words_of(page)
    older = re.search(r'href="([^"]+before=[^"]+)"', page)
    assert older is not None
    assert "Jun 2024" in words_of((await site.client.get(unescape(older[1]))).text)
    past = words_of((await site.client.get("/spend?month=2024-06")).text)
    assert "Spend in June 2024 The whole month" in past
    assert "Budgets are of the month that runs." in past
    assert (await site.client.get("/v1/spend?month=2024-06")).json()["spent_microcents"] == USD
    refused = await site.client.get("/v1/spend?month=soon")
    assert refused.status_code == 422


async def test_money_lost_with_a_worker_is_shown_as_what_may_have_been_spent(site: Site) -> None:
    await site.post("/settings/budgets", {"month": "10", "run": "", "refuse_unpriced": "1"})
    async with site.workbench.database.tenant(site.tenant_id) as connection:
        await spending.ask(connection, site.tenant_id, uuid4(), [Asked(uuid4(), USD), Asked(uuid4(), 2 * USD)])
        await connection.execute(
            "UPDATE spend_holds SET lease_until = now() - interval '1 s' WHERE microcents = %s", (USD,)
        )
    page = words_of((await site.client.get("/spend")).text)
    assert "Up to $1.00 beyond it" in page
    assert "$7.00 left, $2.00 more held for calls that are out" in page
    settings = words_of((await site.client.get("/settings")).text)
    assert "up to $1.00 more by calls whose worker was lost" in settings


async def test_calls_lost_with_a_worker_make_a_month_without_a_budget_the_least(site: Site) -> None:
    skill = await made_skill(site, "weigh")
    await spent(site, (skill, SpendKind.ANSWERS, "m", LOCAL, USD, 0))
    async with site.workbench.database.tenant(site.tenant_id) as connection:
        await spending.mark_lost(connection, site.tenant_id, [(await spending.standing(connection)).month])
    page = words_of((await site.client.get("/spend")).text)
    assert "Calls whose worker was lost before they came back may have been paid for too" in page
    assert "Up to" not in page
    assert page.count("≥ $1.00") + page.count("≥$1.00") + page.count("at least $1.00") >= 2
    data = (await site.client.get("/v1/spend")).json()
    assert (data["spent_is_lower_bound"], data["lost_microcents"], data["unknown_calls"]) == (True, 0, 0)
    assert (await site.client.get("/v1/budget")).json()["spent_is_lower_bound"] is True
    settings = words_of((await site.client.get("/settings")).text)
    assert "calls whose worker was lost may have been paid for too" in settings


async def test_budgets_are_set_where_settings_are_and_what_is_none_is_said(site: Site) -> None:
    refused = await site.post("/settings/budgets", {"month": "-3", "run": "lots"})
    assert refused.status_code == 422
    assert "'-3' is no budget." in words_of(refused.text)
    assert (await site.post("/settings/budgets", {"month": "20.5", "run": "2"})).status_code == 303
    limits = (await site.workbench.budgets.standing(site.tenant_id)).budget
    assert (limits.month_microcents, limits.run_microcents, limits.refuse_unpriced) == (2050000000, 2 * USD, False)
    page = (await site.client.get("/settings")).text
    assert 'value="20.5"' in page


async def test_a_run_has_what_one_run_may_cost_and_no_more(site: Site) -> None:
    bench = Bench(site.workbench.database, site.tenant_id)
    await site.workbench.budgets.set(site.tenant_id, month_usd="50", run_usd="2", refuse_unpriced=True)
    run_id = await bench.start(request_of(cases=2))
    service = await bench.service()
    assert (await service.report(site.tenant_id, run_id)).run.budget_microcents == 2 * USD
    with pytest.raises(InputError, match=r"more than the \$2\.00"):
        await bench.start(request_of(cases=2, budget_microcents=3 * USD))
    models = [ModelRef("test", "m0"), ModelRef("test", "unpriced")]
    async with site.workbench.database.tenant(site.tenant_id) as connection:
        with pytest.raises(InputError, match="No price is known of test:unpriced") as refused:
            await granted(connection, None, models, price)
    assert '[providers.test.prices."unpriced"]' in (refused.value.next_step or "")
    await site.workbench.budgets.set(site.tenant_id, month_usd="50", run_usd="", refuse_unpriced=False)
    async with site.workbench.database.tenant(site.tenant_id) as connection:
        assert await granted(connection, None, models, price) is None


async def test_who_started_a_run_is_on_its_page_and_has_its_money(site: Site) -> None:
    bench = Bench(site.workbench.database, site.tenant_id)
    ann = Actor(ActorKind.MEMBER, "Ann", uuid4())
    before = acting.set(ann)
    try:
        run_id = await bench.start(request_of(cases=3))
    finally:
        acting.reset(before)
    await bench.serve(run_id, Caller())
    page = words_of((await site.client.get(f"/runs/{run_id}")).text)
    assert "Started by Ann" in page
    said = (await site.client.get(f"/runs/{run_id}.json")).json()
    assert said["run"]["started_by"] == {"kind": "member", "id": str(ann.id), "name": "Ann"}
    (line,) = (await site.client.get("/v1/spend")).json()["by"]["member"]["lines"]
    assert (line["name"], line["spent_microcents"]) == ("Ann", 6 * CALL_MICROCENTS)
    assert (await site.workbench.spend.verify(site.tenant_id)).exact


async def test_a_run_that_the_month_stopped_says_so_and_offers_to_go_on(site: Site) -> None:
    bench = Bench(site.workbench.database, site.tenant_id)
    async with site.workbench.database.tenant(site.tenant_id) as connection:
        await spending.set_budget(connection, site.tenant_id, spending.TenantBudget(2 * CALL_MICROCENTS))
    run_id = await bench.start(request_of(cases=5))
    await bench.serve(run_id, Caller())
    page = words_of((await site.client.get(f"/runs/{run_id}")).text)
    assert "Partial: stopped by the budget of the month." in page
    assert "An admin can raise it on the Settings page" in page
    assert "Resume the run" in page


async def test_sums_that_do_not_add_up_are_found(site: Site) -> None:
    bench = Bench(site.workbench.database, site.tenant_id)
    run_id = await bench.start(request_of(cases=3))
    await bench.serve(run_id, Caller())
    assert (await site.workbench.spend.verify(site.tenant_id)).exact
    async with site.workbench.database.tenant(site.tenant_id) as connection:
        await connection.execute("UPDATE spend SET spent_microcents = spent_microcents + 1 WHERE model = 'test:m0'")
    found = await site.workbench.spend.verify(site.tenant_id)
    assert [(one.kind, one.model, one.kept_microcents - one.recounted_microcents) for one in found.differences] == [
        ("answers", "test:m0", 1)
    ]
    assert len(found.months) == 1


def test_a_month_is_projected_from_its_third_day_on() -> None:
    assert projected_end(100, datetime(2026, 11, 2, 23, tzinfo=UTC)) is None
    assert projected_end(100, datetime(2026, 11, 16, tzinfo=UTC)) == 200
    assert projected_end(0, datetime(2026, 2, 15, tzinfo=UTC)) == 0
