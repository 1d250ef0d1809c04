"""The application cannot delete a tenant, and its audit log with it."""

from steelyard.storage.migrations.scripts import execute, refuse_downgrade, script

revision = "0024"
down_revision = "0021"
branch_labels = None
depends_on = None

downgrade = refuse_downgrade


def upgrade() -> None:
    execute(script("0024_tenants_stay.sql"))
