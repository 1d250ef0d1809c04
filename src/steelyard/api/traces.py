"""POST /v1/traces: OpenTelemetry's spans, as an OTLP/HTTP exporter sends them, in protobuf or JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import Request
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from starlette.responses import JSONResponse, Response

from steelyard.api.away import database_away
from steelyard.api.body import body_in_turn
from steelyard.api.operation import Operations
from steelyard.api.principal import tenant_of
from steelyard.domain.errors import SteelyardError, UnsupportedType
from steelyard.intake.otlp import MOST_BYTES, Form
from steelyard.services.intake import TakenSpans
from steelyard.workbench import Workbench

operation = Operations("uses")

PATH = "/v1/traces"
_REASONS_SHOWN = 5
# google.rpc.Code of a status; the others are INVALID_ARGUMENT.
_CODES = {401: 16, 403: 7, 429: 8, 500: 13, 503: 14}
_INVALID_ARGUMENT = 3


_OTLP: dict[str, dict[str, Any]] = {
    Form.PROTOBUF.value: {"schema": {"type": "string", "format": "binary"}},
    Form.JSON.value: {"schema": {"type": "object"}, "example": {"resourceSpans": []}},
}


_STATUS: dict[str, dict[str, Any]] = {
    Form.PROTOBUF.value: {"schema": {"type": "string", "format": "binary"}},
    Form.JSON.value: {
        "schema": {
            "type": "object",
            "properties": {"code": {"type": "integer"}, "message": {"type": "string"}},
            "required": ["code", "message"],
        },
        "example": {"code": 3, "message": "The body is no valid JSON."},
    },
}


@operation("POST", PATH, takes_others=_OTLP, answers_others=_OTLP, refuses_as=_STATUS)
async def send_traces(request: Request) -> Response:
    """Send OpenTelemetry's spans as an OTLP/HTTP exporter does; the model calls among them are kept, each once.

    What is answered as taken is committed. Model calls that are not kept are counted in `partial_success`, with the
    reasons. What is refused is answered as a google.rpc.Status in the form of the request.
    """
    form = _form(request)
    if form is None:
        raise UnsupportedType(
            "The body is neither application/x-protobuf nor application/json.", kept="Nothing was kept."
        )
    bench: Workbench = request.app.state.workbench
    tenant = tenant_of(request)
    async with body_in_turn(request, MOST_BYTES[form]) as body:
        with database_away():
            taken = await bench.intake.take_spans(tenant, body, form)
    bench.metrics.uses(
        "traces", kept=taken.kept, duplicate=taken.duplicates, unmatched=taken.unmatched, refused=taken.rejected
    )
    return _answer(form, taken)


def refusal(request: Request, error: SteelyardError, status: int, headers: Mapping[str, str]) -> Response:
    """An error as a google.rpc.Status, in the form the request has; retried only with 429 and 503, as OTLP has it."""
    code = _CODES.get(status, _INVALID_ARGUMENT)
    status = 400 if status == 422 else status
    if _form(request) is Form.PROTOBUF:
        text = str(error).encode("utf-8", "replace")
        message = b"\x08" + bytes([code]) + b"\x12" + _varint(len(text)) + text
        return Response(message, status, headers, Form.PROTOBUF.value)
    return JSONResponse({"code": code, "message": str(error)}, status, headers)


def _form(request: Request) -> Form | None:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return next((form for form in Form if form.value == kind), None)


def _answer(form: Form, taken: TakenSpans) -> Response:
    if form is Form.PROTOBUF:
        answer = ExportTraceServiceResponse()
        if taken.rejected:
            answer.partial_success.rejected_spans = taken.rejected
            answer.partial_success.error_message = _why(taken)
        return Response(answer.SerializeToString(), media_type=form.value)
    body = {"partialSuccess": {"rejectedSpans": str(taken.rejected), "errorMessage": _why(taken)}}
    return JSONResponse(body if taken.rejected else {})


def _why(taken: TakenSpans) -> str:
    parts: list[str] = []
    if taken.nameless:
        parts.append(
            f"{taken.nameless:,} without skill.name, on the span, a span above it in the same request, or the resource."
        )
    reasons = sorted(taken.refused.items(), key=lambda item: (-item[1], item[0]))
    parts += [f"{count:,} for {field}: {message}" for (field, message), count in reasons[:_REASONS_SHOWN]]
    if len(reasons) > _REASONS_SHOWN:
        parts.append("Some for other reasons.")
    calls = "model call was" if taken.rejected == 1 else "model calls were"
    return f"{taken.rejected:,} {calls} not kept: {' '.join(parts)}"


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)
