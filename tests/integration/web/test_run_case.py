"""A case in a run: outputs side by side, shown safely in every way, with their grades and figures."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from steelyard.domain.calls import CallError, FailureKind, ModelRequest, ModelResponse
from steelyard.domain.runs import Arm
from tests.integration.execution.bench import Bench, Caller, answer
from tests.integration.services.made import JUDGE, Made, asks, checked, content, judged
from tests.integration.web.harness import Site

HOSTILE = (
    "<script>alert(1)</script> \u202egnp.exe \x1b[31mred\x1b[0m [go](javascript:alert(1)) <img src=x onerror=alert(1)>"
)
SHOWS = ("evidence", "differences", "rendered", "raw")


@pytest.fixture
def made(site: Site) -> Made:
    return Made(Bench(site.workbench.database, site.tenant_id))


async def get(site: Site, url: str) -> str:
    response = await site.client.get(url)
    assert response.status_code == 200, response.text[:400]
    return response.text


def links(page: str, label: str) -> dict[str, str]:
    """The links of a named choice, by their words."""
    nav = re.search(rf'<nav[^>]*aria-label="{label}".*?</nav>', page, re.S)
    if nav is None:
        return {}
    found = re.findall(r'<a href="([^"]+)"[^>]*>(.*?)</a>', nav[0], re.S)
    return {re.sub(r"<[^>]+>", "", words): href.replace("&amp;", "&") for href, words in found}


def columns(page: str) -> list[str]:
    return re.findall(r'<section class="answer-column" aria-label="([^"]+)"', page)


async def test_a_case_shows_what_was_asked_expected_answered_and_how_it_was_graded(site: Site, made: Made) -> None:
    run_id = await made.run(asks(content(), [judged(1), judged(2)], judge=JUDGE), levels=(5, 2))
    page = await get(site, f"/runs/{run_id}/cases/2")
    assert "Weigh item 2." in page
    assert columns(page) == ["test:m0", "test:m1"]
    assert page.count('<mark class="text-evidence" data-evidence="1 2">120 g</mark>') == 2
    assert page.count("States it") == 3
    assert page.count("Level 2 of 5") == 2
    assert made.bench.make_judge(JUDGE).digest[:12] in page
    for fact in ("Cost", "Latency", "Tokens in", "Tokens out", "Stopped"):
        assert page.count(f"<dt>{fact}</dt>") == 2


async def test_checks_say_what_they_saw(site: Site, made: Made) -> None:
    run_id = await made.run(asks(content(), [checked(1)]), lambda model, prompt: "120 g" if model == "m0" else "heavy")
    page = await get(site, f"/runs/{run_id}/cases/1")
    assert page.count('data-passed="true"') == 1
    assert page.count('data-passed="false"') == 1
    assert "Does not hold: " in page


async def test_up_to_four_models_are_chosen_by_links(site: Site, made: Made) -> None:
    run_id = await made.run(asks(content(), [checked(1)], [f"m{number}" for number in range(6)]))
    page = await get(site, f"/runs/{run_id}/cases/1")
    assert len(columns(page)) == 4
    chosen = links(page, "Models side by side, up to 4")
    assert len(chosen) == 6
    shown, hidden = columns(page), [name for name in chosen if "Show it" in name]
    assert len(hidden) == 2
    assert columns(await get(site, chosen[hidden[0]]))[:3] == shown[:3]
    assert columns(await get(site, chosen[hidden[0]]))[3] not in shown
    assert columns(await get(site, f"/runs/{run_id}/cases/1?models=5-1")) == ["test:m5", "test:m1"]
    assert len(columns(await get(site, f"/runs/{run_id}/cases/1?models=9-x--%F0"))) == 4
    assert len(columns(await get(site, f"/runs/{run_id}/cases/1?models=0-1-2-3-4-5"))) == 4


async def test_arms_and_trials_are_chosen_by_links(site: Site, made: Made) -> None:
    answers = iter(range(1000))
    request = asks(content(), [checked(1)], ("m0",), arms=(Arm.WITH_SKILL, Arm.WITHOUT_SKILL), trials=3)
    run_id = await made.run(request, lambda model, prompt: f"120 g, answer {next(answers)}")
    page = await get(site, f"/runs/{run_id}/cases/1?show=raw")
    assert links(page, "Arm").keys() == {"With the skill", "Without the skill", "Both"}
    assert links(page, "Trial").keys() == {"1", "2", "3"}
    shown = re.compile(r"120 g, answer \d+")
    seen = {shown.findall(await get(site, href))[-1] for href in links(page, "Trial").values()}
    assert len(seen) == 3
    both = await get(site, links(page, "Arm")["Both"])
    assert len(set(shown.findall(both))) == 2
    assert both.index("with the skill") < both.index("without the skill")
    assert (await get(site, f"/runs/{run_id}/cases/1?trial=99&arm=none&show=x")).count("<article") == 1


async def test_neighbours_are_those_of_the_filter_and_keys_lead_to_them(site: Site, made: Made) -> None:
    def reply(model: str, prompt: str) -> str:
        return "120 g" if model == "m0" or prompt.endswith(("2.", "4.")) else "no idea"

    run_id = await made.run(asks(content(), [checked(number) for number in range(1, 6)]), reply)
    page = await get(site, f"/runs/{run_id}/cases/3?only=differ")
    assert f'href="/runs/{run_id}/cases/1?only=differ" data-keys="k ArrowLeft"' in page
    assert f'href="/runs/{run_id}/cases/5?only=differ" data-keys="j ArrowRight"' in page
    assert f'href="/runs/{run_id}/cases/4" data-keys="j ArrowRight"' in await get(site, f"/runs/{run_id}/cases/3")
    assert 'data-keys="k' not in await get(site, f"/runs/{run_id}/cases/1")


@pytest.mark.parametrize("show", SHOWS)
async def test_hostile_outputs_and_judgements_are_harmless_however_they_are_shown(
    site: Site, made: Made, show: str
) -> None:
    def reply(request: ModelRequest) -> str | ModelResponse:
        if request.model != JUDGE:
            return HOSTILE
        criteria = [{"evidence": HOSTILE[:20], "finding": HOSTILE, "level": 3} for _ in range(2)]
        judgement = {
            "criteria": criteria,
            "differences_from_expected": HOSTILE,
            "matches_expected": "no",
            "notes": HOSTILE,
        }
        return json.dumps(judgement)

    case = replace(
        judged(1), input=HOSTILE, expected=HOSTILE[::-1], files={"<b>.txt": HOSTILE}, assertions=(HOSTILE, "b")
    )
    run_id = await made.bench.start(asks(content(), [case], ("m0",), judge=JUDGE))
    await made.bench.serve(run_id, Caller(reply))
    page = await get(site, f"/runs/{run_id}/cases/1?show={show}")
    assert "<script>alert" not in page
    assert "<img" not in page
    assert 'href="javascript' not in page
    assert not {"\u202e", "\x1b"} & set(page)
    assert "gnp.exe" in page


async def test_differences_from_the_expected_output_are_marked(site: Site, made: Made) -> None:
    run_id = await made.run(asks(content(), [checked(1)], ("m0",)), lambda model, prompt: "121 g")
    page = await get(site, f"/runs/{run_id}/cases/1?show=differences")
    assert '<del class="text-missing">' in page
    assert '<ins class="text-added">' in page


async def test_an_output_that_has_nothing_of_the_expected_one_is_shown_as_it_is(site: Site, made: Made) -> None:
    run_id = await made.run(asks(content(), [checked(1)], ("m0",)), lambda model, prompt: "kein einziges Wort davon")
    page = await get(site, f"/runs/{run_id}/cases/1?show=differences")
    assert "kein einziges Wort davon" in page


async def test_a_long_output_is_cut_and_can_be_downloaded_whole(site: Site, made: Made) -> None:
    long = "<h1>x</h1>" * 120_000
    run_id = await made.run(asks(content(), [checked(1)], ("m0",)), lambda model, prompt: long)
    page = ""
    for show in SHOWS:
        page = await get(site, f"/runs/{run_id}/cases/1?show={show}")
        assert len(page) < 300_000
        assert "1.2 MB" in page
    href = re.search(r'href="([^"]+/outputs/[^"]+)" download', page)
    assert href is not None
    whole = await site.client.get(href[1])
    assert whole.text == long
    assert whole.headers["content-type"] == "text/plain; charset=utf-8"
    assert whole.headers["content-disposition"].startswith("attachment; ")
    assert whole.headers["x-content-type-options"] == "nosniff"


async def test_the_input_and_the_expected_output_can_be_downloaded(site: Site, made: Made) -> None:
    run_id = await made.run(asks(content(), [replace(checked(1), input="x" * 150_000)], ("m0",)))
    page = await get(site, f"/runs/{run_id}/cases/1")
    assert f"/runs/{run_id}/cases/1/texts/input" in page
    assert (await site.client.get(f"/runs/{run_id}/cases/1/texts/input")).text == "x" * 150_000
    assert (await site.client.get(f"/runs/{run_id}/cases/1/texts/expected")).text == "120 g"
    assert (await site.client.get(f"/runs/{run_id}/cases/1/texts/secret")).status_code == 404


async def test_an_answer_that_never_came_says_why(site: Site, made: Made) -> None:
    def reply(model: str, prompt: str) -> str | ModelResponse:
        if model == "m0":
            raise CallError(FailureKind.RATE_LIMITED, "Slow down, <b>please</b>.")
        return answer("")

    run_id = await made.run(asks(content(), [checked(1)]), reply)
    page = await get(site, f"/runs/{run_id}/cases/1")
    assert "Rate limited: it is not scored." in page
    assert "Slow down, &lt;b&gt;please&lt;/b&gt;." in page
    assert "Empty answer: it scores 0." in page


async def test_a_case_that_waits_or_is_not_there_says_so(site: Site, made: Made) -> None:
    run_id = await made.bench.start(asks(content(), [checked(1)]))
    assert "Waiting." in await get(site, f"/runs/{run_id}/cases/1")
    for index in ("0", "2", "-1", "x", "99999999999999999999"):
        response = await site.client.get(f"/runs/{run_id}/cases/{index}")
        assert response.status_code == 404, index
