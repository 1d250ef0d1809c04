"""A skill's charts as fragments and files."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta
from uuid import UUID

import pytest

from steelyard.domain.calls import Usage
from steelyard.domain.models import ModelRef
from steelyard.domain.usage import Measurement
from tests.integration.web.harness import Site
from tests.integration.web.made import NOW, MadeModel, content, made_run, made_skill

COSTS = "/skills/weigh/charts/cost-trend"
TRADEOFF = "/skills/weigh/charts/quality-cost"


@pytest.fixture
async def skill_id(site: Site) -> UUID:
    bench, tenant = site.workbench, site.tenant_id
    skill_id = await made_skill(bench, tenant, golden=12)
    await made_run(bench, tenant, skill_id, [MadeModel("openai:=gpt<6>", 90), MadeModel("openai:mini", 70, 90_000)])
    await use(site, skill_id, days=40)
    return skill_id


async def use(site: Site, skill_id: UUID, days: int) -> None:
    await site.workbench.usage.record(
        site.tenant_id,
        [
            Measurement(
                skill_id=skill_id,
                measured_at=NOW - timedelta(days=day),
                model=ModelRef("openai", "gpt-6"),
                usage=Usage(1000, 200),
                cost_microcents=2_000_000,
                price_version="made",
            )
            for day in range(days)
        ],
    )


@pytest.mark.parametrize("chart", [COSTS, TRADEOFF])
async def test_a_chart_comes_in_every_form(site: Site, skill_id: UUID, chart: str) -> None:
    fragment = await site.client.get(f"{chart}.html")
    assert fragment.headers["content-type"].startswith("text/html")
    assert fragment.text.startswith('<div class="chart"')
    picture = await site.client.get(f"{chart}.svg")
    assert picture.headers["content-type"].startswith("image/svg+xml")
    assert picture.text.startswith("<svg xmlns=")
    assert (await site.client.get(f"{chart}.png")).content.startswith(b"\x89PNG")
    assert (await site.client.get(f"{chart}.json")).json()["rows"]
    assert len(list(csv.reader(io.StringIO((await site.client.get(f"{chart}.csv")).text)))) > 2


@pytest.mark.parametrize("form", ["html", "svg", "csv"])
async def test_what_the_browser_has_is_not_sent_again_until_it_changes(site: Site, skill_id: UUID, form: str) -> None:
    first = await site.client.get(f"{COSTS}.{form}")
    again = await site.client.get(f"{COSTS}.{form}", headers={"if-none-match": f'W/"other", {first.headers["etag"]}'})
    assert (again.status_code, again.content) == (304, b"")
    await use(site, skill_id, days=1)
    changed = await site.client.get(f"{COSTS}.{form}", headers={"if-none-match": first.headers["etag"]})
    assert changed.status_code == 200
    assert changed.headers["etag"] != first.headers["etag"]


async def test_each_form_and_span_has_a_tag_of_its_own(site: Site, skill_id: UUID) -> None:
    paths = [f"{COSTS}.html", f"{COSTS}.svg", f"{COSTS}.html?days=30", f"{COSTS}.html?days=365"]
    tags = [(await site.client.get(path)).headers["etag"] for path in paths]
    assert len(set(tags)) == len(paths)


async def test_a_span_that_is_not_offered_is_ninety_days(site: Site, skill_id: UUID) -> None:
    rows = (await site.client.get(f"{COSTS}.json?days=7000")).json()["rows"]
    assert len(rows) == 90


async def test_a_download_is_named_and_runs_nothing_in_a_spreadsheet(site: Site, skill_id: UUID) -> None:
    answer = await site.client.get(f"{TRADEOFF}.csv")
    assert answer.headers["content-disposition"] == 'attachment; filename="weigh-quality-cost.csv"'
    assert not any(cell.startswith("=") for row in csv.reader(io.StringIO(answer.text)) for cell in row)


async def test_files_name_a_variant_as_it_is_typed_and_pages_as_it_is_read(site: Site) -> None:
    variant = MadeModel("openai:gpt-6-mini?reasoning_effort=low&temperature=0.3", 80, 1_250_000)
    skill_id = await made_skill(site.workbench, site.tenant_id, content("named"))
    run_id = await made_run(site.workbench, site.tenant_id, skill_id, [variant, MadeModel("local:smollm2-135m", 40, 0)])
    chart = (await site.client.get("/skills/named/charts/quality-cost.csv")).text
    cells = (await site.client.get(f"/runs/{run_id}/cells.csv")).text
    of_chart, of_cells = ([*csv.DictReader(io.StringIO(text))] for text in (chart, cells))
    assert of_chart[0]["model"] == variant.text
    assert {row["model_name"] for row in of_cells} == {row["model"] for row in of_chart}
    assert of_chart[0]["label"] == "openai:gpt-6-mini (reasoning effort low, temperature 0.3)"
    dollars, exact = float(of_chart[0]["cost_per_case_usd"]), float(of_chart[0]["cost_per_case_microcents"])
    assert dollars * 100_000_000 == pytest.approx(exact)
    for path in ("/", "/skills/named/benchmark", "/skills/named/runs", f"/runs/{run_id}"):
        page = (await site.client.get(path)).text
        # The evidence is the stored sentence, word for word.
        read = re.sub(r'<details class="verdict-evidence">.*?</details>', "", page, flags=re.S)
        words = re.sub(r"<[^>]*>", " ", read.replace("&amp;", "&"))
        assert variant.text not in words, path
        assert "gpt-6-mini (reasoning effort low, temperature 0.3)" in words, path


async def test_models_names_are_text_in_pictures(site: Site, skill_id: UUID) -> None:
    for form in ("html", "svg"):
        picture = (await site.client.get(f"{TRADEOFF}.{form}")).text
        assert "gpt&lt;6&gt;" in picture
        assert "gpt<6>" not in picture


async def test_there_is_no_picture_of_nothing(site: Site) -> None:
    await made_skill(site.workbench, site.tenant_id)
    answer = await site.client.get(f"{COSTS}.svg")
    assert answer.status_code == 404
    assert "No use was recorded in the last 90 days." in answer.text
    assert (await site.client.get(f"{COSTS}.csv")).status_code == 200


async def test_the_tab_keeps_each_charts_place_and_shows_its_file_without_javascript(
    site: Site, skill_id: UUID
) -> None:
    page = (await site.client.get("/skills/weigh/benchmark?days=30")).text
    assert f'hx-get="{COSTS}.html?days=30"' in page
    assert f'<noscript><img class="chart-file" src="{COSTS}.svg?days=30"' in page
    assert 'viewBox="0 0 600 300"' in page
    assert f'href="{COSTS}.csv?days=30"' in page
    assert "Figures as a table" in page
