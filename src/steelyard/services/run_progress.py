"""How far a run is: cells by model and arm, money, time, and what is left of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from steelyard.domain.calls import FailureKind, Trouble
from steelyard.domain.races import RaceStanding
from steelyard.domain.runs import CellState, RunCounts, RunStatus
from steelyard.services.examining import ExaminationStanding, standing_of
from steelyard.services.waits import wait_words
from steelyard.storage import progress
from steelyard.storage.database import Connection
from steelyard.storage.progress import CellGroup, RunHead
from steelyard.storage.queue import STALLED_AFTER_S
from steelyard.storage.served import RUNS, unserved, waits_of

UNDER_WAY = (RunStatus.PENDING, RunStatus.RUNNING)

_FEWEST_ENDS = 3
_SHORTEST_SPAN_S = 2.0


@dataclass(frozen=True)
class Lane:
    """One model in one arm, counted in cells.

    `ended` have come to their end; `failed` are the model's own failures (they score 0), `outages` ended without an
    answer for another reason, `ungraded` are answers whose judge failed or has not come yet.
    """

    model: str
    arm: str
    planned: int
    ended: int
    answered: int
    judged: int
    failed: int
    outages: int
    ungraded: int
    reused: int

    @property
    def missing(self) -> int:
        """Cells without an answer that are no failure of the model's own: answered + failed + missing = planned."""
        return max(0, self.planned - self.answered - self.failed)

    @property
    def left(self) -> int:
        return self.planned - self.ended


@dataclass(frozen=True)
class RunProgress:
    """How far a run is at one moment. Money in microcents, times in seconds.

    `elapsed_s` counts from the first start to the end, pauses between a stop and a resume included; None before it.
    `left_s` is what is left at the pace of the last cells (at most 200 of them, of the last three minutes); None when
    that says nothing. `signature` stays the same while nothing was committed. `quiet`: it runs, and for three minutes
    no cell has ended; `unserved`: it runs by its row, and no worker is there. `providers` are those of its models and
    its judge; `troubles` is what calls of them keep failing with in this process, which need not be the one that makes
    this run's. In a race `planned` is what it comes to at most as it stands. `examination` is that of its judge, None
    where there is none yet. `waits` says what it waits for, and what to do, while nobody has it in hand; `left` whether
    it had begun to be served, or could not be.
    """

    run_id: UUID
    status: str
    stop_cause: str | None
    partial: bool
    planned: int
    lanes: tuple[Lane, ...]
    spent_microcents: int
    judge_spent_microcents: int
    spent_is_lower_bound: bool
    budget_microcents: int | None
    error_message: str | None
    started_at: datetime | None
    completed_at: datetime | None
    elapsed_s: float | None
    left_s: float | None
    quiet: bool
    unserved: bool
    signature: str
    providers: frozenset[str]
    troubles: tuple[Trouble, ...] = ()
    race: RaceStanding | None = None
    examination: ExaminationStanding | None = None
    waits: str | None = None
    left: bool = False

    @property
    def under_way(self) -> bool:
        return self.status in UNDER_WAY

    @property
    def ended(self) -> int:
        return sum(lane.ended for lane in self.lanes)

    @property
    def answered(self) -> int:
        return sum(lane.answered for lane in self.lanes)

    @property
    def failed(self) -> int:
        return sum(lane.failed for lane in self.lanes)

    @property
    def outages(self) -> int:
        return sum(lane.outages for lane in self.lanes)

    @property
    def reused(self) -> int:
        return sum(lane.reused for lane in self.lanes)

    @property
    def missing(self) -> int:
        return sum(lane.missing for lane in self.lanes)

    @property
    def counts(self) -> RunCounts:
        judged = sum(lane.judged for lane in self.lanes)
        return RunCounts(self.planned, self.answered, judged, self.failed, self.missing, self.reused)

    def with_troubles(self, troubles: Sequence[Trouble]) -> RunProgress:
        """The same with those of `troubles` that may hold it up: none once it has ended or before it begins."""
        met = tuple(one for one in troubles if one.provider in self.providers)
        return replace(self, troubles=met if self.status == RunStatus.RUNNING else ())

    def by_model(self) -> dict[str, Lane]:
        """The arms of each model put together, in the plan's order; `arm` is empty."""
        joined: dict[str, Lane] = {}
        for lane in self.lanes:
            one = joined.get(lane.model)
            joined[lane.model] = Lane(
                lane.model,
                "",
                lane.planned + (one.planned if one else 0),
                lane.ended + (one.ended if one else 0),
                lane.answered + (one.answered if one else 0),
                lane.judged + (one.judged if one else 0),
                lane.failed + (one.failed if one else 0),
                lane.outages + (one.outages if one else 0),
                lane.ungraded + (one.ungraded if one else 0),
                lane.reused + (one.reused if one else 0),
            )
        return joined


async def read_progress(connection: Connection, run_id: UUID) -> RunProgress:
    """How far the run is. Raises NotFound."""
    head = await progress.run_head(connection, run_id)
    return await progress_of(connection, head, await progress.cell_groups(connection, run_id, details=False))


async def progress_of(connection: Connection, head: RunHead, groups: Sequence[CellGroup]) -> RunProgress:
    """How far a run is whose row and cells were read already."""
    ages = await progress.last_ends(connection, head.id) if head.status == RunStatus.RUNNING else []
    race = None if head.race is None else RaceStanding.from_json(head.race)
    lanes = tuple(
        _lane(
            model,
            arm,
            head.cells_per_lane if race is None else race.cases_of(model) * race.cells_per_case // len(head.arms),
            [one for one in groups if (one.model_name, one.arm) == (model, arm)],
        )
        for model in head.models
        for arm in head.arms
    )
    elapsed = None if head.started_at is None else (head.completed_at or head.now) - head.started_at
    elapsed_s = None if elapsed is None else elapsed.total_seconds()
    running_s = elapsed_s if elapsed_s is not None and head.status == RunStatus.RUNNING else 0.0
    # While cells end somebody serves it, and nobody has to be looked for.
    still = head.status == RunStatus.RUNNING and (not ages or ages[0] > STALLED_AFTER_S)
    may_wait = [head.id] if head.status == RunStatus.PENDING or head.left else []
    wait = (await waits_of(connection, RUNS, may_wait)).get(head.id)
    left = wait is not None and wait.why is not None
    examination = standing_of(head.examining, head.examination, accepted=head.accept_judge, jury=head.jury or ())
    if examination is not None and examination.under_way and head.status not in UNDER_WAY:
        # The run ended before it did.
        examination = None
    return RunProgress(
        run_id=head.id,
        status=head.status,
        stop_cause=head.stop_cause,
        partial=head.partial,
        planned=head.planned,
        lanes=lanes,
        spent_microcents=head.spent_microcents,
        judge_spent_microcents=head.judge_spent_microcents,
        spent_is_lower_bound=head.spent_is_lower_bound,
        budget_microcents=head.budget_microcents,
        error_message=head.error_message,
        started_at=head.started_at,
        completed_at=head.completed_at,
        elapsed_s=elapsed_s,
        left_s=None if left else time_left_s(ages, sum(lane.left for lane in lanes)),
        quiet=running_s > progress.PACE_WINDOW_S and not ages and not left,
        unserved=still and head.id in await unserved(connection, [head.id]),
        signature=head.signature,
        # As references are written: provider:name, those of a jury with commas between.
        providers=frozenset(model.partition(":")[0] for model in (*head.models, *(head.judge or "").split(", "))),
        race=race,
        examination=examination,
        waits=None if wait is None else wait_words(wait),
        left=left,
    )


def time_left_s(ages_s: Sequence[float], left: int) -> float | None:
    """Seconds until `left` more cells have ended, at the pace of the last ones.

    `ages_s`: how long ago the last cells ended, newest first. The pace is taken up to now, so that it falls while
    nothing ends. None below three ends or two seconds. Cells committed together with the oldest one do not count: they
    ended before the span began.
    """
    if not ages_s or left <= 0:
        return None
    span_s = ages_s[-1]
    ends = sum(age < span_s for age in ages_s)
    if ends < _FEWEST_ENDS or span_s < _SHORTEST_SPAN_S:
        return None
    return left * span_s / ends


def _lane(model: str, arm: str, planned: int, groups: Sequence[CellGroup]) -> Lane:
    failed = [group for group in groups if group.state == CellState.FAILED]
    answered = [group for group in groups if group.state != CellState.FAILED]
    own = sum(
        group.cells
        for group in failed
        if group.failure_kind is not None and FailureKind(group.failure_kind).scores_zero
    )
    lost = sum(group.cells for group in failed)
    return Lane(
        model=model,
        arm=arm,
        planned=planned,
        ended=sum(group.ended for group in groups),
        answered=sum(group.cells for group in answered),
        judged=sum(group.cells for group in answered if group.state == CellState.JUDGED),
        failed=own,
        outages=lost - own,
        ungraded=sum(
            group.cells if group.failure_kind is not None else group.cells - group.ended
            for group in answered
            if group.state == CellState.ANSWERED
        ),
        reused=sum(group.reused for group in groups),
    )
