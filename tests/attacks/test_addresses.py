"""Addresses of the server's own network and paths of its own files, at every door that takes one."""

from __future__ import annotations

import io
import zipfile

import pytest

from steelyard.domain.access import Role
from tests.attacks.place import filled
from tests.integration.web.keyed import bearer
from tests.integration.web.teams import TeamSite

INSIDE = [
    "https://127.0.0.1/",
    "https://127.1/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0177.0.0.1/",
    "https://[::1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://169.254.169.254/latest/meta-data/",
    "https://[fd00:ec2::254]/",
    "https://10.0.0.1/",
    "https://192.168.1.1/",
    "https://100.64.0.1/",
    "https://0.0.0.0/",
    "https://1.1.1.1@127.0.0.1/",
    "http://example.org/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:5432/",
]
OUTSIDE = [
    "../../../../etc/passwd",
    "..%2f..%2f..%2f..%2fetc%2fpasswd",
    "%2e%2e/%2e%2e/%2e%2e/etc/passwd",
    "..%5c..%5cetc%5cpasswd",
    "/etc/passwd",
    "%252e%252e%252fetc%252fpasswd",
    "....//....//etc/passwd",
    "web.key",
    "secret.key",
    "settings.toml",
]


async def test_no_door_takes_an_address_of_the_servers_own_network(team: TeamSite) -> None:
    admin = await team.member(Role.ADMIN)
    key = await team.workbench.api_keys.make(team.tenant_id, "a program", ("admin",))
    for url in INSIDE:
        hook = await admin.post("/settings/webhook", {"url": url}, page="/settings")
        assert hook.status_code == 422, url
        fields = {"name": "inside", "kind": "openai-compatible", "base_url": url, "key": "sk-0123456789abcdef"}
        assert (await admin.post("/settings/providers", fields, page="/settings")).status_code == 422, url
        put = await admin.client.put("/v1/settings/webhook", json={"url": url}, headers=bearer(key))
        assert put.status_code == 422, (url, put.text)
    assert (
        await admin.post("/settings/webhook", {"url": "https://hooks.example/a"}, page="/settings")
    ).status_code < 400


async def test_no_path_leads_to_the_servers_files(team: TeamSite) -> None:
    parts = await filled(team.workbench, team.tenant_id)
    browser = await team.member(Role.ADMIN)
    version = f"/skills/weigh/versions/{parts['version']}/file"
    for path in OUTSIDE:
        urls = [
            f"/static/{path}",
            f"/{path}",
            f"{version}?path={path}",
            f"/skills/{path}/details",
            f"/v1/skills/{path}",
        ]
        for url in [*urls, f"{version}?name={path}&file={path}"]:
            answer = await browser.get(url)
            assert answer.status_code in (404, 405, 422), url
            assert "root:" not in answer.text


@pytest.mark.parametrize(
    "name", ["../../evil/SKILL.md", "/tmp/evil/SKILL.md", "a/../../SKILL.md", "C:\\evil\\SKILL.md"]
)
async def test_an_archive_that_leads_out_of_its_folder_is_refused_at_the_door(team: TeamSite, name: str) -> None:
    browser = await team.member(Role.EDITOR)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(name, "---\nname: evil\ndescription: d\n---\nHi.\n")
    token = (await browser.get("/skills/new")).text.split('name="csrf_token" value="')[1].split('"')[0]
    given = {"way": "zip", "csrf_token": token}
    answer = await browser.client.post("/skills", data=given, files={"zip": ("x.zip", packed.getvalue())})
    assert answer.status_code == 422
    assert "leads out" in answer.text or "path" in answer.text.lower()
    assert (await browser.get("/skills/evil/details")).status_code == 404
