"""Resets in the audit log; who came from an OpenID provider and chooses among invitations."""

from steelyard.storage.migrations.scripts import execute, refuse_downgrade, script

revision = "0025"
down_revision = "0027"
branch_labels = None
depends_on = None

downgrade = refuse_downgrade


def upgrade() -> None:
    execute(script("0025_consent.sql"))
