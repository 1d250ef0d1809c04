"""The members who use the site, each with a session, and the skill whose benchmark they start."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.site import clean_environment
from benchmarks.workload import write_skill
from steelyard.bootstrap import open_workbench
from steelyard.domain.access import Role
from steelyard.services.sign_in import Client
from steelyard.skills.folder import read_skills

SKILL = "weigh-items"
CASES = 6
# Of every ten: five look and say what they think, four work, one decides.
_ROLES = (*(Role.VIEWER,) * 5, *(Role.EDITOR,) * 4, Role.ADMIN)


@dataclass(frozen=True)
class Person:
    """A member with a session of their own; `token` is what their browser's cookie holds."""

    name: str
    role: Role
    token: str = field(repr=False)


async def make_people(home: Path, count: int) -> list[Person]:
    """Invite and let in `count` members of the home's tenant, and add the skill. Raises SteelyardError."""
    made: list[Person] = []
    async with open_workbench(env=clean_environment(home)) as bench:
        tenant = bench.tenant_id
        for loaded in read_skills(write_skill(home / SKILL, CASES)):
            await bench.skills.add(tenant, loaded.content, loaded.told_cases)
        for number in range(count):
            role, name = _ROLES[number % len(_ROLES)], f"Member {number:03}"
            invitation = await bench.members.invite(tenant, f"member-{number:03}@example.org", role)
            invited = await bench.members.invited(invitation.token)
            proof = await bench.members.join(invited, name=name, password=f"weighs {number} brass parts")
            session = await bench.sign_in.open(proof, tenant, Client("benchmark", "127.0.0.1"))
            made.append(Person(name, role, session.token))
    return made
