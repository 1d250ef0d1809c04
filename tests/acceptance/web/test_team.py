"""A team from its first start on, in real browsers: the first admin, an invitation, roles, and being removed."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from benchmarks.site import clean_environment, temporary_home
from tests.acceptance.web.conftest import serious_findings, sideways

pytestmark = pytest.mark.browser
PASSWORD = "seven geese over harbour"
# What a browser says of an answer that these tests ask for.
REFUSED = re.compile(r"status of 40[139]")


@contextmanager
def team_served(home: Path) -> Generator[str]:
    """`steelyard serve` in team mode; gives the link that it tells for the first admin."""
    process = subprocess.Popen(
        [sys.executable, "-m", "steelyard.cli.main", "serve", "--port", "0"],
        env=clean_environment(home) | {"STEELYARD_MODE": "team"},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        said = [process.stderr.readline()]
        while "/setup/" not in said[-1]:
            said.append(process.stderr.readline())
            assert said[-1], said
        yield said[-1].strip()
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


@pytest.fixture(scope="module")
def team_home() -> Iterator[Path]:
    with temporary_home() as home:
        yield home


@pytest.fixture(scope="module")
def link(team_home: Path) -> Iterator[str]:
    with team_served(team_home) as link:
        yield link


def told(home: Path, *command: str) -> str:
    """What a command on the server prints."""
    env = clean_environment(home) | {"STEELYARD_MODE": "team"}
    words = [sys.executable, "-m", "steelyard.cli.main", *command]
    done = subprocess.run(words, env=env, check=True, capture_output=True, text=True)
    return done.stdout + done.stderr


@contextmanager
def somebody(browser: Browser) -> Generator[Page]:
    """A browser of one person's own, whose console must stay empty but for refusals."""
    context, said = browser.new_context(), list[str]()
    page = context.new_page()
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("console", lambda message: None if REFUSED.search(message.text) else said.append(message.text))
    yield page
    context.close()
    assert said == []


def check(page: Page) -> None:
    """Nothing axe finds serious, and nothing wider than a telephone."""
    assert serious_findings(page) == [], page.url
    size = page.viewport_size
    assert size is not None
    page.set_viewport_size({"width": 390, "height": 800})
    assert sideways(page) == 0, page.url
    page.set_viewport_size(size)


def test_from_the_first_admin_to_a_member_who_is_removed(browser: Browser, link: str) -> None:
    base = re.sub(r"/setup/.*", "", link)
    with somebody(browser) as ann, somebody(browser) as vera:
        ann.goto(base + "/models")
        expect(ann).to_have_url(base + "/sign-in?next=%2Fmodels")
        check(ann)
        ann.goto(link)
        check(ann)
        ann.get_by_label("Team").fill("Goose & Sons")
        ann.get_by_label("Your name").fill("Ann Lee")
        ann.get_by_label("E-mail").fill("ann@example.org")
        ann.get_by_label("Password").fill(PASSWORD)
        ann.get_by_role("button", name="Create the account").click()
        expect(ann).to_have_url(base + "/")
        ann.get_by_role("link", name="Add a skill").click()
        ann.get_by_label("Name", exact=True).fill("weigh")
        ann.get_by_label("Prompt").fill("Weigh it.")
        ann.get_by_role("button", name="Add", exact=True).click()
        ann.wait_for_url("**/skills/weigh/**")

        ann.locator(".member summary").click()
        ann.get_by_role("link", name="Members").click()
        check(ann)
        ann.get_by_label("E-mail").fill("vera@example.org")
        ann.get_by_role("button", name="Invite").click()
        invitation = ann.locator(".one-time-link").inner_text()

        vera.goto(invitation)
        check(vera)
        vera.get_by_label("Your name").fill("Vera Vale")
        vera.get_by_label("Password", exact=True).fill(PASSWORD)
        vera.get_by_role("button", name="Make an account and join").click()
        expect(vera).to_have_url(base + "/")
        run = vera.get_by_role("link", name="Run benchmark").first
        vera.goto(base + "/skills/weigh/details")
        expect(run).to_have_count(0)
        check(vera)
        vera.goto(base + "/skills/weigh/benchmark/new")
        expect(vera.locator("main")).to_contain_text("You are a viewer here; it takes an editor to start paid calls.")

        ann.goto(base + "/members")
        ann.get_by_label("Role of Vera Vale", exact=True).select_option("editor")
        ann.get_by_role("button", name="Set the role of Vera Vale").click()
        expect(ann.get_by_label("Role of Vera Vale", exact=True)).to_have_value("editor")
        vera.goto(base + "/skills/weigh/details")
        expect(run).to_be_visible()
        vera.goto(base + "/account")
        check(vera)

        row = ann.get_by_role("row", name="Vera Vale")
        row.locator("summary").click()
        row.get_by_role("button", name="Remove").click()
        expect(ann.get_by_text("vera@example.org")).to_have_count(0)
        vera.goto(base + "/skills/weigh/details")
        expect(vera).to_have_url(re.compile("/sign-in"))
        vera.get_by_label("E-mail").fill("vera@example.org")
        vera.get_by_label("Password").fill(PASSWORD)
        vera.get_by_role("button", name="Sign in").click()
        expect(vera.locator("main")).to_contain_text("Your account belongs to no tenant.")


def test_a_page_left_open_leads_to_the_sign_in_once_its_session_has_ended(browser: Browser, link: str) -> None:
    """A fragment that htmx asks for cannot be the sign-in: the whole page goes there."""
    base = re.sub(r"/setup/.*", "", link)
    with somebody(browser) as page:
        page.goto(base + "/sign-in?next=/")
        page.get_by_label("E-mail").fill("ann@example.org")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(page).to_have_url(base + "/")
        page.context.clear_cookies(name="steelyard_session")
        page.locator("#q").fill("weigh")
        expect(page).to_have_url(base + "/sign-in")


def test_a_page_of_another_tenant_is_told_and_refused_and_nothing_stays_after_signing_out(
    browser: Browser, link: str, team_home: Path
) -> None:
    base = re.sub(r"/setup/.*", "", link)
    told(team_home, "tenants", "add", "Beta Lab")
    joins = told(team_home, "members", "invite", "ann@example.org", "--role", "admin", "--tenant", "Beta Lab")
    found = re.search(r"/join/\S+", joins)
    assert found is not None, joins
    with somebody(browser) as first:
        first.goto(base + "/sign-in?next=/")
        first.get_by_label("E-mail").fill("ann@example.org")
        first.get_by_label("Password").fill(PASSWORD)
        first.get_by_role("button", name="Sign in").click()
        expect(first).to_have_url(base + "/")
        first.goto(base + found[0])
        first.get_by_role("button", name="Join").click()
        expect(first.locator(".member")).to_contain_text("Beta Lab")

        second = first.context.new_page()
        second.goto(base + "/members")
        second.get_by_label("E-mail").fill("somebody@example.org")
        switch(first, "Goose & Sons")
        expect(second.get_by_role("status")).to_contain_text("You have switched to Goose & Sons")
        check(second)
        second.get_by_role("button", name="Invite").click()
        expect(second.locator("main")).to_contain_text("The form that you sent was of Beta Lab.")
        check(second)
        second.get_by_role("button", name="Switch back to Beta Lab").click()
        expect(second).to_have_url(base + "/members")
        expect(second.locator("main")).not_to_contain_text("somebody@example.org")

        # The list of skills is asked for in parts: a part of another tenant's list has no place in it.
        first.goto(base + "/")
        switch(first, "Goose & Sons")
        second.goto(base + "/spend")
        switch(second, "Beta Lab")
        first.locator("#q").fill("weigh")
        expect(first.locator("main")).to_contain_text("The page that you came from was of Goose & Sons.")

        second.goto(base + "/members")
        second.goto(base + "/account")
        second.locator("main").get_by_role("button", name="Sign out").click()
        expect(second).to_have_url(base + "/sign-in")
        for _ in range(2):
            second.go_back()
            expect(second).to_have_url(re.compile("/sign-in"))
            expect(second.locator("body")).not_to_contain_text("Ann Lee")


def switch(page: Page, tenant: str) -> None:
    """Go on in another tenant, whose first page then is there."""
    page.locator(".member summary").click()
    page.get_by_role("button", name=f"Switch to {tenant}").click()
    expect(page.locator(".member summary")).to_contain_text(tenant)
