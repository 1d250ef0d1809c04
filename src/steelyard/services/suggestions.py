"""Users' suggestions for a skill: open, accepted, declined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from steelyard.domain.errors import InputError
from steelyard.domain.feedback import SuggestionStatus
from steelyard.services.tokens import read_place, write_place
from steelyard.skills.text import unstorable
from steelyard.storage import suggestions
from steelyard.storage.database import Database
from steelyard.storage.once import bind
from steelyard.storage.skills import name_of
from steelyard.storage.suggestions import SuggestionRow

MAX_TITLE = 200
MAX_BODY = 20_000


@dataclass(frozen=True)
class SuggestionCounts:
    """How many suggestions of each status."""

    open: int
    accepted: int
    declined: int


class SuggestionService:
    """Use cases on suggestions, for one tenant at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(
        self, tenant_id: UUID, skill_id: UUID, *, title: str, body: str = "", author: str | None = None
    ) -> UUID:
        """An open suggestion; returns its id. Raises InputError, NotFound."""
        title = title.strip()
        check_suggestion(title, body, author)
        async with self._database.tenant(tenant_id) as connection:
            await name_of(connection, skill_id)
            suggestion_id = await suggestions.add_suggestion(
                connection, tenant_id, skill_id, title=title, body=body.strip(), author=author
            )
            await bind(connection, suggestion_id)
            return suggestion_id

    async def get(self, tenant_id: UUID, skill_id: UUID, suggestion_id: UUID) -> SuggestionRow:
        """One suggestion. Raises NotFound, also for another skill's."""
        async with self._database.tenant(tenant_id) as connection:
            return await suggestions.get_suggestion(connection, skill_id, suggestion_id)

    async def list(
        self, tenant_id: UUID, skill_id: UUID, *, status: SuggestionStatus | None = None, limit: int = 200
    ) -> Sequence[SuggestionRow]:
        """Open ones first, then the newest first."""
        async with self._database.tenant(tenant_id) as connection:
            return await suggestions.list_suggestions(connection, skill_id, status=status, limit=limit)

    async def after(
        self,
        tenant_id: UUID,
        skill_id: UUID,
        *,
        status: SuggestionStatus | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> tuple[Sequence[SuggestionRow], str | None]:
        """At most `limit`, the newest first, and the token of the older ones. Raises InputError."""
        place = None if after is None else read_place(after)
        async with self._database.tenant(tenant_id) as connection:
            found = await suggestions.suggestions_before(
                connection, skill_id, status=status, before=place, limit=limit + 1
            )
        shown = found[:limit]
        return shown, write_place(shown[-1].created_at, shown[-1].id) if len(found) > limit else None

    async def skill_of(self, tenant_id: UUID, suggestion_id: UUID) -> UUID:
        """The skill a suggestion is for. Raises NotFound."""
        async with self._database.tenant(tenant_id) as connection:
            return await suggestions.skill_of_suggestion(connection, suggestion_id)

    async def counts(self, tenant_id: UUID, skill_id: UUID) -> SuggestionCounts:
        """How many of each status."""
        async with self._database.tenant(tenant_id) as connection:
            found = await suggestions.count_by_status(connection, skill_id)
        return SuggestionCounts(*(found.get(status.value, 0) for status in SuggestionStatus))

    async def decide(
        self, tenant_id: UUID, skill_id: UUID, suggestion_id: UUID, status: SuggestionStatus
    ) -> SuggestionRow:
        """Accept, decline, or open again. Raises NotFound, also for another skill's."""
        async with self._database.tenant(tenant_id) as connection:
            return await suggestions.decide_suggestion(connection, skill_id, suggestion_id, status)


def check_suggestion(title: str, body: str, author: str | None) -> None:
    """Raises InputError for what cannot be kept."""
    if not title.strip() or len(title) > MAX_TITLE:
        raise InputError(f"A suggestion's title has 1 to {MAX_TITLE} characters.", field="title")
    if len(body) > MAX_BODY:
        raise InputError(f"A suggestion has at most {MAX_BODY:,} characters.", field="body")
    if len(author or "") > MAX_TITLE:
        raise InputError(f"An author's name has at most {MAX_TITLE} characters.", field="author")
    for field, text in (("title", title), ("body", body), ("author", author or "")):
        if reason := unstorable([text]):
            raise InputError(f"The suggestion cannot be kept: {reason}.", field=field)
