"""How far the examination of a run's judge is, and what came of it, for whoever watches the run. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from steelyard.judging.examination import Examination, Result


@dataclass(frozen=True)
class ExaminationStanding:
    """`done` of `outputs` whose grade is known are graded. `result` is None while it goes on."""

    outputs: int
    done: int
    result: Result | None
    accepted: bool

    @property
    def under_way(self) -> bool:
        return self.result is None

    @property
    def sentence(self) -> str:
        """`Examining the judge on 11 outputs of known grade: 7 done`, or what came of it."""
        on = f"{self.outputs:,} {'output' if self.outputs == 1 else 'outputs'} of known grade"
        match self.result:
            case None:
                return f"Examining the judge on {on}: {self.done:,} done"
            case Result.PASSED:
                return f"The judge passed its examination on {on}"
            case Result.FAILED:
                fate = "; it is accepted all the same" if self.accepted else ""
                return f"The judge failed its examination on {on}{fate}"
            case _:
                fate = "it is accepted all the same" if self.accepted else "no grade of it counts yet"
                return f"The judge could not be examined on all of {on}; {fate}"


def standing_of(
    examining: Mapping[str, Any] | None, examination: Mapping[str, Any] | None, *, accepted: bool
) -> ExaminationStanding | None:
    """From what is stored on the run; None where no judge was, or is yet, examined."""
    if examining is not None:
        return ExaminationStanding(examining["outputs"], examining["done"], None, accepted)
    found = None if examination is None else Examination.from_json(examination)
    if found is None or found.result is Result.NOTHING:
        return None
    graded = sum(one.quality is not None for one in found.canaries)
    return ExaminationStanding(len(found.canaries), graded, found.result, accepted)
