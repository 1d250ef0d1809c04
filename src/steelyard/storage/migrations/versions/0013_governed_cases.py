"""Who changed a golden case and why, cases drafted by a model, decisions on outputs; and versions that are drafts."""

from steelyard.storage.migrations.scripts import execute, refuse_downgrade, script

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

downgrade = refuse_downgrade


def upgrade() -> None:
    execute(script("0013_governed_cases.sql"))
