"""Answers of the API held against its own document: every status, type and body has to be described there."""

from __future__ import annotations

import re
from typing import Any

import httpx
from jsonschema import Draft202012Validator, FormatChecker

from steelyard.api.nouns import openapi

_FORMATS = FormatChecker()


def check_value(schema: dict[str, Any], value: Any) -> None:
    """Raises ValidationError where the value is none of the schema's."""
    whole = {**schema, "components": openapi()["components"]}
    Draft202012Validator(whole, format_checker=_FORMATS).validate(value)


def described(method: str, path: str) -> dict[str, Any]:
    """The operation that serves it, a path without parameters before one with them."""
    found = [
        (template.count("{"), template)
        for template, item in openapi()["paths"].items()
        if method.lower() in item and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path)
    ]
    assert found, f"no operation serves {method} {path}"
    return openapi()["paths"][min(found)[1]][method.lower()]


async def check_answer(response: httpx.Response) -> None:
    """An event hook of a client: what it gets is as the document says."""
    if not _is_stream(response):
        await response.aread()
    _check(response)


def check_sync(response: httpx.Response) -> None:
    """The same of a client that waits."""
    if not _is_stream(response):
        response.read()
    _check(response)


def _is_stream(response: httpx.Response) -> bool:
    return response.headers.get("content-type", "").startswith("text/event-stream")


def _check(response: httpx.Response) -> None:
    request = response.request
    if not request.url.path.startswith("/v1/") or request.url.path.startswith(("/v1/openapi.json", "/v1/docs")):
        return
    operation = described(request.method, request.url.path)
    where = f"{operation['operationId']}: {response.status_code}"
    assert str(response.status_code) in operation["responses"], f"{where} is not described"
    content = operation["responses"][str(response.status_code)].get("content", {})
    kind = response.headers.get("content-type", "").partition(";")[0]
    if _is_stream(response):
        assert kind in content, where
        return
    if not content:
        assert not response.content, where
        return
    assert kind in content, f"{where} came as {kind}: {response.text[:300]}"
    if kind.endswith("json"):
        check_value(content[kind]["schema"], response.json())
