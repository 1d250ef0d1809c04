"""The benchmark beside production: what each model would cost, whether the cases are like the uses, what changed."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from steelyard.domain.calls import Usage
from steelyard.domain.feedback import Feedback, FeedbackType
from steelyard.domain.models import ModelRef
from steelyard.domain.usage import Measurement
from tests.integration.web.harness import Site
from tests.integration.web.made import NOW, MadeModel, made_run, made_skill

IN_USE = MadeModel("anthropic:claude-opus-4-1", 70)
CHEAP = MadeModel("anthropic:claude-haiku-4-5", 90, 100_000)
UNPRICED = MadeModel("workshop:<b>own</b>", 60, None)
PARTIAL = {"hx-request": "true", "hx-request-type": "partial"}
TAB = "/skills/weigh/benchmark"


def words_of(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", html))


async def used(site: Site, skill_id: Any, model: str, count: int, *, days: int = 1, tokens: int = 1000) -> None:
    batch = [
        Measurement(skill_id, NOW - timedelta(days=days, minutes=n), ModelRef.parse(model), Usage(tokens, 100))
        for n in range(count)
    ]
    await site.workbench.usage.record(site.tenant_id, batch)


async def fragment(site: Site, path: str) -> str:
    answer = await site.client.get(path, headers=PARTIAL)
    assert answer.status_code == 200
    assert "<html" not in answer.text
    return answer.text


async def test_without_use_or_benchmark_it_says_what_to_do(site: Site) -> None:
    skill_id = await made_skill(site.workbench, site.tenant_id)
    assert "/benchmark/production" not in (await site.client.get(TAB)).text
    assert "Send uses to POST /v1/measurements" in await fragment(site, f"{TAB}/production")
    await used(site, skill_id, IN_USE.text, 30)
    assert "There is no benchmark" in await fragment(site, f"{TAB}/production")
    assert f'hx-get="{TAB}/production"' in (await site.client.get(TAB)).text
    await made_run(site.workbench, site.tenant_id, skill_id, [CHEAP])
    said = await fragment(site, f"{TAB}/production")
    assert f"steelyard run weigh --model {IN_USE.text}" in said
    page = await site.client.get(f"{TAB}/production")
    assert page.status_code == 200
    assert "<html" in page.text


async def test_each_model_has_its_cost_a_month_and_what_a_switch_saves(site: Site) -> None:
    skill_id = await made_skill(site.workbench, site.tenant_id, golden=24)
    await made_run(site.workbench, site.tenant_id, skill_id, [IN_USE, CHEAP, UNPRICED])
    await used(site, skill_id, IN_USE.text, 100)
    await used(site, skill_id, CHEAP.text, 10)
    found = (await site.client.get(f"{TAB}/production.json")).json()
    models = {one["model"]: one for one in found["models"]}
    # $15 and $75 a million tokens: 100 uses of 1,000 and 100 tokens.
    assert models[IN_USE.text]["month"]["value"] == pytest.approx(225_000_000)
    cheap = models[CHEAP.text]
    # $1 and $5, and the inputs of the cases are the same for all models.
    assert cheap["input_ratio"] == pytest.approx(1)
    expected = 10_000_000 + 5_000_000 * cheap["output_ratio"]
    assert cheap["month"]["value"] == pytest.approx(expected)
    assert cheap["month"]["low"] < expected < cheap["month"]["high"]
    assert cheap["saving"]["value"] == pytest.approx(225_000_000 - expected)
    assert cheap["saving"]["low"] == pytest.approx(225_000_000 - cheap["month"]["high"])
    assert cheap["cheapest_good_enough"]
    assert models[UNPRICED.text]["month"] is None
    assert (found["uses"], found["all_uses"], found["lengths"]["uses"]["within"]) == (100, 110, 100)
    said = await fragment(site, f"{TAB}/production")
    assert "<b>own" not in said
    text = words_of(said)
    assert f"Switching to {CHEAP.text}, the cheapest good enough, would save $2.0" in text
    assert "Length: The cases span the uses: 100% of all 100 uses" in text
    assert "Language: not known of uses" in text


async def test_cases_that_are_not_like_the_uses_are_told(site: Site) -> None:
    skill_id = await made_skill(site.workbench, site.tenant_id, golden=12)
    await made_run(site.workbench, site.tenant_id, skill_id, [IN_USE, CHEAP])
    await used(site, skill_id, IN_USE.text, 30, tokens=5000)
    example = "Bitte wiege das Paket und nenne auch das Gewicht, das nicht auf der Liste ist."
    feedback = Feedback(FeedbackType.TRAINING_EXAMPLE, example_input=example, expected_output="1 g")
    await site.workbench.feedback.add(site.tenant_id, skill_id, feedback)
    text = words_of(await fragment(site, f"{TAB}/production"))
    assert "The cases do not span the uses: 0% of all 30 uses" in text
    assert "100% are longer than every case" in text
    assert "No case is in German: add some." in text


async def test_the_share_is_of_every_use_of_the_days_and_not_of_the_newest(site: Site) -> None:
    skill_id = await made_skill(site.workbench, site.tenant_id, golden=12)
    await made_run(site.workbench, site.tenant_id, skill_id, [IN_USE, CHEAP])
    await used(site, skill_id, IN_USE.text, 5_100, days=1, tokens=5000)
    await used(site, skill_id, IN_USE.text, 5_100, days=20)
    found = (await site.client.get(f"{TAB}/production.json")).json()
    lengths = found["lengths"]
    assert (lengths["uses"]["uses"], lengths["share_within"]) == (found["uses"], 0.5)
    assert "50% of all 10,200 uses" in words_of(await fragment(site, f"{TAB}/production"))


async def test_what_changed_the_cost_adds_up_and_follows_the_span(site: Site) -> None:
    skill_id = await made_skill(site.workbench, site.tenant_id)
    for days, count, tokens in ((60, 10, 1000), (20, 20, 1000), (5, 20, 2000)):
        await used(site, skill_id, CHEAP.text, count, days=days, tokens=tokens)
    trend = await site.workbench.cost_trends.split(site.tenant_id, skill_id, 90)
    parts = trend.parts
    assert (parts.before, parts.after) == (1_500_000, 8_000_000)
    assert parts.volume + parts.models + parts.tokens + parts.price + parts.unexplained == 6_500_000
    assert (parts.models, parts.price, parts.unexplained) == (0, 0, 0)
    assert parts.volume > parts.tokens > 0
    said = words_of(await fragment(site, f"{TAB}/change?days=90"))
    assert "The last 45 days cost $0.0650 more than the 45 before" in said
    assert "Number of uses +$0.05" in said
    assert "Together +$0.0650" in said
    assert "Tokens in a use +$0.0200" in words_of(await fragment(site, f"{TAB}/change?days=30"))
    assert "not both have uses" in words_of(await fragment(site, f"{TAB}/change?days=365"))
    assert f'hx-get="{TAB}/change?days=30"' in (await site.client.get(f"{TAB}?days=30")).text
