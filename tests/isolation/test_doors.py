"""Whatever a page, a form or an operation is asked with, it tells and changes nothing of another tenant."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import httpx
import pytest

from steelyard.domain.access import ROLES, SCOPES, Role, Scope
from steelyard.storage.server import Server
from steelyard.web.access import ACCESS
from tests.integration.web.harness import token_in
from tests.isolation.asks import FORMS, Ask, asks, routes, unknown_to_these
from tests.isolation.rows import digests_of, rows_of, tables_with_tenant, texts_of
from tests.isolation.twins import Secrets, Twin, Twins

pytestmark = pytest.mark.asyncio(loop_scope="module")

# What ends what the others need comes last.
_LAST = ("delete", "DELETE", "remove", "revoke", "/end", "/role", "discard")
# Answers that own up to nothing: refused, not there, led elsewhere, not understood, or one's own.
_PLAIN_ANSWERS = frozenset({200, 201, 204, 303, 401, 403, 404, 409, 422})


def all_asks(theirs: Twin, mine: Twin, *, api: bool) -> Iterator[Ask]:
    found = routes()
    for line in sorted(found, key=_when):
        if (" /v1/" in line) is api:
            yield from asks(line, found[line], theirs, mine)


def _when(line: str) -> tuple[bool, bool]:
    """What ends something comes last, a provider after the prices that go with it."""
    last = any(word in line for word in _LAST)
    return last, last and "price" not in line


def secrets_of(server: Server, theirs: Twin, mine: Twin) -> Secrets:
    """What of theirs nothing may tell me; what I have too is no secret."""
    return Secrets.of(theirs.word, texts_of(server, theirs.tenant_id), texts_of(server, mine.tenant_id))


async def wrong_answers(client: httpx.AsyncClient, wanted: Sequence[Ask], secrets: Secrets, token: str) -> list[str]:
    wrong: list[str] = []
    for ask in wanted:
        answer = await client.request(**ask.sent(token))
        told = secrets.told_by(answer)
        if told or answer.status_code not in _PLAIN_ANSWERS:
            wrong.append(f"{ask}: {answer.status_code}, {told}: {answer.text[:300]}")
    return wrong


async def test_each_tenant_has_a_row_in_every_table(twins: Twins, server: Server) -> None:
    for twin in (twins.a, twins.b):
        rows = rows_of(server, twin.tenant_id)
        assert [table for table, found in rows.items() if not found] == []
        assert rows.keys() >= tables_with_tenant(server).keys()


async def test_no_route_takes_what_is_not_known_here() -> None:
    found = routes()
    assert {line: unknown for line in found if (unknown := unknown_to_these(line, found[line]))} == {}
    assert FORMS.keys() <= ACCESS.keys()


@pytest.mark.parametrize("role", Role)
async def test_no_page_tells_or_changes_anything_of_another_tenant(twins: Twins, server: Server, role: Role) -> None:
    a, b = twins.a, twins.b
    before, secrets = digests_of(server, a.tenant_id), secrets_of(server, a, b)
    browser = await twins.browser(b, role)
    token = token_in((await browser.get("/models")).text)
    wanted = [ask for ask in all_asks(a, b, api=False) if role is Role.ADMIN or ACCESS[ask.route] in ROLES[role]]
    assert len(wanted) > 100
    assert await wrong_answers(browser.client, wanted, secrets, token) == []
    assert digests_of(server, a.tenant_id) == before


@pytest.mark.parametrize("scope", Scope)
async def test_no_operation_tells_or_changes_anything_of_another_tenant(
    twins: Twins, server: Server, scope: Scope
) -> None:
    a, b = twins.a, twins.b
    before, secrets = digests_of(server, a.tenant_id), secrets_of(server, a, b)
    client = twins.program(b, scope)
    wanted = [ask for ask in all_asks(a, b, api=True) if ACCESS[ask.route] in SCOPES[scope]]
    # Last, for it keeps the name it is given, and one's own audit log tells that from then on.
    wanted.sort(key=lambda ask: ask.route == "PUT /v1/providers/{name}")
    assert wanted
    assert await wrong_answers(client, wanted, secrets, "") == []
    assert digests_of(server, a.tenant_id) == before
