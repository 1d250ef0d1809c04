"""Users, their sessions and one-time links; who belongs to which tenant as what, and who is invited."""

from steelyard.storage.migrations.scripts import execute, refuse_downgrade, script

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

downgrade = refuse_downgrade


def upgrade() -> None:
    execute(script("0016_identity.sql"))
