"""Which errors say that the database is away and which that it refuses what was asked, told apart by SQLSTATE."""

from __future__ import annotations

from typing import Any, TypeVar

import psycopg
from psycopg import AsyncConnection
from psycopg.abc import PQGen
from psycopg.rows import DictRow

_Found = TypeVar("_Found")

# The same statement may well be taken later, and nothing that it says is to blame.
_AWAY = (
    "08",  # the line is lost
    "28",  # it lets this role in no more
    "40",  # others were at the same rows
    "53",  # no memory, no room on its disk, no connection left
    "57",  # it was shut down, or told to break off
    "58",  # its machine fails it
    "55P03",  # a lock was not to be had
    "25006",  # it only reads: a standby, or one whose disk is all but full
    "25P03",  # it closed a connection that rested in a transaction
    "25P04",  # or one whose transaction took too long
)
# More room on the disk than any one statement may take: that one takes it each time.
_ITS_OWN = ("53400",)


class Refused(psycopg.DatabaseError):
    """The database is there and refuses what was asked, as it would again: a text too long for an index, and the like.

    psycopg has these beside the errors of a database that is away, under one class.
    """

    def __init__(self, message: str, sqlstate: str | None) -> None:
        super().__init__(message)
        self.sqlstate = sqlstate


def says_away(sqlstate: str | None) -> bool:
    """Whether an error of this SQLSTATE comes of the database and not of what was asked; without one it does."""
    return sqlstate is None or (sqlstate.startswith(_AWAY) and sqlstate not in _ITS_OWN)


class AppConnection(AsyncConnection[DictRow]):
    """A connection whose `psycopg.OperationalError` says that the database is away, and never that it refuses.

    What psycopg has under that class but is a refusal is raised as `Refused`. An `except` looks at classes alone, so
    this is done where the errors come from: whatever is asked of the server goes through `wait`.
    """

    async def wait(self, gen: PQGen[_Found], *args: Any, **options: Any) -> _Found:
        """Raises Refused, OperationalError and the rest of psycopg's errors."""
        try:
            return await super().wait(gen, *args, **options)
        except psycopg.OperationalError as error:
            if says_away(error.sqlstate):
                raise
            raise Refused(str(error), error.sqlstate) from error
        except psycopg.InternalError as error:
            if error.sqlstate is None or not says_away(error.sqlstate):
                raise
            raise psycopg.OperationalError(str(error)) from error
