"""Guessing passwords: as much is done for an account that is not there, and many tries at once count as many."""

from __future__ import annotations

import asyncio
import time
from uuid import UUID, uuid4

from steelyard.domain.errors import InputError
from steelyard.services.passwords import Passwords
from steelyard.services.sign_in import Client, SignIn
from steelyard.services.try_limits import MOST_OF_ACCOUNT, MOST_OF_ADDRESS, TryLimits
from tests.integration.web.teams import PASSWORD, TeamSite

# Of each kind; the least of them is what the work takes, whatever else the machine does.
TRIES = 6


async def tries_at_once(team: TeamSite, tries: list[tuple[str, str]]) -> tuple[int, list[int]]:
    """How many passwords were compared, and the statuses; each try is (e-mail, address)."""
    browsers = [team.browser(address=address) for _, address in tries]
    await asyncio.gather(*(browser.get("/sign-in") for browser in browsers))
    before = team.hasher.compared
    answers = await asyncio.gather(
        *(browser.sign_in(email, "wrong") for browser, (email, _) in zip(browsers, tries, strict=True))
    )
    return team.hasher.compared - before, [answer.status_code for answer in answers]


async def test_tries_at_once_for_one_account_from_many_addresses_count_one_by_one(team: TeamSite) -> None:
    email = await team.user()
    compared, statuses = await tries_at_once(team, [(email, f"198.51.100.{at}") for at in range(MOST_OF_ACCOUNT + 15)])
    assert (compared, statuses.count(429)) == (MOST_OF_ACCOUNT, 15)
    assert (await team.browser(address="198.51.100.250").sign_in(email)).status_code == 429, "also with the right one"


async def test_tries_at_once_for_many_accounts_from_one_address_count_one_by_one(team: TeamSite) -> None:
    network = f"2001:db8:{uuid4().hex[:4]}:7::"
    tries = [(f"{uuid4().hex}@example.org", f"{network}{at:x}") for at in range(MOST_OF_ADDRESS + 10)]
    compared = 0
    for start in range(0, len(tries), 20):
        compared += (await tries_at_once(team, tries[start : start + 20]))[0]
    assert compared == MOST_OF_ADDRESS


async def test_no_spelling_of_an_address_of_e_mail_has_a_count_of_its_own(team: TeamSite) -> None:
    email = await team.user()
    spelled = [email.upper(), f" {email}", f"{email}\t", email.title(), email] * 4
    compared, _ = await tries_at_once(team, [(one, f"203.0.113.{at}") for at, one in enumerate(spelled)])
    assert compared == MOST_OF_ACCOUNT


async def test_a_real_comparison_takes_as_long_without_an_account_or_a_password(team: TeamSite) -> None:
    """Argon2 takes tens of milliseconds, against which all else is little: without it one is ten times as fast."""
    database, passwords = team.workbench.database, Passwords()
    hashed = await passwords.hash(PASSWORD)
    signing = SignIn(database, passwords, TryLimits(database, uuid4().hex, of_account=10**6, of_address=10**6))
    known, without = await team.user(), await team.user()
    for email, kept in ((known, hashed), (without, None)):
        user: UUID = (await team.workbench.members.called(team.tenant_id, email)).user_id
        await database.ask("UPDATE users SET password_hash = %s WHERE id = %s", (kept, user))
    times: dict[str, list[float]] = {known: [], without: [], "nobody@example.org": []}
    for _ in range(TRIES):
        for email, taken in times.items():
            began = time.perf_counter()
            try:
                await signing.prove(email, "not the password", Client("", "203.0.113.5"))
            except InputError:
                taken.append(time.perf_counter() - began)
    least = sorted(min(taken) for taken in times.values())
    assert [len(taken) for taken in times.values()] == [TRIES] * 3
    assert least[-1] < 2 * least[0], least
