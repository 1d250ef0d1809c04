"""Uses of skills that are not here."""

from steelyard.storage.migrations.scripts import execute, refuse_downgrade, script

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

downgrade = refuse_downgrade


def upgrade() -> None:
    execute(script("0008_unmatched.sql"))
