"""API keys at the door: what a good one may do, what becomes of a bad one, and how much each may send."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from steelyard import logs
from steelyard.domain.access import Role
from steelyard.domain.api_keys import KEY
from steelyard.services.api_keys import ApiKeys
from steelyard.storage.database import Database
from steelyard.web.security.bearer import A_MINUTE, KNOWN_S, REFUSALS_A_MINUTE, STRANGERS_A_MINUTE, KeyDoor
from tests.integration.web.harness import Site, site_of, token_in
from tests.integration.web.keyed import Clock, bearer, let_in, made_key, member, other_tenant
from tests.integration.web.made import content, made_skill
from tests.integration.web.spans import PROTOBUF, call, protobuf
from tests.integration.web.teams import team_site_of
from tests.integration.web.test_measurements import URL, use

WRONG = f"sy_{'a' * 8}_{'b' * 52}"
STALE = "/v1/stale"


@pytest.fixture
def clock(site: Site) -> Clock:
    """The clock of the site's door, which lets nobody in without a key."""
    clock = Clock()
    site.app.state.keys = KeyDoor(site.workbench.api_keys, clock)
    let_in(site)
    return clock


async def test_a_key_does_what_its_scopes_say_and_no_more(site: Site) -> None:
    let_in(site)
    await made_skill(site.workbench, site.tenant_id)
    ingest, read = await made_key(site, "ingest"), await made_key(site, "read")
    batch = {"measurements": [use("a")]}
    assert (await site.client.post(URL, json=batch, headers=bearer(ingest))).json()["kept"] == 1
    assert (await site.client.get(STALE, headers={"x-api-key": read.text})).status_code == 200
    refused = await site.client.post(URL, json=batch, headers=bearer(read))
    assert refused.status_code == 403
    assert refused.json()["next_step"] == "Use a key with the scope ingest or admin."
    assert (await site.client.get(STALE, headers=bearer(ingest))).status_code == 403


async def test_whatever_is_wrong_with_a_key_the_answer_is_the_same(site: Site, database: Database) -> None:
    let_in(site)
    past = ApiKeys(database, now=lambda: datetime.now(UTC) - timedelta(days=2))
    expired = await past.make(site.tenant_id, "old", ["read"], expires="1d")
    revoked = await made_key(site, "read")
    await site.workbench.api_keys.revoke(site.tenant_id, revoked.id)
    good = await made_key(site, "read")
    altered = good.text[:-1] + ("a" if good.text[-1] != "a" else "q")
    other_start = "sy_aaaaaaaa" + good.text[11:]
    given = [WRONG, expired.text, revoked.text, altered, other_start, good.text.upper(), "", "nonsense", good.text * 2]
    answers = [await site.client.get(STALE, headers=bearer(key)) for key in given]
    answers.append(await site.client.get(STALE, headers=bearer(good) | {"x-api-key": WRONG}))
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.text for answer in answers}) == 1
    assert {answer.headers["www-authenticate"] for answer in answers} == {
        'Bearer realm="Steelyard", error="invalid_token"'
    }
    assert (await site.client.get(STALE, headers=bearer(good) | {"x-api-key": good.text})).status_code == 200


async def test_alone_on_its_machine_no_key_is_needed_and_a_wrong_one_is_refused(site: Site) -> None:
    await made_skill(site.workbench, site.tenant_id)
    assert (await site.client.post(URL, json={"measurements": [use("a")]})).json()["kept"] == 1
    assert (await site.client.post(URL, json={"measurements": [use("b")]}, headers=bearer(WRONG))).status_code == 401
    assert (await site.client.get(STALE, headers={"authorization": "Basic dTpw"})).status_code == 200


async def test_with_neither_key_nor_session_the_api_asks_for_one(site: Site) -> None:
    let_in(site)
    answer = await site.client.get(STALE)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="Steelyard"'


async def test_a_key_opens_no_page(site: Site) -> None:
    let_in(site)
    key = await made_key(site, "read", "run", "admin", "ingest")
    for path in ("/", "/settings", "/settings/keys", "/models", "/V1/stale", "/runs/x.json"):
        answer = await site.client.get(path, headers=bearer(key))
        assert answer.status_code in (303, 401, 404), path
        assert answer.headers.get("location", "/sign-in").startswith("/sign-in"), path


async def test_traces_are_refused_in_the_form_of_otlp(site: Site) -> None:
    let_in(site)
    headers = bearer(WRONG) | {"content-type": "application/json"}
    answer = await site.client.post("/v1/traces", content=b"{}", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, 16)
    key = await made_key(site, "ingest", a_minute="1")
    codes = [
        (await site.client.post("/v1/traces", content=b"{}", headers=headers | bearer(key))).status_code
        for _ in range(2)
    ]
    assert codes == [200, 429]


async def test_tenant_a_s_key_sees_and_writes_nothing_of_b(site: Site, database: Database) -> None:
    let_in(site)
    b = await other_tenant(database)
    await made_skill(site.workbench, b)
    await made_skill(site.workbench, b, content("secret"))
    await made_skill(site.workbench, site.tenant_id)
    a = bearer(await made_key(site, "ingest", "read", "run", "admin"))
    of_b = bearer(await made_key(site, "ingest", "read", tenant_id=b))
    rows = {tenant: await site.workbench.catalogue.find(tenant, "weigh") for tenant in (site.tenant_id, b)}

    sent = await site.client.post(URL, json={"measurements": [use("1"), use("2", "secret")]}, headers=a)
    assert (sent.json()["kept"], sent.json()["unmatched"]) == (1, 1)
    # The same keys of measurements, of the other tenant: not known already.
    again = await site.client.post(URL, json={"measurements": [use("1"), use("2", "secret")]}, headers=of_b)
    assert (again.json()["kept"], again.json()["duplicates"]) == (2, 0)
    traced = await site.client.post("/v1/traces", content=protobuf(call(1)), headers=a | PROTOBUF)
    assert traced.status_code == 200
    said = {"key": "1", "skill": "secret", "kind": "thumb_up"}
    assert (await site.client.post("/v1/feedback", json=said, headers=a)).status_code == 404
    assert (await site.client.post("/v1/feedback", json=said | {"skill": "weigh"}, headers=a)).status_code == 201

    assert (await site.workbench.usage.skill(b, rows[b].id)).total.uses == 1
    assert (await site.workbench.usage.skill(site.tenant_id, rows[site.tenant_id].id)).total.uses == 2
    assert (await site.workbench.feedback.stats(b, rows[b].id)).total == 0
    for name in ("secret", str(rows[b].id)):
        hidden = await site.client.get(f"/v1/skills/{name}/staleness", headers=a)
        nothing = await site.client.get(f"/v1/skills/{name[::-1]}/staleness", headers=a)
        assert (hidden.status_code, nothing.status_code) == (404, 404)
        assert hidden.text.replace(name, "*") == nothing.text.replace(name[::-1], "*")
    assert "secret" not in (await site.client.get(STALE, headers=a)).text


async def test_a_revoked_key_stops_within_seconds_and_at_once_where_it_was_revoked(site: Site, clock: Clock) -> None:
    key = await made_key(site, "read")
    assert (await site.client.get(STALE, headers=bearer(key))).status_code == 200
    await site.workbench.api_keys.revoke(site.tenant_id, key.id)
    assert (await site.client.get(STALE, headers=bearer(key))).status_code == 200
    clock.now += KNOWN_S
    assert (await site.client.get(STALE, headers=bearer(key))).status_code == 401
    other = await made_key(site, "read")
    assert (await site.client.get(STALE, headers=bearer(other))).status_code == 200
    await site.workbench.api_keys.revoke(site.tenant_id, other.id)
    site.app.state.keys.forget()
    assert (await site.client.get(STALE, headers=bearer(other))).status_code == 401


async def test_a_key_is_looked_up_once_in_a_few_seconds_and_its_use_noted_once_a_minute(
    site: Site, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, asked = await made_key(site, "read"), list[str]()
    keys = site.workbench.api_keys
    look_up, note_use = keys.look_up, keys.note_use
    monkeypatch.setattr(keys, "look_up", lambda text: (asked.append("looked up"), look_up(text))[1])
    monkeypatch.setattr(keys, "note_use", lambda *ids: (asked.append("noted"), note_use(*ids))[1])
    for _ in range(5):
        await site.client.get(STALE, headers=bearer(key))
    assert asked == ["looked up", "noted"]
    clock.now += 61
    await site.client.get(STALE, headers=bearer(key))
    assert asked == ["looked up", "noted"] * 2
    (row,) = await keys.listed(site.tenant_id)
    assert row.last_used_at is not None


async def test_what_a_key_may_send_is_counted_by_what_it_is(site: Site, clock: Clock) -> None:
    key = bearer(await made_key(site, "read", "ingest"))
    first = await site.client.get(STALE, headers=key)
    assert first.headers["ratelimit-limit"] == str(A_MINUTE["read"])
    assert first.headers["ratelimit-remaining"] == str(A_MINUTE["read"] - 1)
    sent = await site.client.post(URL, json={"measurements": []}, headers=key)
    assert sent.headers["ratelimit-limit"] == str(A_MINUTE["ingest"])
    assert sent.headers["ratelimit-remaining"] == str(A_MINUTE["ingest"] - 1)


async def test_a_key_s_own_limit_is_told_before_it_is_reached_and_holds_for_all_it_sends(
    site: Site, clock: Clock
) -> None:
    key, other = bearer(await made_key(site, "read", a_minute="6")), bearer(await made_key(site, "read"))
    answers = [await site.client.get(STALE, headers=key) for _ in range(8)]
    assert [answer.status_code for answer in answers] == [200] * 6 + [429] * 2
    assert [answer.headers["ratelimit-remaining"] for answer in answers] == [*"543210", "0", "0"]
    assert (answers[-1].headers["retry-after"], answers[-1].headers["ratelimit-reset"]) == ("10", "60")
    assert answers[-1].json()["type"].endswith(":too-many")
    assert (await site.client.get(STALE, headers=other)).status_code == 200
    clock.now += 10
    assert [(await site.client.get(STALE, headers=key)).status_code for _ in range(2)] == [200, 429]


async def test_wrong_keys_are_limited_by_their_address_and_keep_no_good_one_out(
    site: Site, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    good, unused = await made_key(site, "read"), await made_key(site, "read")
    assert (await site.client.get(STALE, headers=bearer(good))).status_code == 200
    keys, looked_up = site.workbench.api_keys, list[str]()
    look_up = keys.look_up
    monkeypatch.setattr(keys, "look_up", lambda text: (looked_up.append(text), look_up(text))[1])
    wrong = [f"sy_{'a' * 8}_{number:052}".translate(str.maketrans("0189", "wxyz")) for number in range(100)]
    assert all(KEY.fullmatch(key) for key in wrong)
    answers = await asyncio.gather(*(site.client.get(STALE, headers=bearer(key)) for key in wrong))
    assert [answer.status_code for answer in answers].count(401) == STRANGERS_A_MINUTE
    assert {answer.status_code for answer in answers} == {401, 429}
    assert len(looked_up) == STRANGERS_A_MINUTE
    clock.now += KNOWN_S / 10
    assert (await site.client.get(STALE, headers=bearer(unused))).status_code == 429
    clock.now += KNOWN_S
    assert (await site.client.get(STALE, headers=bearer(good))).status_code == 200
    # One wrong key again and again costs no look-ups, and is told to wait too.
    before = len(looked_up)
    again = [(await site.client.get(STALE, headers=bearer("nonsense"))).status_code for _ in range(REFUSALS_A_MINUTE)]
    assert again[-1] == 429
    assert len(looked_up) == before
    clock.now += 60
    assert (await site.client.get(STALE, headers=bearer(unused))).status_code == 200


async def test_no_key_stands_in_a_log_or_on_an_error_page(
    server_home: Path, tenant_id: UUID, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with site_of(server_home, tenant_id, faults=True) as site:
        let_in(site)
        good, revoked = await made_key(site, "read"), await made_key(site, "read")
        await site.workbench.api_keys.revoke(tenant_id, revoked.id)
        said = [repr(good)]
        paths = (STALE, "/v1/nowhere", "/settings", f"/v1/stale?limit={good.text}", f"/nowhere?k={good.text}")
        for headers in (bearer(good), bearer(revoked), {"x-api-key": WRONG}):
            said += [(await site.client.get(path, headers=headers)).text for path in paths]
        site.workbench.__dict__["stale_watch"] = None
        fault = await site.client.get(STALE, headers=bearer(good))
        assert fault.status_code == 500
        said.append(fault.text)
        logging.getLogger("steelyard").warning("Sent with %s.", good.text)
    assert "Fault" in caplog.text
    before = logging.getLogger().handlers[:]
    for form in ("text", "json"):
        logs.configure({"STEELYARD_LOG": form})
        (handler,) = set(logging.getLogger().handlers) - set(before)
        said += [handler.format(record) for record in caplog.records]
        logging.getLogger().removeHandler(handler)
    for key in (good.text, revoked.text, WRONG):
        assert [text for text in said if key[12:] in text] == []
    assert any(f"{good.text[:11]}_***" in text for text in said), "and a log says which key it was"


async def test_a_session_alone_changes_nothing_through_the_api(site: Site) -> None:
    await made_skill(site.workbench, site.tenant_id)
    let_in(site, member(site.tenant_id, Role.ADMIN))
    said = {"key": "1", "skill": "weigh", "kind": "thumb_up"}
    token = await site.token()
    assert (await site.client.post("/v1/feedback", json=said)).status_code == 403
    assert (await site.client.post("/v1/feedback", json=said, headers={"x-csrf-token": "f" * 80})).status_code == 403
    assert (await site.client.post("/v1/feedback", json=said, headers={"sec-fetch-site": "none"})).status_code == 403
    assert (await site.client.get(STALE)).status_code == 200
    for proof in (
        {"x-csrf-token": token},
        {"sec-fetch-site": "same-origin"},
        {"origin": "http://localhost:8765"},
        bearer(await made_key(site, "ingest")),
    ):
        answer = await site.client.post("/v1/feedback", json=said, headers=proof)
        assert answer.status_code in (200, 201), proof


async def test_on_a_team_s_server_a_session_reads_and_only_a_key_changes(server_home: Path, tenant_id: UUID) -> None:
    said = {"key": "1", "skill": "weigh", "kind": "thumb_up"}
    async with team_site_of(server_home, tenant_id) as team:
        await made_skill(team.workbench, tenant_id)
        key = await team.workbench.api_keys.make(tenant_id, "a program", ["ingest"])
        browser = team.browser()
        assert (await browser.client.post("/v1/feedback", json=said)).status_code == 401
        assert (await browser.client.post("/v1/feedback", json=said, headers=bearer(WRONG))).status_code == 401
        sent = await browser.client.post("/v1/feedback", json=said, headers=bearer(key))
        assert sent.status_code == 201
        await browser.sign_in(await team.user(Role.VIEWER))
        assert (await browser.get(STALE)).status_code == 200
        assert (await browser.client.post("/v1/feedback", json=said)).status_code == 401
        token = {"x-csrf-token": token_in((await browser.get("/models")).text)}
        assert (await browser.client.post("/v1/feedback", json=said, headers=token)).status_code == 401
        # A key that came along is what counts, also where the session may do more.
        assert (await browser.get(STALE, headers=bearer(key))).status_code == 403
        assert (await browser.get(STALE, headers=bearer(WRONG))).status_code == 401
