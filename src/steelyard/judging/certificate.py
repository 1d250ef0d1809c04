"""What stands behind a run's scores: the judge's examination, and how else it was found to be reliable. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from steelyard.domain.errors import ModelRefError
from steelyard.domain.models import ModelRef, model_family
from steelyard.judging.examination import Examination, Result

if TYPE_CHECKING:
    from steelyard.statistics.agreement import JudgeAgreement

ORDER = "One output a call: the judge sees no order to be swayed by."
NOT_REPEATED = "Not measured: no output of this run came twice. More trials on a case give some that do."


@dataclass(frozen=True)
class Repeats:
    """Outputs that came out word for word alike on one case, and were judged each by itself.

    `texts` are distinct, of `outputs` in all; `mean_spread` and `most_spread` are between the highest and the lowest
    grade of one text, in points of quality.
    """

    texts: int
    outputs: int
    mean_spread: float
    most_spread: float


@dataclass(frozen=True)
class Certificate:
    """A run's judge and what is known of it. Money in microcents: what the examination took in this run.

    `examination` is None where the judge was not, or not yet, examined. `accepted`: scores count whatever it came to.
    `cut_off`: the run ended, by its budget or a person, before the examination it had paid calls for. `own_family` are
    the candidates of the judge's family. `repeats` and `people` are None where nothing is known.
    """

    judge: str
    judge_digest: str
    examination: Examination | None
    accepted: bool
    calls: int
    cost_microcents: int
    cost_is_lower_bound: bool
    own_family: tuple[str, ...]
    repeats: Repeats | None
    people: JudgeAgreement | None
    cut_off: bool = False

    @property
    def result(self) -> Result | None:
        if self.examination is None:
            return Result.UNFINISHED if self.cut_off else None
        return self.examination.result

    @property
    def mark(self) -> str | None:
        """What every report of the run has to say first: its scores count although the judge did not pass."""
        if not self.accepted or self.examination is None or self.result in (Result.PASSED, Result.NOTHING):
            return None
        why = "it failed" if self.result is Result.FAILED else "its examination was not finished"
        return f"Judge accepted although {why}: {self.examination.missed}."

    @property
    def repeats_sentence(self) -> str:
        if self.repeats is None:
            return NOT_REPEATED
        found = self.repeats
        apart = f"{found.most_spread:.1f} points apart"
        if found.texts == 1:
            return f"One output came {found.outputs:,} times and was judged each time: its grades are {apart}."
        return (
            f"{found.texts:,} outputs came more than once, {found.outputs:,} times in all, and were judged each time:"
            f" the grades of one are {found.mean_spread:.1f} points apart on average, {apart} at most."
        )

    @property
    def family_sentence(self) -> str:
        if not self.own_family:
            return "No candidate is of the judge's family."
        return f"{', '.join(self.own_family)} {'is' if len(self.own_family) == 1 else 'are'} of the judge's own family."

    def to_json(self) -> dict[str, Any]:
        """As exports have it; unknown is null."""
        return {
            "judge": self.judge,
            "judge_digest": self.judge_digest,
            "result": None if self.result is None else self.result.value,
            "accepted": self.accepted,
            "mark": self.mark,
            "examined_at": _iso(self.examination),
            "calls": self.calls,
            "cost_microcents": self.cost_microcents,
            "cost_is_lower_bound": self.cost_is_lower_bound,
            "examination": None if self.examination is None else self.examination.to_json(),
            "order": ORDER,
            "repeats": None if self.repeats is None else asdict(self.repeats),
            "own_family": list(self.own_family),
            "people": None if self.people is None else asdict(self.people),
        }


def certify(
    judge: str,
    judge_digest: str,
    candidates: Sequence[str],
    examination: Examination | None,
    *,
    accepted: bool,
    calls: int,
    cost_microcents: int,
    cost_is_lower_bound: bool,
    repeats: Repeats | None = None,
    people: JudgeAgreement | None = None,
    ended: bool = False,
) -> Certificate:
    """The certificate of a judge, `judge` and `candidates` being models as `provider:name`; `ended`: its run has."""
    return Certificate(
        judge=judge,
        judge_digest=judge_digest,
        examination=examination,
        accepted=accepted,
        calls=calls,
        cost_microcents=cost_microcents,
        cost_is_lower_bound=cost_is_lower_bound,
        own_family=_own_family(judge, candidates),
        repeats=repeats,
        people=people,
        cut_off=ended and examination is None and calls > 0,
    )


def _own_family(judge: str, candidates: Sequence[str]) -> tuple[str, ...]:
    try:
        family = model_family(ModelRef.parse(judge))
        return tuple(name for name in candidates if model_family(ModelRef.parse(name)) == family)
    except ModelRefError:
        return ()


def _iso(examination: Examination | None) -> str | None:
    when = None if examination is None else examination.graded_at
    return None if when is None else when.isoformat()
