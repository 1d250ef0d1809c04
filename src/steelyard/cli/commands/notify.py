"""`steelyard notify …`, and `steelyard stale --notify`: who is told, trying it, and a check that a crontab asks for."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from steelyard.bootstrap import open_workbench
from steelyard.cli import exits
from steelyard.cli import text as words
from steelyard.cli.commands.stale import lines_of
from steelyard.cli.jsonout import STDOUT, check_target, write_json
from steelyard.cli.terminal import Terminal
from steelyard.domain.errors import Conflict, InputError
from steelyard.domain.money import dollars
from steelyard.services.notices import NoticeStanding
from steelyard.services.stale_check import SCHEMA
from steelyard.storage.deliveries import DeliveryRow


def check_now(json_to: str | None, *, fail: bool) -> int:
    """Check every benchmark now, tell what is new, and begin what is to be run again."""
    check_target(json_to)
    terminal = Terminal(json_out=json_to == STDOUT)

    async def body() -> int:
        async with open_workbench() as workbench:
            tenant = workbench.tenant_id
            result = await workbench.scheduled_check.run(tenant, asked=True)
            if result is None:
                raise Conflict(
                    "Another process is checking the benchmarks now.", next_step="It tells what it finds; wait for it."
                )
            await workbench.schedule.work(tenant)
            standing = await workbench.notices.standing(tenant)
        terminal.out.lines(lines_of(result.stale, terminal.out.width, named=False))
        new = sum(len(one.causes) for one in result.new)
        terminal.out.line(f"{words.count(new, 'cause')} new since the last check.")
        for row in standing.log[: result.messages]:
            terminal.out.line(_message(row))
        if new and not result.messages:
            terminal.out.line("Nobody was told: set a webhook or e-mail with `steelyard notify`.")
        for one in result.new:
            if one.outlook is not None:
                terminal.out.line(words.safe(f"{one.skill}: {one.outlook}"))
        write_json({"schema": SCHEMA, "skills": [one.to_json() for one in result.stale]}, json_to)
        return exits.STALE if fail and result.stale else exits.OK

    return asyncio.run(body())


def show() -> int:
    """What is set and how it goes."""

    async def body() -> NoticeStanding:
        async with open_workbench() as workbench:
            return await workbench.notices.standing(workbench.tenant_id)

    found = asyncio.run(body())
    screen = Terminal().out
    for line in _standing(found):
        screen.line(line)
    return exits.OK


def set_webhook(url: str | None, *, new_secret: bool, off: bool) -> int:
    """Set the address, make a new secret, or turn it off."""
    if off == (url is not None or new_secret):
        raise InputError("Give an address, --new-secret or --off.", field="url")

    async def body() -> str | None:
        async with open_workbench() as workbench:
            service, tenant = workbench.notices, workbench.tenant_id
            if url is None and new_secret:
                return await service.renew_secret(tenant)
            return await service.set_webhook(tenant, url or "", renew=new_secret)

    secret = asyncio.run(body())
    screen = Terminal().out
    if secret is not None:
        screen.line(secret)
        screen.line("This is the secret that notices are signed with. It is not shown again: give it to the receiver.")
    elif off:
        screen.line("No webhook is posted to.")
    else:
        screen.line("Notices are posted there; the secret is as it was.")
    return exits.OK


def set_mail(addresses: Sequence[str], *, off: bool) -> int:
    """Set who gets an e-mail."""
    if off == bool(addresses):
        raise InputError("Give addresses, or --off.", field="mail")

    async def body() -> NoticeStanding:
        async with open_workbench() as workbench:
            await workbench.notices.set_recipients(workbench.tenant_id, addresses)
            return await workbench.notices.standing(workbench.tenant_id)

    Terminal().out.line(_mail(asyncio.run(body())))
    return exits.OK


def set_rebenchmark(budget: str | None, causes: Sequence[str], *, off: bool) -> int:
    """Set the budget of a month and the causes."""
    if off == (budget is not None):
        raise InputError("Give --budget with at least one --cause, or --off.", field="budget")

    async def body() -> NoticeStanding:
        async with open_workbench() as workbench:
            await workbench.rebenchmarks.set_allowance(workbench.tenant_id, budget, causes)
            return await workbench.notices.standing(workbench.tenant_id)

    Terminal().out.line(_again(asyncio.run(body())))
    return exits.OK


def send_test() -> int:
    """Send a test now."""

    async def body() -> list[DeliveryRow]:
        async with open_workbench() as workbench:
            return await workbench.notices.test(workbench.tenant_id)

    rows = asyncio.run(body())
    for row in rows:
        Terminal().out.line(_message(row))
    return exits.OK if all(row.state == "delivered" for row in rows) else exits.FAULT


def _standing(found: NoticeStanding) -> Iterator[str]:
    checks = found.settings.checks
    last = "never yet" if found.checked_at is None else _time(found.checked_at)
    when = (
        f"every {words.count(checks.every_hours, 'hour')} from {checks.at:%H:%M} UTC" if checks.on else "not by itself"
    )
    yield f"Checks:     {when}; last {last}."
    yield f"Webhook:    {words.safe(found.webhook) if found.webhook else 'none'}"
    yield f"E-mail:     {_mail(found)}"
    yield f"Run again:  {_again(found)}"
    for row in found.log:
        yield _message(row)


def _mail(found: NoticeStanding) -> str:
    if not found.recipients:
        return "No e-mail is sent."
    to = words.safe(", ".join(found.recipients))
    if found.settings.smtp is None:
        return f"To {to}, once the settings file names a mail server under [notices.smtp]."
    return f"To {to}, by {words.safe(found.settings.smtp.host)}."


def _again(found: NoticeStanding) -> str:
    if found.budget is None:
        return "Nothing is run again of itself."
    budget = found.budget
    return (
        f"Up to {dollars(budget.budget_microcents)} a month ({dollars(budget.spent_microcents)} spent this month)"
        f" because of: {', '.join(found.allowance.causes)}."
    )


def _message(row: DeliveryRow) -> str:
    state = {"delivered": "delivered", "given_up": "not delivered", "waiting": "waiting"}[row.state]
    tries = f", {words.count(row.attempts, 'attempt')}" if row.attempts else ""
    status = f": {words.safe(row.last_status)}" if row.last_status else ""
    again = f"; next attempt {_time(row.next_at)}" if row.next_at is not None and row.attempts else ""
    return f"{_time(row.created_at)}  {row.way} {row.kind}  {state}{tries}{status}{again}"


def _time(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
