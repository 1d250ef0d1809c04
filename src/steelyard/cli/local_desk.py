"""The desk of this machine: its workbench, for its one tenant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from steelyard.cli.local_cases import LocalCases
from steelyard.cli.local_tie_break import LocalTieBreaks
from steelyard.services.wire import ShownRun, ShownSkill

if TYPE_CHECKING:
    from steelyard.cli.selection import Selected, Typed
    from steelyard.cli.terminal import Terminal
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
    from steelyard.skills.folder import LoadedSkill
    from steelyard.storage.audit import AuditFilter
    from steelyard.storage.ratings import RatingExport
    from steelyard.storage.removal import Belongings
    from steelyard.storage.runs import RunRow
    from steelyard.storage.skills import SkillRow
    from steelyard.storage.unmatched import UnmatchedSkill

_NEWEST = 5


class LocalDesk(LocalCases, LocalTieBreaks):
    """See `Desk`."""

    async def select(self, typed: Typed) -> Selected:
        from steelyard.cli.selection import select

        return await select(self._workbench, typed)

    async def estimate(self, request: RunRequest) -> Estimate:
        return await self._workbench.estimate(self._tenant, request)

    async def start(self, request: RunRequest) -> Started:
        return await self._workbench.benchmarks.start(self._tenant, request)

    async def done_cells(self, run_id: UUID) -> tuple[int, int]:
        now = await self._workbench.benchmarks.progress(self._tenant, run_id)
        return sum(now.ended.values()), 0 if now.race is None else now.race.cells_not_called

    async def follow(self, run_id: UUID, terminal: Terminal, *, interrupted: bool) -> bool:
        from steelyard.cli.follow import follow

        return await follow(self._workbench, run_id, terminal, interrupted=interrupted)

    def tell_left(self, run_id: UUID, terminal: Terminal) -> None:
        terminal.err.line(
            f"Interrupted; everything received is saved. Go on with `steelyard runs resume {str(run_id)[:8]}`, or give"
            " the same command again.",
            "yellow",
        )

    async def runs(self, skill: str | None, limit: int) -> Sequence[RunRow]:
        return await self._workbench.benchmarks.list(self._tenant, skill=skill, limit=limit)

    async def shown_run(self, id_prefix: str, prices: str | None = None) -> ShownRun:
        bench = self._workbench
        run = await bench.benchmarks.find(self._tenant, id_prefix)
        people = await bench.people.report(self._tenant, run.id)
        report = (await bench.benchmarks.report(self._tenant, run.id)).with_people(people.certified)
        day = None if prices is None else bench.run_prices.day_of(prices)
        repriced = None if day is None else await bench.run_prices.at(self._tenant, run.id, day)
        return ShownRun(report, people, repriced)

    async def cancel(self, id_prefix: str) -> UUID:
        return (await self._workbench.benchmarks.cancel(self._tenant, id_prefix)).id

    async def resume(self, id_prefix: str, budget_microcents: int | None, *, accept_judge: bool) -> RunRow:
        from steelyard.domain.models import ModelRef

        run = await self._workbench.benchmarks.resume(
            self._tenant, id_prefix, budget_microcents, accept_judge=accept_judge
        )
        self._workbench.providers.warm([ModelRef.parse(text) for text in run.models])
        return run

    async def skills(self) -> Sequence[SkillRow]:
        return await self._workbench.skills.list(self._tenant)

    async def shown_skill(self, name: str) -> ShownSkill:
        bench = self._workbench
        row, version, cases = await bench.skills.get(self._tenant, name)
        runs = await bench.benchmarks.list(self._tenant, skill=name, limit=_NEWEST)
        return ShownSkill(row, version, cases, runs, await bench.skills.belongings(self._tenant, row.id))

    async def add_skill(self, skill: LoadedSkill) -> tuple[SkillRow, CaseChange]:
        skills = self._workbench.skills
        change = await skills.case_change(self._tenant, skill.content.name, skill.told_cases)
        return await skills.add(self._tenant, skill.content, skill.told_cases), change

    async def delete_skill(self, name: str, *, yes: bool) -> Belongings:
        skills = self._workbench.skills
        row, _, _ = await skills.get(self._tenant, name)
        return await (skills.delete if yes else skills.belongings)(self._tenant, row.id)

    async def stale(self, names: Sequence[str]) -> list[Checked]:
        bench = self._workbench
        if names:
            rows = [await bench.catalogue.find(self._tenant, name) for name in names]
            return [await bench.stale_checks.check(self._tenant, row.id) for row in rows]
        found: list[Checked] = []
        async for _, skill_id in bench.stale_watch.suspects(self._tenant):
            checked = await bench.stale_checks.check(self._tenant, skill_id)
            if checked.causes:
                found.append(checked)
        return found

    async def set_stale_after(self, days: int | None, skill: str | None) -> int:
        bench, service = self._workbench, self._workbench.staleness
        skill_id = None if skill is None else (await bench.catalogue.find(self._tenant, skill)).id
        await service.set_limit(self._tenant, None if days is None else str(days), skill_id)
        limits = await service.limits(self._tenant, skill_id)
        return limits.skill or limits.tenant or service.limit_days

    async def ratings(self, id_prefix: str, *, each: bool) -> tuple[PeopleReport, Sequence[RatingExport]]:
        bench = self._workbench
        run = await bench.benchmarks.find(self._tenant, id_prefix)
        rows = [row async for row in bench.ratings.export(self._tenant, run.id)] if each else []
        return await bench.people.report(self._tenant, run.id), rows

    async def health(self, name: str) -> CaseHealth:
        bench = self._workbench
        skill = await bench.catalogue.find(self._tenant, name)
        return await bench.case_health.of(self._tenant, skill, compare_all=True)

    async def production(self, name: str, days: int) -> Production:
        bench = self._workbench
        skill = await bench.catalogue.find(self._tenant, name)
        return await bench.production.of(self._tenant, skill, days=days)

    async def take_uses(self, items: Sequence[object]) -> Taken:
        return await self._workbench.intake.take(self._tenant, items)

    async def unmatched(self) -> Sequence[UnmatchedSkill]:
        return await self._workbench.intake.unmatched(self._tenant)

    async def spend(self, month: str | None) -> SpendReport:
        service = self._workbench.spend
        return await service.report(self._tenant, None if month is None else service.month_of(month))

    async def audit(self, wanted: AuditFilter, before: UUID | None, limit: int) -> AuditActs:
        return await self._workbench.audit.acts(self._tenant, wanted, before=before, limit=limit)

    async def changes(
        self, wanted: AuditFilter, before: UUID | None, limit: int
    ) -> tuple[Sequence[Mapping[str, Any]], UUID | None]:
        page = await self._workbench.audit.page(self._tenant, wanted, before=before, limit=limit)
        return [entry.to_json() for entry in page.entries], page.next
