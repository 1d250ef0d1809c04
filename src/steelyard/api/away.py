"""A database that is away, as an answer that says to send again."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from steelyard.domain.errors import StorageError
from steelyard.storage.database import DATABASE_AWAY

RETRY_AFTER_S = 5


@contextmanager
def database_away() -> Generator[None]:
    """Raises StorageError (503) where the database cannot be reached: nothing is lost if the request is sent again."""
    try:
        yield
    except DATABASE_AWAY as error:
        raise unreachable() from error


def unreachable() -> StorageError:
    """What is answered while the database cannot be reached."""
    return StorageError(
        "The database cannot be reached.",
        kept="Nothing of it was kept that will not be found when it is sent again.",
        next_step=f"Send it again in {RETRY_AFTER_S} s.",
    )
