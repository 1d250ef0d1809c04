"""Notices on the settings page: the secret shown once, what cannot be used said so, tests with their outcome."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from html import unescape
from pathlib import Path
from uuid import UUID

import pytest

from steelyard.storage import scheduled_runs
from steelyard.storage.server import Server
from tests.integration.services.receivers import PASSWORD, hook_server, mail_server
from tests.integration.web.harness import Site, site_of
from tests.integration.web.made import MadeModel, content, made_run, made_skill


def words_of(html: str) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", html)))


@pytest.fixture
async def local(server: Server, server_home: Path, tenant_id: UUID) -> AsyncIterator[Site]:
    """A site whose webhooks may go to this machine."""
    file = server_home / "settings.toml"
    file.write_text("[notices]\nallow_private_addresses = true\n[checks]\non = false\n")
    try:
        async with site_of(server_home, tenant_id) as site:
            yield site
    finally:
        file.unlink()


async def test_before_anything_is_set_the_page_says_what_may_be(site: Site) -> None:
    page = (await site.client.get("/settings")).text
    words = words_of(page)
    assert "every 24 hours from 06:00 UTC" in words
    assert "none yet" in words
    assert "No mail is sent until the settings file names a server" in words
    assert "Send a test" not in page
    assert "Newest messages" not in page
    refused = await site.post("/settings/notices/test")
    assert refused.status_code == 422
    assert "Nobody is told yet." in words_of(refused.text)
    assert "There is no webhook." in words_of((await site.post("/settings/webhook/secret")).text)


async def test_the_secret_is_shown_when_it_is_made_and_never_again(local: Site) -> None:
    async with hook_server() as hook:
        made = await local.post("/settings/webhook", {"url": hook.url})
        assert made.headers["cache-control"] == "no-store"
        secret = re.search(r"whsec_[A-Za-z0-9+/=]+", unescape(made.text))
        assert secret is not None
        page = await local.client.get("/settings")
        assert "whsec_" not in page.text
        assert hook.url in page.text
        assert "not by themselves" in words_of(page.text)
        hook.secret = secret[0]
        sent = await local.post("/settings/notices/test")
        assert sent.headers["location"] == "/settings#notices"
        assert [body["type"] for _, body in hook.heard] == ["steelyard.test"]
        log = words_of((await local.client.get("/settings")).text)
        assert "test by webhook delivered 1 HTTP 200" in log
        again = await local.post("/settings/webhook", {"url": hook.url + "?a=1"})
        assert again.status_code == 303, "another address keeps its secret"
        renewed = await local.post("/settings/webhook/secret")
        other = re.search(r"whsec_[A-Za-z0-9+/=]+", unescape(renewed.text))
        assert other is not None
        assert other[0] != secret[0]
        hook.answers = [500]
        await local.post("/settings/notices/test")
        assert hook.unsigned == 1
        assert "not delivered 1 HTTP 500" in words_of((await local.client.get("/settings")).text)
        assert (await local.post("/settings/webhook", {"url": ""})).status_code == 303
        assert hook.url not in (await local.client.get("/settings")).text


async def test_what_cannot_be_used_stays_in_its_field_with_the_reason(site: Site) -> None:
    for url, form, said in (
        ("/settings/webhook", {"url": "http://example.org/<b>"}, "The address is not https."),
        ("/settings/mail", {"mail": "ann@example.org, <script>"}, "is no e-mail address."),
        ("/settings/rebenchmark", {"budget": "lots", "causes": "age"}, "is no budget of a month."),
        ("/settings/rebenchmark", {"budget": "5"}, "No cause is chosen."),
    ):
        refused = await site.post(url, form)
        assert refused.status_code == 422
        assert said in words_of(refused.text)
        assert "<script>," not in refused.text
        assert "<b>" not in refused.text
        assert (await site.client.post(url, data=form)).status_code == 403
    assert 'value="age" checked' in (await site.post("/settings/rebenchmark", {"budget": "x", "causes": "age"})).text


async def test_mail_and_its_password(server: Server, server_home: Path, tenant_id: UUID) -> None:
    file = server_home / "settings.toml"
    async with mail_server() as post:
        file.write_text(
            f'[notices.smtp]\nhost = "127.0.0.1"\nport = {post.port}\nsecurity = "none"\nuser = "user"\n'
            'from = "scales@scales.example"\n'
        )
        try:
            async with site_of(server_home, tenant_id, env={"STEELYARD_SMTP_PASSWORD": PASSWORD}) as site:
                assert (
                    await site.post("/settings/mail", {"mail": "ann@example.org\nbob@example.org"})
                ).status_code == 303
                await site.post("/settings/notices/test")
                page = (await site.client.get("/settings")).text
        finally:
            file.unlink()
    assert [to for to, _ in post.mails] == [["ann@example.org", "bob@example.org"]]
    assert "ann@example.org" in page
    assert PASSWORD not in page
    assert "without TLS" in page
    assert "test by e-mail delivered 1 taken by the mail server" in words_of(page)


async def test_a_budget_is_set_shown_as_it_is_used_and_turned_off(site: Site) -> None:
    saved = await site.post("/settings/rebenchmark", {"budget": "$7.50", "causes": ["skill", "age"]})
    assert saved.headers["location"] == "/settings#rebenchmark"
    skill_id = await made_skill(site.workbench, site.tenant_id, content())
    run_id = await made_run(site.workbench, site.tenant_id, skill_id, [MadeModel("openai:a", 90)])
    async with site.workbench.database.tenant(site.tenant_id) as connection:
        await connection.execute(
            """UPDATE benchmark_runs SET triggered_by = %s, status = 'running', budget_microcents = 200000000,
                      completed_at = NULL WHERE id = %s""",
            (scheduled_runs.SCHEDULE, run_id),
        )
    page = (await site.client.get("/settings")).text
    assert 'value="7.5"' in page
    assert re.findall(r'name="causes" value="(\w+)" checked', page) == ["skill", "age"]
    assert "spent of $7.50; up to $2.00 held by a run under way" in words_of(page)
    await site.post("/settings/rebenchmark", {"budget": "", "causes": ["age"]})
    off = (await site.client.get("/settings")).text
    assert "spent of" not in off
    assert re.findall(r'name="causes" value="(\w+)" checked', off) == []
