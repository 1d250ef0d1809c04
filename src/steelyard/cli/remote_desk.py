"""The desk of a team's server: the same use cases by its API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from steelyard.cli import text as words
from steelyard.cli.place import typed_again
from steelyard.cli.remote import apart
from steelyard.cli.remote_cases import RemoteCases
from steelyard.cli.remote_skill import content_of, packed, same_cases
from steelyard.cli.remote_tie_break import RemoteTieBreaks
from steelyard.domain.errors import InputError, ItemsRefused, NotFound, SkillError
from steelyard.domain.models import ModelRef
from steelyard.services import wire

if TYPE_CHECKING:
    from steelyard.cli.selection import Selected, Typed
    from steelyard.cli.terminal import Terminal
    from steelyard.client.api import Client
    from steelyard.client.documents import SkillStaleness
    from steelyard.judging.default import DefaultJudge
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
    from steelyard.services.wire import ShownRun, ShownSkill
    from steelyard.skills.folder import LoadedSkill
    from steelyard.storage.audit import AuditFilter
    from steelyard.storage.ratings import RatingExport
    from steelyard.storage.removal import Belongings
    from steelyard.storage.runs import RunRow
    from steelyard.storage.skills import SkillRow
    from steelyard.storage.unmatched import UnmatchedSkill


class RemoteDesk(RemoteCases, RemoteTieBreaks):
    """See `Desk`."""

    def __init__(self, client: Client) -> None:
        super().__init__(client)
        self._asked: tuple[RunRequest, Any, Estimate] | None = None

    async def select(self, typed: Typed) -> Selected:
        """The run as the server would make it; a folder that is not the skill in use there is sent first."""
        from steelyard.cli.remote_run import new_run
        from steelyard.cli.selection import Selected, check_cases
        from steelyard.judging.default import DefaultJudge
        from steelyard.services import selection

        skill = await self._there(typed)
        version = typed.chosen.version or ""
        detail = None
        if version:
            detail = await apart(lambda: self._client.get_version(skill.row.name, version))
        content = content_of(skill, detail)
        source = selection.SkillSource(content, [row.case for row in skill.cases])
        check_cases(source, typed)
        body = new_run(typed.choice, version)
        told = await apart(lambda: self._client.estimate_run(content.name, body))
        named = (told["judge"] or "").split(", ")[0]

        def default(_: Any) -> DefaultJudge:
            ref = ModelRef.parse(named) if named else None
            return DefaultJudge(ref, told["judge_of_own_family"], told["judge_sentence"] or "")

        found = selection.select(source, typed.choice, default)
        self._asked = (found.request, body, wire.estimate().of(told))
        return Selected(found.request, typed.lossy, found.judge_sentence, found.same_family, found.unscored)

    async def estimate(self, request: RunRequest) -> Estimate:
        return self._of(request)[1]

    async def start(self, request: RunRequest) -> Started:
        from steelyard.services.benchmarks import Started

        body, _ = self._of(request)
        told = await apart(lambda: self._client.start_run(request.content.name, body))
        return Started(UUID(told["id"]), told["continued"], told["kept_budget_microcents"])

    async def done_cells(self, run_id: UUID) -> tuple[int, int]:
        told = await apart(lambda: self._client.get_progress(str(run_id)))
        race = told["race"]
        return told["ended"], 0 if race is None else wire.race().of(race).cells_not_called

    async def follow(self, run_id: UUID, terminal: Terminal, *, interrupted: bool) -> bool:
        from steelyard.cli.remote_run import follow

        return interrupted or await follow(self._client, run_id, terminal)

    def tell_left(self, run_id: UUID, terminal: Terminal) -> None:
        short = str(run_id)[:8]
        show, cancel = typed_again(f"runs show {short}"), typed_again(f"runs cancel {short}")
        terminal.err.line(
            words.safe(
                f"Interrupted; the run goes on at {self._client.server}. `{show}` shows how it stands,"
                f" `{cancel}` stops it."
            ),
            "yellow",
        )

    async def runs(self, skill: str | None, limit: int) -> Sequence[RunRow]:
        return await self._value(wire.run_rows(), lambda: self._client.list_run_parts(skill=skill, limit=limit))

    async def shown_run(self, id_prefix: str, prices: str | None = None) -> ShownRun:
        return await self._value(wire.shown_run(), lambda: self._client.get_run_parts(id_prefix, prices=prices))

    async def cancel(self, id_prefix: str) -> UUID:
        run_id = await self._run_id(id_prefix)
        await apart(lambda: self._client.cancel_run(run_id))
        return UUID(run_id)

    async def resume(self, id_prefix: str, budget_microcents: int | None, *, accept_judge: bool) -> RunRow:
        run_id = await self._run_id(id_prefix)
        body: Any = {"budget_microcents": budget_microcents, "accept_judge": accept_judge}
        await apart(lambda: self._client.resume_run(run_id, body))
        return (await self.shown_run(run_id)).report.run

    async def skills(self) -> Sequence[SkillRow]:
        return await self._value(wire.skill_rows(), self._client.list_skill_parts)

    async def shown_skill(self, name: str) -> ShownSkill:
        return await self._value(wire.shown_skill(), lambda: self._client.get_skill_parts(name))

    async def add_skill(self, skill: LoadedSkill) -> tuple[SkillRow, CaseChange]:
        from steelyard.services.skills import CaseChange

        name, body = skill.content.name, packed(skill)
        told = await apart(lambda: self._client.lint_skill(body))
        if told["digest"] != skill.content.digest or told["name"] != name:
            raise InputError(
                f"The server reads '{name}' as another text than this machine does.",
                kept="Nothing was changed.",
                next_step="Install the same version on both sides.",
            )
        try:
            await apart(lambda: self._client.get_skill(name))
        except NotFound:
            await apart(lambda: self._client.create_skill(body))
        else:
            await apart(lambda: self._client.create_version(name, body))
        return (await self.shown_skill(name)).row, CaseChange(retired=tuple(told["retired_cases"]))

    async def delete_skill(self, name: str, *, yes: bool) -> Belongings:
        found = (await self.shown_skill(name)).belongings
        if yes:
            await apart(lambda: self._client.delete_skill(name))
        return found

    async def stale(self, names: Sequence[str]) -> list[Checked]:
        if not names:
            return [_checked(one) for one in await apart(lambda: list(self._client.every_stale()))]
        return [_checked(await apart(lambda name=name: self._client.get_staleness(name))) for name in names]

    async def set_stale_after(self, days: int | None, skill: str | None) -> int:
        if skill is None:
            return (await apart(lambda: self._client.set_age_limit({"days": days})))["stale_after_days"]
        return (await apart(lambda: self._client.set_age_limit_of_skill(skill, {"days": days})))["limit_days"]

    async def ratings(self, id_prefix: str, *, each: bool) -> tuple[PeopleReport, Sequence[RatingExport]]:
        people = (await self.shown_run(id_prefix)).people
        if not each:
            return people, ()
        return people, await self._value(wire.ratings(), lambda: self._client.list_rating_parts(str(people.run_id)))

    async def health(self, name: str) -> CaseHealth:
        return await self._value(wire.case_health(), lambda: self._client.get_health_parts(name))

    async def production(self, name: str, days: int) -> Production:
        return await self._value(wire.production(), lambda: self._client.get_production_parts(name, days=days))

    async def take_uses(self, items: Sequence[object]) -> Taken:
        body: Any = {"measurements": items}
        try:
            return wire.taken().of(await apart(lambda: self._client.send_measurements(body)))
        except ItemsRefused as error:
            nothing = {"kept": 0, "duplicates": 0, "unmatched": 0, "unknown_versions": 0}
            return wire.taken().of({**nothing, "refused": error.refused})

    async def unmatched(self) -> Sequence[UnmatchedSkill]:
        return wire.unmatched().of((await apart(self._client.list_unmatched))["items"])

    async def spend(self, month: str | None) -> SpendReport:
        return await self._value(wire.spend(), lambda: self._client.get_spend_parts(month=month))

    async def audit(self, wanted: AuditFilter, before: UUID | None, limit: int) -> AuditActs:
        return await self._value(
            wire.audit_acts(),
            lambda: self._client.list_audit_parts(
                **_asked(wanted), before=None if before is None else str(before), limit=limit
            ),
        )

    async def changes(
        self, wanted: AuditFilter, before: UUID | None, limit: int
    ) -> tuple[Sequence[Mapping[str, Any]], UUID | None]:
        after = None if before is None else str(before)
        found = await apart(lambda: self._client.list_audit(**_asked(wanted), after=after, limit=limit))
        return found["changes"], None if found["next"] is None else UUID(found["next"])

    async def _run_id(self, id_prefix: str) -> str:
        return (await apart(lambda: self._client.find_run(id_prefix)))["id"]

    def _of(self, request: RunRequest) -> tuple[Any, Estimate]:
        assert self._asked is not None
        assert self._asked[0] is request
        return self._asked[1:]

    async def _there(self, typed: Typed) -> ShownSkill:
        """The skill as the server has it, with what was typed sent where that is another. Raises SkillError."""
        loaded = typed.loaded
        if loaded is None:
            try:
                return await self.shown_skill(typed.chosen.skill)
            except NotFound as error:
                raise SkillError(
                    f"'{typed.chosen.skill}' is no file or folder here, and {self._client.server} has no skill of that"
                    " name.",
                    next_step="Give the path of a skill folder or prompt file; `steelyard skills list` shows those"
                    " there are.",
                ) from error
        try:
            known = await self.shown_skill(loaded.content.name)
        except NotFound:
            known = None
        if known is not None and known.row.digest == loaded.content.digest and same_cases(loaded, known):
            return known
        if not typed.keeps:
            has = "no such skill" if known is None else "another text of this skill"
            raise InputError(
                f"{self._client.server} has {has}, and an estimate sends nothing.",
                field="skill",
                next_step=f"Send it first: steelyard skills add {typed.chosen.skill}",
            )
        await self.add_skill(loaded)
        return await self.shown_skill(loaded.content.name)


def _checked(told: SkillStaleness) -> Checked:
    return wire.checked().of(
        {
            "skill_id": UUID(int=0),
            "name": told["skill"],
            "run_id": told["run"],
            "benchmarked_at": told["benchmarked_at"],
            "answers_since": told["oldest_answer_at"],
            "limit_days": told["limit_days"],
            "causes": [{**one, "noticed": one["since_is_when_noticed"]} for one in told["causes"]],
        }
    )


def _asked(wanted: AuditFilter) -> dict[str, str | None]:
    until = None if wanted.until is None else wanted.until - timedelta(days=1)
    return {"actor": wanted.actor, "skill": wanted.skill, "since": _day(wanted.since), "until": _day(until)}


def _day(moment: datetime | None) -> str | None:
    return None if moment is None else f"{moment:%Y-%m-%d}"
