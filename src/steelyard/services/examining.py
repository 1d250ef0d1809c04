"""How far the examination of a run's judge is, and what came of it, for whoever watches the run. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from steelyard.judging.examination import Examination, Result


@dataclass(frozen=True)
class ExaminationStanding:
    """`done` of `outputs` whose grade is known are graded, by `judges` together. `result` is None while it goes on.

    Of several judges it is the weightiest: one that failed, else one not finished.
    """

    outputs: int
    done: int
    result: Result | None
    accepted: bool
    judges: int = 1

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
                return f"{'One of the judges' if several else 'The judge'} failed its examination on {on}{fate}"
            case _:
                fate = "it is accepted all the same" if self.accepted else "no grade of it counts yet"
                return f"{'One of the judges' if several else 'The judge'} could not be examined on all of {on}; {fate}"


def standing_of(
    examining: Mapping[str, Any] | None, examination: Mapping[str, Any] | None, *, accepted: bool
) -> ExaminationStanding | None:
    """From what is stored on the run; None where no judge was, or is yet, examined."""
    if examining:
        outputs, done = (sum(one[key] for one in examining.values()) for key in ("outputs", "done"))
        return ExaminationStanding(outputs, done, None, accepted, len(examining))
    found = [one for one in _examinations(examination) if one.result is not Result.NOTHING]
    if not found:
        return None
    results = [one.result for one in found]
    worst = next(one for one in (Result.FAILED, Result.UNFINISHED, Result.PASSED) if one in results)
    canaries = [canary for one in found for canary in one.canaries]
    graded = sum(canary.quality is not None for canary in canaries)
    return ExaminationStanding(len(canaries), graded, worst, accepted, len(found))


def _examinations(stored: Mapping[str, Any] | None) -> list[Examination]:
    """That of the one judge, or those of a jury's that have ended."""
    if stored is None:
        return []
    parts = [one.get("examination") for one in stored["jury"].values()] if "jury" in stored else [stored]
    return [Examination.from_json(part) for part in parts if part is not None]
