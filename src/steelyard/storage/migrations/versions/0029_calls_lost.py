"""Months in which calls were lost with their worker that no money was held for."""

from steelyard.storage.migrations.scripts import execute, refuse_downgrade, script

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

downgrade = refuse_downgrade


def upgrade() -> None:
    execute(script("0029_calls_lost.sql"))
