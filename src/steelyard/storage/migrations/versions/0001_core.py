"""The core schema: tenants, skills, golden cases, runs, results, judgements, claims, and the job queue."""

from importlib.resources import files

from alembic import op
from procrastinate.schema import SchemaManager

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


def upgrade() -> None:
    here = files("steelyard.storage.migrations.versions")
    core = here.joinpath("0001_core.sql").read_text(encoding="utf-8")
    grants = here.joinpath("0001_queue_grants.sql").read_text(encoding="utf-8")
    for script in (_APP_ROLE, core, SchemaManager.get_schema(), grants):
        # The driver's own cursor without parameters: percent signs and several statements pass unchanged.
        op.get_bind().connection.cursor().execute(script)


def downgrade() -> None:
    raise RuntimeError("The first migration has no way back: restore a backup instead.")
