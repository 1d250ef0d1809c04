"""How far each worker has written, so that a commit whose confirmation was lost is told from one that never was."""

from importlib.resources import files

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    script = files("steelyard.storage.migrations.versions").joinpath("0004_marks.sql").read_text(encoding="utf-8")
    # The driver's own cursor without parameters: percent signs and several statements pass unchanged.
    op.get_bind().connection.cursor().execute(script)


def downgrade() -> None:
    raise RuntimeError("There is no way back from this migration: restore a backup instead.")
