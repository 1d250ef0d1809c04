"""A tenant's budget of a month, what is held of it and spent, and who started what was paid for."""

from steelyard.storage.migrations.scripts import execute, refuse_downgrade, script

revision = "0019"
down_revision = "0017"
branch_labels = None
depends_on = None

downgrade = refuse_downgrade


def upgrade() -> None:
    execute(script("0019_spending.sql"))
