"""Model calls that came as spans, so that two spans of one call count once."""

from steelyard.storage.migrations.scripts import execute, refuse_downgrade, script

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

downgrade = refuse_downgrade


def upgrade() -> None:
    execute(script("0011_spans.sql"))
