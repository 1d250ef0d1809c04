"""The log of who changed what and when, written by triggers."""

from steelyard.storage.migrations.scripts import execute, refuse_downgrade, script

revision = "0020"
down_revision = "0016"
branch_labels = None
depends_on = None

downgrade = refuse_downgrade


def upgrade() -> None:
    execute(script("0020_audit.sql"))
