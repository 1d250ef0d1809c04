"""What stands outside row-level security, with reasons: tables of no tenant, functions with owner's rights."""

GLOBAL_TABLES = {
    "alembic_version": "one schema for all",
    "measurement_retention": "from which day on uses are kept, of all tenants: their partitions are shared",
    "procrastinate_jobs": "the queue: ids only",
    "procrastinate_events": "the queue: ids only",
    "procrastinate_periodic_defers": "the queue: ids only",
    "procrastinate_workers": "the queue: heartbeats only",
}

SECURITY_DEFINER_FUNCTIONS = {
    "ensure_measurement_partitions": "only the owner can add partitions; it takes two dates and returns a count",
    "drop_measurement_partitions": "only the owner can drop partitions; it takes a month over two months back",
    "tenants_after": "new master keys are for every tenant's secrets; it takes an id and a number and returns ids",
    "tenants_due": "the schedule has to know which tenants have something to do; it takes two times and returns ids",
}
