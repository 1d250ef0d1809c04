"""Services' values as JSON and back, whole: a command shows what it has of a server as what it has of its own.

The fields are the dataclasses' own, so nothing has to be kept in step by hand; what is read was made by the same
version, or is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from steelyard.domain.errors import SteelyardError
from steelyard.domain.races import RaceStanding
from steelyard.services.audit import AuditPage
from steelyard.services.case_health import CaseHealth
from steelyard.services.estimates import Estimate
from steelyard.services.examining import ExaminationStanding
from steelyard.services.people import PeopleReport
from steelyard.services.production import Production
from steelyard.services.reports import RunReport
from steelyard.services.repricing import Repriced
from steelyard.services.spend import SpendReport
from steelyard.services.stale_check import Checked
from steelyard.storage.cases import CaseRow
from steelyard.storage.removal import Belongings
from steelyard.storage.runs import RunRow
from steelyard.storage.skills import SkillRow, VersionRow

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


class Form(Generic[T]):
    """One type of value on the wire."""

    def __init__(self, kind: Any) -> None:
        self._adapter: TypeAdapter[T] = TypeAdapter(kind)
        self._adapter.rebuild(_types_namespace=_names(), raise_errors=True)

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
    return Form(ShownRun)


@cache
def shown_skill() -> Form[ShownSkill]:
    return Form(ShownSkill)


@cache
def run_rows() -> Form[Sequence[RunRow]]:
    return Form(list[RunRow])


@cache
def skill_rows() -> Form[Sequence[SkillRow]]:
    return Form(list[SkillRow])


@cache
def production() -> Form[Production]:
    return Form(Production)


@cache
def case_health() -> Form[CaseHealth]:
    return Form(CaseHealth)


@cache
def spend() -> Form[SpendReport]:
    return Form(SpendReport)


@cache
def audit_page() -> Form[AuditPage]:
    return Form(AuditPage)


@cache
def estimate() -> Form[Estimate]:
    return Form(Estimate)


@cache
def checked() -> Form[Checked]:
    return Form(Checked)


@cache
def race() -> Form[RaceStanding]:
    return Form(RaceStanding)


@cache
def examination() -> Form[ExaminationStanding]:
    return Form(ExaminationStanding)


def _names() -> dict[str, Any]:
    """Types that the dataclasses name without importing them."""
    from steelyard.statistics import HumanEstimate, JudgeAgreement, agreement, calibration, special

    found: dict[str, Any] = {}
    for module in (special, calibration, agreement):
        found |= {name: value for name, value in vars(module).items() if not name.startswith("_")}
    return found | {"HumanEstimate": HumanEstimate, "JudgeAgreement": JudgeAgreement}
