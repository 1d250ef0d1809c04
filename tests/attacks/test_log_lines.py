"""What a log has of strangers: a line each, and nothing that would let anybody in."""

from __future__ import annotations

import io
import json
import logging
import time
from collections.abc import Iterator
from urllib.parse import quote
from uuid import uuid4

import pytest

from steelyard import logs
from steelyard.domain.errors import InputError
from steelyard.services.accounts import Accounts
from tests.integration.web.harness import Site
from tests.integration.web.keyed import bearer, let_in, made_key, other_tenant
from tests.integration.web.teams import PASSWORD, TeamSite

FORGED = "x\r\n2026-11-29 12:00:00 An admin was removed.\x1b[2J\x1b]0;t\x07\u2028\u202e\x85{}"


@pytest.fixture(params=["text", "json"])
def log(request: pytest.FixtureRequest) -> Iterator[io.StringIO]:
    """What a serving process would write, of every level."""
    root, ours = logging.getLogger(), logging.getLogger("steelyard")
    before, level = root.handlers[:], ours.level
    logs.configure({"STEELYARD_LOG": request.param})
    handler = root.handlers[-1]
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(written := io.StringIO())
    ours.setLevel(logging.DEBUG)
    yield written
    root.handlers[:], ours.level = before, level


def check(written: str, secrets: list[str]) -> list[str]:
    """Lines of the log; none of them is made by a stranger, and none has a secret."""
    lines = written.split("\n")[:-1]
    assert not [line for line in lines if any(ord(sign) < 32 or sign in "\x7f\x85\u2028\u202e" for sign in line)]
    assert not [line for line in lines if line.startswith("2026-11-29 12:00:00 An admin")]
    if written.startswith("{"):
        assert all(isinstance(json.loads(line), dict) for line in lines)
    assert not [secret for secret in secrets if secret in written]
    return lines


async def test_no_request_writes_a_line_of_its_own_or_a_secret(
    team: TeamSite, log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    email = await team.user(name="Ann")
    browser = team.browser()
    await browser.sign_in(email)
    found = await team.workbench.accounts.reset_link(email)
    assert found is not None
    secrets = [
        PASSWORD,
        found[1],
        browser.client.cookies["steelyard_session"],
        browser.client.cookies["steelyard_csrf"],
    ]
    forged = FORGED.encode("utf-8", "replace")
    for url in (f"/{quote(FORGED)}", f"/skills/{quote(FORGED)}/details", f"/v1/skills/{quote(FORGED)}", "/models"):
        for name in (b"user-agent", b"x-request-id", b"referer", b"x-forwarded-for", b"authorization"):
            await browser.client.get(url, headers=[(name, forged)])
    await browser.sign_in(FORGED, FORGED)

    async def fail(*_: object, **__: object) -> None:
        raise ValueError(FORGED)

    monkeypatch.setattr(Accounts, "check_reset", fail)
    answer = await browser.client.get(f"/reset/{found[1]}")
    assert answer.status_code == 500
    assert "An admin" not in answer.text
    lines = check(log.getvalue(), secrets)
    assert any("at GET /reset/{token}" in line for line in lines)


async def test_of_a_key_no_more_is_written_than_how_it_begins(site: Site, log: io.StringIO) -> None:
    key = await made_key(site, "read")
    for given in (key.text, key.text[:-1] + "x", f"{key.text} {key.text}", "sy_" + "a" * 60):
        for headers in (bearer(given), {"x-api-key": given}):
            await site.client.get("/v1/skills", headers=headers)
    await site.workbench.api_keys.revoke(site.tenant_id, key.id)
    site.app.state.keys.forget()
    await site.client.get("/v1/skills", headers=bearer(key))
    logging.getLogger("steelyard.test").warning("A program said %s of %s", FORGED, key.text)
    written = log.getvalue()
    check(written, [key.text, key.text[12:]])
    assert "A program said" in written


async def test_a_tenants_keys_strike_no_field_of_a_line_and_no_line_of_another_tenant(
    site: Site, log: io.StringIO
) -> None:
    """The keys are words of lines that are no secret; of what is said of the tenant itself they are struck out."""
    chosen = [
        '"method":',
        '"status":',
        "/v1/skills",
        "Answered.",
        "steelyard.requests",
        "00-00-00",
        "suggestion-of-somebody",
    ]
    keys = site.workbench.tenant_providers
    other = await other_tenant(site.workbench.database)
    for number, key in enumerate([*chosen, "sk-real-0123456789abcdef"]):
        await keys.put(other, f"h{number}", "openai-compatible", "https://models.example/v1", key)
    own, others = await made_key(site, "read"), await made_key(site, "read", tenant_id=other)
    let_in(site)
    for key in (others, own):
        headers = bearer(key) | {"x-request-id": "00-00-00-" + uuid4().hex[:4]}
        assert (await site.client.get("/v1/skills", headers=headers)).status_code == 200
    said = "suggestion-of-somebody by sk-real-0123456789abcdef and sk-****cdef at /v1/skills"
    loud = logging.getLogger("steelyard.test")

    for tenant in (other, site.tenant_id):
        async with site.workbench.providers.serving(tenant):
            loud.warning("A model said %s", said)
    lines = log.getvalue().splitlines()
    assert "A model said [key] by [key] and [key] at [key]" in lines[-2]
    assert said in lines[-1]
    if lines[0].startswith("{"):
        answered = [line for line in map(json.loads, lines) if line["logger"] == "steelyard.requests"]
        assert len(answered) == 2
        for line in answered:
            assert (line["method"], line["route"], line["status"]) == ("GET", "/v1/skills", 200)
            assert line["request_id"].startswith("00-00-00-")
        assert answered[1]["message"] == "Answered."


@pytest.mark.parametrize("key", ["x" * 900_000, "x" * 4_097, "short", "EMPTY", "two words of it"])
async def test_a_key_that_is_refused_is_struck_out_of_nothing(site: Site, log: io.StringIO, key: str) -> None:
    form = {"name": "workshop", "kind": "openai-compatible", "base_url": "https://models.example/v1", "key": key}
    assert "That cannot be a key" in (await site.post("/settings/providers", form)).text
    with pytest.raises(InputError, match="8 to 4,096"):
        await site.workbench.tenant_providers.put(site.tenant_id, "w", "openai", None, key)
    began = time.perf_counter()
    async with site.workbench.providers.serving(site.tenant_id):
        for _ in range(20):
            logging.getLogger("steelyard.test").warning("It said %s", key[:2_000])
    assert time.perf_counter() - began < 2
    assert key[:2_000] in log.getvalue()
