"""What each run says of each model, beside its verdict: the page of models adds it up without opening a verdict."""

from steelyard.storage.migrations.scripts import execute, refuse_downgrade, script

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

downgrade = refuse_downgrade


def upgrade() -> None:
    execute(script("0003_models.sql"))
