"""Runs a migration's statements from the SQL file beside it."""

from importlib.resources import files

from alembic import op


def script(name: str) -> str:
    """The text of a SQL file among the migrations."""
    return files("steelyard.storage.migrations.versions").joinpath(name).read_text(encoding="utf-8")


def execute(statements: str) -> None:
    """Run statements, several in one text, in the migration's transaction."""
    # The driver's own cursor without parameters: percent signs and several statements pass unchanged.
    op.get_bind().connection.cursor().execute(statements)


def refuse_downgrade() -> None:
    """Raises RuntimeError."""
    raise RuntimeError("There is no way back from this migration: restore a backup instead.")
