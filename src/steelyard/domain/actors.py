"""On whose behalf something is being done, for the notes of who changed what."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class ActorKind(StrEnum):
    """What acts."""

    LOCAL = "local"
    MEMBER = "member"
    KEY = "key"
    SCHEDULE = "schedule"


@dataclass(frozen=True)
class Actor:
    """Who acts: `id` of the member or API key, None for the machine's owner and the schedule; `name` as it is shown."""

    kind: ActorKind
    name: str
    id: UUID | None = None

    @property
    def told(self) -> str:
        """The name where nothing beside it says what acts, and for people who are not of the tenant (yet).

        The name of the operating system's user is not for them.
        """
        match self.kind:
            case ActorKind.LOCAL:
                return "whoever runs this server"
            case ActorKind.KEY:
                return f"{self.name} (API key)"
            case _:
                return self.name


LOCAL = Actor(ActorKind.LOCAL, "local")
SCHEDULE = Actor(ActorKind.SCHEDULE, "schedule")

# A door sets it for the task of one request or command; every transaction opened under it carries it.
acting: ContextVar[Actor] = ContextVar("acting", default=LOCAL)


@contextmanager
def acting_as(actor: Actor) -> Generator[None]:
    """What is done within is done on behalf of `actor`."""
    token = acting.set(actor)
    try:
        yield
    finally:
        acting.reset(token)
