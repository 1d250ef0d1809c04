"""The runs of a skill, newest first and a page at a time, and its quality over time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from steelyard.domain.errors import InputError
from steelyard.services.waits import with_waits
from steelyard.storage import history
from steelyard.storage.database import Database
from steelyard.storage.history import HistoryRow, QualityRow
from steelyard.storage.served import RUNS

PAGE = 50
MAX_PAGE = 200
MOST_RUNS_IN_A_CHART = 365


@dataclass(frozen=True)
class HistoryEntry:
    """One run in one line: its row, the verdict in a word, and how long it took (None before it has ended).

    `duration_s` is in seconds, pauses before a resume included.
    """

    run: HistoryRow
    verdict: str | None
    duration_s: float | None


@dataclass(frozen=True)
class HistoryPage:
    """Some runs, the token of the older ones after them (None on the last page), and how many there are."""

    entries: tuple[HistoryEntry, ...]
    next: str | None
    total: int


class RunHistory:
    """Reads skills' histories, for one tenant at a time."""

    def __init__(self, database: Database, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._database = database
        self._now = now

    async def page(
        self,
        tenant_id: UUID,
        skill_id: UUID | None,
        *,
        after: str | None = None,
        limit: int = PAGE,
        of_record: bool = False,
    ) -> HistoryPage:
        """At most `limit` (200) runs from where `after`, the token of the page before, left off; of all skills where
        none is named. Raises InputError."""
        before = None if after is None else _read_token(after)
        limit = min(max(1, limit), MAX_PAGE)
        async with self._database.tenant(tenant_id) as connection:
            rows = await history.runs_of_skill(
                connection, skill_id, before=before, limit=limit + 1, of_record=of_record
            )
            total = await history.count_runs(connection, skill_id, of_record=of_record)
            shown = await with_waits(connection, RUNS, rows[:limit])
        token = _token(shown[-1]) if len(rows) > limit else None
        return HistoryPage(tuple(_entry(row) for row in shown), token, total)

    async def newest(self, tenant_id: UUID, skill_id: UUID, limit: int = PAGE) -> list[HistoryRow]:
        """The newest runs alone, at most `limit` (200): to choose from."""
        async with self._database.tenant(tenant_id) as connection:
            return await history.runs_of_skill(
                connection, skill_id, before=None, limit=min(max(1, limit), MAX_PAGE), of_record=False
            )

    async def some_to_compare(self, tenant_id: UUID, skill_id: UUID) -> bool:
        """Whether two runs of the skill have ended, and can be set side by side."""
        async with self._database.tenant(tenant_id) as connection:
            return await history.some_to_compare(connection, skill_id)

    async def quality(self, tenant_id: UUID, skill_id: UUID, *, days: int = 365) -> tuple[QualityRow, ...]:
        """Every model's quality in the completed runs of record of the last `days`, oldest first.

        At most the newest 365 runs. Qualities of two judges (`judge_digest`) do not mean the same. Raises InputError.
        """
        if not 1 <= days <= 36_500:
            raise InputError(f"{days:,} days are out of range.", field="days", next_step="Give 1 to 36,500.")
        since = self._now() - timedelta(days=days)
        async with self._database.tenant(tenant_id) as connection:
            return tuple(await history.quality_history(connection, skill_id, since=since, limit=MOST_RUNS_IN_A_CHART))


def verdict_word(kind: str | None, model: str | None) -> str | None:
    """The verdict in a word: the best model, "tied", "not enough evidence", or "single"; None before there is one."""
    match kind:
        case None:
            return None
        case "best":
            return model
        case "tied":
            return "tied"
        case "single":
            return "single"
        case _:
            return "not enough evidence"


def _entry(row: HistoryRow) -> HistoryEntry:
    duration = None
    if row.started_at is not None and row.completed_at is not None:
        duration = (row.completed_at - row.started_at).total_seconds()
    return HistoryEntry(row, verdict_word(row.verdict_kind, row.headline_model), duration)


def _token(row: HistoryRow) -> str:
    """Microseconds since 1970 and the id: all that is needed to go on, and nothing that must be kept secret."""
    moment = row.created_at.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return f"{moment // timedelta(microseconds=1):x}-{row.id.hex}"


def _read_token(token: str) -> tuple[datetime, UUID]:
    moment, _, run_id = token.partition("-")
    try:
        at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(moment, 16))
        return at, UUID(hex=run_id)
    except (ValueError, OverflowError) as error:
        raise InputError("There is no such page of the list.", next_step="Begin at the first page again.") from error
