"""Whether a process can do its work: the database answers, its schema will do, and its worker is not ending."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from steelyard.storage.database import DATABASE_ERROR, Database
from steelyard.storage.migrate import HEAD
from steelyard.storage.vitals import vitals

WorkerState = Literal["none", "serving", "stopping"]


@dataclass(frozen=True)
class Readiness:
    """`reasons` says why not, in sentences that name no address, and is empty where it is ready."""

    reasons: tuple[str, ...]
    database: bool
    schema: str | None
    needs_schema: str
    worker: WorkerState
    workers_alive: int

    @property
    def ready(self) -> bool:
        return not self.reasons


async def readiness(database: Database, worker: WorkerState) -> Readiness:
    """Look once, for a few seconds at most.

    A newer schema is well: while versions are exchanged the older ones go on beside it (docs/deploy.md).
    """
    stopping = ("This process is stopping.",) if worker == "stopping" else ()
    try:
        found = await vitals(database)
    except (*DATABASE_ERROR, TimeoutError):
        return Readiness((*stopping, "The database cannot be reached."), False, None, HEAD, worker, 0)
    behind = found.revision is None or found.revision < HEAD
    wrong = (f"The database is at schema {found.revision}; this version needs {HEAD}.",) if behind else ()
    return Readiness((*stopping, *wrong), True, found.revision, HEAD, worker, found.workers)
