"""What people say of outputs: one rating of each rater and output."""

from steelyard.storage.migrations.scripts import execute, refuse_downgrade, script

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

downgrade = refuse_downgrade


def upgrade() -> None:
    execute(script("0005_ratings.sql"))
