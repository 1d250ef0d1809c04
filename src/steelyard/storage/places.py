"""A worker's places, shared out by tenants and among a tenant's runs: who has many waits for those that have few."""

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

# As the library's own, but for the shares and the order. No job here has a lock of the library's. A run, and whatever
# else jobs are of, is named by the one argument of this kind that a job has.
_FETCH = """
WITH held AS (SELECT key AS tenant_id, value::int AS places FROM jsonb_each_text(%(held)s)),
     held_of AS (SELECT key AS subject_id, value::int AS places FROM jsonb_each_text(%(held_of)s)),
     candidate AS (
         SELECT jobs.id
           FROM procrastinate_jobs AS jobs
           LEFT JOIN held ON held.tenant_id = jobs.args ->> 'tenant_id'
           LEFT JOIN held_of ON held_of.subject_id = coalesce(jobs.args ->> 'run_id', jobs.args ->> 'review_id',
                                                              jobs.args ->> 'tie_break_id', jobs.args ->> 'draft_id')
          WHERE jobs.status = 'todo'
            AND (%(queues)s::varchar[] IS NULL OR jobs.queue_name = ANY(%(queues)s::varchar[]))
            AND (jobs.scheduled_at IS NULL OR jobs.scheduled_at <= now())
            AND (%(room)s OR coalesce(held.places, 0) < %(share)s
                 OR (%(extra)s AND held_of.places IS NULL AND held.places < %(places)s + %(share)s))
          ORDER BY least(coalesce(held.places, 0), %(share)s), coalesce(held_of.places, 0), jobs.priority DESC, jobs.id
          LIMIT 1
            FOR UPDATE OF jobs SKIP LOCKED)
UPDATE procrastinate_jobs
   SET status = 'doing', worker_id = %(worker_id)s
  FROM candidate
 WHERE procrastinate_jobs.id = candidate.id
RETURNING procrastinate_jobs.*
"""
_SUBJECTS = ("run_id", "review_id", "tie_break_id", "draft_id")


class Places:
    """How many of its places a worker's tenants hold, and each of their runs.

    One alone may hold all. No job can be taken from whoever has it, so there are as many again for those that hold
    fewer than half when there is no room: whoever comes waits for nobody else's calls. A run that has none gets one of
    these too, while its tenant holds fewer than one and a half times the places, and half as many again are then left
    for the other tenants.
    """

    def __init__(self, places: int) -> None:
        self.places = places
        self.share = -(-places // 2)
        self.held: Counter[str] = Counter()
        self.held_of: Counter[str] = Counter()

    @property
    def most(self) -> int:
        """Jobs in hand at most."""
        return 2 * self.places + self.share

    @property
    def room(self) -> bool:
        """Whether a place is free for anybody, after those that hold fewer than half."""
        return self.held.total() < self.places

    @property
    def extra(self) -> bool:
        """Whether a place is left for a run that has none, of a tenant that holds half or more."""
        return self.held.total() < 2 * self.places

    def take(self, tenant_id: str, subject_id: str) -> None:
        self.held[tenant_id] += 1
        self.held_of[subject_id] += 1

    def give_back(self, tenant_id: str, subject_id: str) -> None:
        for held, whose in ((self.held, tenant_id), (self.held_of, subject_id)):
            held[whose] -= 1
            if not held[whose]:
                del held[whose]


class FairManager(JobManager):
    """Gives a worker the next job of the tenant that holds the fewest of its places, and of its run that does."""

    def __init__(self, app: App, places: Places) -> None:
        super().__init__(app.connector)
        self._places = places

    async def fetch_job(self, queues: Iterable[str] | None, worker_id: int) -> Job | None:
        rows = await self.connector.execute_query_all_async(
            query=_FETCH,
            held=Jsonb(dict(self._places.held)),
            held_of=Jsonb(dict(self._places.held_of)),
            room=self._places.room,
            extra=self._places.extra,
            places=self._places.places,
            share=self._places.share,
            queues=None if queues is None else list(queues),
            worker_id=worker_id,
        )
        if not rows:
            return None
        job = Job.from_row(rows[0])
        self._places.take(tenant_of(job), subject_of(job))
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
            self._places.give_back(tenant_of(context.job), subject_of(context.job))
            self._new_job_event.set()


def tenant_of(job: Job) -> str:
    """Whose job it is; every one says so."""
    return str(job.task_kwargs.get("tenant_id", ""))


def subject_of(job: Job) -> str:
    """What the job is of: a run, a review, a tie-break or drafts of cases."""
    return next((str(job.task_kwargs[name]) for name in _SUBJECTS if name in job.task_kwargs), "")
