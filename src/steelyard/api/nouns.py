"""All operations of the API by their nouns, their routers, and the document that describes them."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from typing import Any

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from steelyard.api import (
    feedback,
    measurements,
    probes,
    run_cases,
    runs,
    skills,
    staleness,
    standing,
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
    "runs": "Benchmark runs: models on a skill's golden cases, graded by a judge, with a verdict.",
    "run cases": "What a run holds: cells, cases by models, outputs with their grades.",
    "uses": "Uses of skills in production, as measurements or as OpenTelemetry's spans.",
    "feedback": "What users say of skills.",
}
_OF_NOUNS: tuple[Operations, ...] = (
    skills.operation,
    versions.operation,
    standing.operation,
    staleness.operation,
    runs.operation,
    run_cases.operation,
    measurements.operation,
    traces.operation,
    feedback.operation,
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
