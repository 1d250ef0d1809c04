"""/v1/runs/{run}/ratings: people rate outputs of a run, blind as they are drawn, or with the model in view."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path, Query
from pydantic import Field

from steelyard.api.deps import DEFAULT_LIMIT, After, Bench, Limit, Tenant, Who, name_for
from steelyard.api.fields import Arm, Count, Given, Id, Model, Moment, Page, Points, Quality, Shown
from steelyard.api.operation import Operations, json_of
from steelyard.api.paging import newest_first, window
from steelyard.api.reports import Document, Json
from steelyard.api.run_cases import Text
from steelyard.api.runs import RunId
from steelyard.services.ratings import MAX_NOTE, MAX_RATER, RatingPage

operation = Operations("ratings")

Rater = Annotated[
    str | None,
    Field(
        max_length=MAX_RATER,
        description="Who rates through a key, kept as Ada (by key checkout); the key itself without.",
        examples=["Ada"],
    ),
]
Score = Annotated[int, Field(ge=1, le=10, description="1 to 10.", examples=[8])]
Note = Annotated[str, Field(max_length=MAX_NOTE)]


class Rating(Shown):
    """A rating with what it is of. `points`: the score on 0 to 100; `quality_score`: the grade of the same output."""

    case_number: Annotated[int, Field(description="From 1.", examples=[1])]
    case_key: str
    model_name: Model
    arm: Arm
    trial: Annotated[int, Field(description="From 0.", examples=[0])]
    rater: str
    score: Annotated[int | None, Field(description="1 to 10; null: passed over.", examples=[8])]
    points: Points | None
    note: str
    drawn: Annotated[bool, Field(description="It was drawn, and not chosen.")]
    blind: Annotated[bool, Field(description="The rater did not see the model.")]
    quality_score: Quality | None
    rated_at: Moment


class RatingFile(Shown):
    """A file of the case."""

    path: str
    text: Text


class RatingTask(Shown):
    """One output to rate, with nothing that tells whose it is. `place` names it; its texts are hostile."""

    place: Annotated[int, Field(examples=[0])]
    input: Text
    expected: Text
    files: list[RatingFile]
    output: str
    cut: Annotated[bool, Field(description="The middle of the output is left out, as for the judge.")]


class RatingProgress(Shown):
    """How far a rater is: `rated` and `skipped` of the `asked` outputs of `cases` drawn cases."""

    rated: Count
    skipped: Count
    asked: Count
    cases: Count
    left: Count
    goals: Annotated[list[int], Field(description="At how many cases what people say is looked at.")]
    models: Annotated[Count, Field(description="Outputs of each case.")]
    claimable: Annotated[bool, Field(description="The run has enough cases for a claim on the human scale.")]


class NextRating(Shown):
    """What a rater is asked next; `task` is null where nothing is left."""

    task: RatingTask | None
    progress: RatingProgress


class NewRating(Given):
    """A blind rating; without a score the output is passed over."""

    rater: Rater = None
    score: Annotated[int | None, Field(ge=1, le=10, description="1 to 10; null passes it over.", examples=[8])] = None
    note: Note = ""


class NewRatingInView(Given):
    """A rating by someone who sees the model and its grade: it counts for no claim."""

    rater: Rater = None
    score: Score
    note: Note = ""


class People(Document):
    """What people's ratings say of a run and of its judge: the form `steelyard.people/1`."""

    form: Annotated[str, Field(alias="schema", examples=["steelyard.people/1"])]
    run_id: Id
    judge: str | None
    ratings: Count
    outputs: Count


@operation("GET", "/v1/runs/{run_id}/ratings", answers=Page[Rating])
async def list_ratings(
    bench: Bench, tenant: Tenant, run_id: RunId, after: After = None, limit: Limit = DEFAULT_LIMIT
) -> Page[Rating]:
    """Every rating of a run, the newest first."""
    await bench.run_views.signature(tenant, run_id)
    rows = [row async for row in bench.ratings.export(tenant, run_id)]
    found, token = window(
        rows,
        lambda one: (
            newest_first(one.rated_at, run_id)[0],
            one.rater,
            one.case_number,
            one.model_name,
            one.arm,
            one.trial,
        ),
        after,
        limit,
    )
    return Page[Rating](items=[Rating.of(one) for one in found], next=token)


@operation("GET", "/v1/runs/{run_id}/people", answers=People)
async def get_people(bench: Bench, tenant: Tenant, run_id: RunId) -> Json:
    """What people's ratings of a run say, and how far the judge agrees with them."""
    return (await bench.people.report(tenant, run_id)).to_json()


@operation("GET", "/v1/runs/{run_id}/ratings/next", answers=NextRating, errors=(409,))
async def get_next_rating(
    bench: Bench,
    tenant: Tenant,
    who: Who,
    run_id: RunId,
    rater: Annotated[str, Query(max_length=MAX_RATER, description="As for a rating.")] = "",
    cases: Annotated[int, Query(ge=0, le=1_000_000, description="How many drawn cases to rate.")] = 0,
    again: Annotated[bool, Query(description="Ask about what was passed over.")] = False,
) -> NextRating:
    """The output a rater is to rate next, drawn and blind. 409 while the run is under way."""
    page = await bench.ratings.page(tenant, run_id, name_for(who, rater), cases=cases, again=again)
    return _next(page)


@operation("PUT", "/v1/runs/{run_id}/ratings/{place}", answers=NextRating, errors=(409,))
async def put_rating(
    bench: Bench,
    tenant: Tenant,
    who: Who,
    run_id: RunId,
    place: Annotated[int, Path(ge=0, le=2**31 - 1, description="The place of the output that was drawn.")],
    body: Annotated[NewRating, Depends(json_of(NewRating))],
) -> NextRating:
    """Rate an output that was drawn, or pass it over; answers what is to be rated next."""
    rater = name_for(who, body.rater)
    await bench.ratings.rate(tenant, run_id, rater, place, body.score, body.note)
    return _next(await bench.ratings.page(tenant, run_id, rater))


@operation("PUT", "/v1/runs/{run_id}/outputs/{output_id}/rating", status=204, errors=(409,))
async def put_rating_in_view(
    bench: Bench,
    tenant: Tenant,
    who: Who,
    run_id: RunId,
    output_id: UUID,
    body: Annotated[NewRatingInView, Depends(json_of(NewRatingInView))],
) -> None:
    """Rate an output with its model in view. 409 where this rater has rated it blind."""
    await bench.ratings.rate_in_view(tenant, run_id, output_id, name_for(who, body.rater), body.score, body.note)


def _next(page: RatingPage) -> NextRating:
    task = page.task
    shown = None
    if task is not None:
        shown = RatingTask(
            place=task.place,
            input=Text.of(task.input),
            expected=Text.of(task.expected),
            files=[RatingFile(path=path, text=Text.of(text)) for path, text in task.files],
            output=task.output,
            cut=task.cut,
        )
    return NextRating(task=shown, progress=RatingProgress.of(page.progress))
