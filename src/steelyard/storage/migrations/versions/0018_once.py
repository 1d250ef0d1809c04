"""Keys under which a request is answered once, however often it is sent."""

from steelyard.storage.migrations.scripts import execute, refuse_downgrade, script

revision = "0018"
down_revision = "0023"
branch_labels = None
depends_on = None

downgrade = refuse_downgrade


def upgrade() -> None:
    execute(script("0018_once.sql"))
