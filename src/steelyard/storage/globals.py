"""The tables that belong to no tenant, each with its reason; everything else stands under row-level security."""

GLOBAL_TABLES = {
    "alembic_version": "one schema for all",
    "procrastinate_jobs": "the queue: ids only",
    "procrastinate_events": "the queue: ids only",
    "procrastinate_periodic_defers": "the queue: ids only",
    "procrastinate_workers": "the queue: heartbeats only",
}
