"""The core schema: tenants, skills, golden cases, runs, results, judgements, claims, and the job queue."""

from procrastinate.schema import SchemaManager

from steelyard.storage.migrations.scripts import execute, refuse_downgrade, script

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_APP_ROLE = """
    DO $$ BEGIN
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'steelyard_app') THEN
            CREATE ROLE steelyard_app NOLOGIN;
        END IF;
    END $$
"""

downgrade = refuse_downgrade


def upgrade() -> None:
    for statements in (_APP_ROLE, script("0001_core.sql"), SchemaManager.get_schema(), script("0001_queue_grants.sql")):
        execute(statements)
