"""Whose ratings and changes of cases are, beside the names they are kept under."""

from steelyard.storage.migrations.scripts import execute, refuse_downgrade, script

revision = "0026"
down_revision = "0024"
branch_labels = None
depends_on = None

downgrade = refuse_downgrade


def upgrade() -> None:
    execute(script("0026_who.sql"))
