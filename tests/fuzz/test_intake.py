"""Whatever is sent to the API's intake: uses and opinions that can be kept, or what is wrong with them, soon."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from starlette.requests import Request

from steelyard.api.body import json_body, plain_body
from steelyard.cli.commands.measurements import rows_of
from steelyard.domain.errors import InputError
from steelyard.intake.items import FIELDS, Use, read_item
from steelyard.intake.opinions import FIELDS as OPINION_FIELDS
from steelyard.intake.opinions import read_opinion
from steelyard.intake.otlp import Form
from steelyard.intake.otlp.calls import find_calls
from steelyard.intake.otlp.spans import read_spans
from steelyard.intake.refused import Refused
from tests.fuzz.damage import at_most, damaged, fuzzed

ITEM = {
    "key": "k",
    "skill": "weigh",
    "skill_version": "abcdef12",
    "model": "openai:gpt-5.4",
    "measured_at": "2026-11-28T12:00:00Z",
    "input_tokens": 10,
    "output_tokens": 5,
    "cache_read_tokens": 1,
    "cost_usd": "0.01",
    "latency_ms": 12.5,
    "input_excludes_cache": False,
}
_ATTRIBUTES = {
    "skill.name": {"stringValue": "weigh"},
    "gen_ai.operation.name": {"stringValue": "chat"},
    "gen_ai.provider.name": {"stringValue": "openai"},
    "gen_ai.request.model": {"stringValue": "gpt-5.4"},
    "gen_ai.usage.input_tokens": {"intValue": "10"},
    "gen_ai.usage.output_tokens": {"intValue": 5},
}
_SPAN = {
    "traceId": "0af7651916cd43dd8448eb211c80319c",
    "spanId": "b7ad6b7169203331",
    "parentSpanId": "",
    "name": "chat",
    "kind": 3,
    "startTimeUnixNano": "1544712660000000000",
    "endTimeUnixNano": "1544712661000000000",
    "attributes": [{"key": key, "value": value} for key, value in _ATTRIBUTES.items()],
}
OTLP = json.dumps({"resourceSpans": [{"resource": {}, "scopeSpans": [{"scope": {"name": "s"}, "spans": [_SPAN]}]}]})


def protobuf() -> bytes:
    request = ExportTraceServiceRequest()
    span = request.resource_spans.add().scope_spans.add().spans.add()
    span.trace_id, span.span_id = bytes(range(1, 17)), bytes(range(1, 9))
    span.start_time_unix_nano, span.end_time_unix_nano = 1_544_712_660_000_000_000, 1_544_712_661_000_000_000
    for key, value in _ATTRIBUTES.items():
        attribute = span.attributes.add()
        attribute.key = key
        if "stringValue" in value:
            attribute.value.string_value = str(value["stringValue"])
        else:
            attribute.value.int_value = int(value["intValue"])
    return request.SerializeToString()


NUMBERS = st.one_of(
    st.integers(),
    st.floats(),
    st.sampled_from(
        [10**400, -(10**30), 1e308, 5e-324, "1e999999999", "1e-999999999", "-0", "NaN", "sNaN", "9" * 5000]
    ),
    st.sampled_from(["١٢", "²", "1_000", "0x10", " 5 ", "", "+5", "Infinity", True]),
)
MOMENTS = st.sampled_from(
    [
        *("0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2026-02-30T00:00:00Z", "2026-W01-1", "20260101"),
        *("2026-01-01T24:00:00Z", "2026-01-01T00:00:00+99:99", "\u0662026-01-01", "2026-01-01T00:00:00.9999999999Z"),
    ]
)
ANY = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(max_size=12) | MOMENTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


def keepable(use: Use) -> None:
    usage = use.usage
    for number in (usage.input_tokens, usage.output_tokens, usage.cache_read_tokens, usage.reasoning_tokens):
        assert 0 <= number < 2**63
    assert use.cost_microcents is None or 0 <= use.cost_microcents < 2**63
    assert use.measured_at.astimezone(UTC).tzinfo is UTC
    for text in (use.skill, use.source, str(use.model), use.skill_version or ""):
        assert "\x00" not in text
        text.encode()


def takes(item: object) -> None:
    try:
        keepable(read_item(item))
    except Refused as error:
        error.message.encode()


@fuzzed
@given(st.dictionaries(st.sampled_from(sorted(FIELDS)), ANY, max_size=4), ANY)
@example({"cost_usd": "1e-999999999"}, None)
@example({"latency_ms": "1e999999999"}, None)
def test_a_use_with_anything_in_its_fields(changed: dict[str, Any], other: object) -> None:
    with at_most(2):
        takes({**ITEM, **changed})
        takes(other)


@fuzzed
@given(st.dictionaries(st.sampled_from(sorted(OPINION_FIELDS)), ANY, max_size=4))
def test_an_opinion_with_anything_in_its_fields(changed: dict[str, Any]) -> None:
    with at_most(2):
        try:
            read_opinion({"key": "k", "skill": "weigh", "kind": "thumb_up", **changed})
        except Refused as error:
            error.message.encode()


def of_traces(body: bytes, form: Form) -> None:
    try:
        found = find_calls(read_spans(body, form))
    except InputError:
        return
    for call in found.uses:
        keepable(call.use)
    for field, message in found.refused:
        f"{field}{message}".encode("utf-8", "replace")


@fuzzed
@given(damaged([protobuf(), protobuf() * 3]))
def test_damaged_spans_in_protobuf(body: bytes) -> None:
    with at_most(2):
        of_traces(body, Form.PROTOBUF)


@fuzzed
@given(damaged([OTLP.encode()]))
@example(OTLP.replace('"10"', "Infinity").encode())
@example(OTLP.replace('{"intValue": "10"}', '{"doubleValue": Infinity}').encode())
@example(OTLP.replace('{"intValue": "10"}', '{"doubleValue": 1e300}').encode())
@example(OTLP.replace('"10"', "1" + "0" * 400).encode())
@example(OTLP.replace('"weigh"', '"\\ud800"').encode())
@example(OTLP.replace('"gpt-5.4"', '"\\ud800"').encode())
@example(OTLP.replace('"1544712661000000000"', '"18446744073709551615"').encode())
def test_damaged_spans_in_json(body: bytes) -> None:
    with at_most(2):
        of_traces(body, Form.JSON)


@fuzzed
@given(st.dictionaries(st.sampled_from(sorted(_ATTRIBUTES)), ANY, max_size=3), ANY, ANY, ANY)
def test_spans_with_anything_in_their_attributes(changed: dict[str, Any], trace: Any, start: Any, status: Any) -> None:
    attributes = [{"key": key, "value": changed.get(key, value)} for key, value in _ATTRIBUTES.items()]
    span = _SPAN | {"attributes": attributes, "traceId": trace, "startTimeUnixNano": start, "status": status}
    for one in (span, _SPAN | {"attributes": attributes}, trace):
        body = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [one]}]}]}).encode()
        with at_most(2):
            of_traces(body, Form.JSON)


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 1_000_000,
        b'{"resourceSpans":' * 100_000,
        json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [_SPAN] * 5_000}]}]}).encode(),
        json.dumps(
            {
                "resourceSpans": [
                    {
                        "scopeSpans": [
                            {
                                "spans": [
                                    _SPAN | {"spanId": f"{n + 1:016x}", "parentSpanId": f"{n + 2:016x}"}
                                    for n in range(5_000)
                                ]
                            }
                        ]
                    }
                ]
            }
        ).encode(),
    ],
    ids=["brackets", "objects", "one span many times", "a long chain"],
)
def test_traces_made_to_cost_much(body: bytes) -> None:
    with at_most(10):
        of_traces(body, Form.JSON)


def request_of(body: bytes, headers: Mapping[str, str]) -> Request:
    raw = [(name.lower().encode(), value.encode("latin-1", "replace")) for name, value in headers.items()]

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    scope = {"type": "http", "method": "POST", "path": "/v1/x", "headers": raw, "query_string": b"", "app": None}
    return Request(scope, receive)


@fuzzed
@given(damaged([gzip.compress(b"{}" * 50), gzip.compress(b'{"a": 1}') * 2, b'{"measurements": []}']), st.booleans())
def test_a_damaged_body(body: bytes, packed: bool) -> None:
    headers = {"content-type": "application/json"} | ({"content-encoding": "gzip"} if packed else {})
    with at_most(2):
        try:
            asyncio.run(json_body(request_of(body, headers)))
        except InputError:
            return


def test_a_small_body_that_unpacks_to_gigabytes() -> None:
    body = gzip.compress(b"\0" * 150_000_000, compresslevel=1)
    assert len(body) < 1_000_000
    with at_most(10, megabytes=150), pytest.raises(InputError):
        asyncio.run(plain_body(request_of(body, {"content-encoding": "gzip"})))


CSV = (",".join(ITEM) + "\n" + ",".join(str(value) for value in ITEM.values()) + "\n").encode()


@fuzzed
@given(damaged([CSV, CSV + CSV.split(b"\n")[1] * 3]))
def test_a_damaged_table_of_uses(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    file = tmp_path_factory.getbasetemp() / f"{uuid4().hex}.csv"
    file.write_bytes(data)
    try:
        with at_most(2), rows_of(str(file)) as rows:
            for _, row in rows:
                takes(row)
    except InputError:
        pass
    finally:
        Path(file).unlink()


def test_the_use_these_tests_damage_is_a_good_one() -> None:
    use = read_item(ITEM)
    assert (use.skill, use.measured_at) == ("weigh", datetime(2026, 11, 28, 12, tzinfo=UTC))
    for body, form in ((OTLP.encode(), Form.JSON), (protobuf(), Form.PROTOBUF)):
        (call,) = find_calls(read_spans(body, form)).uses
        assert call.use.usage.input_tokens == 10
