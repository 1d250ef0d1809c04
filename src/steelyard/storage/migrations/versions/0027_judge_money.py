"""Whether a run's judge may have taken more than is known, apart from its candidates."""

from steelyard.storage.migrations.scripts import execute, refuse_downgrade, script

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

downgrade = refuse_downgrade


def upgrade() -> None:
    execute(script("0027_judge_money.sql"))
