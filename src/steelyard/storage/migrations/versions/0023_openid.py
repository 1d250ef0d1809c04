"""Identities of users at OpenID providers, who is on the way there, and the tokens that sessions came of."""

from steelyard.storage.migrations.scripts import execute, refuse_downgrade, script

revision = "0023"
down_revision = "0019"
branch_labels = None
depends_on = None

downgrade = refuse_downgrade


def upgrade() -> None:
    execute(script("0023_openid.sql"))
