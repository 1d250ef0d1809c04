"""How far the examination of a run's judge is, and what came of it, for whoever watches the run. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from steelyard.judging.examination import Examination, Result, worst


@dataclass(frozen=True)
class ExaminationStanding:
    """`done` of `outputs` whose grade is known are graded, by `judges` together. `result` is None while it goes on.

    Of several judges it is the weightiest: one that failed, else one not finished; `named` are those of whom it is.
    """

    outputs: int
    done: int
    result: Result | None
    accepted: bool
    judges: int = 1
    named: tuple[str, ...] = ()

    @property
    def under_way(self) -> bool:
        return self.result is None

    @property
    def sentence(self) -> str:
        """`Examining the judge on 11 outputs of known grade: 7 done`, or what came of it."""
        several = self.judges > 1
        who, their = ("judges", "their") if several else ("judge", "its")
        on = f"{self.outputs:,} {'output' if self.outputs == 1 else 'outputs'} of known grade"
        match self.result:
            case None:
                return f"Examining the {who} on {on}: {self.done:,} done"
            case Result.PASSED:
                return f"The {who} passed {their} examination on {on}"
            case Result.FAILED:
                fate = "; it is accepted all the same" if self.accepted else ""
                return f"{self._whoever} failed {self._their} examination on {on}{fate}"
            case _:
                fate = "it is accepted all the same" if self.accepted else "no grade of it counts yet"
                return f"{self._whoever} could not be examined on all of {on}; {fate}"

    @property
    def _whoever(self) -> str:
        if not self.named:
            return "One of the judges" if self.judges > 1 else "The judge"
        return f"The {'judge' if len(self.named) == 1 else 'judges'} {' and '.join(self.named)}"

    @property
    def _their(self) -> str:
        return "their" if len(self.named) > 1 else "its"


def standing_of(
    examining: Mapping[str, Any] | None,
    examination: Mapping[str, Any] | None,
    *,
    accepted: bool,
    jury: Sequence[Mapping[str, Any]] = (),
) -> ExaminationStanding | None:
    """From what is stored on the run; None where no judge was, or is yet, examined.

    `jury`: judge and digest of each juror.
    """
    if examining:
        outputs, done = (sum(one[key] for one in examining.values()) for key in ("outputs", "done"))
        return ExaminationStanding(outputs, done, None, accepted, len(examining))
    names = {one["digest"]: one["judge"] for one in jury}
    found = [(digest, one) for digest, one in _examinations(examination) if one.result is not Result.NOTHING]
    if not found:
        return None
    weightiest = worst({one.result for _, one in found})
    judges = len(found)
    if weightiest is not Result.PASSED:
        found = [(digest, one) for digest, one in found if one.result is weightiest]
    canaries = [canary for _, one in found for canary in one.canaries]
    graded = sum(canary.quality is not None for canary in canaries)
    named = tuple(names[digest] for digest, _ in found if digest in names)
    return ExaminationStanding(len(canaries), graded, weightiest, accepted, judges, named)


def _examinations(stored: Mapping[str, Any] | None) -> list[tuple[str, Examination]]:
    """That of the one judge, or by digest those of a jury's that have ended."""
    if stored is None:
        return []
    parts = {key: one.get("examination") for key, one in stored["jury"].items()} if "jury" in stored else {"": stored}
    return [(digest, Examination.from_json(part)) for digest, part in parts.items() if part is not None]
