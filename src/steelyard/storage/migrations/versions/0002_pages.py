"""What the pages need: measurements, feedback, suggestions, reviews, and each skill's standing on its own row."""

from steelyard.storage.migrations.scripts import execute, refuse_downgrade, script

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

downgrade = refuse_downgrade


def upgrade() -> None:
    execute(script("0002_pages.sql"))
