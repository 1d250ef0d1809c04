"""Services' values as JSON and back, whole: a command shows what it has of a server as what it has of its own.

The fields are the dataclasses' own, so nothing has to be kept in step by hand; what is read was made by the same
version, or is refused. Each form imports what it is of, as a command needs one or two of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from steelyard.domain.errors import SteelyardError

if TYPE_CHECKING:
    from steelyard.domain.calls import Trouble
    from steelyard.domain.races import RaceStanding
    from steelyard.services.audit import AuditActs
    from steelyard.services.case_health import CaseHealth
    from steelyard.services.case_queue import QueuePage
    from steelyard.services.estimates import Estimate
    from steelyard.services.examining import ExaminationStanding
    from steelyard.services.intake import Taken
    from steelyard.services.named_cases import NamedCase
    from steelyard.services.people import PeopleReport
    from steelyard.services.production import Production
    from steelyard.services.reports import RunReport
    from steelyard.services.repricing import Repriced
    from steelyard.services.spend import SpendReport
    from steelyard.services.stale_check import Checked
    from steelyard.services.tie_breaks import TieBreakOffer
    from steelyard.storage.case_changes import ChangeRow
    from steelyard.storage.case_drafts import DraftsRow
    from steelyard.storage.cases import CaseEntry, CaseRow
    from steelyard.storage.ratings import RatingExport
    from steelyard.storage.removal import Belongings
    from steelyard.storage.runs import RunRow
    from steelyard.storage.skills import SkillRow, VersionRow
    from steelyard.storage.tie_breaks import TieBreakRow
    from steelyard.storage.unmatched import UnmatchedSkill

T = TypeVar("T")


@dataclass(frozen=True)
class ShownRun:
    """All that is shown of one run; `repriced` is None where no other day's prices were asked for."""

    report: RunReport
    people: PeopleReport
    repriced: Repriced | None = None


@dataclass(frozen=True)
class ShownSkill:
    """All that is shown of one skill: its version, its accepted cases, its newest runs, and what is its own."""

    row: SkillRow
    version: VersionRow
    cases: Sequence[CaseRow]
    runs: Sequence[RunRow]
    belongings: Belongings


@dataclass(frozen=True)
class ShownTieBreak:
    """A tie-break, all those of the same tie, and what calls of its judge keep failing with while it is made."""

    row: TieBreakRow
    beside: Sequence[TieBreakRow]
    troubles: Sequence[Trouble] = ()


class Form(Generic[T]):
    """One type of value on the wire."""

    def __init__(self, kind: Any, **named: Any) -> None:
        """`named`: the types that its dataclasses name without importing them."""
        self._adapter: TypeAdapter[T] = TypeAdapter(kind)
        self._adapter.rebuild(_types_namespace=named, raise_errors=True)

    def to_json(self, value: T) -> Any:
        """Plain JSON types."""
        return self._adapter.dump_python(value, mode="json")

    def of(self, data: Any, made_by: str | None = None) -> T:
        """The value; fields that this version does not know are left out.

        Raises SteelyardError where another version made it: `made_by`, if that is known.
        """
        try:
            return self._adapter.validate_python(data, strict=False)
        except ValidationError as error:
            theirs = "" if made_by is None else f": it is of version {made_by[:40]}, this is {version('steelyard')}"
            raise SteelyardError(
                f"What the server told is of another form than this version reads{theirs}.",
                next_step="Install the same version on both sides.",
            ) from error


@cache
def shown_run() -> Form[ShownRun]:
    from steelyard.services.people import PeopleReport
    from steelyard.services.reports import RunReport
    from steelyard.services.repricing import Repriced
    from steelyard.statistics import HumanEstimate, JudgeAgreement, agreement, calibration, special

    named: dict[str, Any] = {}
    for module in (special, calibration, agreement):
        named |= {name: value for name, value in vars(module).items() if not name.startswith("_")}
    named |= {"HumanEstimate": HumanEstimate, "JudgeAgreement": JudgeAgreement}
    named |= {"PeopleReport": PeopleReport, "RunReport": RunReport, "Repriced": Repriced}
    return Form(ShownRun, **named)


@cache
def shown_skill() -> Form[ShownSkill]:
    from steelyard.storage.cases import CaseRow
    from steelyard.storage.removal import Belongings
    from steelyard.storage.runs import RunRow
    from steelyard.storage.skills import SkillRow, VersionRow

    return Form(
        ShownSkill, CaseRow=CaseRow, Belongings=Belongings, RunRow=RunRow, SkillRow=SkillRow, VersionRow=VersionRow
    )


@cache
def run_rows() -> Form[Sequence[RunRow]]:
    from steelyard.storage.runs import RunRow

    return Form(list[RunRow])


@cache
def skill_rows() -> Form[Sequence[SkillRow]]:
    from steelyard.storage.skills import SkillRow

    return Form(list[SkillRow])


@cache
def production() -> Form[Production]:
    from steelyard.services.production import Production

    return Form(Production)


@cache
def case_health() -> Form[CaseHealth]:
    from steelyard.services.case_health import CaseHealth

    return Form(CaseHealth)


@cache
def spend() -> Form[SpendReport]:
    from steelyard.services.spend import SpendReport

    return Form(SpendReport)


@cache
def audit_acts() -> Form[AuditActs]:
    from steelyard.services.audit import AuditActs

    return Form(AuditActs)


@cache
def estimate() -> Form[Estimate]:
    from steelyard.services.estimates import Estimate

    return Form(Estimate)


@cache
def checked() -> Form[Checked]:
    from steelyard.services.stale_check import Checked

    return Form(Checked)


@cache
def race() -> Form[RaceStanding]:
    from steelyard.domain.races import RaceStanding

    return Form(RaceStanding)


@cache
def examination() -> Form[ExaminationStanding]:
    from steelyard.services.examining import ExaminationStanding

    return Form(ExaminationStanding)


@cache
def case_entries() -> Form[Sequence[CaseEntry]]:
    from steelyard.storage.cases import CaseEntry

    return Form(list[CaseEntry])


@cache
def queue_page() -> Form[QueuePage]:
    from steelyard.services.case_queue import QueuePage

    return Form(QueuePage)


@cache
def named_case() -> Form[NamedCase]:
    from steelyard.services.named_cases import NamedCase

    return Form(NamedCase)


@cache
def changes() -> Form[Sequence[ChangeRow]]:
    from steelyard.storage.case_changes import ChangeRow

    return Form(list[ChangeRow])


@cache
def drafts() -> Form[DraftsRow]:
    from steelyard.storage.case_drafts import DraftsRow

    return Form(DraftsRow)


@cache
def tie_break_offer() -> Form[TieBreakOffer]:
    from steelyard.services.tie_breaks import TieBreakOffer

    return Form(TieBreakOffer)


@cache
def shown_tie_break() -> Form[ShownTieBreak]:
    from steelyard.domain.calls import Trouble
    from steelyard.storage.tie_breaks import TieBreakRow

    return Form(ShownTieBreak, TieBreakRow=TieBreakRow, Trouble=Trouble)


@cache
def ratings() -> Form[Sequence[RatingExport]]:
    from steelyard.storage.ratings import RatingExport

    return Form(list[RatingExport])


@cache
def taken() -> Form[Taken]:
    from steelyard.services.intake import Taken

    return Form(Taken)


@cache
def unmatched() -> Form[Sequence[UnmatchedSkill]]:
    from steelyard.storage.unmatched import UnmatchedSkill

    return Form(list[UnmatchedSkill])
