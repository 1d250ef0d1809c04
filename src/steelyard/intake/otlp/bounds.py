"""How much a request of OTLP may hold, found before the protobuf library or the parser of JSON makes objects of it.

An empty span takes two bytes of a request, by gzip next to nothing, and in memory hundreds.
"""

from __future__ import annotations

from enum import Enum
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from steelyard.domain.errors import InputError, TooLarge
from steelyard.domain.json_bodies import has_more_values


class Form(Enum):
    """How a request is written, by its content type."""

    PROTOBUF = "application/x-protobuf"
    JSON = "application/json"


# Unpacked. Where one text has a sign outside of ASCII, JSON is held in four times the bytes while it is parsed.
MOST_BYTES = {Form.PROTOBUF: 50_000_000, Form.JSON: 20_000_000}
MOST_SPANS = 20_000
# A span of thirty attributes has about 130 of either.
MOST_FIELDS = 1_500_000
MOST_VALUES = 750_000
# What the library refuses.
_DEEPEST = 100

NO_REQUEST = "The body is no ExportTraceServiceRequest in {form}."
_DELIMITED = 2
_HIGHEST_TAG = 2**32 - 1
_SPAN = "opentelemetry.proto.trace.v1.Span"


class _Message:
    """Which fields of a message, by their tag, are messages themselves."""

    def __init__(self, descriptor: Any, made: dict[str, _Message]) -> None:
        made[descriptor.full_name] = self
        self.is_span = descriptor.full_name == _SPAN
        self.inner: dict[int, _Message] = {
            field.number << 3 | _DELIMITED: made.get(field.message_type.full_name) or _Message(field.message_type, made)
            for field in descriptor.fields
            if field.message_type is not None
        }


_REQUEST = _Message(ExportTraceServiceRequest.DESCRIPTOR, {})


def check_spans(count: int) -> None:
    """Raises TooLarge for more spans than are taken at once."""
    if count > MOST_SPANS:
        raise _too_many(f"{MOST_SPANS:,} spans")


def check_values(body: bytes) -> None:
    """Raises TooLarge for a request in JSON of too many values."""
    if has_more_values(body, MOST_VALUES):
        raise _too_many(f"{MOST_VALUES:,} values in its spans and their attributes")


def check_fields(body: bytes) -> None:
    """Raises TooLarge for a request in protobuf of too many spans, or fields in all; InputError for what is none.

    What this does not read, the library may: nothing is left to it but what was counted to the end.
    """
    try:
        _walk(body)
    except IndexError:
        raise _no_request() from None


def _walk(body: bytes) -> None:
    """Raises IndexError where the body breaks off within a field."""
    above: list[tuple[int, _Message]] = []
    at, end, message = 0, len(body), _REQUEST
    fields = spans = 0
    while True:
        while at >= end:
            if at > end:
                raise _no_request()
            if not above:
                return
            end, message = above.pop()
        fields += 1
        if fields > MOST_FIELDS:
            raise _too_many(f"{MOST_FIELDS:,} fields in its spans and their attributes")
        tag = body[at]
        at += 1
        if tag > 127:
            tag, at = _varint(body, at - 1)
        if not 8 <= tag <= _HIGHEST_TAG:
            raise _no_request()
        kind = tag & 7
        if kind == _DELIMITED:
            size = body[at]
            at += 1
            if size > 127:
                size, at = _varint(body, at - 1)
            inner = message.inner.get(tag)
            if inner is None:
                at += size
                continue
            if inner.is_span:
                spans += 1
                check_spans(spans)
            if at + size > end or len(above) >= _DEEPEST:
                raise _no_request()
            above.append((end, message))
            end, message = at + size, inner
        elif kind == 0:
            if body[at] < 128:
                at += 1
            else:
                _, at = _varint(body, at)
        elif kind == 1:
            at += 8
        elif kind == 5:
            at += 4
        else:
            # Groups, which no message of OTLP has: what stands in one would be taken for the fields around it.
            raise _no_request()


def _varint(body: bytes, at: int) -> tuple[int, int]:
    """The number that begins there, and where it ends. Raises IndexError where it breaks off, InputError where it has
    no end."""
    number = 0
    for place in range(10):
        number |= (body[at + place] & 127) << 7 * place
        if body[at + place] < 128:
            return number, at + place + 1
    raise _no_request()


def _no_request() -> InputError:
    return InputError(NO_REQUEST.format(form="protobuf"), kept="Nothing was kept.")


def _too_many(what: str) -> TooLarge:
    return TooLarge(
        f"The request has more than {what}.",
        kept="Nothing was kept.",
        next_step="Send fewer spans at a time: exporters and collectors have a largest size of a batch.",
    )
