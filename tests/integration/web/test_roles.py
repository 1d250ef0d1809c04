"""What each role is shown and may do, over HTTP: viewer, editor, admin."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from steelyard.domain.access import ROLES, Action, Role
from steelyard.domain.cases import CaseStatus
from steelyard.domain.feedback import Feedback, FeedbackType
from steelyard.services.cases import CaseDraft
from steelyard.storage.server import Server
from steelyard.storage.tenants import ensure_tenant
from steelyard.web.access import ACCESS
from tests.integration.web.made import MadeModel, content, made_run, made_skill
from tests.integration.web.teams import Browser, TeamSite, team_site_of


@pytest.fixture
async def team(server: Server, server_home: Path, tenant_id: UUID) -> AsyncIterator[TeamSite]:
    async with team_site_of(server_home, tenant_id, env={"ANTHROPIC_API_KEY": "test"}, shared=True) as site:
        yield site


@pytest.fixture
async def pages(team: TeamSite) -> list[str]:
    """Addresses of a skill with runs, cases, proposals and what people say."""
    bench, tenant = team.workbench, team.tenant_id
    skill_id = await made_skill(bench, tenant, content("weigh"), 12)
    # All answers are as good as can be, so that the run is tied.
    models = [MadeModel("openai:a", 400), MadeModel("openai:b", 400)]
    run_id = await made_run(bench, tenant, skill_id, models)
    await bench.cases.propose(tenant, skill_id, CaseDraft("How heavy?", "1 kg"))
    await bench.suggestions.add(tenant, skill_id, title="Say the unit")
    await bench.feedback.add(
        tenant, skill_id, Feedback(FeedbackType.TRAINING_EXAMPLE, example_input="in", expected_output="out")
    )
    case = (await bench.cases.list(tenant, skill_id))[0]
    skill = "/skills/weigh"
    return [
        "/",
        "/queue",
        f"/queue?skill={skill_id}",
        "/models",
        "/settings",
        "/account",
        *(f"{skill}/{tab}" for tab in ("details", "review", "suggestions", "benchmark", "runs", "compare", "versions")),
        *(f"{skill}/{page}" for page in ("case-history", "drafts", "feedback", "benchmark/causes", "benchmark/again")),
        f"{skill}/cases/{case.id}",
        f"/runs/{run_id}",
        f"/runs/{run_id}/rate",
        f"/runs/{run_id}/people",
        f"/runs/{run_id}/tie-break",
        f"/runs/{run_id}/cases/1",
    ]


def route_of(path: str, method: str) -> str | None:
    """The table's line that an address of a page is of, the most literal one first."""
    path = path.split("?")[0].split("#")[0]
    found = [
        name
        for name in ACCESS
        if name.startswith(f"{method} ") and re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", name.split(" ")[1]), path)
    ]
    return min(found, key=lambda name: name.count("{"), default=None)


def offered(html: str) -> Mapping[str, Action]:
    """What the forms and buttons of a page lead to, with what each asks for."""
    posts = set(re.findall(r'<form method="post" action="([^"]+)"', html)) | set(re.findall(r'hx-post="([^"]+)"', html))
    buttons = set(re.findall(r'<a class="btn[^"]*" href="([^"]+)"', html))
    routes = {route for path in posts if (route := route_of(path, "POST"))}
    routes |= {route for path in buttons if (route := route_of(path, "GET"))}
    return {route: ACCESS[route] for route in routes}


@pytest.mark.parametrize("role", list(Role))
async def test_no_page_offers_what_the_role_may_not_do(team: TeamSite, pages: list[str], role: Role) -> None:
    browser = await team.member(role)
    seen: dict[str, Action] = {}
    for url in pages:
        answer = await browser.get(url)
        assert answer.status_code == 200, (url, answer.text[:300])
        found = offered(answer.text)
        assert {route for route, action in found.items() if action not in ROLES[role]} == set(), url
        seen |= found
    if role is not Role.VIEWER:
        assert Action.RUN in seen.values()
    if role is Role.ADMIN:
        assert {Action.DECIDE_CASES, Action.SET_STALENESS} <= set(seen.values())


async def test_forms_that_a_role_may_not_use_say_which_may(team: TeamSite, pages: list[str]) -> None:
    viewer = await team.member(Role.VIEWER)
    for url in ("/skills/new", "/skills/weigh/benchmark/new", "/skills/weigh/delete", "/skills/weigh/cases/new"):
        answer = await viewer.get(url)
        assert answer.status_code == 403
        assert "You are a viewer here; it takes an editor to" in answer.text
    answer = await (await team.member(Role.EDITOR)).get("/members")
    assert "You are an editor here; it takes an admin to manage members." in answer.text
    refused = await viewer.post("/skills", {"way": "paste", "prompt": "Be brief.", "name": "x"}, page="/models")
    assert refused.status_code == 403


async def test_an_editor_proposes_what_an_admin_adds_under_their_own_names(team: TeamSite, pages: list[str]) -> None:
    tenant, bench = team.tenant_id, team.workbench
    skill = await bench.catalogue.find(tenant, "weigh")
    for role, name, status in (
        (Role.EDITOR, "Eddy Editor", CaseStatus.PENDING),
        (Role.ADMIN, "Ada Admin", CaseStatus.ACCEPTED),
    ):
        browser = await team.member(role, name=name)
        form = (await browser.get("/skills/weigh/cases/new")).text
        assert ('value="add"' in form) is (role is Role.ADMIN)
        assert "Your name" not in form
        sent = {"do": "add", "input": f"{name} asks", "expected": "Yes.", "author": "Somebody Else"}
        assert (await browser.post("/skills/weigh/cases", sent, page="/models")).status_code == 303
        entry = next(one for one in await bench.cases.list(tenant, skill.id) if one.case.input == f"{name} asks")
        assert entry.status is status
        assert [change.who for change in await bench.cases.changes(tenant, entry.id)] == [name]


async def test_what_a_member_says_and_rates_is_under_their_name(team: TeamSite, pages: list[str]) -> None:
    browser = await team.member(Role.VIEWER, name="Vera Viewer")
    said = {"kind": "thumb_up", "author": "Somebody Else"}
    assert (await browser.post("/skills/weigh/feedback", said, page="/models")).status_code == 303
    suggestion = {"title": "Weigh twice", "body": "", "author": "Somebody Else"}
    assert (await browser.post("/skills/weigh/suggestions", suggestion, page="/models")).status_code == 303
    assert "Vera Viewer" in (await browser.get("/skills/weigh/feedback")).text
    assert "Somebody Else" not in (await browser.get("/skills/weigh/suggestions")).text
    rate = next(url for url in pages if url.endswith("/rate"))
    page = (await browser.get(rate)).text
    assert "as <span" in page
    assert "Somebody else" not in page
    answer = await browser.post(
        rate, {"score": "7", "place": re.findall(r'name="place" value="(\d+)"', page)[0]}, page=rate
    )
    assert answer.status_code == 303
    assert "Vera Viewer" in (await browser.get(rate.replace("/rate", "/people"))).text


async def test_providers_and_notices_are_shown_to_admins_alone_and_the_servers_places_to_nobody(team: TeamSite) -> None:
    for role, shown in ((Role.EDITOR, False), (Role.ADMIN, True)):
        page = (await (await team.member(role)).get("/settings")).text
        assert ('href="/settings/providers"' in page) is shown
        assert str(team.workbench.home) not in page
        assert ('action="/settings/webhook"' in page) is shown


async def test_of_a_webhook_its_host_alone_is_told_to_who_may_not_set_it(team: TeamSite) -> None:
    notices = team.workbench.notices
    await notices.set_webhook(team.tenant_id, "https://hooks.example/services/T0/a-secret")
    await notices.set_recipients(team.tenant_id, ["ann@example.org"])
    for role, address, mails in (
        (Role.EDITOR, "https://hooks.example", None),
        (Role.ADMIN, "https://hooks.example/services/T0/a-secret", ["ann@example.org"]),
    ):
        told = (await (await team.member(role)).get("/v1/settings")).json()
        assert (told["webhook"], told["recipients"]) == (address, mails)


async def test_no_skill_is_added_by_a_path_of_the_server(team: TeamSite, tmp_path: Path) -> None:
    browser = await team.member(Role.ADMIN)
    assert "Path on this machine" not in (await browser.get("/skills/new")).text
    assert 'name="path"' not in (await browser.get("/skills/new?way=path")).text
    answer = await browser.post("/skills", {"way": "path", "path": str(tmp_path)}, page="/models")
    assert answer.status_code == 403


async def test_an_empty_tenant_tells_a_viewer_whom_to_ask(team: TeamSite) -> None:
    assert "It takes an editor to add one" in (await (await team.member(Role.VIEWER)).get("/")).text
    editor = await team.member(Role.EDITOR, name="Eddy Editor")
    assert 'action="/demo"' in (await editor.get("/")).text
    assert (await editor.post("/demo", page="/")).status_code == 303
    history = (await editor.get("/skills/review-mood/case-history")).text
    assert "Eddy Editor" in history
    assert "local owner" not in history


async def test_at_a_skill_without_cases_a_viewer_is_told_who_may_add_some(team: TeamSite) -> None:
    await made_skill(team.workbench, team.tenant_id, content("bare"), golden=0)
    told = {
        role: " ".join((await (await team.member(role)).get("/skills/bare/benchmark")).text.split())
        for role in (Role.VIEWER, Role.EDITOR)
    }
    assert "Whoever may write cases here, an editor or an admin, adds some" in told[Role.VIEWER]
    assert "Add some, accept proposed ones" not in told[Role.VIEWER]
    assert "Add some, accept proposed ones" in told[Role.EDITOR]


async def test_the_api_is_changed_by_no_cookie(team: TeamSite, pages: list[str]) -> None:
    browser = await team.member()
    assert (await browser.get("/v1/stale")).status_code == 200
    answer = await browser.client.post("/v1/feedback", json={"skill": "weigh", "feedback_type": "thumb_up"})
    assert answer.status_code == 401


async def test_a_tenants_pages_are_not_there_for_a_member_of_another(team: TeamSite, pages: list[str]) -> None:
    other = uuid4()
    async with team.workbench.database.tenant(other) as connection:
        await ensure_tenant(connection, other, "Zebra works")
    stranger: Browser = team.browser()
    await stranger.sign_in(await team.user(Role.ADMIN, tenant_id=other))
    for url in pages:
        if url.startswith(("/skills/", "/runs/")):
            assert (await stranger.get(url)).status_code == 404, url
