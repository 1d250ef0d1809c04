"""Spans sent by OTLP: answered as exporters expect, each model call counted once and under its skill."""

from __future__ import annotations

import asyncio
import gzip
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from steelyard.intake.otlp import Form
from steelyard.services.intake import IntakeService
from tests.integration.web.harness import Site
from tests.integration.web.keyed import other_tenant
from tests.integration.web.made import NOW, made_skill
from tests.integration.web.spans import JSON, PROTOBUF, URL, MadeSpan, as_json, call, protobuf


async def send(site: Site, *spans: MadeSpan) -> ExportTraceServiceResponse:
    answer = await site.client.post(URL, content=protobuf(*spans), headers=PROTOBUF)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/x-protobuf"
    return ExportTraceServiceResponse.FromString(answer.content)


async def totals(site: Site, name: str = "weigh") -> tuple[int, int]:
    """(uses, input tokens)"""
    row = await site.workbench.catalogue.find(site.tenant_id, name)
    days = await site.workbench.usage.daily(site.tenant_id, row.id, 90)
    return sum(day.uses for day in days), sum(day.input_tokens for day in days)


@pytest.fixture
async def made(site: Site) -> Site:
    await made_skill(site.workbench, site.tenant_id)
    return site


async def test_json_and_protobuf_say_the_same(made: Site) -> None:
    spans = [call(1, gen_ai__usage__cache_read__input_tokens=300), call(2, gen_ai__usage__input_tokens=2.0)]
    answer = await made.client.post(URL, content=as_json(*spans), headers=JSON)
    assert (answer.status_code, answer.json()) == (200, {})
    assert await totals(made) == (2, 1002)
    assert not (await send(made, *spans)).HasField("partial_success")
    assert await totals(made) == (2, 1002)
    row = await made.workbench.catalogue.find(made.tenant_id, "weigh")
    seen = await made.workbench.usage.skill(made.tenant_id, row.id)
    assert seen.total.avg_latency_ms == 1500
    assert seen.predominant_model == "openai:gpt-5.4"


async def test_a_skill_is_named_by_the_span_by_one_above_it_or_by_the_resource(made: Site) -> None:
    step = MadeSpan(2, {"step": 1}, parent=1)
    bare: dict[str, Any] = {"skill__name": None}
    spans = [
        MadeSpan(1, {"skill.name": "weigh"}),
        step,
        call(3, 2, **bare),
        replace(call(4, 9, **bare), resource={"skill.name": "weigh", "service.name": "shop"}),
        call(5, 2, skill__name="other"),
        call(6, 9, **bare),
        call(7, 9, **bare, traceloop__association__properties__skill__name="weigh"),
        MadeSpan(8, {"http.request.method": "GET"}, parent=3),
    ]
    answer = await send(made, *spans)
    assert await totals(made) == (3, 3000)
    assert [one.skill_name for one in await made.workbench.intake.unmatched(made.tenant_id)] == ["other"]
    assert answer.partial_success.rejected_spans == 1
    assert "skill.name" in answer.partial_success.error_message


async def test_two_spans_of_one_call_count_once_in_one_request_and_over_several(made: Site) -> None:
    other = call(2, 9, gen_ai__response__id="r1")
    later = replace(other, end_ns=other.end_ns + 40_000_000, number=3)
    await send(made, call(1, 9, gen_ai__response__id="r1"), other)
    await send(made, later)
    await send(made, replace(later, trace=bytes(reversed(later.trace))))
    assert await totals(made) == (2, 2000)


async def test_what_wraps_calls_counts_by_the_calls_alone_whatever_comes_first(made: Site) -> None:
    summed: dict[str, Any] = {"gen_ai__usage__input_tokens": 3000}
    agent = call(1, gen_ai__operation__name="invoke_agent", **summed)
    wrapper, step = call(2, 1, **summed), MadeSpan(3, {}, parent=2)
    await send(made, agent, wrapper, step, call(4, 3), call(5, 3))
    assert await totals(made) == (2, 2000)

    def again(*spans: MadeSpan) -> list[MadeSpan]:
        return [replace(span, trace=bytes(reversed(span.trace))) for span in spans]

    # The calls first, then what is above them, one request each: nothing is added.
    for span in again(call(4, 3), step, wrapper, agent):
        await send(made, span)
    assert await totals(made) == (3, 3000)
    # The wrapper first: what is under it is in it.
    third = bytes(16 * [7])
    for span in (wrapper, call(4, 2), call(5, 2)):
        await send(made, replace(span, trace=third))
    assert await totals(made) == (4, 6000)


async def test_requests_sent_again_and_at_once_count_once(made: Site) -> None:
    spans = [call(number, 9, gen_ai__response__id=f"r{number // 2}") for number in range(10, 210)]
    await asyncio.gather(*(send(made, *spans) for _ in range(4)))
    assert await totals(made) == (100, 100_000)


async def test_a_call_is_forgotten_after_days_and_its_span_still_counts_once(made: Site) -> None:
    first, second = call(1, 9, gen_ai__response__id="r1"), call(2, 9, gen_ai__response__id="r1")
    second = replace(second, end_ns=second.end_ns + 1_000_000)
    bench = made.workbench
    await send(made, first)
    bench.__dict__["intake"] = IntakeService(bench.database, bench.usage, now=lambda: NOW + timedelta(days=2))
    await send(made, second)
    assert (await totals(made))[0] == 1
    async with bench.database.tenant(made.tenant_id) as connection:
        await connection.execute("DELETE FROM seen_spans WHERE day > now()")
        before = await (await connection.execute("SELECT count(*)::int AS count FROM seen_spans")).fetchone()
    bench.__dict__["intake"] = IntakeService(bench.database, bench.usage, now=lambda: NOW + timedelta(days=9))
    await send(made)
    async with bench.database.tenant(made.tenant_id) as connection:
        after = await (await connection.execute("SELECT count(*)::int AS count FROM seen_spans")).fetchone()
    assert before is not None
    assert after is not None
    assert before["count"] > after["count"] == 0
    await send(made, first)
    assert (await totals(made))[0] == 1


async def test_calls_of_each_tenant_are_forgotten_whoever_sends_first(made: Site) -> None:
    bench, tenants = made.workbench, (made.tenant_id, await other_tenant(made.workbench.database))

    async def known(tenant_id: UUID) -> int:
        async with bench.database.tenant(tenant_id) as connection:
            row = await (await connection.execute("SELECT count(*)::int AS count FROM seen_spans")).fetchone()
        assert row is not None
        return row["count"]

    async def send_spans(days: int, *spans: MadeSpan) -> None:
        moments.append(NOW + timedelta(days=days))
        for tenant_id in tenants:
            await intake.take_spans(tenant_id, protobuf(*spans), Form.PROTOBUF)

    moments = [NOW]
    intake = IntakeService(bench.database, bench.usage, now=lambda: moments[-1])
    await send_spans(0, call(1))
    assert [await known(tenant_id) > 0 for tenant_id in tenants] == [True, True]
    await send_spans(9)
    assert [await known(tenant_id) for tenant_id in tenants] == [0, 0]
    # Once a day for each.
    await send_spans(9, call(2))
    await send_spans(9)
    assert [await known(tenant_id) > 0 for tenant_id in tenants] == [True, True]
    await send_spans(20)
    assert [await known(tenant_id) for tenant_id in tenants] == [0, 0]


async def test_contradictions_are_refused_and_counted_and_the_rest_is_kept(made: Site) -> None:
    answer = await send(
        made,
        call(1),
        call(2, gen_ai__usage__cache_read__input_tokens=1001),
        call(3, llm__token_count__prompt=999),
        call(4, gen_ai__usage__reasoning_tokens=101),
        call(5, gen_ai__usage__input_tokens=-1),
        replace(call(6), end_ns=0, start_ns=0),
        replace(call(7), end_ns=call(7).end_ns + 10**18),
        call(8, gen_ai__request__model=None),
        replace(call(9, gen_ai__usage__input_tokens=0, gen_ai__usage__output_tokens=0), failed=True),
        call(10, gen_ai__operation__name="execute_tool"),
    )
    assert answer.partial_success.rejected_spans == 7
    assert await totals(made) == (1, 1000)


async def test_answers_are_in_the_form_of_the_request(made: Site) -> None:
    whole, zipped = protobuf(call(1)), {"content-encoding": "gzip"}
    bomb = gzip.compress(b" " * 60_000_000)
    for body, headers, status in (
        (b"\xff\xff", PROTOBUF, 400),
        (whole[:-1], PROTOBUF, 400),
        (b"[]", JSON, 400),
        (b"[" * 100_000, JSON, 400),
        (b'{"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": "xy"}]}]}]}', JSON, 400),
        (whole, {"content-type": "text/plain"}, 415),
        (whole, PROTOBUF | {"content-encoding": "br"}, 415),
        (whole, PROTOBUF | zipped, 400),
        (bomb, PROTOBUF | zipped, 413),
        (bomb, JSON | zipped, 413),
        (b" " * 10_000_001, PROTOBUF, 413),
        (whole, PROTOBUF | {"origin": "https://elsewhere.example"}, 403),
    ):
        answer = await made.client.post(URL, content=body, headers=headers)
        assert answer.status_code == status, (body[:40], headers)
        form = "application/x-protobuf" if headers.get("content-type") == "application/x-protobuf" else JSON
        assert answer.headers["content-type"] == (form if isinstance(form, str) else "application/json")
        if form is JSON:
            assert set(answer.json()) == {"code", "message"}
        else:
            assert answer.content[:1] == b"\x08"
    assert await totals(made) == (0, 0)
    answer = await made.client.post(URL, content=gzip.compress(whole), headers=PROTOBUF | zipped)
    assert (answer.status_code, answer.content) == (200, b"")
    assert await totals(made) == (1, 1000)


@pytest.mark.parametrize("headers", [PROTOBUF, JSON])
async def test_while_the_database_is_away_it_is_to_be_sent_again(
    made: Site, monkeypatch: pytest.MonkeyPatch, headers: dict[str, str]
) -> None:
    def away(*_: object, **__: object) -> None:
        raise psycopg.OperationalError("the connection is lost")

    body = protobuf(call(1)) if headers is PROTOBUF else as_json(call(1))
    with monkeypatch.context() as patch:
        patch.setattr(made.workbench.database, "tenant", away)
        answer = await made.client.post(URL, content=body, headers=headers)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert (await made.client.post(URL, content=body, headers=headers)).status_code == 200
    assert (await totals(made))[0] == 1


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
_SPANS = st.dictionaries(
    st.sampled_from(["traceId", "spanId", "parentSpanId", "startTimeUnixNano", "endTimeUnixNano", "status", "kind"]),
    _VALUES,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=300) | st.builds(lambda cut: protobuf(call(1), call(2, 1))[cut:], st.integers(0, 200)))
async def test_no_bytes_make_a_fault(made: Site, body: bytes) -> None:
    for headers in (PROTOBUF, JSON):
        assert (await made.client.post(URL, content=body, headers=headers)).status_code < 500


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    spans=st.lists(_SPANS),
    attributes=st.lists(
        st.fixed_dictionaries(
            {
                "key": st.sampled_from(sorted(call(1).attributes)),
                "value": st.dictionaries(
                    st.sampled_from(["intValue", "stringValue", "doubleValue", "boolValue"]), _VALUES, max_size=2
                ),
            }
        )
    ),
    loose=_VALUES,
)
async def test_no_json_makes_a_fault(made: Site, spans: list[Any], attributes: list[Any], loose: Any) -> None:
    whole: dict[str, Any] = {"traceId": "01" * 16, "spanId": "02" * 8, "endTimeUnixNano": "1", "attributes": attributes}
    for body in (
        {"resourceSpans": [{"scopeSpans": [{"spans": [*spans, whole]}]}]},
        {"resourceSpans": [{"scopeSpans": [{"spans": [whole]}]}]},
        {"resourceSpans": loose},
        loose,
    ):
        answer: httpx.Response = await made.client.post(URL, json=body) if _plain(body) else httpx.Response(200)
        assert answer.status_code < 500


def _plain(body: Any) -> bool:
    """Whether it can be written as JSON at all."""
    try:
        httpx.Request("POST", "http://localhost", json=body)
    except ValueError:
        return False
    return True
