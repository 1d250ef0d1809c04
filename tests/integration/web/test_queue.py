"""The queue: everything that waits, what it is nearly the same as, and decisions with their reasons."""

from __future__ import annotations

import asyncio
import re
from uuid import UUID, uuid4

import pytest

from steelyard.domain.access import Principal
from steelyard.domain.cases import CaseSource, CaseStatus
from steelyard.domain.feedback import Feedback, FeedbackType
from steelyard.services.case_text import CaseDraft
from steelyard.storage import ratings
from steelyard.web.access import owner_of
from tests.acceptance.web.replies import ATTACK
from tests.integration.services.made_skills import other_tenant
from tests.integration.web.harness import Site
from tests.integration.web.made import MadeModel, content, made_run, made_skill

LONG = "Say in one short sentence how heavy the brass weight number {} on the left pan of the old scale really is"


async def skill(site: Site, golden: int = 0, name: str = "weigh") -> UUID:
    return await made_skill(site.workbench, site.tenant_id, content(name), golden)


async def said(site: Site, skill_id: UUID, kind: FeedbackType, **more: str | int) -> UUID:
    given = Feedback(kind, **more)  # type: ignore[arg-type]
    return (await site.workbench.feedback.add(site.tenant_id, skill_id, given)).id


async def rated(site: Site, skill_id: UUID, score: int, *, judged_good: bool) -> UUID:
    """An output of a run that the judge finds good or not, and one person's rating of it."""
    run_id = await made_run(
        site.workbench, site.tenant_id, skill_id, [MadeModel("openai:m", 95 if judged_good else 20)]
    )
    async with site.workbench.database.tenant(site.tenant_id) as connection:
        cursor = await connection.execute(
            """SELECT id FROM benchmark_results WHERE benchmark_run_id = %s AND state = 'judged'
                  AND (quality_score >= 70) = %s ORDER BY test_case_index LIMIT 1""",
            (run_id, judged_good),
        )
        row = await cursor.fetchone()
        assert row is not None
        await ratings.put_rating(
            connection, site.tenant_id, run_id, row["id"], "Ann", score=score, note="Wrong.", drawn=False, blind=False
        )
    return row["id"]


async def test_an_empty_queue_says_what_comes_there(site: Site) -> None:
    assert "Nothing waits" in (await site.client.get("/queue")).text
    await skill(site)
    page = await site.client.get("/queue?skill=weigh")
    assert "Have cases drafted" in page.text
    assert (await site.client.get("/queue?skill=none")).status_code == 404


async def test_everything_that_waits_is_listed_by_kind_and_skill_and_counted_on_its_skill(site: Site) -> None:
    skill_id, other = await skill(site, 12), await skill(site, 1, "other")
    example = await said(
        site, skill_id, FeedbackType.TRAINING_EXAMPLE, example_input="2 lb", expected_output="907 g", author="Ann"
    )
    await said(site, skill_id, FeedbackType.THUMB_DOWN, example_input="3 lb", example_output="3 g", comment="No.")
    await said(site, skill_id, FeedbackType.THUMB_DOWN, comment="Carries no example.")
    await rated(site, skill_id, 2, judged_good=True)
    proposed = await site.workbench.cases.propose(site.tenant_id, other, CaseDraft("4 lb", "1814 g"), author="Bob")
    page = (await site.client.get("/queue")).text
    for words in ("2 lb", "907 g", "3 lb", "3 g", "The judge gave it", "rated it <strong>2</strong>", "4 lb"):
        assert words in page
    assert "Carries no example" not in page
    assert page.count("data-queue-item") == 4
    own = (await site.client.get("/queue?skill=other")).text
    assert (f'id="i-{proposed.id}"' in own, f'id="i-{example}"' in own) == (True, False)
    assert (await site.client.get("/queue?kind=example")).text.count("data-queue-item") == 1
    assert "3 in the queue" in (await site.client.get("/skills/weigh/details")).text
    assert "1 in the queue" in (await site.client.get("/skills/other/benchmark")).text


@pytest.mark.parametrize(
    ("score", "judged_good", "listed"), [(4, True, True), (5, True, False), (8, False, True), (2, False, False)]
)
async def test_a_rating_waits_where_it_contradicts_the_judge(
    site: Site, score: int, judged_good: bool, listed: bool
) -> None:
    skill_id = await skill(site, 12)
    result = await rated(site, skill_id, score, judged_good=judged_good)
    assert (f'id="i-{result}"' in (await site.client.get("/queue")).text) == listed


async def test_blame_of_an_output_that_the_judge_found_good_says_so_and_links_to_it(site: Site) -> None:
    skill_id = await skill(site, 12)
    await made_run(site.workbench, site.tenant_id, skill_id, [MadeModel("openai:m", 99)])
    await said(site, skill_id, FeedbackType.THUMB_DOWN, example_input="that", example_output="about 3 g")
    page = (await site.client.get("/queue?kind=use")).text
    assert "whoever used it says it was not" in page
    link = re.search(r'href="(/runs/[^"]+/cases/4)"', page)
    assert link is not None
    assert (await site.client.get(link[1])).status_code == 200


async def test_a_near_duplicate_is_shown_with_how_near_it_is(site: Site) -> None:
    skill_id = await skill(site)
    await site.workbench.cases.add(site.tenant_id, skill_id, CaseDraft(LONG.format("four"), "4 g", key="there"))
    await site.workbench.cases.propose(site.tenant_id, skill_id, CaseDraft(LONG.format("five"), "5 g", key="new"))
    await site.workbench.cases.propose(site.tenant_id, skill_id, CaseDraft("Something else entirely.", "x"))
    page = (await site.client.get("/queue")).text
    assert page.count("Nearly the same as 1 case") == 1
    near = page.split("Nearly the same as 1 case")[1]
    assert re.search(r"\d\d% the same as <a[^>]*>there</a>", near) is not None
    assert "4 g" in near.split("</details>")[0]


async def test_accepting_makes_a_case_with_who_and_why_in_its_history(site: Site) -> None:
    skill_id = await skill(site)
    entry = await site.workbench.cases.propose(site.tenant_id, skill_id, CaseDraft("1 lb", "454 g"), author="Bob")
    await site.post("/queue/name", {"name": "Ann"})
    answer = await site.post(f"/queue/proposed/{entry.id}", {"do": "accept", "why": "Seen daily."})
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/queue?done=")
    assert (await site.workbench.cases.get(site.tenant_id, entry.id)).status is CaseStatus.ACCEPTED
    told = [(row.change, row.who, row.why) for row in await site.workbench.cases.changes(site.tenant_id, entry.id)]
    assert told == [("proposed", "Bob", ""), ("accepted", "Ann", "Seen daily.")]
    page = (await site.client.get(f"/skills/weigh/cases/{entry.id}")).text
    assert "Seen daily." in page
    assert "Seen daily." in (await site.client.get("/skills/weigh/case-history")).text


@pytest.mark.parametrize("kind", ["proposed", "example", "use", "disagreement"])
async def test_a_rejection_needs_a_reason_and_takes_it_out_of_the_queue(site: Site, kind: str) -> None:
    skill_id = await skill(site, 12)
    if kind == "proposed":
        item = (await site.workbench.cases.propose(site.tenant_id, skill_id, CaseDraft("1 lb", "454 g"))).id
    elif kind == "disagreement":
        item = await rated(site, skill_id, 1, judged_good=True)
    else:
        given = FeedbackType.TRAINING_EXAMPLE if kind == "example" else FeedbackType.THUMB_DOWN
        item = await said(site, skill_id, given, example_input="2 lb", expected_output="907 g")
    refused = await site.post(f"/queue/{kind}/{item}", {"do": "reject", "why": "  "})
    assert (refused.status_code, "A rejection needs a reason" in refused.text) == (422, True)
    assert f'id="i-{item}"' in refused.text
    assert (await site.post(f"/queue/{kind}/{item}", {"do": "reject", "why": "Never seen."})).status_code == 303
    assert "Nothing waits" in (await site.client.get("/queue")).text
    assert (await site.workbench.catalogue.find(site.tenant_id, "weigh")).cases == 12
    if kind == "disagreement":
        assert (await site.post(f"/queue/{kind}/{item}", {"do": "reject", "why": "Again."})).status_code == 409


async def test_a_disputed_output_becomes_a_pending_case_whose_expected_output_is_to_be_written(site: Site) -> None:
    skill_id = await skill(site, 12)
    item = await rated(site, skill_id, 1, judged_good=True)
    assert (await site.post(f"/queue/disagreement/{item}", {"do": "accept"})).status_code == 422
    answer = await site.post(f"/queue/disagreement/{item}", {"do": "propose"})
    (entry,) = await site.workbench.cases.list(site.tenant_id, skill_id, status=CaseStatus.PENDING)
    assert (entry.case.source, entry.case.expected) == (CaseSource.DISAGREEMENT, "")
    assert answer.headers["location"] == f"/skills/weigh/cases/{entry.id}?back=queue"
    assert "Write what is expected" in (await site.client.get("/queue")).text
    assert (await site.post(f"/queue/proposed/{entry.id}", {"do": "accept"})).status_code == 422
    saved = await site.post(
        f"/skills/weigh/cases/{entry.id}",
        {"input": entry.case.input, "expected": "7.5 kg", "do": "accept", "back": "queue", "why": "Weighed it."},
    )
    assert saved.headers["location"] == "/queue"
    (kept,) = [
        one for one in await site.workbench.cases.list(site.tenant_id, skill_id) if one.case.expected == "7.5 kg"
    ]
    assert (kept.status, kept.case.source) == (CaseStatus.ACCEPTED, CaseSource.DISAGREEMENT)
    told = [row.change for row in await site.workbench.cases.changes(site.tenant_id, kept.id)]
    assert told == ["proposed", "edited", "accepted"]
    assert "Nothing waits" in (await site.client.get("/queue")).text


async def test_a_use_in_production_is_accepted_with_what_its_user_expected(site: Site) -> None:
    skill_id = await skill(site)
    item = await said(
        site, skill_id, FeedbackType.THUMB_DOWN, example_input="2 lb", example_output="2 g", expected_output="907 g"
    )
    form = await site.client.get(f"/skills/weigh/examples/{item}?back=queue")
    assert "907 g" in form.text
    assert (await site.post(f"/queue/use/{item}", {"do": "accept"})).status_code == 303
    (entry,) = await site.workbench.cases.list(site.tenant_id, skill_id)
    assert (entry.case.source, entry.case.expected, entry.status) == (
        CaseSource.PRODUCTION,
        "907 g",
        CaseStatus.ACCEPTED,
    )
    assert "from a use in production" in (await site.client.get("/skills/weigh/details")).text


async def test_many_are_rejected_at_once_for_one_reason(site: Site) -> None:
    skill_id = await skill(site)
    made = [
        await site.workbench.cases.propose(site.tenant_id, skill_id, CaseDraft(f"{number} lb", "x"))
        for number in range(3)
    ]
    items = [f"proposed:{entry.id}" for entry in made[:2]] + [f"proposed:{uuid4()}", "nonsense"]
    assert (await site.post("/queue/reject", {"item": items})).status_code == 422
    assert (await site.post("/queue/reject", {"why": "Old."})).status_code == 422
    answer = await site.post("/queue/reject", {"item": items, "why": "Old."})
    assert answer.headers["location"] == "/queue?done=rejected-2-1"
    assert [one.case.input for one in await site.workbench.cases.list(site.tenant_id, skill_id)] == [
        "0 lb",
        "1 lb",
        "2 lb",
    ]
    page = await site.client.get(answer.headers["location"])
    assert "2 rejected. 1 had been decided on before." in page.text
    assert page.text.count("data-queue-item") == 1


async def test_a_thousand_come_a_page_at_a_time_each_once(site: Site) -> None:
    skill_id = await skill(site)
    async with site.workbench.database.tenant(site.tenant_id) as connection:
        # Of one transaction, and so of one moment: the place in the list is told by the id then.
        await connection.execute(
            """INSERT INTO golden_cases (tenant_id, skill_id, case_key, digest, input, expected_output, source, status)
               SELECT %s, %s, 'k' || n, 'd' || n, 'Weigh item ' || n, 'x', 'written', 'pending'
                 FROM generate_series(1, 1000) n""",
            (site.tenant_id, skill_id),
        )
    seen: list[str] = []
    url = "/queue"
    while True:
        page = (await site.client.get(url)).text
        seen += re.findall(r'id="i-([0-9a-f-]+)"', page)
        more = re.search(r'rel="next" href="([^"]+)"', page)
        if more is None:
            break
        url = more[1].replace("&amp;", "&")
    assert (len(seen), len(set(seen))) == (1000, 1000)
    assert "1,000 or more" in page


async def test_a_page_of_no_meaning_is_the_first_one(site: Site) -> None:
    skill_id = await skill(site)
    await site.workbench.cases.propose(site.tenant_id, skill_id, CaseDraft("1 lb", "x"))
    assert (await site.client.get("/queue?after=nonsense&kind=nonsense")).text.count("data-queue-item") == 1


async def test_what_waits_stays_text(site: Site) -> None:
    skill_id = await skill(site)
    hostile = ATTACK.replace("\x00", "") + "'; DROP TABLE golden_cases; --" + "very long " * 100_000
    entry = await site.workbench.cases.propose(site.tenant_id, skill_id, CaseDraft(hostile, hostile), author="<b>Bob")
    await site.workbench.cases.reject(
        site.tenant_id,
        (await site.workbench.cases.propose(site.tenant_id, skill_id, CaseDraft("b", "b"))).id,
        why=ATTACK.replace("\x00", ""),
    )
    for url in ("/queue", "/skills/weigh/case-history", f"/skills/weigh/cases/{entry.id}"):
        page = (await site.client.get(url)).text
        assert "<script>window" not in page
        assert "<img src=x" not in page
        assert "</main><style>" not in page
    assert len((await site.client.get("/queue")).text) < 400_000
    assert len(await site.workbench.cases.list(site.tenant_id, skill_id)) == 2


async def test_nothing_of_another_tenants_waits_here_or_can_be_decided_on(site: Site) -> None:
    skill_id = await skill(site)
    entry = await site.workbench.cases.propose(site.tenant_id, skill_id, CaseDraft("1 lb", "x"))
    other = await other_tenant(site.workbench.database)
    assert (await site.workbench.case_queue.page(other)).items == ()
    assert await site.workbench.case_queue.count(other) == 0
    site.app.state.identify = owner_of(Principal.owner(other))
    for do in ("accept", "reject"):
        assert (await site.post(f"/queue/proposed/{entry.id}", {"do": do, "why": "Mine."})).status_code == 404
    site.app.state.identify = owner_of(Principal.owner(site.tenant_id))
    assert (await site.workbench.cases.get(site.tenant_id, entry.id)).status is CaseStatus.PENDING


@pytest.mark.parametrize(("kind", "do"), [("nonsense", "accept"), ("proposed", "nonsense")])
async def test_what_is_no_decision_changes_nothing(site: Site, kind: str, do: str) -> None:
    skill_id = await skill(site)
    entry = await site.workbench.cases.propose(site.tenant_id, skill_id, CaseDraft("1 lb", "x"))
    assert (await site.post(f"/queue/{kind}/{entry.id}", {"do": do})).status_code in (404, 422)
    assert (await site.workbench.cases.get(site.tenant_id, entry.id)).status is CaseStatus.PENDING


@pytest.mark.parametrize(("first", "second"), [("reject", "accept"), ("accept", "reject"), ("accept", "accept")])
@pytest.mark.parametrize("kind", ["proposed", "example", "use"])
async def test_an_old_page_does_not_overturn_what_another_decided(
    site: Site, kind: str, first: str, second: str
) -> None:
    skill_id = await skill(site)
    if kind == "proposed":
        item = (await site.workbench.cases.propose(site.tenant_id, skill_id, CaseDraft("2 lb", "907 g"))).id
    else:
        given = FeedbackType.TRAINING_EXAMPLE if kind == "example" else FeedbackType.THUMB_UP
        item = await said(site, skill_id, given, example_input="2 lb", example_output="907 g")
    await site.post("/queue/name", {"name": "Bob"})
    assert (await site.post(f"/queue/{kind}/{item}", {"do": first, "why": "Seen <b>it."})).status_code == 303
    await site.post("/queue/name", {"name": "Ann"})
    before = await site.workbench.cases.history(site.tenant_id, skill_id)
    refused = await site.post(f"/queue/{kind}/{item}", {"do": second, "why": "Mine."})
    assert refused.status_code == 409
    for words in (
        "by Bob on 20",
        "UTC: “Seen &lt;b&gt;it.”",
        "That stays as it is.",
        "otherwise" if first == "accept" else "all the same",
    ):
        assert words in refused.text
    assert await site.workbench.cases.history(site.tenant_id, skill_id) == before


@pytest.mark.parametrize("kind", ["proposed", "example"])
async def test_of_many_at_once_one_decides(site: Site, kind: str) -> None:
    skill_id = await skill(site)
    if kind == "proposed":
        item = (await site.workbench.cases.propose(site.tenant_id, skill_id, CaseDraft("2 lb", "907 g"))).id
    else:
        item = await said(site, skill_id, FeedbackType.TRAINING_EXAMPLE, example_input="2 lb", expected_output="907 g")
    posts = [
        site.post(f"/queue/{kind}/{item}", {"do": do, "why": f"Post {number}."})
        for number, do in enumerate(("accept", "reject") * 4)
    ]
    codes = sorted([answer.status_code for answer in await asyncio.gather(*posts)])
    assert codes == [303] + [409] * 7
    changes = [row.change for row in await site.workbench.cases.history(site.tenant_id, skill_id)]
    assert len([change for change in changes if change in ("accepted", "added", "rejected")]) == 1


async def test_what_was_ticked_twice_or_rejected_earlier_is_not_counted_as_rejected(site: Site) -> None:
    skill_id = await skill(site)
    made = [await site.workbench.cases.propose(site.tenant_id, skill_id, CaseDraft(f"{n} lb", "x")) for n in range(2)]
    given = await said(site, skill_id, FeedbackType.TRAINING_EXAMPLE, example_input="2 lb", expected_output="907 g")
    items = [f"proposed:{made[0].id}"] * 3 + [f"proposed:{made[1].id}", f"example:{given}"]
    for item in items[3:]:
        kind, _, item_id = item.partition(":")
        await site.post(f"/queue/{kind}/{item_id}", {"do": "reject", "why": "Old."})
    answer = await site.post("/queue/reject", {"item": items, "why": "Old."})
    assert answer.headers["location"] == "/queue?done=rejected-1-2"


@pytest.mark.parametrize("text", ["Paid+in+full", "accepted.", "rejected-1-2-3", "rejected-1-x", "%3Cb%3E"])
async def test_a_link_does_not_say_what_was_done(site: Site, text: str) -> None:
    await skill(site)
    assert "queue-done" not in (await site.client.get(f"/queue?done={text}")).text
    assert "It was rejected." in (await site.client.get("/queue?done=rejected")).text


async def test_the_address_of_a_refused_decision_leads_to_the_queue(site: Site) -> None:
    await skill(site)
    for path in (f"example/{uuid4()}", "reject", "name"):
        answer = await site.client.get(f"/queue/{path}", follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (303, "/queue")
    for path in ("cases", "examples"):
        answer = await site.client.get(f"/skills/weigh/{path}/{uuid4()}/accept", follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (303, "/skills/weigh/details#cases")


async def test_a_rejected_example_is_in_the_history_and_can_be_brought_back_by_who_sees_that(site: Site) -> None:
    skill_id = await skill(site)
    item = await said(site, skill_id, FeedbackType.TRAINING_EXAMPLE, example_input="2 lb", expected_output="907 g")
    url = f"/skills/weigh/examples/{item}"
    open_page = {"input": "2 lb", "expected": "0.9 kg", "do": "add", "seen": "new"}
    await site.post("/queue/name", {"name": "Bob"})
    await site.post("/queue/reject", {"item": [f"example:{item}"], "why": "Never seen."})
    page = (await site.client.get("/skills/weigh/case-history")).text
    assert all(words in page for words in ("rejected", "Bob", "Never seen.", f'href="{url}"'))
    for old in (open_page, {name: value for name, value in open_page.items() if name != "seen"}):
        refused = await site.post(url, old)
        assert (refused.status_code, "rejected by Bob" in refused.text, "0.9 kg" in refused.text) == (409, True, True)
    assert (await site.post(f"{url}/accept")).status_code == 409
    shown = (await site.client.get(url)).text
    assert "Deciding otherwise here overturns that" in shown
    assert 'name="seen" value="rejected"' in shown
    assert (await site.post(url, {**open_page, "seen": "rejected"})).status_code == 303
    told = await site.workbench.cases.example_changes(site.tenant_id, item)
    assert [(row.change, row.why) for row in told] == [("rejected", "Never seen."), ("added", "")]
    (entry,) = await site.workbench.cases.list(site.tenant_id, skill_id)
    assert await site.workbench.cases.changes(site.tenant_id, entry.id) == told
    assert "Never seen." in (await site.client.get(f"/skills/weigh/cases/{entry.id}")).text


async def test_a_cases_page_says_what_it_overturns_and_an_old_one_overturns_nothing(site: Site) -> None:
    skill_id = await skill(site)
    entry = await site.workbench.cases.propose(site.tenant_id, skill_id, CaseDraft("1 lb", "454 g", key="one"))
    url = f"/skills/weigh/cases/{entry.id}"
    typed = {"key": "one", "input": "1 lb", "expected": "0.454 kg", "do": "accept"}
    await site.workbench.cases.reject(site.tenant_id, entry.id, why="Rare.", who="Bob")
    refused = await site.post(url, {**typed, "seen": "pending"})
    assert (refused.status_code, "rejected by Bob" in refused.text, "0.454 kg" in refused.text) == (409, True, True)
    assert (await site.post(f"{url}/accept", {"seen": "pending"})).status_code == 409
    shown = (await site.client.get(url)).text
    assert "It was rejected by Bob" in shown
    assert "all the same" in shown
    assert (await site.post(url, {**typed, "seen": "rejected"})).status_code == 303
    (now,) = await site.workbench.cases.list(site.tenant_id, skill_id)
    assert (now.status, now.case.expected) == (CaseStatus.ACCEPTED, "0.454 kg")
    url = f"/skills/weigh/cases/{now.id}"
    assert "It was accepted by" in (await site.client.get(url)).text
    assert (await site.post(f"{url}/reject", {"seen": "pending", "why": "No."})).status_code == 409
    assert (await site.post(f"{url}/reject", {"seen": "accepted", "why": "No."})).status_code == 303
    assert (await site.workbench.cases.get(site.tenant_id, now.id)).status is CaseStatus.REJECTED
