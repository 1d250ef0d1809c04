"""The certificate of a run's judge, made of what is stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from steelyard.judging.certificate import Certificate, Repeats, certify
from steelyard.judging.examination import Examination
from steelyard.storage.case_results import RepeatFigures, judgement_repeats
from steelyard.storage.database import Connection
from steelyard.storage.runs import RunRow


async def certificate_of(connection: Connection, run: RunRow, verdict: Mapping[str, Any] | None) -> Certificate | None:
    """The certificate of a run whose stored verdict is given; None where no judge was to grade.

    While a run has no verdict how its judge repeats itself is not looked for.
    """
    if run.judge is None:
        return None
    repeats = RepeatFigures(0, 0, None, None)
    if verdict is not None:
        # Counted once at the run's end, which runs of older versions did not.
        told = verdict.get("repeats")
        repeats = RepeatFigures(**told) if told is not None else await judgement_repeats(connection, run.id)
    return certificate_so_far(run, repeats)


def certificate_so_far(run: RunRow, repeats: RepeatFigures | None = None) -> Certificate | None:
    """As `certificate_of`, from the run's row alone: what a run under way shows."""
    if run.judge is None:
        return None
    return certify(
        run.judge,
        run.judge_digest or "",
        run.models,
        None if run.examination is None else Examination.from_json(run.examination),
        accepted=run.accept_judge,
        calls=run.examined_calls,
        cost_microcents=run.examined_microcents,
        cost_is_lower_bound=run.spent_is_lower_bound,
        repeats=_repeats(repeats),
    )


def _repeats(found: RepeatFigures | None) -> Repeats | None:
    if found is None or found.mean_spread is None or found.most_spread is None:
        return None
    return Repeats(found.texts, found.outputs, found.mean_spread, found.most_spread)
