"""The form of a run: what it offers, what it would take, and that nothing typed is lost."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from steelyard.domain.cases import GoldenCase
from steelyard.storage.runs import RunRow
from steelyard.storage.server import Server
from tests.integration.execution.bench import Bench, Caller
from tests.integration.services.made import checked, content, judged
from tests.integration.web.harness import Site, site_of
from tests.modelserver import ModelServer

MODELS = ("openai:gpt-a", "openai:gpt-b?temperature=1")
FRAGMENT = {"hx-request": "true", "hx-request-type": "partial"}
CHOSEN = {
    "models": list(MODELS),
    "cases": "golden",
    "arm": "with_skill",
    "trials": "2",
    "judge": "none",
    "budget": "3.5",
}


@pytest.fixture
async def site(server: Server, server_home: Path, tenant_id: UUID) -> AsyncIterator[Site]:
    """A site that has a key of one vendor."""
    async with site_of(server_home, tenant_id, env={"OPENAI_API_KEY": "k"}) as site:
        yield site


async def skill(site: Site, cases: list[GoldenCase], name: str = "weigh") -> str:
    await site.workbench.skills.add(site.tenant_id, content(name), cases)
    return f"/skills/{name}/benchmark"


def cases(count: int = 10) -> list[GoldenCase]:
    return [checked(number) for number in range(count)]


async def form_of(site: Site, url: str) -> str:
    response = await site.client.get(url)
    assert response.status_code == 200, response.text[:400]
    return response.text


async def runs_of(site: Site) -> list[RunRow]:
    return list(await site.workbench.benchmarks.list(site.tenant_id))


async def test_the_form_offers_models_with_prices_and_says_why_others_cannot_be_called(site: Site) -> None:
    page = await form_of(site, f"{await skill(site, cases())}/new")
    assert re.search(r"\$[\d.]+ in, \$[\d.]+ out per million tokens", page)
    assert "Prices are those of " in page
    assert "cannot be called from here" in page
    assert "ANTHROPIC_API_KEY" in page
    assert "10 accepted cases" in page


async def test_a_skill_without_golden_cases_is_told_what_to_do(site: Site) -> None:
    page = await form_of(site, f"{await skill(site, [])}/new")
    assert "This skill has no golden cases yet" in page
    assert 'href="/skills/weigh/details#cases"' in page
    assert re.search(r'name="cases" value="ad_hoc" checked', page)
    assert 'value="golden"' not in page


async def test_sets_of_cases_can_be_chosen_and_do_not_count_as_the_benchmark(site: Site) -> None:
    url = await skill(site, [replace(checked(n), case_set="dev" if n < 3 else "regression") for n in range(10)])
    page = await form_of(site, f"{url}/new")
    assert "Only the set “dev”" in page
    started = await site.post(f"{url}/new", CHOSEN | {"cases": "set:dev"})
    assert started.status_code == 303
    (run,) = await runs_of(site)
    assert (len(run.plan["case_ids"]), run.of_record) == (3, False)


async def test_what_was_chosen_is_what_is_run(site: Site) -> None:
    url = await skill(site, cases())
    more = {"margin": "7.5", "threshold": "60", "max_tokens": "99", "seed": "5", "fresh": "1"}
    started = await site.post(f"{url}/new", CHOSEN | more | {"other_models": "openai:gpt-c\n\n"})
    (run,) = await runs_of(site)
    assert started.headers["location"] == f"/runs/{run.id}"
    plan = run.plan
    assert plan["models"] == [*MODELS, "openai:gpt-c"]
    assert (plan["arms"], plan["trials"], plan["margin"], plan["threshold"]) == (["with_skill"], 2, 7.5, 60)
    assert (plan["max_tokens"], plan["seed"], run.fresh, run.judge) == (99, 5, True, None)
    assert (run.budget_microcents, run.of_record, run.triggered_by) == (350_000_000, True, "web")


async def test_the_next_form_begins_as_the_last_run_was(site: Site) -> None:
    url = await skill(site, cases())
    await site.post(f"{url}/new", CHOSEN)
    (run,) = await runs_of(site)
    await Bench(site.workbench.database, site.tenant_id).serve(run.id, Caller())
    page = await form_of(site, f"{url}/new")
    for model in MODELS:
        assert re.search(rf'value="{re.escape(model)}" checked', page)
    assert re.search(r'value="with_skill" checked', page)
    assert 'value="3.5"' in page


async def test_a_link_chooses_models_judge_and_limits(site: Site) -> None:
    url = await skill(site, cases())
    page = await form_of(site, f"{url}/new?model=openai%3Agpt-q&model=nonsense&judge=none&max_tokens=64")
    assert re.search(r'value="openai:gpt-q" checked', page)
    assert re.search(r'name="judge" value="none" checked', page)
    assert 'value="64"' in page
    assert re.search(r"<textarea[^>]*other_models[^>]*>\s*nonsense</textarea>", page)


async def test_every_problem_stands_at_its_field_and_nothing_typed_is_lost(site: Site) -> None:
    url = await skill(site, cases())
    sent: dict[str, Any] = {
        "models": [MODELS[1], "anthropic:claude-x"],
        "other_models": "not a model\nopenai:gpt-z",
        "cases": "ad_hoc",
        "ad_hoc_input": ["<b>first</b>", "second", ""],
        "ad_hoc_expected": ["one", "", ""],
        "arm": "without_skill",
        "trials": "0",
        "judge": "other",
        "judge_model": "who:",
        "budget": "a lot",
        "margin": "500",
        "threshold": "61",
        "max_tokens": "12",
        "seed": "x",
    }
    refused = await site.post(f"{url}/new", sent)
    page = refused.text
    assert refused.status_code == 422
    assert await runs_of(site) == []
    for field in ("models", "other_models", "ad_hoc", "judge", "budget", "seed"):
        assert f'href="#field-{field}"' in page, field
        assert f'id="{field}-error"' in page, field
    assert "ANTHROPIC_API_KEY" in page
    assert re.search(rf'value="{re.escape(MODELS[1])}" checked', page)
    assert "not a model\nopenai:gpt-z</textarea>" in page
    assert "&lt;b&gt;first&lt;/b&gt;</textarea>" in page
    for value in ("a lot", "who:", "500", "61", "12"):
        assert f'value="{value}"' in page, value
    assert re.search(r'name="arm" value="without_skill" checked', page)
    assert '<details class="more-fields" open>' in page


async def test_another_judge_that_is_not_named_is_asked_for_and_does_not_become_none(site: Site) -> None:
    url = await skill(site, cases())
    refused = await site.post(f"{url}/new", CHOSEN | {"judge": "other", "judge_model": " "})
    assert refused.status_code == 422
    assert "Name the judge, or choose No judge." in refused.text
    assert 'id="judge-error"' in refused.text
    assert re.search(r'name="judge" value="other" checked', refused.text)
    assert await runs_of(site) == []


async def test_a_budget_is_not_said_to_hold_a_model_of_unknown_price(site: Site) -> None:
    url = await skill(site, cases())
    sent = CHOSEN | {"csrf_token": await site.token(), "models": ["openai:gpt-4o", "openai:gpt-a"]}
    fragment = (await site.client.post(f"{url}/estimate", data=sent, headers=FRAGMENT)).text
    assert "The budget cannot stop openai:gpt-a: no price is known of it." in fragment
    assert "no call starts once it is spent" not in fragment
    fragment = (await site.client.post(f"{url}/estimate", data=sent | {"budget": ""}, headers=FRAGMENT)).text
    assert "No price is known of openai:gpt-a." in fragment
    sent["models"] = ["openai:gpt-4o", "openai:gpt-4o-mini"]
    fragment = (await site.client.post(f"{url}/estimate", data=sent, headers=FRAGMENT)).text
    assert "no call starts once it is spent" in fragment


async def test_a_figure_out_of_range_stands_at_its_field(site: Site) -> None:
    url = await skill(site, cases())
    refused = await site.post(f"{url}/new", CHOSEN | {"trials": "1000"})
    assert refused.status_code == 422
    assert 'id="trials-error"' in refused.text


async def test_typed_in_cases_never_count_as_the_benchmark(site: Site) -> None:
    url = await skill(site, cases())
    typed = {"cases": "ad_hoc", "ad_hoc_input": ["2 + 2?", ""], "ad_hoc_expected": ["4", ""], "judge": "other"}
    started = await site.post(f"{url}/new", CHOSEN | typed | {"judge_model": "openai:gpt-judge"})
    assert started.status_code == 303
    (run,) = await runs_of(site)
    assert (run.of_record, len(run.plan["case_ids"]), run.judge) == (False, 1, "openai:gpt-judge")
    kept = await site.workbench.skills.kept(site.tenant_id, "weigh")
    assert len(kept.cases) == 10


async def test_another_case_can_be_asked_for_without_scripts_up_to_twenty(site: Site) -> None:
    url = await skill(site, [])
    typed = [str(number) for number in range(19)]
    sent = {"cases": "ad_hoc", "ad_hoc_input": typed, "ad_hoc_expected": typed, "more_cases": "1"}
    page = (await site.post(f"{url}/new", sent)).text
    assert page.count('name="ad_hoc_input"') == 20
    assert 'name="more_cases"' not in page
    assert await runs_of(site) == []
    assert (await site.post(f"{url}/new", sent | {"ad_hoc_input": ["a"], "ad_hoc_expected": ["b"]})).text.count(
        'name="ad_hoc_input"'
    ) == 3


async def test_the_estimate_says_what_a_run_takes_and_keeps_nothing(site: Site) -> None:
    url = await skill(site, cases())
    token = await site.token()
    response = await site.client.post(f"{url}/estimate", data=CHOSEN | {"csrf_token": token}, headers=FRAGMENT)
    fragment = response.text
    assert response.status_code == 200
    assert "<html" not in fragment
    assert "cost unknown" in fragment
    assert "at least $0" not in fragment
    assert "40 calls" in fragment
    assert re.search(r"[\d.]+ points<span class=\"sub block\">on 10 cases", fragment)
    assert fragment.count('hx-swap-oob="true"') == 2
    assert "The budget cannot stop openai:gpt-a, openai:gpt-b?temperature=1: no price is known of them." in fragment
    assert await runs_of(site) == []


async def test_the_estimate_without_scripts_is_the_page_with_it(site: Site) -> None:
    url = await skill(site, cases())
    page = (await site.post(f"{url}/estimate", CHOSEN)).text
    assert "<html" in page
    assert "40 calls" in page
    assert re.search(rf'value="{re.escape(MODELS[0])}" checked', page)


async def test_the_estimate_warns_of_what_will_disappoint(site: Site) -> None:
    url = await skill(site, [checked(1), judged(2)])
    token = await site.token()
    sent = CHOSEN | {"csrf_token": token, "budget": "0.0000001", "models": ["openai:gpt-4o", "openai:gpt-4o-mini"]}
    fragment = (await site.client.post(f"{url}/estimate", data=sent, headers=FRAGMENT)).text
    assert "No best model is named on fewer than 8 cases." in fragment
    assert "No verdict can come of this: 1 of 2 cases needs a judge, and none is chosen." in fragment
    assert "Smallest lead" not in fragment
    assert "will stop it before its end." in fragment


async def test_an_estimate_that_cannot_be_made_says_why_without_alarm(site: Site) -> None:
    url = await skill(site, cases())
    token = await site.token()
    response = await site.client.post(f"{url}/estimate", data={"csrf_token": token, "trials": "x"}, headers=FRAGMENT)
    assert response.status_code == 200
    assert "No model is chosen." in response.text
    assert "is no number" in response.text
    assert 'role="alert"' not in response.text


async def test_nothing_is_started_without_the_pages_token_or_for_a_skill_that_is_not_there(site: Site) -> None:
    url = await skill(site, cases())
    assert (await site.client.post(f"{url}/new", data=CHOSEN)).status_code == 403
    assert await runs_of(site) == []
    assert (await site.client.get("/skills/other/benchmark/new")).status_code == 404
    assert (await site.post("/skills/other/benchmark/new", CHOSEN)).status_code == 404


async def test_a_server_of_ones_own_is_asked_for_its_models_after_the_page_is_there(
    server: Server, server_home: Path, tenant_id: UUID
) -> None:
    with ModelServer() as models:
        env = {"OPENAI_BASE_URL": models.openai_url}
        async with site_of(server_home, tenant_id, env=env) as site:
            url = await skill(site, cases())
            page = await form_of(site, f"{url}/new")
            assert f"is the server at {models.openai_url}. Name its models below, as <code>openai:NAME</code>" in page
            assert f'hx-get="{url}/models?of=openai"' in page
            assert "No judge by default: openai (OPENAI_BASE_URL) is at an address" in page
            assert "key is at hand" not in page
            assert 'value="openai:' not in page
            fragment = await site.client.get(f"{url}/models?of=openai&models=openai:model-b", headers=FRAGMENT)
            offered = re.findall(r'name="models" value="([^"]*)"', fragment.text)
            assert offered == ["openai:model-a", "openai:model-c"], "the one chosen is in the form already"
            assert "it lists 3 models. Name others below" in fragment.text
            # The page has a group "Current" already.
            assert ("Listed by your own servers" in fragment.text, ">Current<" in fragment.text) == (True, False)
            assert "hx-get" not in fragment.text
            again = await form_of(site, f"{url}/new")
            assert re.findall(r'value="(openai:[^"]*)"', again) == [
                "openai:model-a", "openai:model-b", "openai:model-c",
            ]  # fmt: skip
            assert f'hx-get="{url}/models' not in again, "it was asked a moment ago"
            of_another = await site.client.get(f"{url}/models?of=other", headers=FRAGMENT)
            assert 'name="models"' not in of_another.text, "the page shows them already"


async def test_a_server_of_ones_own_that_lists_nothing_leaves_the_form_usable(
    server: Server, server_home: Path, tenant_id: UUID
) -> None:
    async with site_of(server_home, tenant_id, env={"OPENAI_BASE_URL": "http://127.0.0.1:9/v1"}) as site:
        url = await skill(site, cases())
        fragment = (await site.client.get(f"{url}/models", headers=FRAGMENT)).text
        assert "it cannot be reached. Name its models below, as <code>openai:NAME</code>" in fragment
        assert "hx-get" not in fragment
        page = await form_of(site, f"{url}/new")
        assert "it cannot be reached" in page


async def test_a_race_is_chosen_estimated_at_most_and_kept_for_the_next_run(site: Site) -> None:
    url = await skill(site, cases(12))
    token = await site.token()
    sent = CHOSEN | {"race": "set", "models": ["openai:gpt-4o", "openai:gpt-4o-mini"]}
    response = await site.client.post(f"{url}/estimate", data=sent | {"csrf_token": token}, headers=FRAGMENT)
    assert "at most about $" in response.text
    assert "from the 10th case on" in response.text
    await site.post(f"{url}/new", sent)
    (run,) = await runs_of(site)
    assert run.plan["race"] == "set"
    live = (await site.client.get(f"/runs/{run.id}")).text
    assert "Round 1 of at most 3: cases 1 to 5 of 12." in live
    await Bench(site.workbench.database, site.tenant_id).serve(run.id, Caller())
    assert 'value="set" checked' in await form_of(site, f"{url}/new")
    again = await site.workbench.run_forms.rebenchmark_request(site.tenant_id, "weigh", causes=[])
    assert again.race == "set"


async def test_one_model_cannot_race_and_few_cases_are_said_to_save_nothing(site: Site) -> None:
    url = await skill(site, cases(6))
    token = await site.token()
    alone = CHOSEN | {"race": "future", "models": MODELS[:1], "csrf_token": token}
    assert "One model has nobody to race against." in (await site.client.post(f"{url}/new", data=alone)).text
    both = CHOSEN | {"race": "future", "csrf_token": token}
    fragment = (await site.client.post(f"{url}/estimate", data=both, headers=FRAGMENT)).text
    assert "A race saves nothing on 6 cases: no model is dropped before 8" in fragment
    assert "is no aim of a race" in (await site.post(f"{url}/new", both | {"race": "fast"})).text
    assert await runs_of(site) == []
