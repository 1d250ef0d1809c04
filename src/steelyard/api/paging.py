"""Pages of lists that are read whole, and the numbers in places of lists."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from steelyard.services.tokens import no_such_page, read_token, write_token

T = TypeVar("T")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def window(
    rows: Sequence[T], place: Callable[[T], tuple[Any, ...]], after: str | None, limit: int
) -> tuple[Sequence[T], str | None]:
    """At most `limit` of the rows after a token, and the token of what comes after those.

    `place` orders the rows by integers and texts, ascending. Raises InputError on a token of no meaning.
    """
    ordered = sorted(rows, key=place)
    if after is not None and ordered:
        kinds: list[object] = [type(value) for value in place(ordered[0])]
        try:
            seen = tuple(read_token(after, len(kinds)))
        except ValueError as error:
            raise no_such_page() from error
        if [type(value) for value in seen] != kinds:
            raise no_such_page()
        ordered = [row for row in ordered if place(row) > seen]
    shown = ordered[:limit]
    return shown, write_token(list(place(shown[-1]))) if len(ordered) > limit else None


def newest_first(moment: datetime, row_id: UUID) -> tuple[int, str]:
    """A place in a list that begins at the newest."""
    return -((moment - _EPOCH) // timedelta(microseconds=1)), str(row_id)
