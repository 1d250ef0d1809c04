"""Every model seen: counted over all runs, judged by what counts, and its figures kept no longer than they hold."""

from __future__ import annotations

from datetime import date

import pytest

from steelyard.domain.models import ModelRef
from steelyard.domain.runs import Arm
from steelyard.pricing import Price
from steelyard.services.models_view import FamilyQuality, ModelEntry, ModelViews
from steelyard.storage.database import Database
from tests.integration.services.made import Made, ad_hoc, asks, checked, content


def price(ref: ModelRef, day: date) -> Price | None:
    return Price(1.0, 2.0, 0.1, 1.25, False, "test", day) if ref.name == "m0" else None


@pytest.fixture
def views(database: Database) -> ModelViews:
    return ModelViews(database, price)


async def entries(views: ModelViews, made: Made) -> dict[str, ModelEntry]:
    return {entry.model: entry for entry in (await views.view(made.tenant_id)).models}


async def test_models_are_counted_over_all_runs_but_judged_by_what_counts(made: Made, views: ModelViews) -> None:
    skill, cases = content(), [checked(number) for number in range(4)]
    await made.run(asks(skill, cases, arms=(Arm.WITH_SKILL, Arm.WITHOUT_SKILL)), lambda model, prompt: "no idea")
    await made.run(asks(skill, cases, ("m0",), fresh=True))
    await made.run(asks(skill, [ad_hoc(1)], ("m0", "m2")), lambda model, prompt: "no idea")
    found = await entries(views, made)
    assert list(found) == ["test:m0", "test:m2", "test:m1"]
    assert {model: (entry.runs, entry.cells) for model, entry in found.items()} == {
        "test:m0": (3, 13),
        "test:m1": (1, 8),
        "test:m2": (1, 1),
    }
    assert [(entry.quality, entry.n, entry.skills) for entry in found.values()] == [
        (100, 4, 1),
        (None, 0, 0),
        (0, 4, 1),
    ]
    assert [entry.price is not None for entry in found.values()] == [True, False, False]
    latency = found["test:m0"].latency
    assert latency is not None
    # The ad-hoc case asks what a golden case had asked: that answer was taken over, not called for.
    assert (latency.calls, latency.p50_ms, latency.p95_ms) == (12, 5, 5)


async def test_quality_is_told_by_the_family_a_skill_names(made: Made, views: ModelViews) -> None:
    named: list[dict[str, object]] = [
        {"metadata": {"family": "mail", "category": "other"}},
        {"metadata": {"category": "mail"}},
        {"metadata": {"domain": " sums "}},
        {"metadata": "mail"},
        {},
    ]
    for number, frontmatter in enumerate(named):
        skill = content(frontmatter=frontmatter)
        right = number in (0, 2)
        await made.run(
            asks(skill, [checked(number), checked(number + 1)], ("m0",)),
            lambda model, prompt, right=right: "120 g" if right else "no idea",
        )
    view = await views.view(made.tenant_id)
    assert view.has_families
    assert view.models[0].families == (
        FamilyQuality("mail", 2, 4, 50),
        FamilyQuality("sums", 1, 2, 100),
        FamilyQuality(None, 2, 4, 0),
    )
    assert view.models[0].quality == 40


async def test_a_run_that_began_or_ended_is_seen_at_once_and_others_within_the_time(
    made: Made, views: ModelViews, database: Database
) -> None:
    assert await entries(views, made) == {}
    run_id = await made.bench.start(asks(content(), [checked(1)], ("m0",)))
    assert (await entries(views, made))["test:m0"].cells == 0
    await made.bench.serve(run_id, made.caller(lambda model, prompt: "120 g"))
    first = await views.view(made.tenant_id)
    assert (first.models[0].cells, first.models[0].quality) == (1, 100)
    assert (await views.view(made.tenant_id)).read_at == first.read_at
    impatient = ModelViews(database, price, kept_for_s=0)
    assert (await impatient.view(made.tenant_id)).read_at != (await impatient.view(made.tenant_id)).read_at
