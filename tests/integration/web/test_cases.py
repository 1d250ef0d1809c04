"""Golden cases by plain forms: added, proposed, edited, decided on, and made of users' training examples."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID, uuid4

import pytest

from steelyard.domain.cases import CaseStatus, Check, CheckKind, GoldenCase
from steelyard.domain.feedback import Feedback, FeedbackType
from steelyard.services.case_text import CaseDraft
from steelyard.storage.cases import CaseEntry
from tests.integration.web.harness import Site
from tests.integration.web.made import content, made_skill

DETAILS = "/skills/weigh/details"
CASES = "/skills/weigh/cases"


async def skill(site: Site, golden: int = 0, name: str = "weigh") -> UUID:
    return await made_skill(site.workbench, site.tenant_id, content(name), golden)


async def only(site: Site, skill_id: UUID) -> CaseEntry:
    (entry,) = await site.workbench.cases.list(site.tenant_id, skill_id)
    return entry


async def example(site: Site, skill_id: UUID, given: str = "2 lb") -> UUID:
    feedback = Feedback(FeedbackType.TRAINING_EXAMPLE, example_input=given, expected_output="907 g", author="Ann")
    return (await site.workbench.feedback.add(site.tenant_id, skill_id, feedback)).id


def typed(**more: Any) -> dict[str, Any]:
    return {"input": "How heavy is it?", "expected": "12 g", "do": "add", **more}


async def test_a_case_that_was_added_is_accepted_and_listed(site: Site) -> None:
    skill_id = await skill(site)
    assert "No golden cases yet" in (await site.client.get(DETAILS)).text
    answer = await site.post(CASES, typed(family="scales", case_set="dev", author="Ann"))
    assert (answer.status_code, answer.headers["location"]) == (303, f"{DETAILS}#cases")
    assert (await only(site, skill_id)).status is CaseStatus.ACCEPTED
    page = (await site.client.get(DETAILS)).text
    for said in ("How heavy is it?", "12 g", "family scales", "set dev", "written here by Ann"):
        assert said in page


async def test_checks_and_assertions_are_read_row_by_row(site: Site) -> None:
    skill_id = await skill(site)
    await site.post(
        CASES,
        typed(
            assertions="Names the unit.\n\nIs short.",
            check_kind=["number", "contains", "contains", "json_equal"],
            check_value=["12", "", "GRAM", '{"g": 12}'],
            check_tolerance=["0.5", "", "", ""],
            check_ignore_case=["2"],
        ),
    )
    case = (await only(site, skill_id)).case
    assert case.assertions == ("Names the unit.", "Is short.")
    assert case.checks == (
        Check(CheckKind.NUMBER, 12.0, tolerance=0.5),
        Check(CheckKind.CONTAINS, "GRAM", ignore_case=True),
        Check(CheckKind.JSON_EQUAL, {"g": 12}),
    )


async def test_a_form_that_cannot_be_used_keeps_what_was_typed(site: Site) -> None:
    skill_id = await skill(site)
    sent = typed(check_kind=["regex"], check_value=["(unclosed"], check_tolerance=[""])
    answer = await site.post(CASES, sent)
    assert answer.status_code == 422
    assert "Check 1 cannot be used" in answer.text
    assert "(unclosed" in answer.text
    assert "How heavy is it?" in answer.text
    assert not await site.workbench.cases.list(site.tenant_id, skill_id)


async def test_a_tolerance_below_zero_is_refused_rather_than_turned_around(site: Site) -> None:
    skill_id = await skill(site)
    answer = await site.post(CASES, typed(check_kind=["number"], check_value=["12"], check_tolerance=["-1"]))
    assert answer.status_code == 422
    assert "Check 1 cannot be used: its tolerance, -1, is below 0" in answer.text
    assert 'value="-1"' in answer.text
    assert not await site.workbench.cases.list(site.tenant_id, skill_id)


async def test_a_case_that_is_there_already_is_refused_at_the_form(site: Site) -> None:
    await skill(site)
    await site.post(CASES, typed())
    answer = await site.post(CASES, typed())
    assert answer.status_code == 409
    assert "is the same" in answer.text
    assert "12 g" in answer.text


async def test_more_rows_of_checks_come_without_javascript_and_keep_nothing(site: Site) -> None:
    skill_id = await skill(site)
    sent = typed(do="more", check_kind=["contains"] * 3, check_value=["a", "b", "c"], check_tolerance=[""] * 3)
    answer = await site.post(CASES, sent)
    assert answer.status_code == 200
    assert answer.text.count('name="check_kind"') == 5
    assert not await site.workbench.cases.list(site.tenant_id, skill_id)


async def test_a_proposed_case_comes_first_and_can_be_accepted(site: Site) -> None:
    skill_id = await skill(site, 3)
    await site.post(CASES, typed(do="propose", key="proposed"))
    page = (await site.client.get(DETAILS)).text
    assert page.index(">proposed</a>") < page.index(">case-0</a>")
    (pending,) = await site.workbench.cases.list(site.tenant_id, skill_id, status=CaseStatus.PENDING)
    await site.post(f"{CASES}/{pending.id}/accept")
    assert (await site.workbench.cases.get(site.tenant_id, pending.id)).status is CaseStatus.ACCEPTED


@pytest.mark.parametrize(("decision", "status"), [("reject", "rejected"), ("retire", "retired")])
async def test_a_case_taken_out_is_found_under_its_status_and_can_come_back(
    site: Site, decision: str, status: str
) -> None:
    skill_id = await skill(site, 1)
    entry = await only(site, skill_id)
    await site.post(f"{CASES}/{entry.id}/{decision}", {"why": "It was wrong."})
    assert (await site.workbench.catalogue.find(site.tenant_id, "weigh")).cases == 0
    assert ">case-0</a>" in (await site.client.get(f"{DETAILS}?cases={status}")).text
    await site.post(f"{CASES}/{entry.id}/{'restore' if decision == 'retire' else 'accept'}")
    assert (await site.workbench.catalogue.find(site.tenant_id, "weigh")).cases == 1


async def test_the_first_filter_says_that_it_leaves_out_what_is_retired(site: Site) -> None:
    skill_id = await skill(site, 2)
    assert "All but retired" not in (await site.client.get(DETAILS)).text
    entry, _ = await site.workbench.cases.list(site.tenant_id, skill_id)
    await site.post(f"{CASES}/{entry.id}/retire")
    page = (await site.client.get(DETAILS)).text
    assert 'All but retired <span class="sub">1</span>' in page
    assert 'Retired <span class="sub">1</span>' in page


async def test_an_edit_changes_what_was_typed_and_keeps_the_rest(site: Site) -> None:
    given = GoldenCase("one", "Weigh it", "1 g", ("Short.",), (Check(CheckKind.NUMBER, 1),), {"a.txt": "x"}, "f", "dev")
    skill_id = await made_skill(site.workbench, site.tenant_id, content("weigh"), [given])
    entry = await only(site, skill_id)
    page = (await site.client.get(f"{CASES}/{entry.id}")).text
    assert "a.txt" in page
    sent = {
        "input": "Weigh it",
        "expected": "2 g",
        "assertions": "Short.",
        "key": "one",
        "family": "f",
        "case_set": "dev",
        "check_kind": ["number"],
        "check_value": ["1"],
        "check_tolerance": [""],
    }
    assert (await site.post(f"{CASES}/{entry.id}", {**sent, "do": "save"})).status_code == 303
    case = (await only(site, skill_id)).case
    assert (case.expected, case.files, case.assertions, case.checks[0].value) == ("2 g", {"a.txt": "x"}, ("Short.",), 1)


async def test_a_form_sent_as_it_was_shown_changes_nothing(site: Site) -> None:
    skill_id = await skill(site)
    checks = (
        Check(CheckKind.JSON_EQUAL, {"a": [1, "x"]}),
        Check(CheckKind.JSON_EQUAL, "text"),
        Check(CheckKind.JSON_SCHEMA, {"type": "object"}),
        Check(CheckKind.NUMBER, 3, tolerance=0.25),
        Check(CheckKind.REGEX, r"\d+", ignore_case=True),
    )
    entry = await site.workbench.cases.add(site.tenant_id, skill_id, CaseDraft("in", "out", ("A.", "B."), checks))
    page = (await site.client.get(f"{CASES}/{entry.id}")).text
    sent = fields_of(page)
    assert (await site.post(f"{CASES}/{entry.id}", {**sent, "do": "save"})).status_code == 303
    assert (await only(site, skill_id)).id == entry.id


async def test_an_example_can_be_accepted_as_it_is(site: Site) -> None:
    skill_id = await skill(site)
    feedback = await example(site, skill_id)
    assert "1 training example to decide on" in (await site.client.get(DETAILS)).text
    await site.post(f"/skills/weigh/examples/{feedback}/accept")
    case = (await only(site, skill_id)).case
    assert (case.input, case.expected, case.source.value) == ("2 lb", "907 g", "training_example")
    assert "to decide on" not in (await site.client.get(DETAILS)).text


async def test_an_example_can_be_edited_first(site: Site) -> None:
    skill_id = await skill(site)
    url = f"/skills/weigh/examples/{await example(site, skill_id)}"
    assert "907 g" in (await site.client.get(url)).text
    assert (await site.post(url, typed(input="2 lb", expected="907.2 g", do="propose"))).status_code == 303
    entry = await only(site, skill_id)
    assert (entry.case.expected, entry.status) == ("907.2 g", CaseStatus.PENDING)


async def test_a_rejected_example_becomes_no_case(site: Site) -> None:
    skill_id = await skill(site)
    await site.post(f"/skills/weigh/examples/{await example(site, skill_id)}/reject", {"why": "No."})
    assert not await site.workbench.cases.list(site.tenant_id, skill_id)
    assert "to decide on" not in (await site.client.get(DETAILS)).text


async def test_an_example_that_is_a_case_already_says_so_on_the_page(site: Site) -> None:
    skill_id = await skill(site)
    await site.post(f"/skills/weigh/examples/{await example(site, skill_id)}/accept")
    answer = await site.post(f"/skills/weigh/examples/{await example(site, skill_id)}/accept")
    assert answer.status_code == 409
    assert "is the same" in answer.text
    assert 'id="cases"' in answer.text


async def test_a_thousand_cases_come_a_page_at_a_time(site: Site) -> None:
    await skill(site, 60)
    first, last = [(await site.client.get(f"{DETAILS}?page={page}")).text for page in (1, 3)]
    assert re.findall(r">case-(\d+)</a>", first) == [str(number) for number in range(25)]
    assert len(re.findall(r">case-\d+</a>", last)) == 10
    assert 'rel="next"' not in last
    assert (await site.client.get(f"{DETAILS}?page=999999999")).text.count(">case-") == 10
    assert (await site.client.get(f"{DETAILS}?page=-1&cases=nonsense")).status_code == 200


async def test_what_a_case_holds_stays_text(site: Site) -> None:
    await skill(site)
    bad = "<script>alert(1)</script>\u202e\x1b[31m</textarea>"
    await site.post(CASES, typed(input=bad, expected=bad, assertions=bad, family=bad, key=bad, case_set=bad))
    page = (await site.client.get(DETAILS)).text
    assert "<script>alert" not in page
    assert "\u202e" not in page
    assert "\x1b" not in page
    (path,) = set(re.findall(rf"{CASES}/[0-9a-f-]{{36}}(?=\")", page))
    assert "<script>alert" not in (await site.client.get(path)).text


async def test_another_skills_case_or_example_is_not_found_here(site: Site) -> None:
    await skill(site)
    other = await skill(site, 1, "other")
    theirs, given = await only(site, other), await example(site, other)
    for url in (f"{CASES}/{theirs.id}", f"{CASES}/{uuid4()}", f"/skills/weigh/examples/{given}"):
        assert (await site.client.get(url)).status_code == 404
        assert (await site.post(url, typed())).status_code == 404
    for url in (f"{CASES}/{theirs.id}/retire", f"/skills/weigh/examples/{given}/accept"):
        assert (await site.post(url)).status_code == 404
    assert (await only(site, other)).retired_at is None


async def test_a_form_without_its_token_is_refused(site: Site) -> None:
    skill_id = await skill(site)
    assert (await site.client.post(CASES, data=typed())).status_code == 403
    assert not await site.workbench.cases.list(site.tenant_id, skill_id)


async def test_whoever_edits_second_can_look_and_save_over_it(site: Site) -> None:
    skill_id = await skill(site, 1)
    old = await only(site, skill_id)
    await site.post(f"{CASES}/{old.id}", typed(key="case-0", input="By the first.", do="save"))
    now = await only(site, skill_id)
    answer = await site.post(f"{CASES}/{old.id}", typed(key="case-0", input="By the second.", do="save", author="Bo"))
    assert answer.status_code == 409
    assert "By the second." in answer.text
    assert f'href="{CASES}/{now.id}"' in answer.text
    assert "Save mine over it" in answer.text
    assert answer.text.count('role="alert"') == 1
    sent = fields_of(answer.text)
    assert (await site.post(action_of(answer.text), {**sent, "do": "save"})).status_code == 303
    case = await only(site, skill_id)
    assert (case.case.input, case.author) == ("By the second.", "Bo")


async def test_what_was_typed_into_a_case_retired_meanwhile_can_be_kept(site: Site) -> None:
    skill_id = await skill(site, 1)
    old = await only(site, skill_id)
    await site.post(f"{CASES}/{old.id}/retire")
    answer = await site.post(f"{CASES}/{old.id}", typed(key="case-0", input="Mine.", do="save"))
    assert "Keep mine as a case of its own" in answer.text
    sent = fields_of(answer.text)
    assert (await site.post(action_of(answer.text), {**sent, "do": "add"})).status_code == 303
    assert (await only(site, skill_id)).case.input == "Mine."


async def test_a_case_that_is_out_of_use_cannot_be_saved_when_nothing_was_typed(site: Site) -> None:
    skill_id = await skill(site, 1)
    old = await only(site, skill_id)
    await site.post(f"{CASES}/{old.id}", typed(key="case-0", do="save"))
    page = (await site.client.get(f"{CASES}/{old.id}")).text
    assert "See it as it is now" in page
    assert "Save" not in page
    await site.post(f"{CASES}/{(await only(site, skill_id)).id}/retire")
    page = (await site.client.get(f"{CASES}/{old.id}")).text
    assert "cases=retired" in page
    assert 'name="do"' not in page


@pytest.mark.parametrize(("author", "said"), [("Ann", "edited here by Ann</span>"), ("", "edited here</span>")])
async def test_a_folders_case_says_that_it_was_edited_here(site: Site, author: str, said: str) -> None:
    skill_id = await skill(site, 1)
    assert "edited here" not in (await site.client.get(DETAILS)).text
    old = await only(site, skill_id)
    await site.post(f"{CASES}/{old.id}", typed(key="case-0", do="save", author=author))
    page = (await site.client.get(DETAILS)).text
    assert "from its folder, " + said in page
    assert author in page
    await skill(site, 1)
    assert "edited here" not in (await site.client.get(DETAILS)).text


@pytest.mark.parametrize("letters", [1_200_000, 4_900_000])
async def test_a_long_text_is_kept_whatever_becomes_of_it(site: Site, letters: int) -> None:
    skill_id = await skill(site)
    page = (await site.client.get(f"{CASES}/new")).text
    assert 'enctype="multipart/form-data"' in page
    parts: dict[str, Any] = {"input": (None, "y" * letters), "expected": (None, "x" * letters), "do": (None, "add")}
    answer = await site.post(CASES, files=parts)
    if 2 * letters < 5_000_000:
        assert answer.status_code == 303
        assert len((await only(site, skill_id)).case.input) == letters
    else:
        assert answer.status_code == 422
        assert "5,000,000 are the most" in answer.text
        assert "y" * letters in answer.text


async def test_what_is_too_much_for_a_form_is_told_in_its_own_words(site: Site) -> None:
    await skill(site)
    parts: dict[str, Any] = {"input": (None, "y" * 5_500_000), "do": (None, "add")}
    for answer in (await site.post(CASES, files=parts), await site.post(CASES, typed(input="y" * 1_100_000))):
        assert answer.status_code == 413
        assert "Nothing was changed" in answer.text
        assert "Go back" in answer.text
        assert "path on this machine" not in answer.text
        assert "zip" not in answer.text


def action_of(page: str) -> str:
    """Where the case's form is sent."""
    (action,) = re.findall(r'<form method="post" action="([^"]+/cases[^"]*)"', page)
    return action


def fields_of(page: str) -> dict[str, Any]:
    """What a browser would send of the case's form."""
    from html.parser import HTMLParser

    sent: dict[str, list[str]] = {}

    class Reader(HTMLParser):
        area: str | None = None
        select: str | None = None
        chosen: str | None = None

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            given = dict(attrs)
            name = given.get("name") or ""
            if tag == "textarea":
                self.area = name
                sent.setdefault(name, []).append("")
            elif tag == "select":
                self.select, self.chosen = name, None
            elif tag == "option" and self.select:
                self.chosen = given["value"] if "selected" in given or self.chosen is None else self.chosen
            elif tag == "input" and (given.get("type") != "checkbox" or "checked" in given):
                sent.setdefault(name, []).append(given.get("value") or "")

        def handle_endtag(self, tag: str) -> None:
            if tag == "textarea":
                self.area = None
            elif tag == "select" and self.select:
                sent.setdefault(self.select, []).append(self.chosen or "")
                self.select = None

        def handle_data(self, data: str) -> None:
            if self.area is not None:
                sent[self.area][-1] += data

    Reader().feed(page)
    return {
        name: [value.removeprefix("\n") for value in values]
        for name, values in sent.items()
        if name not in ("csrf_token", "theme")
    }
