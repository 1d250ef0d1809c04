"""Everybody who sends requests to the API: a key of each scope, a session of each role, nobody, and a revoked key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from benchmarks.site import clean_environment
from steelyard.api.access import API_ACCESS
from steelyard.bootstrap import open_workbench
from steelyard.domain.access import ROLES, SCOPES, Action, Role, Scope
from steelyard.services.api_keys import MOST_A_MINUTE
from steelyard.services.sign_in import Client
from steelyard.web.security.identify import COOKIE
from steelyard.web.security.origin import SAFE_METHODS
from steelyard.workbench import Workbench

MODELS = ["openai:gpt-4o-mini", "openai:gpt-4.1-mini"]
JUDGE = "openai:gpt-4.1"
TEXT = "---\nname: weigh\ndescription: States what an item weighs, in one sentence.\n---\n\nState the weight.\n"


@dataclass(frozen=True)
class Sender:
    """Who sends: by which headers, which operations the table of rights gives them, and by which key, if any."""

    who: str
    headers: Mapping[str, str] = field(repr=False)
    may: frozenset[str] = frozenset()
    key_id: str = ""


async def make_senders(home: Path) -> tuple[list[Sender], dict[str, str]]:
    """The home's members and keys, those that can do least first; and what stands for others of them in addresses.

    A key's limit of requests a minute is the highest that can be set.
    """
    async with open_workbench(env=clean_environment(home)) as bench:
        sessions = {role: await _session(bench, role) for role in Role}
        keys = [await _key(bench, scope) for scope in Scope]
        spare = await bench.api_keys.make(bench.tenant_id, "spare", [Scope.INGEST])
        revoked = await bench.api_keys.make(bench.tenant_id, "revoked", list(Scope))
        await bench.api_keys.revoke(bench.tenant_id, revoked.id)
        invitation = await bench.members.invite(bench.tenant_id, "spare@example.org", Role.VIEWER)
        viewer = await bench.members.called(bench.tenant_id, _email(Role.VIEWER))
    senders = [
        Sender("nobody", {}),
        Sender("a revoked key", _bearer(revoked.text)),
        *(
            Sender(
                f"the session of a{'' if role is Role.VIEWER else 'n'} {role}",
                sessions[role],
                _may(ROLES[role], SAFE_METHODS),
            )
            for role in Role
        ),
        *keys,
    ]
    return senders, {
        "key_id": str(spare.id),
        "invitation_id": str(invitation.id),
        "user_id": str(viewer.user_id),
    }


def fill(address: str, admin: Sender, models: str) -> dict[str, str]:
    """A skill with cases, a tied run, what is asked of a judge and a drafter, a suggestion and a provider.

    Returns what stands for them in addresses.
    """
    with httpx.Client(base_url=f"{address}/v1", timeout=60, headers=dict(admin.headers)) as client:

        def send(method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
            answer = client.request(method, path, json=body)
            answer.raise_for_status()
            return answer.json()

        skill = send("POST", "/skills", {"prompt": TEXT})
        checks = [{"type": "regex", "value": "[a-z]"}]
        cases = [
            send("POST", "/skills/weigh/cases", {"input": f"Item {number}?", "expected": "120 g", "checks": checks})
            for number in range(8)
        ]
        run = send("POST", "/skills/weigh/runs", {"models": MODELS, "judge": "none", "arm": "with_skill"})
        client.get(f"/runs/{run['id']}/events")
        case = client.get(f"/runs/{run['id']}/cases/1").raise_for_status().json()
        broken = send("POST", f"/runs/{run['id']}/tie-breaks", {"judge": JUDGE})
        review = send("POST", "/skills/weigh/reviews", {"model": JUDGE})
        drafts = send("POST", "/skills/weigh/case-drafts", {"model": JUDGE, "count": 2})
        suggestion = send("POST", "/skills/weigh/suggestions", {"title": "Name the unit"})
        send("PUT", "/providers/workshop", {"kind": "openai-compatible", "base_url": f"{models}/v1", "key": "test-all"})
    return {
        "skill": "weigh",
        "version": skill["version_digest"][:12],
        "run_id": run["id"],
        "case_id": cases[0]["id"],
        "item_id": cases[0]["id"],
        "suggestion_id": suggestion["id"],
        "start": run["id"],
        "case_start": cases[0]["id"],
        "cases_of": "weigh",
        "output_id": case["outputs"][0]["id"],
        "tie_break_id": broken["id"],
        "review_id": review["id"],
        "draft_id": drafts["id"],
        "name": "workshop",
    }


async def _session(bench: Workbench, role: Role) -> dict[str, str]:
    invitation = await bench.members.invite(bench.tenant_id, _email(role), role)
    invited = await bench.members.invited(invitation.token)
    proof = await bench.members.join(invited, name=f"Some {role}", password=f"weighs {role} brass parts")
    session = await bench.sign_in.open(proof, bench.tenant_id, Client("benchmark", "127.0.0.1"))
    return {"Cookie": f"{COOKIE}={session.token}"}


async def _key(bench: Workbench, scope: Scope) -> Sender:
    made = await bench.api_keys.make(bench.tenant_id, f"to {scope}", [scope], a_minute=str(MOST_A_MINUTE))
    who = "a key to administer" if scope is Scope.ADMIN else f"a key to {scope}"
    return Sender(who, _bearer(made.text), _may(SCOPES[scope]), str(made.id))


def _bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def _email(role: Role) -> str:
    return f"{role}@example.org"


def _may(actions: frozenset[Action], methods: frozenset[str] | None = None) -> frozenset[str]:
    return frozenset(
        route
        for route, action in API_ACCESS.items()
        if action in actions and (methods is None or route.split(" ")[0] in methods)
    )
