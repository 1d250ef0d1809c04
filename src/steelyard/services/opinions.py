"""Feedback and suggestions as programs send them: once for each key, and no more in a while than users would."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Any, cast
from uuid import UUID

from steelyard.domain.errors import InputError, NotFound, TooMany
from steelyard.domain.feedback import Feedback
from steelyard.intake import Refused
from steelyard.intake.opinions import Opinion, read_opinion
from steelyard.services.feedback import check_feedback
from steelyard.services.suggestions import check_suggestion
from steelyard.storage import feedback, skills, suggestions
from steelyard.storage.database import Connection, Database
from steelyard.storage.removal import hold_skill

WITHIN = timedelta(minutes=1)
MOST_OF_AUTHOR = 20
MOST_OF_SKILL = 200


@dataclass(frozen=True)
class Heard:
    """What became of it: its id, and whether it had been sent before."""

    id: UUID
    duplicate: bool


class OpinionService:
    """Takes in what users say, for one tenant at a time."""

    def __init__(self, database: Database, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._database = database
        self._now = now

    async def take(self, tenant_id: UUID, item: object) -> Heard:
        """Keep one; sent again under its key it is kept once, and found again where it is.

        Raises InputError with its `field`, NotFound for a skill that is not here, TooMany for more than 20 of one
        author or 200 of all in a minute on one skill.
        """
        if not isinstance(item, Mapping):
            raise InputError("The body is no object.", kept="Nothing was kept.")
        try:
            opinion = read_opinion(cast("Mapping[Any, Any]", item))
        except Refused as error:
            raise InputError(f"{error.field}: {error.message}", field=error.field, kept="Nothing was kept.") from None
        try:
            _check(opinion)
        except InputError as error:
            said = f"{error.field}: {error.message}"
            raise InputError(said, field=error.field, kept="Nothing was kept.", next_step=error.next_step) from None
        async with self._database.tenant(tenant_id) as connection:
            skill_id = await skills.id_of(connection, opinion.skill)
            # Held, so that of two at once the second sees what the first has added.
            if skill_id is None or not await hold_skill(connection, skill_id):
                raise NotFound(
                    f"No skill is called {opinion.skill!r}.", kept="Nothing was kept.", next_step="Add it first."
                )
            known = feedback.has_feedback if isinstance(opinion.said, Feedback) else suggestions.has_suggestion
            if await known(connection, opinion.id):
                return Heard(opinion.id, duplicate=True)
            await self._hold_back(connection, skill_id, opinion.author)
            await _add(connection, tenant_id, skill_id, opinion)
        return Heard(opinion.id, duplicate=False)

    async def _hold_back(self, connection: Connection, skill_id: UUID, author: str | None) -> None:
        """Raises TooMany."""
        now = self._now()
        times = await feedback.recent_opinions(connection, skill_id, now - WITHIN)
        mine = [at for at, by in times if by == author]
        for most, these in ((MOST_OF_AUTHOR, mine), (MOST_OF_SKILL, [at for at, _ in times])):
            if len(these) >= most:
                # Once the oldest of the last `most` has left the window there is room for one.
                free = sorted(these)[-most] + WITHIN - now
                wait_s = max(1, ceil(free.total_seconds()))
                raise TooMany(
                    f"At most {most} in a minute are taken of {'one author' if these is mine else 'all'} on a skill.",
                    retry_after_s=wait_s,
                    next_step=f"Send it again in {wait_s} s.",
                )


async def _add(connection: Connection, tenant_id: UUID, skill_id: UUID, opinion: Opinion) -> None:
    if isinstance(opinion.said, Feedback):
        await feedback.add_feedback(connection, tenant_id, skill_id, opinion.said, feedback_id=opinion.id)
        return
    title, body = opinion.said
    await suggestions.add_suggestion(
        connection,
        tenant_id,
        skill_id,
        title=title.strip(),
        body=body.strip(),
        author=opinion.author,
        suggestion_id=opinion.id,
    )


def _check(opinion: Opinion) -> None:
    """Raises InputError."""
    if isinstance(opinion.said, Feedback):
        check_feedback(opinion.said)
    else:
        check_suggestion(*opinion.said, opinion.author)
