"""How old the answers of benchmarks are, and the limits of their age."""

from steelyard.storage.migrations.scripts import execute, refuse_downgrade, script

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

downgrade = refuse_downgrade


def upgrade() -> None:
    execute(script("0012_staleness.sql"))
