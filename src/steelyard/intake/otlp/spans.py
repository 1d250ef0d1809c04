"""Spans out of a request of OTLP, in protobuf or JSON: only what a use is made of is read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from steelyard.domain.errors import InputError, TooLarge
from steelyard.domain.json_bodies import parsed
from steelyard.intake.otlp.bounds import NO_REQUEST, Form, check_fields, check_spans, check_values
from steelyard.intake.otlp.spellings import READ, RESOURCE_READ

Value = str | int | float | bool
_MOST = 2**64
_ERROR = 2
_CLIENT, _PRODUCER = 3, 4


@dataclass(frozen=True, slots=True)
class Span:
    """One span: ids as bytes, times in nanoseconds since 1970 (0: not told), the attributes that are of interest.

    `inner`: it may have spans under it in this process; a client's or a producer's has none.
    """

    trace_id: bytes
    span_id: bytes
    parent_id: bytes
    scope: str
    start_ns: int
    end_ns: int
    failed: bool
    inner: bool
    attributes: Mapping[str, Value]
    resource: Mapping[str, Value]


def read_spans(body: bytes, form: Form) -> list[Span]:
    """The spans of an ExportTraceServiceRequest. Raises TooLarge for too many, InputError when it is none."""
    try:
        return list(_from_protobuf(body) if form is Form.PROTOBUF else _from_json(body))
    except TooLarge:
        raise
    except (InputError, DecodeError, ValueError, TypeError, AttributeError, RecursionError, OverflowError):
        told = NO_REQUEST.format(form="protobuf" if form is Form.PROTOBUF else "JSON")
        raise InputError(told, kept="Nothing was kept.") from None


def _from_protobuf(body: bytes) -> Iterator[Span]:
    check_fields(body)
    request = ExportTraceServiceRequest.FromString(body)
    for of_resource in request.resource_spans:
        if not of_resource.scope_spans:
            continue
        resource = _values(of_resource.resource.attributes, RESOURCE_READ)
        for of_scope in of_resource.scope_spans:
            if not of_scope.spans:
                continue
            scope = of_scope.scope.name
            for span in of_scope.spans:
                yield Span(
                    span.trace_id,
                    span.span_id,
                    span.parent_span_id,
                    scope,
                    span.start_time_unix_nano,
                    span.end_time_unix_nano,
                    span.status.code == _ERROR,
                    span.kind not in (_CLIENT, _PRODUCER),
                    _values(span.attributes, READ),
                    resource,
                )


def _values(pairs: Iterable[KeyValue], wanted: frozenset[str]) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for pair in pairs:
        if pair.key in wanted:
            kind = pair.value.WhichOneof("value")
            if kind in ("string_value", "int_value", "double_value", "bool_value"):
                found[pair.key] = getattr(pair.value, kind)
    return found


def _from_json(body: bytes) -> Iterator[Span]:
    check_values(body)
    count = 0
    for of_resource in _list(_object(parsed(body)), "resourceSpans"):
        resource = _json_values(_object(of_resource.get("resource")), RESOURCE_READ)
        for of_scope in _list(of_resource, "scopeSpans"):
            scope = _text(_object(of_scope.get("scope")).get("name"))
            spans = _list(of_scope, "spans")
            count += len(spans)
            check_spans(count)
            for span in spans:
                status = _object(span.get("status"))
                yield Span(
                    bytes.fromhex(_text(span.get("traceId"))),
                    bytes.fromhex(_text(span.get("spanId"))),
                    bytes.fromhex(_text(span.get("parentSpanId"))),
                    scope,
                    _nanoseconds(span.get("startTimeUnixNano")),
                    _nanoseconds(span.get("endTimeUnixNano")),
                    status.get("code") in (_ERROR, "STATUS_CODE_ERROR"),
                    span.get("kind") not in (_CLIENT, _PRODUCER, "SPAN_KIND_CLIENT", "SPAN_KIND_PRODUCER"),
                    _json_values(span, READ),
                    resource,
                )


def _json_values(owner: Mapping[str, Any], wanted: frozenset[str]) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for pair in _list(owner, "attributes"):
        key = _text(pair.get("key"))
        if key not in wanted:
            continue
        value = _object(pair.get("value"))
        if "intValue" in value:
            found[key] = int(value["intValue"])
        elif "doubleValue" in value:
            found[key] = float(value["doubleValue"])
        elif "stringValue" in value:
            found[key] = _text(value["stringValue"])
        elif "boolValue" in value:
            found[key] = bool(value["boolValue"])
    return found


def _object(value: object) -> dict[str, Any]:
    """A message that is left out has no fields. Raises TypeError."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise TypeError
    return cast("dict[str, Any]", value)


def _list(owner: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    found = owner.get(name)
    if found is None:
        return []
    if not isinstance(found, list):
        raise TypeError
    return [_object(one) for one in cast("list[object]", found)]


def _text(value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise TypeError
    return value


def _nanoseconds(value: object) -> int:
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise TypeError
    found = int(value)
    if not 0 <= found < _MOST:
        raise ValueError
    return found
