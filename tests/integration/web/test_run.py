"""The page of a run: live while it goes on, its verdict and matrix afterwards, and what can be done with it."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import re
from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from steelyard.domain.calls import CallError, FailureKind, ModelResponse, StopReason, Trouble
from steelyard.domain.runs import Arm
from steelyard.storage import runs
from steelyard.storage.tenants import ensure_tenant
from tests.integration.execution.bench import Bench, answer
from tests.integration.services.made import JUDGE, Made, asks, checked, content, judged
from tests.integration.web.harness import Site

HOSTILE = "<script>alert(1)</script>\u202egnp.exe \x1b[31mred"


@pytest.fixture
async def made(site: Site) -> Made:
    """Makes runs of models that answer by script; the site then knows these models too."""
    made = Made(Bench(site.workbench.database, site.tenant_id))
    site.workbench.benchmarks = await made.bench.service()
    return made


def half_right(model: str, prompt: str) -> str:
    return "120 g" if model == "m0" or prompt.endswith(("1.", "3.")) else "no idea"


async def get(site: Site, url: str) -> str:
    response = await site.client.get(url)
    assert response.status_code == 200, response.text[:400]
    return response.text


async def test_an_ended_run_says_its_verdict_before_its_figures_and_names_its_judge(site: Site, made: Made) -> None:
    request = asks(content("weigher"), [judged(number) for number in range(9)], judge=JUDGE)
    run_id = await made.run(request, levels=(5, 4))
    page = await get(site, f"/runs/{run_id}")
    order = [page.index(part) for part in ('class="verdict"', 'id="models"', 'id="matrix"', "Who judged")]
    assert order == sorted(order)
    assert "test:judge" in page
    assert made.bench.make_judge(JUDGE).digest[:12] in page
    assert page.count('data-look="passed"') >= 18
    assert "hx-sse:connect" not in page
    assert 'http-equiv="refresh"' not in page


async def test_judgements_whose_quotes_are_not_in_the_output_are_counted_beside_the_verdict(
    site: Site, made: Made
) -> None:
    cases = [judged(number) for number in range(1, 5)]
    # The judge always quotes "120 g".
    run_id = await made.run(asks(content(), cases, judge=JUDGE), half_right)
    page = await get(site, f"/runs/{run_id}")
    assert "2 of 8 judgements quote what is not in the output." in page
    assert page.index("2 of 8 judgements") < page.index('id="matrix"')
    report = json.loads((await site.client.get(f"/runs/{run_id}.json")).text)
    assert (report["run"]["judgements"], report["run"]["judgements_quote_not_found"]) == (8, 2)
    whole = await made.run(asks(content(), cases, judge=JUDGE))
    assert "not in the output." not in await get(site, f"/runs/{whole}")


async def test_a_run_under_way_is_live_can_be_cancelled_and_reloads_itself_without_scripts(
    site: Site, made: Made
) -> None:
    run_id = await made.bench.start(asks(content(), [checked(1), checked(2)]))
    page = await get(site, f"/runs/{run_id}")
    assert f'hx-sse:connect="/runs/{run_id}/events"' in page
    assert '<noscript><meta http-equiv="refresh" content="5"></noscript>' in page
    assert f'action="/runs/{run_id}/cancel"' in page
    assert "0 of 4 cells" in page
    assert 'class="verdict"' not in page


async def test_the_stream_of_an_ended_run_gives_its_last_state_and_ends(site: Site, made: Made) -> None:
    run_id = await made.run(asks(content(), [checked(1)]))
    response = await site.client.get(f"/runs/{run_id}/events")
    assert response.headers["content-type"].startswith("text/event-stream")
    events = events_of(response.text)
    assert [event.get("event") for event in events] == [None, "ended"]
    assert "2 of 2 cells" in events[0]["data"]
    assert events[0]["id"]


async def test_the_stream_follows_a_run_to_its_end_in_whole_fragments(site: Site, made: Made) -> None:
    run_id = await made.bench.start(asks(content(), [checked(number) for number in range(30)]))
    watching = [asyncio.create_task(site.client.get(f"/runs/{run_id}/events")) for _ in range(3)]
    await asyncio.sleep(0.2)
    await made.bench.serve(run_id, made.caller(lambda model, prompt: "120 g"))
    async with asyncio.timeout(60):
        for response in await asyncio.gather(*watching):
            events = events_of(response.text)
            assert events[-1]["event"] == "ended"
            fragments = [event["data"] for event in events[:-1]]
            assert "0 of 60 cells" in fragments[0]
            assert "60 of 60 cells" in fragments[-1]
            assert all(fragment.count("<progress") == 3 for fragment in fragments)
    assert site.workbench.live.watched == 0


async def test_a_run_under_way_says_what_its_calls_wait_for(
    site: Site, made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    met = Trouble("test", "The server says <b>429</b> Too Many Requests.", 4, 12.3)
    monkeypatch.setattr(site.workbench.providers, "troubles", lambda: (met,))
    request = asks(content("weigher"), [checked(1)])
    run_id = await made.bench.start(request)
    assert "Too Many Requests" not in await get(site, f"/runs/{run_id}"), "it has not begun"
    async with site.workbench.database.tenant(site.tenant_id) as connection:
        await runs.start_run(connection, run_id)
    for path in (f"/runs/{run_id}", f"/skills/weigher/benchmark/progress/{run_id}"):
        page = await get(site, path)
        assert "The server says &lt;b&gt;429&lt;/b&gt; Too Many Requests." in page
        assert "Trying 4 calls again, for 12 s so far." in page
    await site.workbench.benchmarks.cancel(site.tenant_id, str(run_id))
    assert "Too Many Requests" not in await get(site, f"/runs/{run_id}")


async def test_a_run_in_which_nothing_ends_says_where_to_look(site: Site, made: Made) -> None:
    run_id = await made.bench.start(asks(content(), [checked(1)]))
    async with site.workbench.database.tenant(site.tenant_id) as connection:
        await runs.start_run(connection, run_id)
    assert "No cell has ended" not in await get(site, f"/runs/{run_id}")
    async with site.workbench.database.tenant(site.tenant_id) as connection:
        await connection.execute(
            "UPDATE benchmark_runs SET started_at = now() - interval '4 minutes' WHERE id = %s", (run_id,)
        )
        await connection.execute("INSERT INTO procrastinate_workers DEFAULT VALUES")
    try:
        assert "No cell has ended in the last three minutes" in await get(site, f"/runs/{run_id}")
    finally:
        async with site.workbench.database.tenant(site.tenant_id) as connection:
            await connection.execute("DELETE FROM procrastinate_workers")


async def test_what_a_viewer_has_seen_is_not_sent_again_but_the_end_always_is(site: Site, made: Made) -> None:
    run_id = await made.bench.start(asks(content(), [checked(1)]))
    seen = await site.workbench.run_views.signature(site.tenant_id, run_id)
    watching = asyncio.create_task(site.client.get(f"/runs/{run_id}/events", headers={"last-event-id": seen}))
    await asyncio.sleep(0.3)
    await site.workbench.benchmarks.cancel(site.tenant_id, str(run_id))
    async with asyncio.timeout(60):
        events = events_of((await watching).text)
    assert [event.get("event") for event in events] == [None, "ended"]
    assert "Cancelled" in events[0]["data"]


async def test_a_quiet_stream_is_kept_alive(site: Site, made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fastapi.routing._PING_INTERVAL", 0.05)
    run_id = await made.bench.start(asks(content(), [checked(1)]))
    watching = asyncio.create_task(site.client.get(f"/runs/{run_id}/events"))
    await asyncio.sleep(2)
    await site.workbench.live.aclose()
    async with asyncio.timeout(60):
        text = (await watching).text
    assert text.count(": ping") >= 2
    assert "event: ended" not in text


async def test_streams_end_with_the_server_and_none_begins_after(site: Site, made: Made) -> None:
    run_id = await made.bench.start(asks(content(), [checked(1)]))
    watching = asyncio.create_task(site.client.get(f"/runs/{run_id}/events"))
    await asyncio.sleep(0.3)
    await site.workbench.live.aclose()
    async with asyncio.timeout(20):
        assert (await watching).status_code == 200
        assert (await site.client.get(f"/runs/{run_id}/events")).text == ""


async def test_a_run_is_cancelled_and_resumed_from_its_page(site: Site, made: Made) -> None:
    run_id = await made.bench.start(asks(content(), [checked(1)]))
    response = await site.post(f"/runs/{run_id}/cancel")
    assert (response.status_code, response.headers["location"]) == (303, f"/runs/{run_id}")
    page = await get(site, f"/runs/{run_id}")
    assert "Partial: cancelled." in page
    assert f'action="/runs/{run_id}/resume"' in page
    assert (await site.post(f"/runs/{run_id}/resume")).status_code == 303
    assert "hx-sse:connect" in await get(site, f"/runs/{run_id}")


async def test_cancelling_a_run_that_has_just_ended_shows_its_verdict(site: Site, made: Made) -> None:
    run_id = await made.run(asks(content(), [checked(1)]))
    assert (await site.post(f"/runs/{run_id}/cancel")).status_code == 303
    assert "completed" in await get(site, f"/runs/{run_id}")


async def test_a_whole_run_has_nothing_to_resume(site: Site, made: Made) -> None:
    run_id = await made.run(asks(content(), [checked(1)]))
    assert "/resume" not in await get(site, f"/runs/{run_id}")
    assert (await site.post(f"/runs/{run_id}/resume")).status_code == 409


async def test_answers_that_need_a_judge_nobody_chose_are_not_blamed_on_one_and_offer_no_resume(
    site: Site, made: Made
) -> None:
    run_id = await made.run(asks(content(), [*map(checked, range(9)), judged(9)], ["m0"]))
    page = await get(site, f"/runs/{run_id}")
    assert "1 answer needs a judge, and none was chosen." in page
    assert "Run again with a judge: the answer is kept and not paid for again." in page
    assert "no usable grade" not in page
    assert "/resume" not in page
    assert (await site.post(f"/runs/{run_id}/resume")).status_code == 409
    assert re.search(r"scores [\d.]+ of 100", page) is None, "a model left out has no headline of its figures"
    assert "The model misses more than 5% of its scores." in page


@pytest.mark.parametrize("given", ["", "0.000001", "nothing", "-2", "inf"])
async def test_a_run_stopped_by_its_budget_asks_for_a_larger_one(site: Site, made: Made, given: str) -> None:
    request = replace(asks(content(), [checked(number) for number in range(20)]), budget_microcents=5_000)
    run_id = await made.run(request)
    assert "stopped by its budget" in await get(site, f"/runs/{run_id}")
    refused = await site.post(f"/runs/{run_id}/resume", {"budget": given})
    assert refused.status_code == 422
    assert 'aria-invalid="true"' in refused.text
    assert f'value="{given}"' in refused.text
    assert (await site.post(f"/runs/{run_id}/resume", {"budget": "$1.50"})).status_code == 303


async def test_nothing_is_changed_without_the_pages_token(site: Site, made: Made) -> None:
    run_id = await made.bench.start(asks(content(), [checked(1)]))
    for action in ("cancel", "resume"):
        assert (await site.client.post(f"/runs/{run_id}/{action}")).status_code == 403
    assert (await site.workbench.benchmarks.find(site.tenant_id, str(run_id))).status == "pending"


async def test_another_tenants_run_is_not_there(site: Site) -> None:
    stranger = uuid4()
    database = site.workbench.database
    async with database.tenant(stranger) as connection:
        await ensure_tenant(connection, stranger, "other")
    run_id = await Made(Bench(database, stranger)).run(asks(content(), [checked(1)]))
    for rest in ("", ".json", "/cells.csv", "/events", "/cases/1"):
        assert (await site.client.get(f"/runs/{run_id}{rest}")).status_code == 404, rest
    for action in ("cancel", "resume"):
        assert (await site.post(f"/runs/{run_id}/{action}")).status_code == 404
    assert (await site.client.get("/runs/not-an-id")).status_code == 404


async def test_failures_are_told_by_kind_with_what_to_do_next(site: Site, made: Made) -> None:
    def reply(model: str, prompt: str) -> str | ModelResponse:
        match model, prompt[-2:]:
            case "m1", "1.":
                return answer("120", StopReason.LENGTH)
            case "m1", "2.":
                raise CallError(FailureKind.NETWORK, HOSTILE)
            case _:
                return "120 g"

    run_id = await made.run(asks(content(), [checked(number) for number in range(1, 5)]), reply)
    page = await get(site, f"/runs/{run_id}")
    assert "1 cell cut at the token limit (scored 0)" in page
    assert "1 cell not reachable (not scored)" in page
    assert "Raise the longest answer (now 4,096 tokens)" in page
    assert "1 cell of 8 missing." in page
    assert f'action="/runs/{run_id}/resume"' in page
    assert harmless(page)


async def test_hostile_names_and_texts_are_text(site: Site, made: Made) -> None:
    case = replace(checked(1), input=HOSTILE, case_id=HOSTILE[:40])
    request = replace(asks(content(f"x{HOSTILE}"), [case], (HOSTILE.replace(" ", "").replace("?", ""), "m1")))
    run_id = await made.run(request, lambda model, prompt: HOSTILE)
    assert harmless(await get(site, f"/runs/{run_id}"))
    assert harmless((await site.client.get(f"/runs/{run_id}/events")).text)


async def test_the_matrix_keeps_what_a_filter_asks_for(site: Site, made: Made) -> None:
    run_id = await made.run(asks(content(), [checked(number) for number in range(1, 6)]), half_right)
    assert rows(await get(site, f"/runs/{run_id}")) == [1, 2, 3, 4, 5]
    assert rows(await get(site, f"/runs/{run_id}?only=differ")) == [2, 4, 5]
    assert rows(await get(site, f"/runs/{run_id}?only=not_passed")) == [2, 4, 5]
    nothing = await get(site, f"/runs/{run_id}?only=failures")
    assert rows(nothing) == []
    assert "Nothing failed" in nothing
    assert rows(await get(site, f"/runs/{run_id}?only=nonsense&offset=-4&sort=x&dir=y")) == [1, 2, 3, 4, 5]


async def test_a_cell_leads_to_its_case_within_the_filter(site: Site, made: Made) -> None:
    run_id = await made.run(asks(content(), [checked(number) for number in range(1, 6)]), half_right)
    page = await get(site, f"/runs/{run_id}?only=differ")
    link = re.search(r'data-look="not_passed"[^>]* href="([^"]+)"', page)
    assert link is not None
    case = await get(site, link[1].replace("&amp;", "&"))
    assert "1 of 3 on which models differ" in case
    assert case.index("m1</h2>") < case.index("m0</h2>")


async def test_many_cases_come_a_page_at_a_time(site: Site, made: Made) -> None:
    run_id = await made.run(asks(content(), [checked(number) for number in range(120)], ("m0",)))
    first = await get(site, f"/runs/{run_id}")
    assert rows(first) == list(range(1, 51))
    assert "1–50 of 120 cases" in first
    following = re.search(r'rel="next" href="([^"]+)"', first)
    assert following is not None
    assert rows(await get(site, following[1])) == list(range(51, 101))
    assert rows(await get(site, f"/runs/{run_id}?offset=100")) == list(range(101, 121))
    assert rows(await get(site, f"/runs/{run_id}?offset=99999999999")) == list(range(1, 51))


async def test_models_are_sorted_by_the_column_asked_for(site: Site, made: Made) -> None:
    run_id = await made.run(asks(content(), [checked(number) for number in range(1, 6)]), half_right)
    descending = await get(site, f"/runs/{run_id}?sort=quality&dir=desc")
    ascending = await get(site, f"/runs/{run_id}?sort=quality&dir=asc")

    def order(page: str) -> bool:
        table = page[page.index('id="models"') :]
        return table.index(">m0</span>") < table.index(">m1</span>")

    assert order(descending)
    assert not order(ascending)
    assert 'aria-sort="ascending"' in ascending


async def test_a_skill_that_harms_is_told_first(site: Site, made: Made) -> None:
    def reply(model: str, prompt: str) -> str:
        return "no idea"

    arms = (Arm.WITH_SKILL, Arm.WITHOUT_SKILL)
    run_id = await made.run(asks(content(), [checked(number) for number in range(12)], ("m0",), arms=arms), reply)
    async with site.workbench.database.tenant(site.tenant_id) as connection:
        verdict = dict((await runs.get_run(connection, run_id)).verdict or {})
        verdict["summaries"][0] |= {"lift": -30.0, "lift_low": -40.0, "lift_high": -20.0, "lift_p": 0.001}
        await connection.execute("UPDATE benchmark_runs SET verdict = %s WHERE id = %s", (json.dumps(verdict), run_id))
    page = await get(site, f"/runs/{run_id}")
    assert "The skill makes m0 worse." in page
    assert "Lift −30.0 points, 95% interval −40.0 to −20.0, n = 12" in page


async def test_a_run_that_no_worker_serves_is_told_as_interrupted(site: Site, made: Made) -> None:
    run_id = await made.run(asks(content(), [checked(1), checked(2)]))
    async with site.workbench.database.tenant(site.tenant_id) as connection:
        await connection.execute("DELETE FROM procrastinate_workers")
        await connection.execute(
            "UPDATE benchmark_runs SET status = 'running', completed_at = NULL WHERE id = %s", (run_id,)
        )
        await connection.execute(
            "UPDATE benchmark_results SET created_at = created_at - interval '1 hour',"
            " graded_at = graded_at - interval '1 hour'"
        )
    page = await get(site, f"/runs/{run_id}")
    assert "Interrupted" in page
    assert f"steelyard runs resume {str(run_id)[:8]}" in page


async def test_the_run_and_its_cells_can_be_downloaded(site: Site, made: Made) -> None:
    case = replace(checked(1), case_id="=cmd()")
    run_id = await made.run(asks(content(), [case, checked(2)]))
    report = (await site.client.get(f"/runs/{run_id}.json")).json()
    assert (report["schema"], report["run"]["id"]) == ("steelyard.run/1", str(run_id))
    download = await site.client.get(f"/runs/{run_id}/cells.csv")
    assert download.headers["content-disposition"].startswith("attachment")
    lines = list(csv.DictReader(io.StringIO(download.text)))
    assert [(line["test_case_index"], line["model_name"]) for line in lines] == [
        ("0", "test:m0"), ("0", "test:m1"), ("1", "test:m0"), ("1", "test:m1"),
    ]  # fmt: skip
    assert [line["case_number"] for line in lines] == ["1", "1", "2", "2"]
    assert {line["case_key"] for line in lines} == {"'=cmd()", "case-002"}
    assert lines[0]["passed"] == "true"
    assert lines[0]["ttft_ms"] == ""
    assert (lines[0]["estimated_cost_usd"], lines[0]["estimated_cost_microcents"]) == ("0.00001", "1000")


async def test_the_matrix_names_a_case_whose_key_is_not_its_number(site: Site, made: Made) -> None:
    run_id = await made.run(asks(content(), [checked(1), replace(checked(2), case_id="late-7")]))
    page = await get(site, f"/runs/{run_id}")
    assert ">late-7</span>" in page
    assert ">case-001</span>" not in page


async def test_the_short_id_leads_to_the_run(site: Site, made: Made) -> None:
    run_id = await made.run(asks(content(), [checked(1)]))
    short = str(run_id)[:8]
    answer = await site.client.get(f"/runs/{short}?only=differ")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/runs/{run_id}?only=differ")
    answer = await site.client.get(f"/runs/{short.upper()}/cases/1")
    assert answer.headers["location"] == f"/runs/{run_id}/cases/1"
    assert (await site.client.get(f"/runs/{short}.json")).headers["location"] == f"/runs/{run_id}.json"
    assert (await site.client.get(f"/runs/{short}/events")).status_code == 303
    assert (await site.post(f"/runs/{short}/cancel")).status_code == 404
    for other in ("0" * 8, "%", "________", "x", short + "zz"):
        assert (await site.client.get(f"/runs/{other}")).status_code == 404, other


async def test_a_short_id_of_another_tenants_run_leads_nowhere(site: Site) -> None:
    stranger = uuid4()
    database = site.workbench.database
    async with database.tenant(stranger) as connection:
        await ensure_tenant(connection, stranger, "other")
    run_id = await Made(Bench(database, stranger)).run(asks(content(), [checked(1)]))
    assert (await site.client.get(f"/runs/{str(run_id)[:8]}")).status_code == 404


async def test_a_short_id_of_two_runs_leads_to_neither(site: Site, made: Made) -> None:
    ids = [await made.bench.start(asks(content(), [checked(number)])) for number in (1, 2)]
    twins = [UUID(f"{'0' * 8}-{str(one)[9:]}") for one in ids]
    async with site.workbench.database.tenant(site.tenant_id) as connection:
        for one, twin in zip(ids, twins, strict=True):
            await connection.execute("UPDATE benchmark_runs SET id = %s WHERE id = %s", (twin, one))
    answer = await site.client.get("/runs/00000000")
    assert answer.status_code == 404


def events_of(text: str) -> list[dict[str, str]]:
    """The events of a stream, comments left out."""
    events: list[dict[str, str]] = []
    for block in text.split("\n\n"):
        event: dict[str, str] = {}
        for line in block.splitlines():
            name, _, value = line.partition(": ")
            if name:
                event[name] = f"{event[name]}\n{value}" if name in event else value
        if event:
            events.append(event)
    return events


def rows(page: str) -> list[int]:
    """The numbers of the cases the matrix shows."""
    return [int(number) for number in re.findall(r'class="matrix-number">(\d+)<', page)]


def harmless(page: str) -> bool:
    return "<script>alert" not in page and "\u202e" not in page and "\x1b" not in page
