"""Requests of OTLP for tests, in protobuf and in JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from tests.integration.web.made import NOW

URL = "/v1/traces"
PROTOBUF = {"content-type": "application/x-protobuf"}
JSON = {"content-type": "application/json"}
TRACE = bytes(range(1, 17))
_START = int(NOW.timestamp()) * 10**9


@dataclass(frozen=True)
class MadeSpan:
    """A span: its number becomes its id, 0 as the parent is none."""

    number: int
    attributes: Mapping[str, Any]
    parent: int = 0
    trace: bytes = TRACE
    scope: str = "made"
    start_ns: int = _START
    end_ns: int = _START + 1_500_000_000
    failed: bool = False
    resource: Mapping[str, Any] = field(default_factory=dict[str, Any])


def call(number: int, parent: int = 0, **more: Any) -> MadeSpan:
    """A model call of the skill `weigh`; `more` names attributes with __ for the dots, None leaves one out."""
    attributes: dict[str, Any] = {
        "skill.name": "weigh",
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-5.4",
        "gen_ai.usage.input_tokens": 1000,
        "gen_ai.usage.output_tokens": 100,
    }
    attributes |= {name.replace("__", "."): value for name, value in more.items()}
    return MadeSpan(number, {name: value for name, value in attributes.items() if value is not None}, parent)


def protobuf(*spans: MadeSpan) -> bytes:
    request = ExportTraceServiceRequest()
    for made in spans:
        of_resource = request.resource_spans.add()
        _fill(of_resource.resource.attributes, made.resource)
        of_scope = of_resource.scope_spans.add()
        of_scope.scope.name = made.scope
        span = of_scope.spans.add()
        span.trace_id, span.span_id = made.trace, _id(made.number)
        span.parent_span_id = _id(made.parent) if made.parent else b""
        span.start_time_unix_nano, span.end_time_unix_nano = made.start_ns, made.end_ns
        if made.failed:
            span.status.code = Status.STATUS_CODE_ERROR
        _fill(span.attributes, made.attributes)
    return request.SerializeToString()


def as_json(*spans: MadeSpan) -> bytes:
    return json.dumps(
        {
            "resourceSpans": [
                {
                    "resource": {"attributes": _pairs(made.resource)},
                    "scopeSpans": [
                        {
                            "scope": {"name": made.scope},
                            "spans": [
                                {
                                    "traceId": made.trace.hex(),
                                    "spanId": _id(made.number).hex(),
                                    "parentSpanId": _id(made.parent).hex() if made.parent else "",
                                    "startTimeUnixNano": str(made.start_ns),
                                    "endTimeUnixNano": str(made.end_ns),
                                    "status": {"code": 2} if made.failed else {},
                                    "attributes": _pairs(made.attributes),
                                }
                            ],
                        }
                    ],
                }
                for made in spans
            ]
        }
    ).encode()


def _id(number: int) -> bytes:
    return number.to_bytes(8, "big")


def _fill(pairs: Any, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        pair = pairs.add()
        pair.key = name
        kind = {bool: "bool_value", int: "int_value", float: "double_value"}.get(type(value), "string_value")
        setattr(pair.value, kind, value)


def _pairs(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    kinds = {bool: "boolValue", int: "intValue", float: "doubleValue"}
    return [
        {"key": name, "value": {kinds.get(type(value), "stringValue"): str(value) if type(value) is int else value}}
        for name, value in values.items()
    ]
