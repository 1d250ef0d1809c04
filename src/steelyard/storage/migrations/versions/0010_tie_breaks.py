"""Ties broken by pairwise comparison, and what judges of pairs replied."""

from steelyard.storage.migrations.scripts import execute, refuse_downgrade, script

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

downgrade = refuse_downgrade


def upgrade() -> None:
    execute(script("0010_tie_breaks.sql"))
