"""An example of every document, put together of the examples of its fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

Schema = Mapping[str, Any]

_OF_FORMAT = {
    "uuid": "6f1f6c0e-6d0a-4f43-9d59-0a4e1d6c2b11",
    "date-time": "2026-03-01T09:30:00Z",
    "date": "2026-03-01",
    "binary": "",
}


def example_of(schema: Schema, schemas: Schema) -> Any:
    """A value of the JSON schema; `schemas` has those it refers to. A field's own example, else its default, counts."""
    if schema.get("examples"):
        return schema["examples"][0]
    if "$ref" in schema:
        return example_of(schemas[str(schema["$ref"]).rsplit("/", 1)[-1]], schemas)
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][0]
    if "default" in schema:
        return schema["default"]
    for kind in ("anyOf", "oneOf", "allOf"):
        if kind in schema:
            options = cast("list[Schema]", schema[kind])
            return example_of(next((one for one in options if one.get("type") != "null"), options[0]), schemas)
    return _of_type(schema, schemas)


def _of_type(schema: Schema, schemas: Schema) -> Any:
    match schema.get("type"):
        case "object":
            fields = cast("Mapping[str, Schema]", schema.get("properties", {}))
            return {name: example_of(field, schemas) for name, field in fields.items()}
        case "array":
            items = cast("Schema", schema.get("items", {}))
            return [example_of(items, schemas)] * max(1, schema.get("minItems", 1)) if items else []
        case "string":
            return _OF_FORMAT.get(schema.get("format", ""), "…")
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return True
        case _:
            return None
