"""How a race stands, and which cells a run that is taken up again does once more."""

from steelyard.storage.migrations.scripts import execute, refuse_downgrade, script

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

downgrade = refuse_downgrade


def upgrade() -> None:
    execute(script("0007_races.sql"))
