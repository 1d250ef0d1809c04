"""The Models page: every model seen, prices said or unknown, variants under their model."""

from __future__ import annotations

from datetime import UTC, datetime

from steelyard.domain.models import ModelRef
from steelyard.pricing import price_of
from steelyard.services.models_view import ModelEntry
from steelyard.web.pages.models import group_variants
from tests.integration.web.harness import Site
from tests.integration.web.made import MadeModel, made_run, made_skill

TODAY = datetime.now(UTC)


async def test_without_runs_it_says_where_models_come_from(site: Site) -> None:
    assert "No model was run yet" in (await site.client.get("/models")).text


async def test_a_model_is_shown_with_its_price_quality_and_use(site: Site) -> None:
    skill_id = await made_skill(site.workbench, site.tenant_id)
    models = [MadeModel("anthropic:claude-haiku-4-5", 80.0), MadeModel("workshop:<b>brass</b>", 60.0)]
    await made_run(site.workbench, site.tenant_id, skill_id, models)
    page = (await site.client.get("/models")).text
    assert "claude-haiku-4-5" in page
    assert "a million tokens" in page
    assert "12 cases of 1 skill" in page
    assert "unknown" in page
    assert "<b>brass" not in page


def entry(model: str) -> ModelEntry:
    price = price_of(ModelRef.parse(model), TODAY.date())
    return ModelEntry(model, model.partition(":")[0], 1, 1, TODAY, price, None, 0, 0, (), None)


def test_variants_stand_under_their_model_in_the_order_of_the_last_used() -> None:
    names = ("openai:a?temperature=1", "local:b", "openai:a", "local:c")
    groups = group_variants([entry(name) for name in names])
    assert [(group.name, len(group.lines)) for group in groups] == [("a", 2), ("b", 1), ("c", 1)]
    assert [line.entry.model for line in groups[0].lines] == ["openai:a?temperature=1", "openai:a"]


def test_a_local_model_is_free_and_an_unknown_price_is_not_nothing() -> None:
    local, unknown = (group_variants([entry(name)])[0].lines[0] for name in ("local:b", "workshop:x"))
    assert (local.free, local.prices) == (True, None)
    assert (unknown.free, unknown.prices) == (False, None)
