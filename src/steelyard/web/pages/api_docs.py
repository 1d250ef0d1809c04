"""GET /v1/docs: the operations of the API, noun by noun, and each with what it takes, answers and refuses."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from steelyard.api import nouns
from steelyard.api.operation import JSON, Operation
from steelyard.domain.errors import NotFound
from steelyard.web.access import ACCESS
from steelyard.web.rendering import Viewing

router = APIRouter()

Described = Mapping[str, Any]


@router.get("/v1/docs")
async def operations(view: Viewing) -> Response:
    """The list of them."""
    every = nouns.operations()
    found = [(noun, said, [one for one in every if one.noun == noun]) for noun, said in nouns.NOUNS.items()]
    return view.page("pages/api.html.jinja", nouns=found, total=len(every), right_of=_right)


@router.get("/v1/docs/{name}")
async def operation(view: Viewing, name: str) -> Response:
    """One operation, by its name. Raises NotFound."""
    one = next((found for found in nouns.operations() if found.name == name), None)
    if one is None:
        raise NotFound("The API has no such operation.", next_step="GET /v1/openapi.json lists them all.")
    described: Described = nouns.openapi()["paths"][one.route.path_format][one.method.lower()]
    responses: Described = described["responses"]
    return view.page(
        "pages/api_operation.html.jinja",
        operation=one,
        right=_right(one),
        parameters=described["parameters"],
        type_of=_type_of,
        sent=_example(described.get("requestBody", {})),
        kinds=sorted(described.get("requestBody", {}).get("content", {})),
        answers=[(status, said, _example(said)) for status, said in responses.items() if status < "400"],
        refusals=[(status, said["description"]) for status, said in responses.items() if status >= "400"],
        curl=_curl(one, described),
    )


def _right(one: Operation) -> str:
    return ACCESS[f"{one.method} {one.path}"].value


def _example(said: Described) -> str | None:
    """The example of a body, as JSON; None where it is none."""
    content = said.get("content", {}).get(JSON, {})
    return json.dumps(content["example"], indent=2, ensure_ascii=False) if "example" in content else None


def _type_of(parameter: Described) -> str:
    """What a parameter is, in words."""
    schema: Described = parameter["schema"]
    options = [schema, *schema.get("anyOf", ())]
    named = [str(one.get("format") or one["type"]) for one in options if one.get("type") not in (None, "null")]
    choices = [str(value) for one in options for value in one.get("enum", ())]
    said = " or ".join(dict.fromkeys(named)) or "text"
    return f"one of {', '.join(choices)}" if choices else {"string": "text", "integer": "whole number"}.get(said, said)


def _curl(one: Operation, described: Described) -> str:
    """The request as curl sends it."""
    lines = [f'curl -H "Authorization: Bearer $STEELYARD_KEY" "$STEELYARD{one.path}"']
    if one.method != "GET":
        lines[0] = lines[0].replace("curl ", f"curl -X {one.method} ", 1)
    if one.once:
        lines.append('  -H "Idempotency-Key: $(uuidgen)"')
    if _example(described.get("requestBody", {})) is not None:
        lines += [f'  -H "Content-Type: {JSON}"', "  -d @body.json"]
    return " \\\n".join(lines)
