"""People rate outputs of a run: the next one drawn, blind; skipped, taken back, or rated with the model in view."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from steelyard.domain.cases import GoldenCase
from steelyard.domain.errors import Conflict, InputError, ModelRefError, NotFound
from steelyard.domain.models import ModelRef
from steelyard.domain.names import unprintable
from steelyard.execution.plan import Plan
from steelyard.execution.scores import compared_arm
from steelyard.judging.protocol import shown_to_judge
from steelyard.services.case_view import CutText, cut_text
from steelyard.services.rating_draw import Asked, RatingDraw, first_goal, goals
from steelyard.services.run_progress import UNDER_WAY
from steelyard.skills.text import unstorable
from steelyard.storage import ratings, runs
from steelyard.storage.case_results import whole_output
from steelyard.storage.cases import cases_by_id
from steelyard.storage.database import Connection, Database
from steelyard.storage.ratings import RatableCell, RatingExport, RatingRow
from steelyard.storage.runs import RunRow

MAX_RATER = 80
MAX_NOTE = 2_000
NAME_LEFT_OUT = "[name left out]"
_FIRST_READ = 32


@dataclass(frozen=True)
class RatingProgress:
    """How far one rater is on the way to a goal: `rated` and `skipped` of the `asked` outputs of `cases` drawn cases.

    `goals`: at how many cases what people say is looked at. `models`: how many outputs each case has. `claimable`:
    the run has enough cases for a claim on the human scale.
    """

    rated: int
    skipped: int
    asked: int
    cases: int
    goals: tuple[int, ...]
    models: int
    claimable: bool

    @property
    def left(self) -> int:
        return self.asked - self.rated - self.skipped

    @property
    def next_goal(self) -> int | None:
        return next((goal for goal in self.goals if goal > self.cases), None)


@dataclass(frozen=True)
class RatingTask:
    """One output to rate, with nothing that tells whose it is. `place` names it; texts are hostile.

    `files` of the case are (path, text). `cut`: the middle of the output is left out, as for the judge.
    """

    place: int
    input: CutText
    expected: CutText
    files: tuple[tuple[str, CutText], ...]
    output: str
    cut: bool


@dataclass(frozen=True)
class RatingPage:
    """What a rater is asked next; `task` is None where nothing is left up to the goal."""

    run: RunRow
    progress: RatingProgress
    task: RatingTask | None
    can_undo: bool


@dataclass(frozen=True)
class DrawnRun:
    """A run with its draw and the graded cells of its compared arm, by (case, model, trial).

    Families and cells are those of the first drawn cases, as many as the goal takes, or of all. `goals` are numbers of
    drawn cases; `claimable`: the first suffices for a claim on the human scale.
    """

    run: RunRow
    plan: Plan
    draw: RatingDraw
    families: Sequence[str | None]
    cells: Mapping[tuple[int, int, int], RatableCell]
    goals: tuple[int, ...]
    claimable: bool

    def cell(self, asked: Asked) -> RatableCell | None:
        return self.cells.get((asked.case, asked.model, asked.trial))

    def asked(self, cases: int) -> list[tuple[int, RatableCell]]:
        """(place, cell) of what can be shown of the first so many drawn cases, as it is asked for."""
        found = ((place, self.cell(asked)) for place, asked in self.draw.outputs(cases))
        return [(place, cell) for place, cell in found if cell is not None and cell.ratable]


class RatingService:
    """Use cases on ratings, for one tenant at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(
        self, tenant_id: UUID, run_id: UUID, rater: str | None, *, cases: int = 0, again: bool = False
    ) -> RatingPage:
        """What `rater` is asked next on the way to rating `cases` drawn cases (at least as many as a claim needs).

        `again` asks about what the rater has skipped; without a rater there is no task, only how much is asked for.
        Raises InputError, NotFound, Conflict while the run is under way.
        """
        rater = rater and rater_name(rater)
        async with self._database.tenant(tenant_id) as connection:
            drawn = await _ended(connection, run_id, cases)
            goal = next((one for one in drawn.goals if one >= cases), drawn.goals[-1])
            asked = drawn.asked(goal)
            said = {
                row.benchmark_result_id: row
                for row in await ratings.run_ratings(connection, run_id)
                if row.rater == rater
            }
            left = [
                (place, cell) for place, cell in asked if cell.id not in said or (again and said[cell.id].score is None)
            ]
            task = None
            if left and rater:
                place, cell = left[0]
                case_id = drawn.plan.case_ids[cell.test_case_index]
                case = (await cases_by_id(connection, [case_id]))[case_id]
                output = await whole_output(connection, run_id, cell.id)
                # Stripping reads the whole text, and others wait meanwhile.
                task = await asyncio.to_thread(_task, place, case, output, drawn.plan.models)
        scores = [said[cell.id].score for _, cell in asked if cell.id in said]
        skipped = scores.count(None)
        progress = RatingProgress(
            len(scores) - skipped,
            skipped,
            len(asked),
            goal,
            drawn.goals,
            models=len(drawn.plan.models),
            claimable=drawn.claimable,
        )
        return RatingPage(drawn.run, progress, task, any(row.drawn for row in said.values()))

    async def rate(
        self, tenant_id: UUID, run_id: UUID, rater: str, place: int, score: int | None, note: str = ""
    ) -> None:
        """Keep a blind rating of the output drawn at `place`; a `score` of None passes it over.

        Raises InputError, NotFound, Conflict where this rater has rated it with the model in view.
        """
        rater = rater_name(rater)
        _check(score, note)
        async with self._database.tenant(tenant_id) as connection:
            run = await runs.get_run(connection, run_id)
            plan = Plan.from_json(run.plan)
            asked = draw_of(run, plan).at(place)
            cell = None
            if asked is not None:
                cells = await ratings.ratable_cells(connection, run_id, compared_arm(plan).value, [asked.case])
                model = plan.models[asked.model]
                cell = next((one for one in cells if one.model_name == model and one.trial == asked.trial), None)
            if cell is None or not cell.ratable:
                raise NotFound("This run asks for no such output.", next_step="Load the rating page again.")
            kept = await ratings.put_rating(
                connection, tenant_id, run_id, cell.id, rater, score=score, note=note.strip(), drawn=True, blind=True
            )
            if not kept:
                await _refuse_anothers(connection, cell.id, rater)
                raise Conflict(
                    "You have rated this output with its model in view.",
                    kept="That rating stands; it counts for no claim.",
                )

    async def take_back(self, tenant_id: UUID, run_id: UUID, rater: str) -> bool:
        """Take back what the rater said last of a drawn output, so that it is asked for again. Raises InputError."""
        async with self._database.tenant(tenant_id) as connection:
            return await ratings.take_back_last(connection, run_id, rater_name(rater))

    async def rate_in_view(
        self, tenant_id: UUID, run_id: UUID, result_id: UUID, rater: str, score: int, note: str = ""
    ) -> None:
        """Keep a rating by someone who sees the model and its grade: it is told apart and counts for no claim.

        Raises InputError, NotFound, Conflict where this rater has rated the output blind.
        """
        rater = rater_name(rater)
        _check(score, note)
        async with self._database.tenant(tenant_id) as connection:
            await whole_output(connection, run_id, result_id)
            kept = await ratings.put_rating(
                connection,
                tenant_id,
                run_id,
                result_id,
                rater,
                score=score,
                note=note.strip(),
                drawn=False,
                blind=False,
            )
            if not kept:
                await _refuse_anothers(connection, result_id, rater)
                raise Conflict(
                    f"{rater} has been asked about this output blind.",
                    kept="What was said then stands.",
                    next_step="It can be taken back on the rating page.",
                )

    async def of_case(self, tenant_id: UUID, run_id: UUID, case_index: int) -> dict[UUID, list[RatingRow]]:
        """The scores given to the outputs of one case of the run, by result."""
        async with self._database.tenant(tenant_id) as connection:
            found = await ratings.ratings_of_case(connection, run_id, case_index)
        by_result: dict[UUID, list[RatingRow]] = {}
        for row in found:
            by_result.setdefault(row.benchmark_result_id, []).append(row)
        return by_result

    async def export(self, tenant_id: UUID, run_id: UUID) -> AsyncGenerator[RatingExport]:
        """Every rating of the run, for a download."""
        async with self._database.tenant(tenant_id) as connection:
            rows = await ratings.export_ratings(connection, run_id)
        for row in rows:
            yield row


def rater_name(given: str) -> str:
    """The name as it is kept, without needless space. Raises InputError."""
    name = " ".join(given.split())
    if not name:
        raise InputError("Ratings need a name.", field="rater", next_step="Write yours, or any by which you are known.")
    if len(name) > MAX_RATER or unstorable(name):
        raise InputError(f"A rater's name has at most {MAX_RATER} characters that can be printed.", field="rater")
    if (sign := unprintable(name)) is not None:
        raise InputError(f"It has a sign that cannot be seen: {sign}.", field="rater", next_step="Leave it out.")
    return name


def draw_of(run: RunRow, plan: Plan) -> RatingDraw:
    """The draw of that run."""
    return RatingDraw(run.id, plan.seed, cases=len(plan.case_ids), models=len(plan.models), trials=plan.trials)


async def drawn_run(connection: Connection, run: RunRow, *, cases: int = 0, whole: bool = False) -> DrawnRun:
    """The run's draw with its cells, of all cases if `whole`, else of those of the first goal from `cases` on."""
    plan = Plan.from_json(run.plan)
    draw, arm = draw_of(run, plan), compared_arm(plan).value
    places = {model: place for place, model in enumerate(plan.models)}
    read = len(draw.order) if whole else min(_FIRST_READ, len(draw.order))
    while True:
        by_id = await ratings.families_of(connection, [plan.case_ids[case] for case in draw.order[:read]])
        families = [by_id.get(case_id) for case_id in plan.case_ids]
        found = await ratings.ratable_cells(connection, run.id, arm, None if whole else draw.order[:read])
        cells = {(cell.test_case_index, places[cell.model_name], cell.trial): cell for cell in found}

        def scored(case: int, model: int, cells: Mapping[tuple[int, int, int], RatableCell] = cells) -> bool:
            cell = cells.get((case, model, draw.trial(case)))
            return cell is not None and cell.score is not None

        first = first_goal(draw.order[:read], len(plan.models), scored, families)
        made = goals(first, len(draw.order))
        wanted = next((goal for goal in made if goal >= cases), made[-1])
        if (first is not None and wanted <= read) or read == len(draw.order):
            return DrawnRun(run, plan, draw, families, cells, made, first is not None)
        read = min(max(4 * read, wanted), len(draw.order))


def blind_copy(output: str, case: GoldenCase, models: Sequence[str]) -> tuple[str, bool]:
    """(the output as a rater sees it, whether its middle is left out): the judge's copy without the run's own models.

    The judge's copy has no self-identification; a model's name as it is typed (`gpt-4o-mini`) may still stand anywhere
    in it. Names that the case itself has stay, and so do those that are ordinary words (`mistral`).
    """
    shown = shown_to_judge(output, case.prompt)
    asked = f"{case.prompt}\n{case.expected}".lower()
    text = shown.text
    for name in sorted(_telling(models), key=len, reverse=True):
        if name.lower() not in asked:
            text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", NAME_LEFT_OUT, text, flags=re.IGNORECASE)
    return text, shown.cut


def _telling(models: Sequence[str]) -> set[str]:
    names: set[str] = set()
    for text in models:
        try:
            name = ModelRef.parse(text).name
        except ModelRefError:
            name = text
        names |= {text, name, name.rpartition("/")[2]}
    return {name for name in names if len(name) > 3 and re.search(r"\d", name)}


def _task(place: int, case: GoldenCase, output: str, models: Sequence[str]) -> RatingTask:
    text, cut = blind_copy(output, case, models)
    return RatingTask(
        place,
        cut_text(case.input),
        cut_text(case.expected),
        tuple((path, cut_text(content)) for path, content in sorted(case.files.items())),
        text,
        cut,
    )


async def _ended(connection: Connection, run_id: UUID, cases: int) -> DrawnRun:
    run = await runs.get_run(connection, run_id)
    if run.status in UNDER_WAY:
        raise Conflict(
            "This run is still under way: which outputs are there yet is no random draw.",
            next_step="Rate once it has ended.",
        )
    return await drawn_run(connection, run, cases=cases)


async def _refuse_anothers(connection: Connection, result_id: UUID, rater: str) -> None:
    """Raises Conflict where somebody else has rated the output under that name."""
    if await ratings.is_of_another(connection, result_id, rater):
        raise Conflict(
            f"Somebody else has rated this output as {rater}.",
            kept="That rating stands.",
            next_step="Rate under another name.",
        )


def _check(score: int | None, note: str) -> None:
    if score is not None and not 1 <= score <= 10:
        raise InputError("A rating is a whole number from 1 to 10.", field="score")
    if len(note) > MAX_NOTE or unstorable(note):
        raise InputError(f"A note has at most {MAX_NOTE:,} characters.", field="note")
