"""Bodies made to take time and memory: refused soon by name, while others are answered."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from google.protobuf.message import DecodeError
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from steelyard.domain import json_bodies
from steelyard.domain.errors import InputError, TooLarge
from steelyard.domain.json_bodies import has_more_values, has_nul
from steelyard.intake.otlp import Form, bounds, read_spans
from steelyard.web.quiet import QuietServer
from steelyard.web.server import config_of
from tests.integration.web.harness import Site

JSON = {"content-type": "application/json", "content-encoding": "gzip"}
PROTOBUF = {"content-type": "application/x-protobuf", "content-encoding": "gzip"}
# A loaded machine takes its part of it; the faults these are made for took tens of seconds.
SOON_S = 2.0
MOST_MB = 300


def keys(count: int) -> bytes:
    return ("{" + ",".join(f'"{number:07x}":0' for number in range(count)) + "}").encode()


CRUEL = {
    "a million properties": keys(1_000_000),
    "three million properties": keys(3_000_000),
    "numbers": b'{"a":[' + b"0," * 4_900_000 + b"0]}",
    "brackets": b"[" * 9_900_000,
    "objects": b'{"a":[' + b'{"a":0},' * 1_200_000 + b"0]}",
    "backslashes": b'{"a":"' + b"\\\\" * 4_900_000 + b'"}',
    "twenty megabytes of backslashes": b'{"a":"' + b"\\\\" * 9_900_000 + b'"}',
    "half NULs": b'{"a":"' + b"\\\\u0000" * 1_400_000 + b'"}',
    "a long property": b'{"' + b"a" * 9_900_000 + b'":0}',
    "wide": ('{"a":"\U0001f600' + "x" * 9_900_000 + '"}').encode(),
}


@pytest.fixture
async def port(site: Site) -> AsyncIterator[int]:
    server = QuietServer(config_of(site.app))
    listening = await asyncio.get_running_loop().create_server(asyncio.Protocol, "127.0.0.1", 0)
    socket = listening.sockets[0].dup()
    listening.close()
    serving = asyncio.create_task(server.serve(sockets=[socket]))
    yield socket.getsockname()[1]
    server.should_exit = True
    await serving


def memory(of: str) -> int:
    """Megabytes of this process: VmRSS now, VmHWM at most."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return int(next(line for line in lines if line.startswith(of)).split()[1]) // 1000


def memory_afresh() -> int:
    """What is held now; the most is counted from here on."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return memory("VmRSS")


async def sent(port: int, path: str, body: bytes, headers: dict[str, str]) -> httpx.Response:
    """The answer, before which others were answered soon, and nothing like the body's size was taken of memory."""
    body = gzip.compress(body, 1)
    waited = 0.0

    async def asks_on() -> None:
        nonlocal waited
        async with httpx.AsyncClient(base_url=f"http://localhost:{port}", timeout=60) as other:
            while True:
                began = time.perf_counter()
                assert (await other.get("/healthz")).status_code == 200
                waited = max(waited, time.perf_counter() - began)
                await asyncio.sleep(0.02)

    before = memory_afresh()
    asking = asyncio.create_task(asks_on())
    async with httpx.AsyncClient(base_url=f"http://localhost:{port}", timeout=120) as client:
        answer = await client.post(path, content=body, headers=headers)
    await asyncio.sleep(0.05)
    asking.cancel()
    assert waited < SOON_S, f"{path}: another one waited for {waited:.1f} s"
    assert memory("VmHWM") - before < MOST_MB, path
    return answer


@pytest.mark.parametrize("path", ["/v1/skills/none/suggestions", "/v1/feedback", "/v1/measurements", "/v1/traces"])
async def test_no_body_holds_up_others_or_fills_the_memory(port: int, path: str) -> None:
    for name, body in CRUEL.items():
        answer = await sent(port, path, body, JSON)
        assert answer.status_code in (200, 400, 404, 413, 422), name
        assert len(answer.content) < 10_000, name
    assert (await sent(port, path, CRUEL["numbers"], JSON)).status_code == 413


async def test_what_is_named_in_vain_is_told_by_a_few_and_a_number(port: int) -> None:
    answer = await sent(port, "/v1/skills/none/suggestions", keys(50_000), JSON)
    assert answer.status_code == 422
    assert "'0000000', '0000001'" in answer.json()["detail"]
    assert "and 49,995 more" in answer.json()["detail"]
    assert "title" in answer.json()["next_step"]
    wrong = b'{"files":[' + b",".join([b'{"path":0,"text":0}'] * 4_000) + b"]}"
    answer = await sent(port, "/v1/lint", wrong, JSON)
    assert (answer.status_code, answer.json()["detail"]) == (422, "8,000 of the values in the body cannot be used.")


async def test_no_body_but_a_batch_unpacks_to_more_than_ten_megabytes(port: int) -> None:
    padded = b" " * 11_000_000 + b"{}"
    for path, status in (("/v1/feedback", 413), ("/v1/lint", 413), ("/v1/measurements", 422), ("/v1/traces", 200)):
        assert (await sent(port, path, padded, JSON)).status_code == status, path


def nested(*tags: bytes, inner: bytes) -> bytes:
    for tag in reversed(tags):
        size, length = bytearray(), len(inner)
        while length > 127:
            size.append(length & 127 | 128)
            length >>= 7
        inner = tag + bytes([*size, length]) + inner
    return inner


def exported(spans: int, attributes: int) -> bytes:
    request = ExportTraceServiceRequest()
    of_scope = request.resource_spans.add().scope_spans.add()
    for number in range(1, spans + 1):
        span = of_scope.spans.add(trace_id=number.to_bytes(16, "big"), span_id=number.to_bytes(8, "big"), name="chat")
        span.start_time_unix_nano = span.end_time_unix_nano = 1_800_000_000_000_000_000
        for place in range(attributes):
            attribute = span.attributes.add(key=f"http.request.header.{place}")
            attribute.value.string_value = "x" * 40
    return request.SerializeToString()


SPANS = {
    "spans": nested(b"\x0a", b"\x12", inner=b"\x12\x00" * 2_000_000),
    "attributes": nested(b"\x0a", b"\x12", b"\x12", inner=b"\x4a\x00" * 4_000_000),
    "events": nested(b"\x0a", b"\x12", b"\x12", inner=b"\x5a\x00" * 4_000_000),
    "values": nested(b"\x0a", b"\x12", b"\x12", b"\x4a", b"\x12", b"\x2a", inner=b"\x0a\x00" * 4_000_000),
    "resources": b"\x0a\x00" * 4_000_000,
    "scopes": nested(b"\x0a", inner=b"\x12\x00" * 4_000_000),
}


async def test_more_spans_than_are_taken_at_once_are_refused_before_they_are_made(port: int) -> None:
    for name, body in SPANS.items():
        answer = await sent(port, "/v1/traces", body, PROTOBUF)
        assert answer.status_code == 413, name
        assert b"Nothing was kept. Send fewer spans at a time" in answer.content, name
    for scopes in ([{"spans": [{}] * 25_000}], [{}] * 800_000):
        body = json.dumps({"resourceSpans": [{"scopeSpans": scopes}]}).encode()
        answer = await sent(port, "/v1/traces", body, JSON)
        assert answer.status_code == 413
        assert "Nothing was kept. Send fewer spans at a time" in answer.json()["message"]


# In front of what is counted: the library skips these, or refuses them when it comes to them. Field 1000 is nobody's.
SKIPPED = {
    "a group": b"\xc3\x3e" + b"\x0a\x02\x0a\x7f" + b"\xc4\x3e",
    "a group within a group": b"\xc3\x3e\xcb\x3e" + b"\x0a\x02\x0a\x7f" + b"\xcc\x3e\xc4\x3e",
    "a group of a known field": b"\x0b" + b"\x0a\x02\x0a\x7f" + b"\x0c",
    "the end of a group": b"\xc4\x3e",
    "wire type 6": b"\xc6\x3e" + b"\x0a\x02\x0a\x7f",
    "wire type 7": b"\xc7\x3e" + b"\x0a\x02\x0a\x7f",
    "field 0": b"\x02\x00",
    "a tag of five bytes and more bits": b"\x8a\x80\x80\x80\x10\x02\x0a\x7f",
    "a tag without end": b"\x8a" + b"\x80" * 11 + b"\x00",
    "a number without end": b"\xc0\x3e" + b"\x80" * 11 + b"\x00",
    "a field that leads out of its message": b"\x0a\x02\x0a\x7f",
}


@pytest.mark.parametrize("name", SKIPPED)
def test_nothing_of_another_form_switches_the_counting_off(name: str) -> None:
    for body in (SKIPPED[name] + SPANS["spans"], nested(b"\x0a", inner=SKIPPED[name]) + SPANS["spans"]):
        before = memory_afresh()
        with pytest.raises(
            InputError, match=r"no ExportTraceServiceRequest in protobuf\. Nothing was kept\."
        ) as refusal:
            read_spans(body, Form.PROTOBUF)
        assert not isinstance(refusal.value, TooLarge)
        assert memory("VmHWM") - before < 50


async def test_spans_behind_a_group_are_refused_by_name_and_fill_no_memory(port: int) -> None:
    spans = nested(b"\x0a", b"\x12", inner=b"\x12\x00" * 20_000_000)
    answer = await sent(port, "/v1/traces", SKIPPED["a group"] + spans, PROTOBUF)
    assert answer.status_code == 400
    assert b"The body is no ExportTraceServiceRequest in protobuf. Nothing was kept." in answer.content


varints = st.integers(0, 2**40) | st.sampled_from([8, 10, 11, 12, 18, 74, 90, 2**32 + 10, 2**35 + 10, 2**70 + 10])


def varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def field_of(tag: int, inner: bytes, size: int | None) -> bytes:
    """Of a length that is told wrongly where `size` is given."""
    return varint(tag) + varint(len(inner) if size is None else size) + inner


tags = st.sampled_from([10, 18, 18, 18, 26, 74, 90, 42, 50]) | varints
odd = st.sampled_from(sorted(SKIPPED.values())) | varints.map(varint) | st.binary(max_size=6)
fields = st.recursive(
    st.just(b"\x12\x00") | odd,
    lambda inner: st.builds(
        field_of, tags, st.lists(inner, max_size=4).map(b"".join), st.none() | st.none() | st.integers(0, 300)
    ),
    max_leaves=10,
)
three_spans = st.builds(lambda *some: nested(b"\x0a", b"\x12", inner=b"\x12\x00".join(some)), odd, odd, odd, odd)


@settings(max_examples=1_000)
@given(st.lists(st.just(nested(b"\x0a", b"\x12", inner=b"\x12\x00" * 3)) | three_spans | fields).map(b"".join))
def test_the_library_never_makes_more_spans_than_were_counted(body: bytes) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(bounds, "MOST_SPANS", 2)
        try:
            bounds.check_fields(body)
        except InputError:
            return
    request = ExportTraceServiceRequest()
    with suppress(DecodeError):
        request.ParseFromString(body)
    assert sum(len(scope.spans) for one in request.resource_spans for scope in one.scope_spans) <= 2


@pytest.mark.parametrize("spans", [512, 5_000])
async def test_what_exporters_send_is_taken(port: int, spans: int) -> None:
    answer = await sent(port, "/v1/traces", exported(spans, 30), PROTOBUF)
    assert answer.status_code == 200
    assert not ExportTraceServiceResponse.FromString(answer.content).HasField("partial_success")


values = st.recursive(
    st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
)


def counted(value: object) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + sum(map(counted, inner))


@given(values, st.booleans(), st.integers(1, 9))
def test_values_are_counted_whatever_stands_in_the_texts(value: object, escaped: bool, at_once: int) -> None:
    data = json.dumps(value, ensure_ascii=escaped).encode("utf-8", "surrogatepass")
    count = counted(value)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(json_bodies, "_AT_ONCE", at_once)
        # An empty list or object is counted by its bracket and by the comma before it.
        assert not has_more_values(data, 2 * count)
        assert count == 1 or has_more_values(data, count - 1)


@given(st.text('\\u0\x00"n', max_size=12))
def test_a_nul_is_found_and_the_letters_of_one_are_not(text: str) -> None:
    assert has_nul(json.dumps({text: [text]}).encode()) == ("\x00" in text)
