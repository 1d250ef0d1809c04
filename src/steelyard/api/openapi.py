"""The OpenAPI 3.1 document of the API, made of its operations and their models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from steelyard.api.examples import example_of
from steelyard.api.operation import JSON, Operation
from steelyard.api.problem import MEDIA_TYPE
from steelyard.api.refusals import REFUSALS, RETRIED, Problem

Document = dict[str, Any]

_ABOUT = """Everything Steelyard's pages do. Money is in microcents (1 US dollar is 100,000,000), quality in points of \
0 to 100, times in UTC. A list has at most `limit` items, and `next` for the `after` of its next page. A `POST` that \
makes or pays something takes an `Idempotency-Key`: sent again with it within 24 hours, the same request gets the same \
answer and makes nothing twice. What is refused is answered as application/problem+json."""
_SCHEMES: Document = {
    "key": {"type": "http", "scheme": "bearer", "description": "An API key, made in the settings."},
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "steelyard_session",
        "description": "The session of a signed-in member. An installation for one person asks for neither.",
    },
}
_KEY: Document = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "One for each thing to be made, at best a random UUID. 1 to 200 printable ASCII characters.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[ -~]+$"},
    "example": "0f3c9c1e-5a0b-4c62-8f0b-2f4f3f6f2b11",
}
_RETRY_AFTER: Document = {
    "description": "Seconds after which to send again.",
    "schema": {"type": "string", "pattern": "^[0-9]+$"},
}
_REF = "#/components/schemas/{model}"


def document(operations: Sequence[Operation], nouns: Mapping[str, str], *, version: str) -> Document:
    """The whole document. `nouns` are the tags with what each is, in order."""
    shown = [model for one in operations for model in _answered(one)]
    given = [one.takes for one in operations if one.takes is not None]
    asked = [(model, "serialization") for model in dict.fromkeys([*shown, Problem])]
    asked += [(model, "validation") for model in dict.fromkeys(given)]
    references, definitions = models_json_schema(cast("Any", asked), ref_template=_REF)
    schemas = cast("Document", definitions["$defs"])
    bare = get_openapi(title="Steelyard", version=version, routes=[one.route for one in operations])
    # What parameters refer to; FastAPI's own of validation is none of ours.
    known: Document = bare.get("components", {}).get("schemas", {})
    schemas |= {name: schema for name, schema in known.items() if "ValidationError" not in name and name not in schemas}
    schema_of = {model: ref for (model, mode), ref in references.items() if (mode == "validation") == (model in given)}
    paths: Document = {}
    for one in operations:
        found: Document = bare["paths"][one.route.path_format][one.method.lower()]
        paths.setdefault(one.route.path_format, {})[one.method.lower()] = _described(
            one, found.get("parameters", []), schema_of, schemas
        )
    return {
        "openapi": "3.1.0",
        "info": {"title": "Steelyard", "version": version, "description": _ABOUT},
        "tags": [{"name": name, "description": said} for name, said in nouns.items()],
        "security": [{"key": []}, {"session": []}, {}],
        "paths": paths,
        "components": {"schemas": dict(sorted(schemas.items())), "securitySchemes": _SCHEMES},
    }


def _answered(one: Operation) -> list[type[BaseModel]]:
    return [model for model in (one.answers, *(model for _, model in one.also.values())) if model is not None]


def _described(one: Operation, parameters: list[Any], schema_of: Mapping[Any, Any], schemas: Document) -> Document:
    found: Document = {
        "operationId": one.name,
        "tags": [one.noun],
        "summary": one.summary.removesuffix("."),
        "parameters": [*parameters, *([_KEY] if one.once else [])],
    }
    if one.description:
        found["description"] = one.description
    content: Document = {}
    if one.takes is not None:
        content[JSON] = _content(schema_of[one.takes], schemas)
    content |= one.takes_others
    if content:
        needed = one.takes is None or any(field.is_required() for field in one.takes.model_fields.values())
        found["requestBody"] = {"required": needed or bool(one.takes_others), "content": content}
    answer: Document = {"description": "Done."}
    if one.answers is not None:
        answer["content"] = {JSON: _content(schema_of[one.answers], schemas)}
    if one.answers_others:
        answer["content"] = answer.get("content", {}) | one.answers_others
    bare = one.answers is None and not one.answers_others and one.status == 200
    responses: Document = {str(204 if bare else one.status): answer}
    for status, (said, model) in one.also.items():
        responses[str(status)] = {"description": said}
        if model is not None:
            responses[str(status)]["content"] = {JSON: _content(schema_of[model], schemas)}
    for status in sorted(one.errors):
        if str(status) not in responses:
            responses[str(status)] = _refusal(status, one.refuses_as)
    found["responses"] = responses
    return found


def _refusal(status: int, content: Mapping[str, Any] | None) -> Document:
    problem = {MEDIA_TYPE: {"schema": {"$ref": _REF.format(model="Problem")}}}
    found: Document = {"description": REFUSALS[status], "content": content or problem}
    if status in RETRIED:
        found["headers"] = {"Retry-After": _RETRY_AFTER}
    return found


def _content(schema: Document, schemas: Document) -> Document:
    return {"schema": schema, "example": example_of(schema, schemas)}
