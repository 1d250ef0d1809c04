"""Why a run waits that a worker left."""

from steelyard.storage.migrations.scripts import execute, refuse_downgrade, script

revision = "0028"
down_revision = "0025"
branch_labels = None
depends_on = None

downgrade = refuse_downgrade


def upgrade() -> None:
    execute(script("0028_left.sql"))
