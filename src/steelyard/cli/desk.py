"""What commands ask for, whether it is done by this machine's workbench or by a team's server."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Protocol

from steelyard.bootstrap import DEFAULT_CONCURRENCY
from steelyard.cli.case_desk import CaseDesk
from steelyard.cli.place import chosen_server

if TYPE_CHECKING:
    from uuid import UUID

    from steelyard.cli.selection import Selected, Typed
    from steelyard.cli.terminal import Terminal
    from steelyard.domain.models import ModelRef
    from steelyard.services.audit import AuditActs
    from steelyard.services.benchmarks import Started
    from steelyard.services.case_health import CaseHealth
    from steelyard.services.estimates import Estimate
    from steelyard.services.intake import Taken
    from steelyard.services.people import PeopleReport
    from steelyard.services.production import Production
    from steelyard.services.run_request import RunRequest
    from steelyard.services.skills import CaseChange
    from steelyard.services.spend import SpendReport
    from steelyard.services.stale_check import Checked
    from steelyard.services.tie_breaks import TieBreakOffer
    from steelyard.services.wire import ShownRun, ShownSkill, ShownTieBreak
    from steelyard.skills.folder import LoadedSkill
    from steelyard.storage.audit import AuditFilter
    from steelyard.storage.ratings import RatingExport
    from steelyard.storage.removal import Belongings
    from steelyard.storage.runs import RunRow
    from steelyard.storage.skills import SkillRow
    from steelyard.storage.unmatched import UnmatchedSkill


class Desk(CaseDesk, Protocol):
    """The use cases of the command line. Every method raises SteelyardError and its kin."""

    async def select(self, typed: Typed) -> Selected:
        """The run that was typed, and what to tell of it."""
        ...

    async def estimate(self, request: RunRequest) -> Estimate:
        """What a run that was selected takes."""
        ...

    async def start(self, request: RunRequest) -> Started:
        """Queue a run that was selected."""
        ...

    async def done_cells(self, run_id: UUID) -> tuple[int, int]:
        """(cells that came to their end, cells that a race will not call)."""
        ...

    async def follow(self, run_id: UUID, terminal: Terminal, *, interrupted: bool) -> bool:
        """Show the run until it ends; True when the person interrupted, also before (`interrupted`)."""
        ...

    def tell_left(self, run_id: UUID, terminal: Terminal) -> None:
        """Say what an interrupt has left behind."""
        ...

    async def runs(self, skill: str | None, limit: int) -> Sequence[RunRow]:
        """The newest runs."""
        ...

    async def shown_run(self, id_prefix: str, prices: str | None = None) -> ShownRun:
        """All that is shown of a run, at another day's prices too where one is named."""
        ...

    async def cancel(self, id_prefix: str) -> UUID:
        """Stop a run; its id."""
        ...

    async def resume(self, id_prefix: str, budget_microcents: int | None, *, accept_judge: bool) -> RunRow:
        """Queue what a run has left."""
        ...

    async def tie_break_offer(self, id_prefix: str, judge: ModelRef | None) -> TieBreakOffer:
        """What breaking a run's tie would take."""
        ...

    async def break_tie(
        self, offer: TieBreakOffer, judge: ModelRef | None, budget_microcents: int | None, terminal: Terminal
    ) -> ShownTieBreak:
        """Break the tie of an offer, with the judge that was named for it, and show how far it is.

        It is under way yet where the person interrupted and it goes on elsewhere, which was said.
        """
        ...

    async def skills(self) -> Sequence[SkillRow]:
        """The skills there are, by name."""
        ...

    async def shown_skill(self, name: str) -> ShownSkill:
        """All that is shown of a skill."""
        ...

    async def add_skill(self, skill: LoadedSkill) -> tuple[SkillRow, CaseChange]:
        """Keep a skill and its cases; what that did to the cases of its folder."""
        ...

    async def delete_skill(self, name: str, *, yes: bool) -> Belongings:
        """What goes with a skill; with `yes` it has gone."""
        ...

    async def stale(self, names: Sequence[str]) -> list[Checked]:
        """How the named skills' benchmarks stand; every stale one where none is named."""
        ...

    async def set_stale_after(self, days: int | None, skill: str | None) -> int:
        """Set the days of a skill, or of all that have none of their own; None sets none. Returns those that hold."""
        ...

    async def ratings(self, id_prefix: str, *, each: bool) -> tuple[PeopleReport, Sequence[RatingExport]]:
        """What people say of a run, and with `each` every rating."""
        ...

    async def health(self, name: str) -> CaseHealth:
        """What stands out among a skill's golden cases."""
        ...

    async def production(self, name: str, days: int) -> Production:
        """A skill's last benchmark beside its use."""
        ...

    async def take_uses(self, items: Sequence[object]) -> Taken:
        """Keep uses of skills; each is kept, or refused by name."""
        ...

    async def unmatched(self) -> Sequence[UnmatchedSkill]:
        """The names of skills that uses were sent for and that are not there."""
        ...

    async def spend(self, month: str | None) -> SpendReport:
        """What a month's money went to; this one's where none is named."""
        ...

    async def audit(self, wanted: AuditFilter, before: UUID | None, limit: int) -> AuditActs:
        """The newest acts of those wanted, from before that change on."""
        ...

    async def changes(
        self, wanted: AuditFilter, before: UUID | None, limit: int
    ) -> tuple[Sequence[Mapping[str, Any]], UUID | None]:
        """The newest changes of those wanted as JSON, from before that one on, and before which the older ones are."""
        ...


@asynccontextmanager
async def open_desk(*, concurrency: int = DEFAULT_CONCURRENCY, warm: Iterable[ModelRef] = ()) -> AsyncGenerator[Desk]:
    """The server's desk where one was chosen, else this machine's with its database. Raises SteelyardError."""
    server = chosen_server()
    if server is not None:
        from steelyard.cli.place import key_of
        from steelyard.cli.remote_desk import RemoteDesk
        from steelyard.client.api import Client

        yield RemoteDesk(Client(server, key=key_of(server)))
        return
    from steelyard.bootstrap import open_workbench
    from steelyard.cli.local_desk import LocalDesk

    async with open_workbench(concurrency=concurrency, warm=warm) as workbench:
        yield LocalDesk(workbench)
