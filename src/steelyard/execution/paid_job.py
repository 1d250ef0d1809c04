"""A job of one paid call: its reply is committed before it is read, and asked for once more when it cannot be."""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Generic, Protocol, TypeVar
from uuid import UUID

from steelyard.domain.actors import Actor
from steelyard.domain.calls import CallError, ModelRequest, StopReason
from steelyard.domain.masking import masked
from steelyard.domain.models import ModelRef
from steelyard.domain.spending import SpendKind
from steelyard.execution import paid
from steelyard.execution.callers import ModelCaller, Pricer
from steelyard.execution.paid import PaidCalls
from steelyard.execution.till import MonthSpent
from steelyard.storage.database import DATABASE_AWAY, Connection, Database
from steelyard.storage.paid_jobs import PaidCall, PaidJobs
from steelyard.storage.queue import LeftToOthers
from steelyard.storage.served import note_left
from steelyard.storage.spending import Account

# Why a job by a model under a protocol cannot be made here as it was asked for, in one sentence; None when it can.
JobUnfit = Callable[[ModelRef, str], str | None]

logger = logging.getLogger(__name__)

_ASKS = 2


def always_fit(model: ModelRef, protocol: str) -> str | None:
    """Every job can be made here."""
    return None


class PaidRow(Protocol):
    """What is asked of a job's row. Money in microcents."""

    @property
    def id(self) -> UUID: ...
    @property
    def model(self) -> str: ...
    @property
    def protocol(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def calls(self) -> int: ...
    @property
    def raw_reply(self) -> str | None: ...
    @property
    def stop_reason(self) -> str | None: ...
    @property
    def skill_id(self) -> UUID: ...
    @property
    def starter(self) -> Actor: ...


Row = TypeVar("Row", bound=PaidRow)
Reply = TypeVar("Reply")


class PaidJob(ABC, Generic[Row, Reply]):
    """One kind of job, one per worker process. `run` is the handler of the queue's jobs of that kind."""

    def __init__(
        self,
        database: Database,
        caller: ModelCaller,
        price: Pricer,
        rows: PaidJobs,
        kind: SpendKind,
        what: str,
        *,
        unfit: JobUnfit,
    ) -> None:
        """`what` names a job in a message: `this review`."""
        self._database = database
        self._calls = PaidCalls(database, caller, price)
        self._rows = rows
        self._kind = kind
        self._what = what
        self._unfit = unfit
        self._left: set[UUID] = set()

    @property
    def left(self) -> frozenset[UUID]:
        """The jobs this worker found it cannot make as they were asked for."""
        return frozenset(self._left)

    async def run(self, tenant_id: UUID, job_id: UUID) -> None:
        """Bring a job to its end; one that has ended, or whose skill is gone, is left as it is.

        Raises LeftToOthers where it cannot be made here; why is then on its row.
        """
        while True:
            try:
                async with self._database.session() as session:
                    await self._rows.hold(session, job_id)
                    await self._run(tenant_id, job_id)
            except DATABASE_AWAY:
                await asyncio.sleep(paid.AWAY_S)
            else:
                return
            finally:
                await self._calls.settle(tenant_id)

    @abstractmethod
    async def _find(self, connection: Connection, job_id: UUID) -> Row | None:
        """The row; None where its skill has been deleted meanwhile."""

    @abstractmethod
    async def _request(self, connection: Connection, found: Row) -> ModelRequest:
        """What the model is asked."""

    @abstractmethod
    def _read(self, reply: str, stop_reason: str) -> Reply:
        """Raises ValueError where it cannot be read."""

    @abstractmethod
    async def _keep(self, tenant_id: UUID, found: Row, read: Reply) -> None:
        """Store what was read and end the job, in one transaction."""

    def _refused(self, found: Row, request: ModelRequest) -> str | None:
        """Why the next call may not be made, in one sentence; None where it may."""
        return None

    async def _run(self, tenant_id: UUID, job_id: UUID) -> None:
        async with self._database.tenant(tenant_id) as connection:
            found = await self._find(connection, job_id)
            if found is None or found.status not in ("pending", "running"):
                return
            why = self._unfit(ModelRef.parse(found.model), found.protocol)
            if why is None:
                await self._rows.start(connection, job_id)
            else:
                await note_left(connection, job_id, masked(why), self._rows.awaited)
            request = await self._request(connection, found)
        if why is not None:
            self._left.add(job_id)
            raise LeftToOthers(why)
        self._left.discard(job_id)
        try:
            await self._ask(tenant_id, found, request)
        except DATABASE_AWAY:
            raise
        except MonthSpent as spent:
            await self._end(tenant_id, job_id, spent.refusal)
        except CallError as error:
            await self._end(tenant_id, job_id, f"{found.model}: {error.message}")
        except Exception as error:
            # The boundary of one job: a fault of ours in it is its named failure and nobody else's.
            logger.exception("A job failed for a fault of Steelyard's own.")
            message = masked(f"Steelyard failed on {self._what}: {type(error).__name__}: {error}")
            await self._end(tenant_id, job_id, message)

    async def _ask(self, tenant_id: UUID, found: Row, request: ModelRequest) -> None:
        """Read the reply that is there already, or ask for one; ask once more where it cannot be read."""
        problem, job_id = "no reply was kept", found.id
        while True:
            if found.raw_reply is not None:
                try:
                    read = self._read(found.raw_reply, found.stop_reason or StopReason.STOP)
                except ValueError as error:
                    problem = str(error)
                else:
                    await self._keep(tenant_id, found, read)
                    return
            if found.calls >= _ASKS:
                await self._end(tenant_id, job_id, f"{found.model} did not reply in the form asked for: {problem}.")
                return
            if found.stop_reason == StopReason.LENGTH:
                request = replace(request, max_tokens=request.max_tokens * 2)
            refused = self._refused(found, request)
            if refused is not None:
                await self._end(tenant_id, job_id, refused)
                return
            account = Account(tenant_id, found.skill_id, found.starter)
            record, calling = partial(self._record, job_id), partial(self._calling, job_id)
            await self._calls.call(account, self._kind, request, record, calling)
            async with self._database.tenant(tenant_id) as connection:
                now = await self._find(connection, job_id)
            if now is None:
                return
            found = now

    async def _end(self, tenant_id: UUID, job_id: UUID, message: str) -> None:
        await self._calls.commit(tenant_id, lambda connection: self._rows.fail(connection, job_id, message))

    async def _record(self, job_id: UUID, connection: Connection, key: UUID, call: PaidCall) -> bool:
        return await self._rows.record_call(connection, job_id, key, call)

    async def _calling(self, job_id: UUID, connection: Connection, calling: bool) -> None:
        await self._rows.note_calling(connection, job_id, calling)
