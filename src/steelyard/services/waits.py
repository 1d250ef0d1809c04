"""What a run, review, tie-break or drafts wait for that nobody has in hand: in the same words through every door."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Protocol, TypeVar
from uuid import UUID

from steelyard.domain.runs import RunStatus
from steelyard.storage.database import Connection
from steelyard.storage.served import DRAFTS, REVIEWS, RUNS, TIE_BREAKS, Awaited, Wait, waits_of
from steelyard.storage.tenant_providers import RunOfProvider

_MOST_NAMED = 5
_UNDER_WAY = (RunStatus.PENDING, RunStatus.RUNNING)


class _Row(Protocol):
    """A row that may wait: a dataclass with the fields of `Waiting`."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def id(self) -> UUID: ...
    @property
    def status(self) -> str: ...


Row = TypeVar("Row", bound=_Row)


@dataclass(frozen=True)
class _Words:
    """What workers would do, and what a person may do instead of waiting."""

    do: str
    instead: str


_WORDS = {
    RUNS: _Words("serve this run", "cancel it"),
    REVIEWS: _Words("make this review", "ask another model"),
    TIE_BREAKS: _Words("break this tie", "stop it and ask another judge"),
    DRAFTS: _Words("make these drafts as they were asked for", "ask another model"),
}


def without_provider(name: str, runs: Sequence[RunOfProvider]) -> str | None:
    """What a removed provider's runs under way come to, in a sentence or two; None where there are none."""
    if not runs:
        return None
    named = [f"{str(run.id)[:8]} of {run.skill_name}" for run in runs[:_MOST_NAMED]]
    more = f" and {len(runs) - _MOST_NAMED:,} more" if len(runs) > _MOST_NAMED else ""
    listed = f"{', '.join(named)}{more}"
    if len(runs) == 1:
        return (
            f"1 run under way calls {name}: {listed}. What it has is kept, and it waits until {name} is set again as it"
            " was, or it is cancelled."
        )
    return (
        f"{len(runs):,} runs under way call {name}: {listed}. What they have is kept, and they wait until {name} is set"
        " again as it was, or they are cancelled."
    )


async def with_waits(connection: Connection, of: Awaited, rows: Sequence[Row]) -> list[Row]:
    """The rows, each that nobody has in hand with what it waits for: one query for all, none where all have ended."""
    found = await waits_of(connection, of, [row.id for row in rows if row.status in _UNDER_WAY])
    return [_told(row, of, found.get(row.id)) for row in rows]


async def with_wait(connection: Connection, of: Awaited, row: Row) -> Row:
    """The same of one."""
    return (await with_waits(connection, of, [row]))[0]


def wait_words(wait: Wait, of: Awaited = RUNS) -> str:
    """What it waits for, and what to do where waiting alone does not help."""
    told = _WORDS[of]
    if wait.why is not None:
        nobody = f"Nobody can {told.do} now" if wait.worker else f"No worker is there that could {told.do}"
        return (
            f"{wait.why.rstrip('.')}. {nobody}, and it waits; what it has is kept. Set things as they were (an admin"
            f" sets providers under Settings, Providers), and a worker goes on with it by itself; or {told.instead}."
        )
    if not wait.worker:
        return (
            "No worker is there to take it up: `steelyard serve` has one unless it was started with --no-worker, and"
            " `steelyard worker` is one. Where that is not yours to start, ask whoever runs the server."
        )
    if not wait.others:
        return "A worker is there, and takes it up as soon as it has a place."
    other = "other run" if of is RUNS else "run"
    others = f"1 {other} is" if wait.others == 1 else f"{wait.others:,} {other}s are"
    shared = "Runs share its places." if of is RUNS else "It shares the worker's places with them."
    return f"It waits for a place: a worker is there, and {others} under way. {shared}"


def _told(row: Row, of: Awaited, wait: Wait | None) -> Row:
    return row if wait is None else replace(row, waits=wait_words(wait, of), left=wait.why is not None)
