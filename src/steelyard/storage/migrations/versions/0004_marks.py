"""How far each worker has written, so that a commit whose confirmation was lost is told from one that never was."""

from steelyard.storage.migrations.scripts import execute, refuse_downgrade, script

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

downgrade = refuse_downgrade


def upgrade() -> None:
    execute(script("0004_marks.sql"))
