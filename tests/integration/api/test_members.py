"""/v1/members and /v1/invitations: people come and go by a program's key, but no admin does."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import httpx

from steelyard.domain.access import Role
from steelyard.domain.hosting import Hosting
from steelyard.domain.notices import NoticeSettings, SmtpServer
from steelyard.services.people_mail import PeopleMail
from tests.integration.services.receivers import PASSWORD as MAIL_PASSWORD
from tests.integration.services.receivers import mail_server
from tests.integration.web.harness import BASE, Site
from tests.integration.web.teams import PASSWORD, TeamSite


def body(role: Role = Role.VIEWER) -> dict[str, Any]:
    return {"email": f"{uuid4().hex[:12]}@example.org", "role": role.value}


async def member_of(team: TeamSite, role: Role) -> UUID:
    return (await team.workbench.members.called(team.tenant_id, await team.user(role))).user_id


async def test_somebody_is_invited_joins_becomes_another_and_goes(team: TeamSite, program: httpx.AsyncClient) -> None:
    sent = body()
    answer = await program.post("/v1/invitations", json=sent)
    invitation = answer.json()
    assert (answer.status_code, answer.headers["cache-control"]) == (201, "no-store")
    assert (invitation["email"], invitation["invited_by"], invitation["mailed"]) == (
        sent["email"],
        "a program (API key)",
        None,
    )
    (waiting,) = (await program.get("/v1/invitations")).json()["items"]
    assert (await program.get(answer.headers["location"])).json() == waiting
    assert "/join/" not in str(waiting)

    path = invitation["link"].removeprefix(BASE)
    browser = team.browser()
    form = {"way": "new", "name": f"Ann {uuid4().hex[:8]}", "new_password": PASSWORD}
    joined = await browser.post(path, form, page=path)
    assert joined.status_code == 303
    assert (await program.get(answer.headers["location"])).status_code == 404
    (member,) = (await program.get("/v1/members")).json()["items"]
    assert (member["email"], member["role"]) == (sent["email"], "viewer")

    here = f"/v1/members/{member['id']}"
    assert (await program.patch(here, json={"role": "editor"})).json()["role"] == "editor"
    assert "editor in" in (await browser.get("/account")).text
    again = await program.post("/v1/invitations", json=sent)
    assert again.status_code == 409
    assert (await program.delete(here)).status_code == 204
    assert (await browser.get("/v1/skills")).status_code == 401
    assert (await program.delete(here)).status_code == 404


async def test_no_key_makes_changes_or_removes_an_admin(team: TeamSite, program: httpx.AsyncClient) -> None:
    admin, editor = await member_of(team, Role.ADMIN), await member_of(team, Role.EDITOR)
    await member_of(team, Role.ADMIN)
    invited = await team.workbench.members.invite(team.tenant_id, body()["email"], Role.ADMIN)
    refused = [
        await program.post("/v1/invitations", json=body(Role.ADMIN)),
        await program.post("/v1/invitations", json={"email": invited.email, "role": "viewer"}),
        await program.delete(f"/v1/invitations/{invited.id}"),
        await program.patch(f"/v1/members/{editor}", json={"role": "admin"}),
        await program.patch(f"/v1/members/{admin}", json={"role": "viewer"}),
        await program.delete(f"/v1/members/{admin}"),
    ]
    assert [answer.status_code for answer in refused] == [403] * 6
    assert {answer.json()["detail"] for answer in refused} == {"No key makes an admin, nor changes or removes one."}
    roles = {row.user_id: row.role for row in await team.workbench.members.list(team.tenant_id)}
    assert (roles[admin], roles[editor]) == (Role.ADMIN, Role.EDITOR)
    assert [one.id for one in await team.workbench.members.invitations(team.tenant_id)] == [invited.id]


async def test_an_invitation_sent_again_invites_nobody_anew_and_its_link_is_gone(
    team: TeamSite, program: httpx.AsyncClient
) -> None:
    sent, headers = body(), {"idempotency-key": "ann"}
    first, second = [await program.post("/v1/invitations", json=sent, headers=headers) for _ in range(2)]
    assert second.headers["idempotency-replayed"] == "true"
    assert second.json() == first.json() | {"link": None}
    path = first.json()["link"].removeprefix(BASE)
    assert (await team.browser().get(path)).status_code == 200, "the first link is good still"
    async with team.workbench.database.tenant(team.tenant_id) as connection:
        cursor = await connection.execute("SELECT body FROM idempotency_keys")
        assert await cursor.fetchall() == [{"body": None}]
    assert (await program.delete(first.headers["location"])).status_code == 204
    assert (await program.post("/v1/invitations", json=sent, headers=headers)).status_code == 404


async def test_a_link_that_went_by_mail_is_not_answered(team: TeamSite, program: httpx.AsyncClient) -> None:
    async with mail_server() as post:
        smtp = SmtpServer("127.0.0.1", post.port, "steelyard@example.org", "none", "user", MAIL_PASSWORD)
        team.workbench.people_mail = PeopleMail(
            Hosting(public_url="https://steelyard.example"), NoticeSettings(smtp=smtp)
        )
        answer = (await program.post("/v1/invitations", json=body())).json()
    assert (answer["mailed"], answer["link"]) == (True, None)
    ((_, mail),) = post.mails
    text = mail.get_payload(decode=True)
    assert isinstance(text, bytes)
    assert b"a program (API key) invites you" in text
    assert b"https://steelyard.example/join/" in text


async def test_alone_on_its_machine_nobody_is_a_member(site: Site) -> None:
    for method, path in (
        ("GET", "/v1/members"),
        ("PATCH", f"/v1/members/{uuid4()}"),
        ("GET", "/v1/invitations"),
        ("POST", "/v1/invitations"),
    ):
        sent = {"PATCH": {"role": "viewer"}, "POST": body()}.get(method)
        assert (await site.client.request(method, path, json=sent)).status_code == 404, path
