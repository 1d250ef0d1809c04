"""The API's document: whole, true to the routes, and its examples fit its own schemas."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator

from steelyard.api.nouns import openapi, operations
from steelyard.api.operation import Operation
from tests.integration.api.contract import check_value

EACH = pytest.mark.parametrize("operation", operations(), ids=lambda one: one.name)


def described(operation: Operation) -> dict[str, Any]:
    return openapi()["paths"][operation.path][operation.method.lower()]


@EACH
def test_the_examples_of_an_operation_fit_its_own_schemas(operation: Operation) -> None:
    found = described(operation)
    bodies = [found.get("requestBody", {}), *found["responses"].values()]
    contents = [content for body in bodies for content in body.get("content", {}).values()]
    for content in contents:
        if "example" in content:
            check_value(content["schema"], content["example"])


@EACH
def test_what_an_operation_takes_is_what_its_example_is(operation: Operation) -> None:
    if operation.takes is None:
        return
    example = described(operation)["requestBody"]["content"]["application/json"]["example"]
    operation.takes.model_validate_json(json.dumps(example))


@EACH
def test_an_operation_says_what_it_does_and_how_it_refuses(operation: Operation) -> None:
    found = described(operation)
    assert found["summary"]
    assert found["operationId"].isidentifier()
    assert {"401", "403", "429", "503"} <= found["responses"].keys()
    assert any(200 <= int(status) < 300 for status in found["responses"])


def test_names_are_each_of_one_operation() -> None:
    names = [operation.name for operation in operations()]
    assert len(names) == len(set(names))


def test_every_schema_is_one() -> None:
    for schema in openapi()["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


async def test_the_document_is_served(client: httpx.AsyncClient) -> None:
    found = await client.get("/v1/openapi.json")
    assert found.json()["openapi"] == "3.1.0"
    assert found.json()["paths"].keys() == openapi()["paths"].keys()
