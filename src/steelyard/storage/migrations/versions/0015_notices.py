"""What a scheduled check found, who is told of it and how, and the budget for testing again without being asked."""

from steelyard.storage.migrations.scripts import execute, refuse_downgrade, script

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

downgrade = refuse_downgrade


def upgrade() -> None:
    execute(script("0015_notices.sql"))
