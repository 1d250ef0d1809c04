"""What judges made of outputs whose grade is known beforehand, and what a run's judge was found to be by it."""

from steelyard.storage.migrations.scripts import execute, refuse_downgrade, script

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

downgrade = refuse_downgrade


def upgrade() -> None:
    execute(script("0006_examination.sql"))
