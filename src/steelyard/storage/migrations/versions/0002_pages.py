"""What the pages need: measurements, feedback, suggestions, reviews, and each skill's standing on its own row."""

from importlib.resources import files

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    script = files("steelyard.storage.migrations.versions").joinpath("0002_pages.sql").read_text(encoding="utf-8")
    # The driver's own cursor without parameters: percent signs and several statements pass unchanged.
    op.get_bind().connection.cursor().execute(script)


def downgrade() -> None:
    raise RuntimeError("There is no way back from this migration: restore a backup instead.")
