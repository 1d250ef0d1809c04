"""Has a model draft golden cases: what is read from its reply is pending."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from steelyard.domain.calls import ModelRequest, Usage
from steelyard.domain.cases import By, CaseSource, CaseStatus, GoldenCase
from steelyard.domain.models import ModelRef
from steelyard.domain.money import dollars
from steelyard.domain.spending import SpendKind
from steelyard.execution.callers import ModelCaller, Pricer
from steelyard.execution.paid_job import JobUnfit, PaidJob
from steelyard.judging.drafting import DraftedCase, drafting_request, read_drafts
from steelyard.skills.cases.duplicates import near_duplicates
from steelyard.skills.cases.model import MAX_CASE_CHARACTERS
from steelyard.skills.text import unstorable
from steelyard.storage import case_drafts, cases, skills, standing
from steelyard.storage.case_drafts import DraftsRow
from steelyard.storage.database import Connection, Database
from steelyard.storage.paid_jobs import DRAFTS

_USED_INPUTS = 60
_USED_CHARACTERS = 600
_WHY_CHARACTERS = 500
# A token is rarely fewer characters than this in any script; a budget is held against the dearer reading.
_CHARACTERS_A_TOKEN = 2


@dataclass(frozen=True)
class Sorted:
    """The cases of a reply that are new, and how many were nearly the same as another or could not be one."""

    new: tuple[DraftedCase, ...]
    doubles: int
    unusable: int


class Drafter(PaidJob[DraftsRow, tuple[DraftedCase, ...]]):
    """One per worker process. `run` is the handler of the queue's drafts."""

    def __init__(self, database: Database, caller: ModelCaller, price: Pricer, *, unfit: JobUnfit) -> None:
        super().__init__(database, caller, price, DRAFTS, SpendKind.DRAFTS, "these drafts", unfit=unfit)

    async def _find(self, connection: Connection, job_id: UUID) -> DraftsRow | None:
        return await case_drafts.find_drafts(connection, job_id)

    async def _request(self, connection: Connection, found: DraftsRow) -> ModelRequest:
        files = await skills.version_files(connection, found.skill_version_id)
        name = await skills.name_of(connection, found.skill_id)
        known = await case_drafts.known_inputs(connection, found.skill_id)
        used = await case_drafts.inputs_of_users(
            connection, found.skill_id, limit=_USED_INPUTS, length=_USED_CHARACTERS
        )
        return drafting_request(ModelRef.parse(found.model), name, files, known, used, found.wanted)

    def _read(self, reply: str, stop_reason: str) -> tuple[DraftedCase, ...]:
        return read_drafts(reply, stop_reason)

    def _refused(self, found: DraftsRow, request: ModelRequest) -> str | None:
        """Why the call might cost more than what is left, in a sentence; None where it cannot, or nothing limits it."""
        if found.budget_microcents is None:
            return None
        most = Usage((len(request.system) + len(request.prompt)) // _CHARACTERS_A_TOKEN, request.max_tokens)
        cost = self._calls.price(most, request.model, datetime.now(UTC).date())
        budget = dollars(found.budget_microcents)
        if cost is None:
            return (
                f"The price of {found.model} is not known, so that no budget can be kept: nothing was called for."
                " An admin gives the price of a model of your own provider under Settings, Providers."
            )
        if found.cost_microcents + cost.microcents > found.budget_microcents:
            return (
                f"The budget of {budget} does not cover the call, which may cost {dollars(cost.microcents)}:"
                " it was not made."
            )
        return None

    async def _keep(self, tenant_id: UUID, found: DraftsRow, read: tuple[DraftedCase, ...]) -> None:
        """The reply's cases as pending ones and what became of the others, in one transaction, once."""
        async with self._database.tenant(tenant_id) as connection:
            await standing.lock_skill(connection, found.skill_id)
            now = await case_drafts.find_drafts(connection, found.id)
            if now is None or now.status != "running":
                return
            known = await case_drafts.known_inputs(connection, found.skill_id)
        sorted_ = await asyncio.to_thread(sort_drafts, read[: found.wanted], known)
        async with self._database.tenant(tenant_id) as connection:
            await standing.lock_skill(connection, found.skill_id)
            now = await case_drafts.find_drafts(connection, found.id)
            if now is None or now.status != "running":
                return
            await _put(connection, tenant_id, found, sorted_.new)
            await case_drafts.complete_drafts(
                connection, found.id, kept=len(sorted_.new), doubles=sorted_.doubles, unusable=sorted_.unusable
            )


def sort_drafts(drafted: Sequence[DraftedCase], known: Sequence[str]) -> Sorted:
    """Which drafts are new: no near duplicate of a known input or of a draft before it. Pure."""
    usable = [one for one in drafted if _usable(one)]
    pairs = near_duplicates([*known, *(one.input for one in usable)])
    doubled = {pair.second - len(known) for pair in pairs if pair.second >= len(known)}
    new = tuple(one for place, one in enumerate(usable) if place not in doubled)
    return Sorted(new, len(usable) - len(new), len(drafted) - len(usable))


def _usable(one: DraftedCase) -> bool:
    length = len(one.input) + len(one.expected)
    return bool(one.input.strip()) and length <= MAX_CASE_CHARACTERS and not unstorable([one.input, one.expected])


async def _put(connection: Connection, tenant_id: UUID, found: DraftsRow, new: Sequence[DraftedCase]) -> None:
    used = await cases.used_keys(connection, found.skill_id)
    number = 1
    for one in new:
        while (key := f"draft-{number}") in used:
            number += 1
        used.add(key)
        case = GoldenCase(key, one.input, one.expected, source=CaseSource.DRAFTED)
        by = By(found.requested_by, one.why[:_WHY_CHARACTERS])
        await cases.put_case(
            connection, tenant_id, found.skill_id, case, status=CaseStatus.PENDING, author=found.model, by=by
        )
