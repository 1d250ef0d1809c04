"""What a process counts of itself, for Prometheus. Labels are few and fixed: no tenant, skill, run or address."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import UTC, date, datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from steelyard.domain.calls import CallError, ModelResponse, Usage
from steelyard.domain.models import ModelRef
from steelyard.execution.callers import Pricer
from steelyard.storage.database import DATABASE_ERROR, Database
from steelyard.storage.vitals import vitals

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
_OF_A_TENANT = "of a tenant"
# Pages take milliseconds; what takes longer than the last is a wait for something else.
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """One process's counters, in a registry of their own."""

    def __init__(
        self, database: Database, price: Pricer, in_flight: Callable[[], int], providers: Collection[str]
    ) -> None:
        """`providers` are the server's own; one of a tenant's by another name is counted as "of a tenant"."""
        self._providers = frozenset(providers)
        self._database = database
        self._price = price
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self._requests = Counter(
            "steelyard_http_requests", "Requests answered.", ["method", "route", "status"], registry=registry
        )
        self._seconds = Histogram(
            "steelyard_http_request_seconds",
            "Seconds from a request to the start of its answer.",
            ["method", "route"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._calls = Counter(
            "steelyard_model_calls",
            "Calls of models, attempts taken together, by how they ended.",
            ["provider", "outcome"],
            registry=registry,
        )
        self._attempts = Counter(
            "steelyard_model_call_attempts", "Attempts of those calls.", ["provider"], registry=registry
        )
        self._spend = Counter(
            "steelyard_spend_microcents",
            "Money for calls whose price is known, in millionths of a US cent.",
            ["provider"],
            registry=registry,
        )
        self._unpriced = Counter(
            "steelyard_unpriced_calls", "Calls whose cost is not known, or not whole.", ["provider"], registry=registry
        )
        self._uses = Counter(
            "steelyard_uses", "Uses sent to the API, by what became of them.", ["door", "outcome"], registry=registry
        )
        Gauge("steelyard_model_calls_in_flight", "Calls out at this moment.", registry=registry).set_function(in_flight)
        self._up = Gauge("steelyard_database_up", "Whether the database answered just now.", registry=registry)
        self._workers = Gauge("steelyard_workers", "Workers of all processes whose heart beats.", registry=registry)
        self._jobs = Gauge("steelyard_queue_jobs", "Jobs of the queue.", ["task", "state"], registry=registry)
        self._pool = Gauge("steelyard_pool_connections", "Connections to the database.", ["state"], registry=registry)
        self._pool_waiting = Gauge("steelyard_pool_waiting", "Who waits for a connection.", registry=registry)

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """A request was answered. `route` is the template of its address, never the address."""
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(seconds)

    def call(self, model: ModelRef, ended: ModelResponse | CallError) -> None:
        """A call of a model has ended, whatever became of it."""
        provider = model.provider if model.provider in self._providers else _OF_A_TENANT
        failed = isinstance(ended, CallError)
        self._calls.labels(provider, ended.kind.value if isinstance(ended, CallError) else "answered").inc()
        self._attempts.labels(provider).inc(ended.attempts)
        usage, known = ended.wasted, ended.wasted_known
        if isinstance(ended, ModelResponse):
            usage, known = usage + ended.usage, known and ended.usage_known
        if failed and usage == Usage() and known:
            return
        cost = self._price(usage, model, _today()) if usage != Usage() else None
        if cost is not None:
            self._spend.labels(provider).inc(cost.microcents)
        if cost is None or not known:
            self._unpriced.labels(provider).inc()

    def uses(self, door: str, **outcomes: int) -> None:
        """Uses were sent in, by the door "measurements" or "traces"."""
        for outcome, count in outcomes.items():
            self._uses.labels(door, outcome).inc(count)

    async def text(self) -> bytes:
        """All of it in Prometheus's text form, after a look at the database of a few seconds at most."""
        stats = self._database.pool.get_stats()
        idle = stats.get("pool_available", 0)
        self._pool.labels("idle").set(idle)
        self._pool.labels("busy").set(max(0, stats.get("pool_size", 0) - idle))
        self._pool_waiting.set(stats.get("requests_waiting", 0))
        try:
            found = await vitals(self._database)
        except (*DATABASE_ERROR, TimeoutError):
            self._jobs.clear()
            self._up.set(0)
            self._workers.set(0)
        else:
            self._jobs.clear()
            self._up.set(1)
            self._workers.set(found.workers)
            for (task, state), count in found.jobs.items():
                self._jobs.labels(task, state).set(count)
        return generate_latest(self._registry)


def _today() -> date:
    return datetime.now(UTC).date()
