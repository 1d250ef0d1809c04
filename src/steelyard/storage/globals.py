"""What stands outside row-level security, with reasons: tables and indexes of none, functions with owner's rights."""

GLOBAL_TABLES = {
    "alembic_version": "one schema for all",
    "measurement_retention": "from which day on uses are kept, of all tenants: their partitions are shared",
    "procrastinate_jobs": "the queue: ids only",
    "procrastinate_events": "the queue: ids only",
    "procrastinate_periodic_defers": "the queue: ids only",
    "procrastinate_workers": "the queue: heartbeats only",
}

GLOBAL_INDEXES = {
    "api_keys_by_hash": "a key is looked up before its tenant is known: the tenant is what it is looked up for",
}

SECURITY_DEFINER_FUNCTIONS = {
    "api_key_by_hash": "whose a key is has to be known before its tenant is; it takes one SHA-256 and returns one key",
    "ensure_measurement_partitions": "only the owner can add partitions; it takes two dates and returns a count",
    "drop_measurement_partitions": "only the owner can drop partitions; it takes a month over two months back",
    "tenants_due": "the schedule has to know which tenants have something to do; it takes two times and returns ids",
}
