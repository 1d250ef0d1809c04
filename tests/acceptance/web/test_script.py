"""Script in every text there is, typed, imported or answered by a model: a browser shows it and runs none of it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

import httpx
import pytest
from playwright.sync_api import Browser, Page

from benchmarks.site import of_model_server, serving
from benchmarks.workload import model_server
from steelyard.bootstrap import open_workbench
from steelyard.domain.access import Role
from steelyard.domain.cases import By, CaseSource, CaseStatus, GoldenCase
from steelyard.domain.feedback import Feedback, FeedbackType
from steelyard.storage import memberships, ratings, users
from steelyard.storage.cases import put_case
from tests.acceptance.web.replies import FIRED, SCRIPT
from tests.attacks.place import GETS, LAST, address, filled, forms_of, route_of
from tests.integration.web.harness import token_in
from tests.integration.web.made import content

pytestmark = pytest.mark.browser

ADMIN, PASSWORD = "ann@example.org", "seven geese over harbour"
# Its first two ways, which fit a name.
NAME = SCRIPT[: SCRIPT.index("<svg")]
NO_TEXTS = {"check_value", "check_tolerance", "budget", "trials", "margin", "threshold", "max_tokens", "a_minute"}
NOT_SENT = {"/demo", "/account/password", "/tenant", "/skills/{skill}/benchmark/again", "/skills/{skill}/benchmark/new"}
INERT = re.compile(r"events|/outputs/|/texts/|charts/|\.csv|\.json|\.png|/file\b|/v1/|static|metrics")
# Of pages of one kind so many are opened, which differ by what they are about.
OF_A_KIND = 2
WATCH = (
    "window.refused = []; document.addEventListener('securitypolicyviolation', e => refused.push(e.violatedDirective))"
)
# What is in the page and could run.
LIVE = """() => [
  ...[...document.querySelectorAll("*")].filter(one => one.getAttributeNames().some(name => /^on|^hx-on/.test(name))),
  ...document.querySelectorAll("a[href^='javascript:' i], iframe, object, embed, script:not([src])"),
].map(one => one.outerHTML.slice(0, 200)).filter(html => html.includes("fired"))"""
OPEN = "() => document.querySelectorAll('details').forEach(one => one.open = true)"


async def fill(home: Path) -> dict[str, str]:
    """Records that no form makes, or none without a model."""
    async with open_workbench(env={"STEELYARD_HOME": str(home)}) as bench:
        tenant = bench.tenant_id
        parts = await filled(bench, tenant)
        hostile = content("hostile", SCRIPT, SCRIPT)
        golden = [GoldenCase(f"{NAME}{at}", f"{at} {SCRIPT}", SCRIPT) for at in range(3)]
        skill = (await bench.skills.add(tenant, hostile, golden)).id
        for kind in (FeedbackType.TRAINING_EXAMPLE, FeedbackType.THUMB_DOWN):
            said = Feedback(kind, comment=SCRIPT, example_input=SCRIPT, expected_output=SCRIPT, author=NAME)
            await bench.feedback.add(tenant, skill, said)
        await bench.suggestions.add(tenant, skill, title=NAME, body=SCRIPT)
        drafted = GoldenCase("drafted", SCRIPT, SCRIPT, source=CaseSource.DRAFTED)
        hashed = await bench.passwords.hash(PASSWORD)
        async with bench.database.tenant(tenant) as connection:
            who = By(NAME, SCRIPT)
            await put_case(connection, tenant, skill, drafted, status=CaseStatus.PENDING, author=NAME, by=who)
            run, result = UUID(parts["run_id"]), UUID(parts["result_id"])
            await ratings.put_rating(
                connection, tenant, run, result, NAME, score=2, note=SCRIPT, drawn=False, blind=False
            )
            for email, name in ((ADMIN, NAME), ("b@example.org", f"b {NAME}")):
                user = await users.add_user(connection, email, name, hashed)
                await memberships.add_membership(connection, tenant, user, Role.ADMIN)
        return parts


async def type_everywhere(site: str, parts: dict[str, str]) -> int:
    """Send script from every field that people type into, all at once and one by one; says how often it was taken."""
    taken = 0
    async with httpx.AsyncClient(base_url=site, timeout=60, headers={"user-agent": NAME}) as client:
        token = token_in((await client.get("/sign-in")).text)
        signed = await client.post("/sign-in", data={"email": ADMIN, "password": PASSWORD, "csrf_token": token})
        assert signed.status_code == 303
        for route, form in (await forms_of(client, {**parts, "skill": "hostile"})).items():
            if LAST.search(route) or route in NOT_SENT:
                continue
            texts = [name for name in form.typed if name not in NO_TEXTS]
            for names, text in ((texts, SCRIPT), (texts, NAME), *(([name], NAME) for name in texts)):
                answer = await client.post(form.action, data={**form.fields, **dict.fromkeys(names, text)})
                assert answer.status_code < 500, (form.action, answer.text)
                taken += answer.status_code == 303
                if answer.status_code == 303:
                    break
        # A run whose every answer and every word of the judge is script.
        token = token_in((await client.get("/account")).text)
        fields = {"models": ["openai:a", "openai:b"], "cases": "golden", "arm": "with_skill", "judge": "other"}
        fields |= {"judge_model": "openai:judge-one", "csrf_token": token, "accept_judge": "1", "unexamined": "1"}
        started = await client.post("/skills/hostile/benchmark/new", data=fields)
        assert started.status_code == 303, started.text[-3000:]
        parts["played"] = started.headers["location"]
        for _ in range(60):
            shown = await client.get(parts["played"] + ".json")
            if shown.json()["run"]["status"] not in ("queued", "pending", "running"):
                break
            await asyncio.sleep(0.2)
    return taken


@pytest.fixture(scope="module")
def site(web_home: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Where it is served in team mode, and what stands for the parts of its addresses."""
    replies = ("--reply", "tests.acceptance.web.replies:scripted")
    replies += ("--schema-reply", "tests.acceptance.web.replies:scripted_judge")
    # The browser's own event loop runs in this thread.
    with ThreadPoolExecutor(1) as threads, model_server(0.0, *replies) as models:
        parts = threads.submit(lambda: asyncio.run(fill(web_home))).result()
        env = of_model_server(models) | {"STEELYARD_MODE": "team"}
        with serving(web_home, "--concurrency", "4", env=env) as address:
            assert threads.submit(lambda: asyncio.run(type_everywhere(address, parts))).result() >= 8
            yield address, parts


def links_of(page: Page) -> list[str]:
    found = page.evaluate("() => [...document.querySelectorAll('a[href]')].map(one => one.href)")
    return [link for link in found if urlsplit(link).netloc == urlsplit(page.url).netloc]


def test_no_page_runs_what_somebody_else_wrote(site: tuple[str, dict[str, str]], browser: Browser) -> None:
    base, parts = site
    context = browser.new_context(user_agent=NAME)
    context.add_init_script(WATCH)
    page = context.new_page()
    said, wrong, shown = list[str](), list[str](), set[str]()
    page.on("console", lambda message: said.append(message.text) if "status of 4" not in message.text else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("dialog", lambda dialog: wrong.append(dialog.message))
    page.goto(f"{base}/sign-in")
    page.get_by_label("E-mail").fill(ADMIN)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{base}/")
    begun = [address(path, {**parts, "skill": "hostile"}) for path in GETS]
    waiting = [base + path for path in dict.fromkeys(["/", parts["played"], f"{parts['played']}/cases/1", *begun])]
    kinds: dict[str, int] = {}
    seen: set[str] = set()
    while waiting:
        url = waiting.pop(0).split("#")[0]
        kind = route_of(urlsplit(url).path, "GET") or "none"
        if url in seen or INERT.search(url):
            continue
        kinds[kind] = kinds.get(kind, 0) + 1
        if kinds[kind] > OF_A_KIND:
            continue
        seen.add(url)
        answer = page.goto(url)
        if answer is None or answer.status >= 400:
            assert answer is None or answer.status < 500, url
            continue
        if page.locator("[hx-trigger*=load]").count():
            page.wait_for_load_state("networkidle")
        page.evaluate(OPEN)
        live, refused = page.evaluate(LIVE), page.evaluate("window.refused")
        if live or refused or page.evaluate("window.fired") is not None:
            wrong.append(f"{url}: {live} {refused}")
        if FIRED in (page.locator("html").text_content() or ""):
            shown.add(kind)
        waiting += [link for link in links_of(page) if link not in seen]
    context.close()
    assert wrong == []
    assert said == []
    assert len(seen) > 60
    # It was there to be run: among others in what models answered, judges said, and people typed.
    assert len(shown) >= 20, sorted(shown)
