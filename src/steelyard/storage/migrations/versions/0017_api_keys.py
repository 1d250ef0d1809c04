"""API keys: what programs send with their requests, kept as hashes alone."""

from steelyard.storage.migrations.scripts import execute, refuse_downgrade, script

revision = "0017"
down_revision = "0020"
branch_labels = None
depends_on = None

downgrade = refuse_downgrade


def upgrade() -> None:
    execute(script("0017_api_keys.sql"))
