"""The certificates of a run's judges, made of what is stored: one of a single judge, one for each of a jury."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from steelyard.domain.runs import RunStatus
from steelyard.execution.plan import Plan
from steelyard.judging.certificate import Certificate, Repeats, certify
from steelyard.judging.examination import Examination, Result, worst
from steelyard.storage.case_results import RepeatFigures, judgement_repeats
from steelyard.storage.database import Connection
from steelyard.storage.runs import RunRow

_NONE = RepeatFigures(0, 0, None, None)


async def certificates_of(
    connection: Connection, run: RunRow, verdict: Mapping[str, Any] | None
) -> tuple[Certificate, ...]:
    """Those of a run whose stored verdict is given, in the plan's order; none where no judge was to grade.

    While a run has no verdict how its judges repeat themselves is not looked for.
    """
    if run.judge is None or verdict is None:
        return certificates_so_far(run)
    # Counted once at the run's end, which runs of older versions did not.
    told = verdict.get("repeats")
    alone = RepeatFigures(**told) if told is not None else await judgement_repeats(connection, run.id)
    each = {digest: RepeatFigures(**found) for digest, found in verdict.get("juror_repeats", {}).items()}
    return certificates_so_far(run, alone, each)


def certificates_so_far(
    run: RunRow, repeats: RepeatFigures = _NONE, of_jurors: Mapping[str, RepeatFigures] | None = None
) -> tuple[Certificate, ...]:
    """As `certificates_of`, from the run's row alone: what a run under way shows."""
    if run.judge is None:
        return ()
    ended = run.status not in (RunStatus.PENDING, RunStatus.RUNNING)
    jury = Plan.from_json(run.plan).jury if "jury" in run.plan else ()
    if not jury:
        return (
            certify(
                run.judge,
                run.judge_digest or "",
                run.models,
                None if run.examination is None else Examination.from_json(run.examination),
                accepted=run.accept_judge,
                calls=run.examined_calls,
                cost_microcents=run.examined_microcents,
                cost_is_lower_bound=run.judge_spent_is_lower_bound and run.examined_calls > 0,
                repeats=_repeats(repeats),
                ended=ended,
            ),
        )
    parts: Mapping[str, Any] = (run.examination or {}).get("jury", {})
    made: list[Certificate] = []
    for juror in jury:
        part = parts.get(juror.digest, {})
        found = part.get("examination")
        made.append(
            certify(
                juror.judge,
                juror.digest,
                run.models,
                None if found is None else Examination.from_json(found),
                accepted=run.accept_judge,
                calls=part.get("calls", 0),
                cost_microcents=part.get("microcents", 0),
                cost_is_lower_bound=run.judge_spent_is_lower_bound and part.get("calls", 0) > 0,
                repeats=_repeats((of_jurors or {}).get(juror.digest, _NONE)),
                ended=ended,
            )
        )
    return tuple(made)


def mark_of(certificates: tuple[Certificate, ...]) -> str | None:
    """What every report of the run has to say first; of a jury by the judges' names."""
    marks = [(one.judge, one.mark) for one in certificates if one.mark is not None]
    if not marks:
        return None
    if len(certificates) == 1:
        return marks[0][1]
    return " ".join(f"{mark.replace('Judge accepted', f'Judge {judge} accepted', 1)}" for judge, mark in marks)


def failed_judges(run: RunRow) -> str:
    """`The judge a failed its`, by the name of each that did; all judges of a run that does not say which."""
    found = [one.judge for one in certificates_so_far(run) if one.result is Result.FAILED]
    return (
        f"The judges {' and '.join(found)} failed their"
        if len(found) > 1
        else f"The judge {found[0] if found else run.judge} failed its"
    )


def examination_word(certificates: tuple[Certificate, ...]) -> str | None:
    """What the run's judge was found to be in a word; of a jury the weightiest, with the names of whom it is."""
    result = worst({one.result for one in certificates if one.result is not None})
    if result in (None, Result.PASSED, Result.NOTHING) or len(certificates) < 2:
        return result
    return f"{result}: {', '.join(one.judge for one in certificates if one.result is result)}"


def mark_so_far(run: RunRow) -> str | None:
    """The mark of a run from its row alone."""
    return mark_of(certificates_so_far(run))


def _repeats(found: RepeatFigures) -> Repeats | None:
    if found.mean_spread is None or found.most_spread is None:
        return None
    return Repeats(found.texts, found.outputs, found.mean_spread, found.most_spread)
