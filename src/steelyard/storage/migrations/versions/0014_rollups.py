"""Sums of use by version, and how long uses are kept one by one."""

from steelyard.storage.migrations.scripts import execute, refuse_downgrade, script

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

downgrade = refuse_downgrade


def upgrade() -> None:
    execute(script("0014_rollups.sql"))
