"""What roles and scopes allow, as a whole."""

from __future__ import annotations

from uuid import uuid4

from steelyard.domain.access import ROLES, ROLES_OF_KEYS, SCOPES, Action, Principal, Role, Scope


def test_each_role_may_do_what_the_one_before_it_may_and_more() -> None:
    assert ROLES[Role.VIEWER] < ROLES[Role.EDITOR] < ROLES[Role.ADMIN]


def test_what_costs_or_changes_is_no_viewers() -> None:
    assert ROLES[Role.VIEWER] == {Action.READ, Action.GIVE_FEEDBACK, Action.RATE}


def test_only_a_single_users_owner_adds_by_a_path_on_the_server() -> None:
    assert Principal.owner(uuid4()).actions == set(Action)
    assert not any(Action.ADD_BY_PATH in allowed for allowed in (*ROLES.values(), *SCOPES.values()))


def test_only_an_admin_s_key_makes_keys_and_members_and_an_ingest_key_reads_nothing() -> None:
    for scope, allowed in SCOPES.items():
        assert ({Action.MANAGE_MEMBERS, Action.MANAGE_KEYS} <= allowed) is (scope is Scope.ADMIN)
    assert Role.ADMIN not in ROLES_OF_KEYS
    assert SCOPES[Scope.INGEST] == {Action.SEND_USES, Action.GIVE_FEEDBACK}
