"""All operations of the API by their nouns, their routers, and the document that describes them."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from typing import Any

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from steelyard.api import (
    audit,
    budget,
    case_drafts,
    case_health,
    cases,
    comparisons,
    feedback,
    invitations,
    keys,
    measurements,
    members,
    models,
    parts,
    probes,
    provider_prices,
    providers,
    queue,
    ratings,
    reviews,
    run_cases,
    run_start,
    runs,
    settings,
    skills,
    spend,
    staleness,
    standing,
    suggestions,
    tie_breaks,
    traces,
    versions,
)
from steelyard.api.openapi import document
from steelyard.api.operation import Operation, Operations

PATH = "/v1/openapi.json"

NOUNS: dict[str, str] = {
    "skills": "Skills with their standing: how good, by which model, at what cost, and whether that still holds.",
    "versions": "A skill's texts, each under its digest; one is in use, drafts are tried beside it.",
    "standing": "What is known of a skill: verdict, figures in use and their trends, production beside the benchmark.",
    "staleness": "What speaks against benchmarks, with evidence and what testing again would take.",
    "cases": "Golden cases: an input, and what is expected of the output.",
    "queue": "What waits to become a golden case: proposed, drafted, from users, or disputed.",
    "case drafts": "Golden cases drafted by a model. Paid.",
    "runs": "Benchmark runs: models on a skill's golden cases, graded by a judge, with a verdict. Paid.",
    "run cases": "What a run holds: cells, cases by models, outputs with their grades.",
    "tie-breaks": "Tied models compared pair by pair, beside the verdict. Paid.",
    "ratings": "What people say of a run's outputs, and how far the judge agrees with them.",
    "reviews": "A model's review of a skill's text, with edits. Paid.",
    "suggestions": "What users suggest for a skill.",
    "feedback": "What users say of skills.",
    "uses": "Uses of skills in production, as measurements or as OpenTelemetry's spans.",
    "models": "Models that were used, and those to choose from, with their prices.",
    "parts": "What Steelyard's own command line shows of a server, in the form of the server's version.",
    "settings": "How old benchmarks may be, who is told of stale ones, and what is run again of itself.",
    "providers": "The tenant's own providers of models, and the prices of these. A key goes in, and never comes out.",
    "budget": "What may be spent in a month and on one run.",
    "spend": "What a month's money went to.",
    "members": "Who belongs to the tenant, on a team's server.",
    "invitations": "Who is invited to it. A link is answered once.",
    "keys": "API keys. One is answered once, when it is made.",
    "audit": "Who changed what and when.",
}
_OF_NOUNS: tuple[Operations, ...] = (
    skills.operation,
    versions.operation,
    standing.operation,
    staleness.operation,
    cases.operation,
    case_health.operation,
    queue.operation,
    case_drafts.operation,
    run_start.operation,
    runs.operation,
    comparisons.operation,
    run_cases.operation,
    tie_breaks.operation,
    ratings.operation,
    reviews.operation,
    suggestions.operation,
    feedback.operation,
    measurements.operation,
    traces.operation,
    models.operation,
    parts.operation,
    settings.operation,
    providers.operation,
    provider_prices.operation,
    budget.operation,
    spend.operation,
    members.operation,
    invitations.operation,
    keys.operation,
    audit.operation,
)

router = APIRouter()
ROUTERS = (*(one.router for one in _OF_NOUNS), probes.router, router)


def operations() -> list[Operation]:
    """Every operation, noun by noun."""
    return [operation for one in _OF_NOUNS for operation in one.all]


@cache
def openapi() -> dict[str, Any]:
    """The OpenAPI document."""
    return document(operations(), NOUNS, version=version("steelyard"))


@router.get(PATH)
async def openapi_document() -> Response:
    return JSONResponse(openapi())
