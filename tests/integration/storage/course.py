"""What can happen to runs, one thing after another, for laws that hold whatever happens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from steelyard.services.run_request import RunRequest
from steelyard.storage.database import Database
from steelyard.storage.runs import Headline, conclude_run, lock_run, reopen_run, stop_run
from tests.integration.execution.bench import Bench
from tests.integration.services.made_skills import other_tenant

ENDINGS = ("complete", "complete without a score", "cancel", "budget", "reopen")


@dataclass
class Course:
    """Runs of the skills of these requests, in a tenant of their own."""

    database: Database
    tenant_id: UUID
    requests: Sequence[RunRequest]
    started: list[UUID] = field(default_factory=list[UUID])

    @classmethod
    async def begin(cls, database: Database, requests: Sequence[RunRequest]) -> Course:
        return cls(database, await other_tenant(database), requests)

    def run(self, number: int) -> UUID:
        return self.started[number % len(self.started)]

    async def start(self, number: int, *, of_record: bool) -> None:
        request = self.requests[number % len(self.requests)]
        bench = Bench(self.database, self.tenant_id)
        self.started.append(await bench.start(replace(request, of_record=of_record, seed=number)))

    async def end(
        self, run_id: UUID, ending: str, headline: Headline, *, kind: str = "tied", verdict: Mapping[str, Any]
    ) -> None:
        """One of ENDINGS, whatever state the run is in; `headline` is left out where there is no score."""
        async with self.database.tenant(self.tenant_id) as connection:
            if ending == "reopen":
                await reopen_run(connection, run_id, None)
                return
            await lock_run(connection, run_id)
            if ending in ("cancel", "budget"):
                status = "cancelled" if ending == "cancel" else "completed"
                await stop_run(connection, run_id, status=status, stop_cause=ending.replace("cancel", "cancelled"))
            await conclude_run(
                connection,
                run_id,
                status="completed" if ending.startswith("complete") else None,
                verdict=verdict,
                best=None,
                cheapest=None,
                verdict_kind=kind,
                headline=None if "without" in ending else headline,
            )
