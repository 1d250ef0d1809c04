"""`steelyard rollup`: compare the daily sums of use with the uses, and let go of old uses."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Any

from steelyard.bootstrap import open_workbench
from steelyard.cli import exits
from steelyard.cli import text as words
from steelyard.cli.jsonout import STDOUT, check_target, write_json
from steelyard.cli.terminal import Screen, Terminal
from steelyard.domain.money import dollars
from steelyard.services.rollup import Verified, differing_skills
from steelyard.services.spend import SpendVerified
from steelyard.storage.rollup import Difference

SHOWN = 20


def verify(json: str | None, *, repair: bool) -> int:
    """Compare, say what differs, and mend it where that was asked for."""
    check_target(json)

    async def body() -> tuple[Verified, SpendVerified]:
        async with open_workbench() as workbench:
            found = await workbench.rollup.verify(workbench.tenant_id, repair=repair)
            return found, await workbench.spend.verify(workbench.tenant_id)

    found, spend = asyncio.run(body())
    write_json(_data(found) | {"spend": spend.to_json()}, json)
    if json != STDOUT:
        screen = Terminal().out
        _say(screen, found)
        _say_spend(screen, spend)
    wrong = (found.differences and not found.repaired) or not spend.exact
    return exits.FAULT if wrong else exits.OK


def retention(months: int | None) -> int:
    """Let go of old uses."""

    async def body() -> int:
        async with open_workbench() as workbench:
            kept = months or workbench.settings.kept_months
            done = await workbench.rollup.retain(workbench.tenant_id, kept)
        screen = Terminal().out
        went = f"the uses of {words.count(done.months, 'month')} went" if done.months else "there was nothing to let go"
        said = f"Uses are kept one by one from {done.kept_from} on: {went}. Daily sums stay."
        screen.line(words.hang(said, screen.width, 0))
        if done.unmatched:
            screen.line(f"{words.count(done.unmatched, 'use')} of skills that are not here went with them.")
        return exits.OK

    return asyncio.run(body())


def _say(screen: Screen, found: Verified) -> None:
    months = f"{words.count(len(found.months), 'month')}, {found.months[0]:%Y-%m} to {found.months[-1]:%Y-%m}"
    if found.differences:
        days, skills = len(found.differences), words.count(differing_skills(found.differences), "skill")
        screen.line(f"Of {months}, {words.count(days, 'sum')} of {skills} differ from their uses:", "bold")
        for one in found.differences[:SHOWN]:
            screen.line(words.hang("  " + _differs(one), screen.width, 4))
        if len(found.differences) > SHOWN:
            screen.line(f"  and {len(found.differences) - SHOWN:,} more; --json FILE names them.")
        if found.repaired:
            screen.line(f"{words.count(found.repaired, 'month')} written anew from the uses.")
        else:
            screen.line("Nothing was changed: --repair writes these months anew from their uses.")
    else:
        screen.line(f"The daily sums are exactly those of {words.count(found.uses, 'use')} in {months}.")
    if found.kept_from is not None:
        screen.line(f"Uses from before {found.kept_from} are no longer kept; their sums cannot be compared.")


def _say_spend(screen: Screen, found: SpendVerified) -> None:
    if found.exact:
        screen.line("What was spent is exactly what runs, reviews, tie-breaks and drafts of cases add up to.")
        return
    for one in found.differences[:SHOWN]:
        what = f"{words.safe(one.skill, 60)}, {one.kind} {words.safe(one.model, 60)}".rstrip()
        kept, recounted = dollars(one.kept_microcents), dollars(one.recounted_microcents)
        screen.line(words.hang(f"Spent on {what}: {kept} for {recounted}.", screen.width, 4))
    if len(found.differences) > SHOWN:
        screen.line(f"  and {len(found.differences) - SHOWN:,} more; --json FILE names them.")
    for month in found.months:
        screen.line(f"The total of {month:%Y-%m} is not what its parts add up to.")
    screen.line("Money that was spent is not written anew.")


def _differs(one: Difference) -> str:
    where = f"{one.day} {words.safe(one.skill or str(one.skill_id), 60)}, {words.safe(one.model_name, 60)}"
    if one.skill_version_id is not None:
        where += f", version {one.skill_version_id}"
    if one.kept is None or one.recounted is None:
        uses = one.recounted or one.kept
        assert uses is not None
        side = "not in the sums" if one.kept is None else "in the sums alone"
        return f"{where}: {words.count(uses.uses, 'use')} {side}"
    told = [f"{name} {getattr(one.kept, name):,} for {getattr(one.recounted, name):,}" for name in one.differing]
    return f"{where}: {', '.join(told)}"


def _data(found: Verified) -> dict[str, Any]:
    return {
        "months": [f"{month:%Y-%m}" for month in found.months],
        "uses": found.uses,
        "kept_from": None if found.kept_from is None else found.kept_from.isoformat(),
        "exact": not found.differences,
        "repaired_months": found.repaired,
        "differences": [
            asdict(one)
            | {
                "skill_id": str(one.skill_id),
                "day": one.day.isoformat(),
                "skill_version_id": None if one.skill_version_id is None else str(one.skill_version_id),
                "differing": list(one.differing),
            }
            for one in found.differences
        ],
    }
