"""Several judges in one run: which judgements a jury's grade rests on."""

from steelyard.storage.migrations.scripts import execute, refuse_downgrade, script

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

downgrade = refuse_downgrade


def upgrade() -> None:
    execute(script("0009_jury.sql"))
