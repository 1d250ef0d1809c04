"""What the examination of a judge would still take for a request, and what is known of the judge already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from steelyard.judging import Judge
from steelyard.judging.canaries import Canary, canaries_of
from steelyard.judging.examination import Result, canary_digest, examined
from steelyard.services.run_request import RunRequest
from steelyard.storage import skills
from steelyard.storage.canaries import canary_rows
from steelyard.storage.database import Connection


@dataclass(frozen=True)
class ExaminationAhead:
    """`ungraded` are the canaries the judge has yet to be asked about. `known_to_fail` says what it scored where its
    grades are all there and do not pass; None otherwise.
    """

    ungraded: Sequence[Canary] = ()
    known_to_fail: str | None = None


async def examination_ahead(connection: Connection, request: RunRequest, judge: Judge | None) -> ExaminationAhead:
    """What a run of this request would find. Nothing without a judge, or without a case that needs one."""
    canaries = canaries_of(request.cases) if judge is not None else ()
    if judge is None or not canaries:
        return ExaminationAhead()
    kept = request.kept
    skill_id = await skills.id_of(connection, request.content.name) if kept is None else kept.skill_id
    if request.fresh or skill_id is None:
        return ExaminationAhead(canaries)
    digests = [canary_digest(canary, request.cases[canary.case_index]) for canary in canaries]
    rows = await canary_rows(connection, skill_id, judge.digest, digests)
    graded = {digest: row for digest, row in rows.items() if row.graded_at is not None}
    ungraded = [canary for canary, digest in zip(canaries, digests, strict=True) if digest not in graded]
    if ungraded:
        return ExaminationAhead(ungraded)
    found = examined(
        canaries,
        [graded[digest].quality for digest in digests],
        [graded[digest].graded_at for digest in digests],
        [None] * len(canaries),
    )
    return ExaminationAhead((), found.missed if found.result is Result.FAILED else None)
