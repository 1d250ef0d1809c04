"""Has a model draft golden cases: one call, committed as it came before it is read, makes pending cases."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from uuid import UUID

from steelyard.domain.calls import CallError, ModelRequest, StopReason, Usage
from steelyard.domain.cases import By, CaseSource, CaseStatus, GoldenCase
from steelyard.domain.models import ModelRef
from steelyard.domain.money import dollars
from steelyard.execution import paid
from steelyard.execution.callers import ModelCaller, Pricer
from steelyard.execution.paid import PaidCalls
from steelyard.execution.reviewer import ReviewUnfit
from steelyard.judging.drafting import DraftedCase, drafting_request, read_drafts
from steelyard.skills.cases.duplicates import near_duplicates
from steelyard.skills.cases.model import MAX_CASE_CHARACTERS
from steelyard.skills.text import unstorable
from steelyard.storage import case_drafts, cases, skills, standing
from steelyard.storage.case_drafts import DraftsRow
from steelyard.storage.database import DATABASE_AWAY, Connection, Database
from steelyard.storage.queue import LeftToOthers
from steelyard.storage.reviews import PaidCall

logger = logging.getLogger(__name__)

_ASKS = 2
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


class Drafter:
    """One per worker process. `run` is the handler of the queue's drafts."""

    def __init__(self, database: Database, caller: ModelCaller, price: Pricer, *, unfit: ReviewUnfit) -> None:
        """`unfit` says why drafts by a model under a protocol cannot be made here as they were asked for."""
        self._database = database
        self._calls = PaidCalls(database, caller, price)
        self._unfit = unfit
        self._left: set[UUID] = set()

    @property
    def left(self) -> frozenset[UUID]:
        """The drafts this worker found it cannot make as they were asked for."""
        return frozenset(self._left)

    async def run(self, tenant_id: UUID, draft_id: UUID) -> None:
        """Bring drafts to their end; what has ended, or whose skill is gone, is left as it is.

        Raises LeftToOthers where they cannot be made here; why is then on the row.
        """
        while True:
            try:
                async with self._database.session() as session:
                    await case_drafts.hold_drafts(session, draft_id)
                    await self._run(tenant_id, draft_id)
            except DATABASE_AWAY:
                await asyncio.sleep(paid.AWAY_S)
            else:
                return

    async def _run(self, tenant_id: UUID, draft_id: UUID) -> None:
        async with self._database.tenant(tenant_id) as connection:
            found = await case_drafts.find_drafts(connection, draft_id)
            if found is None or found.status not in ("pending", "running"):
                return
            model = ModelRef.parse(found.model)
            why = self._unfit(model, found.protocol)
            if why is None:
                await case_drafts.start_drafts(connection, draft_id)
            else:
                await case_drafts.note_waiting(connection, draft_id, why)
            files = await skills.version_files(connection, found.skill_version_id)
            name = await skills.name_of(connection, found.skill_id)
            known = await case_drafts.known_inputs(connection, found.skill_id)
            used = await case_drafts.inputs_of_users(
                connection, found.skill_id, limit=_USED_INPUTS, length=_USED_CHARACTERS
            )
        if why is not None:
            self._left.add(draft_id)
            raise LeftToOthers
        request = drafting_request(model, name, files, known, used, found.wanted)
        try:
            await self._draft(tenant_id, found, request)
        except DATABASE_AWAY:
            raise
        except CallError as error:
            await self._end(tenant_id, draft_id, f"{found.model}: {error.message}")
        except Exception as error:
            # The boundary of one job: a fault of ours in it is its named failure and nobody else's.
            logger.exception("Drafting cases failed for a fault of Steelyard's own.")
            await self._end(tenant_id, draft_id, f"Steelyard failed on these drafts: {type(error).__name__}: {error}")

    async def _draft(self, tenant_id: UUID, found: DraftsRow, request: ModelRequest) -> None:
        """Read the reply that is there already, or ask for one; ask once more where it cannot be read."""
        reply, stop_reason, calls, spent = found.raw_reply, found.stop_reason, found.calls, found.cost_microcents
        problem = ""
        while True:
            if reply is not None:
                try:
                    drafted = read_drafts(reply, stop_reason or StopReason.STOP)
                except ValueError as error:
                    problem = str(error)
                else:
                    await self._keep(tenant_id, found, drafted)
                    return
            if calls >= _ASKS:
                message = f"{found.model} did not reply in the form asked for: {problem or 'no reply was kept'}."
                await self._end(tenant_id, found.id, message)
                return
            if stop_reason == StopReason.LENGTH:
                request = replace(request, max_tokens=request.max_tokens * 2)
            refused = self._over_budget(found, request, spent)
            if refused is not None:
                await self._end(tenant_id, found.id, refused)
                return
            response = await self._calls.call(
                tenant_id, request, partial(_record, found.id), partial(_calling, found.id)
            )
            reply, stop_reason, calls = response.output, response.stop_reason.value, calls + 1
            async with self._database.tenant(tenant_id) as connection:
                now = await case_drafts.find_drafts(connection, found.id)
            if now is None:
                return
            spent = now.cost_microcents

    def _over_budget(self, found: DraftsRow, request: ModelRequest, spent: int) -> str | None:
        """Why the call might cost more than what is left, in a sentence; None where it cannot, or nothing limits it."""
        if found.budget_microcents is None:
            return None
        most = Usage((len(request.system) + len(request.prompt)) // _CHARACTERS_A_TOKEN, request.max_tokens)
        cost = self._calls.price(most, request.model, datetime.now(UTC).date())
        budget = dollars(found.budget_microcents)
        if cost is None:
            return f"The price of {found.model} is not known, so that no budget can be kept: nothing was called for."
        if spent + cost.microcents > found.budget_microcents:
            return (
                f"The budget of {budget} does not cover the call, which may cost {dollars(cost.microcents)}:"
                " it was not made."
            )
        return None

    async def _keep(self, tenant_id: UUID, found: DraftsRow, drafted: Sequence[DraftedCase]) -> None:
        """The reply's cases as pending ones and what became of the others, in one transaction, once."""
        async with self._database.tenant(tenant_id) as connection:
            await standing.lock_skill(connection, found.skill_id)
            now = await case_drafts.find_drafts(connection, found.id)
            if now is None or now.status != "running":
                return
            known = await case_drafts.known_inputs(connection, found.skill_id)
        sorted_ = await asyncio.to_thread(sort_drafts, drafted[: found.wanted], known)
        async with self._database.tenant(tenant_id) as connection:
            await standing.lock_skill(connection, found.skill_id)
            now = await case_drafts.find_drafts(connection, found.id)
            if now is None or now.status != "running":
                return
            await _put(connection, tenant_id, found, sorted_.new)
            await case_drafts.complete_drafts(
                connection, found.id, kept=len(sorted_.new), doubles=sorted_.doubles, unusable=sorted_.unusable
            )

    async def _end(self, tenant_id: UUID, draft_id: UUID, message: str) -> None:
        await self._calls.commit(tenant_id, lambda connection: case_drafts.fail_drafts(connection, draft_id, message))


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


async def _record(draft_id: UUID, connection: Connection, key: UUID, call: PaidCall) -> None:
    await case_drafts.record_call(connection, draft_id, key, call)


async def _calling(draft_id: UUID, connection: Connection, calling: bool) -> None:
    await case_drafts.note_calling(connection, draft_id, calling)
