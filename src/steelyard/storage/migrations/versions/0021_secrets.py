"""Providers of a tenant's own, with encrypted keys; a webhook's secret may be encrypted too."""

from steelyard.storage.migrations.scripts import execute, refuse_downgrade, script

revision = "0021"
down_revision = "0018"
branch_labels = None
depends_on = None

downgrade = refuse_downgrade


def upgrade() -> None:
    execute(script("0021_secrets.sql"))
