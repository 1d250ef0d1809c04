"""A worker's places, shared out by tenants: a tenant that has many waits for those that have few."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from procrastinate import App
from procrastinate.job_context import JobContext
from procrastinate.jobs import Job
from procrastinate.manager import JobManager
from procrastinate.worker import Worker
from psycopg.types.json import Jsonb

# As the library's own, but for the share and the order. No job here has a lock of the library's.
_FETCH = """
WITH held AS (SELECT key AS tenant_id, value::int AS places FROM jsonb_each_text(%(held)s)),
     candidate AS (
         SELECT jobs.id
           FROM procrastinate_jobs AS jobs
           LEFT JOIN held ON held.tenant_id = jobs.args ->> 'tenant_id'
          WHERE jobs.status = 'todo'
            AND (%(queues)s::varchar[] IS NULL OR jobs.queue_name = ANY(%(queues)s::varchar[]))
            AND (jobs.scheduled_at IS NULL OR jobs.scheduled_at <= now())
            AND (%(room)s OR coalesce(held.places, 0) < %(share)s)
          ORDER BY least(coalesce(held.places, 0), %(share)s), jobs.priority DESC, jobs.id
          LIMIT 1
            FOR UPDATE OF jobs SKIP LOCKED)
UPDATE procrastinate_jobs
   SET status = 'doing', worker_id = %(worker_id)s
  FROM candidate
 WHERE procrastinate_jobs.id = candidate.id
RETURNING procrastinate_jobs.*
"""


class Places:
    """How many of its places a worker's tenants hold.

    One alone may hold all. No job can be taken from whoever has it, so there are as many again for those that hold
    fewer than half when there is no room: whoever comes waits for nobody else's calls.
    """

    def __init__(self, places: int) -> None:
        self._places = places
        self.share = -(-places // 2)
        self.held: Counter[str] = Counter()

    @property
    def most(self) -> int:
        """Jobs in hand at most."""
        return 2 * self._places

    @property
    def room(self) -> bool:
        """Whether a place is free for anybody, after those that hold fewer than half."""
        return self.held.total() < self._places

    def take(self, tenant_id: str) -> None:
        self.held[tenant_id] += 1

    def give_back(self, tenant_id: str) -> None:
        self.held[tenant_id] -= 1
        if not self.held[tenant_id]:
            del self.held[tenant_id]


class FairManager(JobManager):
    """Gives a worker the next job of the tenant that holds the fewest of its places."""

    def __init__(self, app: App, places: Places) -> None:
        super().__init__(app.connector)
        self._places = places

    async def fetch_job(self, queues: Iterable[str] | None, worker_id: int) -> Job | None:
        rows = await self.connector.execute_query_all_async(
            query=_FETCH,
            held=Jsonb(dict(self._places.held)),
            room=self._places.room,
            share=self._places.share,
            queues=None if queues is None else list(queues),
            worker_id=worker_id,
        )
        if not rows:
            return None
        job = Job.from_row(rows[0])
        self._places.take(tenant_of(job))
        return job


class FairWorker(Worker):
    """Serves jobs under `places`, and looks for the next as soon as one is given back."""

    def __init__(self, app: App, places: Places, **settings: Any) -> None:
        super().__init__(app, concurrency=places.most, **settings)
        self._places = places

    async def _process_job(self, context: JobContext) -> None:
        try:
            await super()._process_job(context)
        finally:
            self._places.give_back(tenant_of(context.job))
            self._new_job_event.set()


def tenant_of(job: Job) -> str:
    """Whose job it is; every one says so."""
    return str(job.task_kwargs.get("tenant_id", ""))
