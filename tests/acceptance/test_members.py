"""The operator's commands on tenants and members, as they are typed."""

from __future__ import annotations

import re
from uuid import uuid4

from tests.acceptance.conftest import Shell


def test_tenants_and_members_are_looked_after_from_the_command_line(shell: Shell) -> None:
    shell.env["STEELYARD_PUBLIC_URL"] = "https://steelyard.example"
    name = f"Zebra {uuid4().hex[:8]}"
    assert "is added" in shell.run("tenants", "add", name).stdout
    again = shell.run("tenants", "add", name.upper())
    assert again.returncode != 0
    assert "already" in again.stderr
    listed = next(line for line in shell.run("tenants", "list").stdout.splitlines() if name in line)
    assert "0 members" in listed

    invited = shell.run("members", "invite", "Ann@Example.org", "--role", "admin", "--tenant", name)
    assert invited.returncode == 0, invited.stderr
    assert re.search(r"^https://steelyard\.example/join/[\w-]{43}$", invited.stdout, re.MULTILINE)
    by_id = shell.run("members", "list", "--tenant", listed.split()[0])
    assert "ann@example.org: admin, invited until" in by_id.stdout
    assert "taken back" in shell.run("members", "remove", "ann@example.org", "--tenant", name).stdout
    assert "ann@example.org" not in shell.run("members", "list", "--tenant", name).stdout


def test_what_is_not_there_is_said_with_the_way_out(shell: Shell) -> None:
    for words, said in (
        (("members", "list", "--tenant", "no such"), "steelyard tenants list"),
        (("members", "invite", "ann@example.org", "--role", "boss"), "Roles are viewer, editor and admin."),
        (("members", "invite", "no address"), "ann@example.org"),
        (("members", "role", "nobody@example.org", "admin"), "No member has the address"),
        (("members", "password", "nobody@example.org"), "No account has that address."),
    ):
        done = shell.run(*words)
        assert done.returncode != 0, words
        assert said in " ".join(done.stderr.split()), done.stderr
