"""What each run says of each model, beside its verdict: the page of models adds it up without opening a verdict."""

from importlib.resources import files

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    script = files("steelyard.storage.migrations.versions").joinpath("0003_models.sql").read_text(encoding="utf-8")
    # The driver's own cursor without parameters: percent signs and several statements pass unchanged.
    op.get_bind().connection.cursor().execute(script)


def downgrade() -> None:
    raise RuntimeError("There is no way back from this migration: restore a backup instead.")
