"""Who may do what: the one table of roles, API key scopes and actions, read by every door."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID


class Role(StrEnum):
    """What a member is in a tenant; each may do what the one before it may."""

    VIEWER = "viewer"
    EDITOR = "editor"
    ADMIN = "admin"


class Scope(StrEnum):
    """What an API key was made for; a key may have several."""

    INGEST = "ingest"
    READ = "read"
    RUN = "run"
    ADMIN = "admin"


class Action(StrEnum):
    """What somebody may be allowed to do, as fine as roles and scopes tell it apart."""

    READ = "read"
    GIVE_FEEDBACK = "give feedback"
    RATE = "rate outputs of runs"
    SEND_USES = "send uses"
    WRITE_SKILLS = "change skills"
    WRITE_CASES = "propose and edit golden cases"
    DECIDE_CASES = "accept or reject golden cases"
    RUN = "start paid calls"
    ADD_BY_PATH = "add skills by their path on the server"
    SET_STALENESS = "set rules of staleness and notices"
    SET_BUDGETS = "set budgets"
    SET_PROVIDERS = "set providers, their keys and prices"
    MANAGE_MEMBERS = "manage members"
    MANAGE_KEYS = "manage API keys"
    READ_AUDIT = "read the audit log"


_VIEWER = frozenset({Action.READ, Action.GIVE_FEEDBACK, Action.RATE})
_EDITOR = _VIEWER | {Action.WRITE_SKILLS, Action.WRITE_CASES, Action.RUN, Action.SEND_USES}
# A path on the server is the operator's, and no tenant's.
_ADMIN = frozenset(Action) - {Action.ADD_BY_PATH}

ROLES: Mapping[Role, frozenset[Action]] = {Role.VIEWER: _VIEWER, Role.EDITOR: _EDITOR, Role.ADMIN: _ADMIN}
SCOPES: Mapping[Scope, frozenset[Action]] = {
    Scope.INGEST: frozenset({Action.SEND_USES, Action.GIVE_FEEDBACK}),
    Scope.READ: frozenset({Action.READ}),
    Scope.RUN: _EDITOR - {Action.SEND_USES},
    Scope.ADMIN: _ADMIN,
}
# The roles that a key may give, change and take. A key can be lost: whoever finds one must not be able to make
# themselves an admin, nor to put out those who could end it.
ROLES_OF_KEYS = frozenset({Role.VIEWER, Role.EDITOR})


def actions_of(scopes: Iterable[Scope]) -> frozenset[Action]:
    """All that a key of these scopes may do."""
    return frozenset[Action]().union(*(SCOPES[scope] for scope in scopes))


@dataclass(frozen=True)
class Principal:
    """Whoever sent a request: whose data it is about, the name it is noted under, and what it may do.

    `user_id` is of a signed-in member, `key_id` of an API key; a single-user installation's owner has neither.
    """

    tenant_id: UUID
    name: str
    actions: frozenset[Action] = field(repr=False)
    role: Role | None = None
    user_id: UUID | None = None
    key_id: UUID | None = None

    @classmethod
    def owner(cls, tenant_id: UUID) -> Principal:
        """Whoever is at the machine of a single-user installation: everything is theirs."""
        return cls(tenant_id, "local", frozenset(Action), Role.ADMIN)

    def may(self, action: Action) -> bool:
        """Whether it is allowed `action`."""
        return action in self.actions
