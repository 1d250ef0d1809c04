"""Prices that a tenant gives for the models of its own providers."""

from steelyard.storage.migrations.scripts import execute, refuse_downgrade, script

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

downgrade = refuse_downgrade


def upgrade() -> None:
    execute(script("0030_provider_prices.sql"))
