"""Both vendors over HTTP: replies, usage, stop reasons, schema replies, settings."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from steelyard.domain.calls import MOST_OF_A_FORM, CallError, FailureKind, ModelRequest, StopReason, Usage
from steelyard.providers.gateway import Gateway
from steelyard.providers.registry import Providers
from steelyard.providers.settings import CallSettings
from tests.integration.providers.conftest import ANTHROPIC, OPENAI, SCHEMA, VENDORS, request_for
from tests.modelserver import Call, ModelServer, Reply, ServerConfig

Open = Callable[..., Providers]


@pytest.mark.parametrize("model", VENDORS)
@pytest.mark.parametrize("stream", [False, True])
async def test_usage_counts_cache_within_input_for_every_vendor(
    server: ModelServer, open_providers: Open, model: str, stream: bool
) -> None:
    write = 0 if model == OPENAI else 50
    usage = Usage(input_tokens=1000, output_tokens=40, cache_read_tokens=600, cache_write_tokens=write)
    server.config = ServerConfig(reply=lambda call: Reply("four pounds", usage=usage))
    reply = await open_providers(calls=CallSettings(stream=stream)).complete(request_for(model))
    assert reply.output == "four pounds"
    assert reply.usage == usage
    assert reply.attempts == 1
    assert (reply.ttft_ms is not None) == stream


@pytest.mark.parametrize("tokens", [-10, 10**25])
async def test_a_count_no_call_can_have_is_no_count_and_the_answer_is_kept(
    server: ModelServer, open_providers: Open, tokens: int
) -> None:
    server.config = ServerConfig(reply=lambda call: Reply("120 g", usage=Usage(tokens, 5)))
    reply = await open_providers().complete(request_for(OPENAI))
    assert (reply.output, reply.usage, reply.effective_settings["usage"]) == ("120 g", Usage(), "not reported")
    assert not reply.usage_known


async def test_reasoning_is_counted_within_the_output(server: ModelServer, open_providers: Open) -> None:
    usage = Usage(input_tokens=10, output_tokens=90, reasoning_tokens=70)
    server.config = ServerConfig(reply=lambda call: Reply("so", usage=usage))
    assert (await open_providers().complete(request_for(OPENAI))).usage == usage


@pytest.mark.parametrize("model", VENDORS)
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("said", "means"),
    [("stop", StopReason.STOP), ("length", StopReason.LENGTH), ("refusal", StopReason.REFUSAL)],
)
async def test_stop_reasons_of_both_vendors_mean_the_same(
    server: ModelServer, open_providers: Open, model: str, stream: bool, said: str, means: StopReason
) -> None:
    server.config = ServerConfig(reply=lambda call: Reply("half an answ", said))
    reply = await open_providers(calls=CallSettings(stream=stream)).complete(request_for(model))
    assert reply.stop_reason is means


@pytest.mark.parametrize("model", VENDORS)
async def test_an_empty_reply_is_a_reply_with_its_usage(server: ModelServer, open_providers: Open, model: str) -> None:
    server.config = ServerConfig(reply=lambda call: Reply("", usage=Usage(10, 1)))
    reply = await open_providers().complete(request_for(model))
    assert reply.output == ""
    assert reply.usage == Usage(10, 1)


@pytest.mark.parametrize("model", [*VENDORS, "anthropic:claude-3-haiku-20240307", "openai:gpt-4"])
@pytest.mark.parametrize("stream", [False, True])
async def test_a_schema_reply_is_the_json_text(open_providers: Open, model: str, stream: bool) -> None:
    reply = await open_providers(calls=CallSettings(stream=stream)).complete(request_for(model, json_schema=SCHEMA))
    assert set(json.loads(reply.output)) == {"level"}
    assert reply.stop_reason is StopReason.STOP


@pytest.mark.parametrize("fenced", ['```json\n{"level": 4}\n```', '```\n{"level": 4}\n```\n'])
async def test_json_in_a_code_fence_is_read_at_the_first_attempt(
    server: ModelServer, open_providers: Open, fenced: str
) -> None:
    server.config = ServerConfig(schema_reply=lambda call: Reply(fenced))
    reply = await open_providers().complete(request_for(OPENAI, json_schema=SCHEMA))
    assert (reply.output, reply.attempts) == ('{"level": 4}', 1)


async def test_what_takes_time_before_a_first_call_holds_no_slot(
    open_providers: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = asyncio.Event()
    prepare = Gateway._prepare

    async def slow(self: Gateway, request: ModelRequest) -> Any:
        if request.model.name == "slow":
            await go_on.wait()
        return await prepare(self, request)

    monkeypatch.setattr(Gateway, "_prepare", slow)
    providers = open_providers(ceiling=1)
    waiting = asyncio.create_task(providers.complete(request_for("openai:slow")))
    await asyncio.sleep(0)
    assert (await asyncio.wait_for(providers.complete(request_for("openai:quick")), 30)).output
    assert not waiting.done()
    go_on.set()
    assert (await waiting).output


@pytest.mark.parametrize("model", VENDORS)
async def test_prose_in_place_of_json_is_malformed_and_what_was_paid_is_told(
    server: ModelServer, open_providers: Open, model: str
) -> None:
    def prose_then_json(call: Call) -> Reply:
        return Reply("I think it is fine." if call.index == 0 else '{"level": 4}', usage=Usage(100, 10))

    server.config = ServerConfig(schema_reply=prose_then_json)
    reply = await open_providers().complete(request_for(model, json_schema=SCHEMA))
    assert (reply.output, reply.usage) == ('{"level": 4}', Usage(100, 10))
    assert (reply.attempts, reply.wasted) == (2, Usage(100, 10))

    server.config = ServerConfig(schema_reply=lambda call: Reply("No.", usage=Usage(100, 10)))
    with pytest.raises(CallError, match="asked for JSON and replied: No") as failure:
        await open_providers().complete(request_for(model, json_schema=SCHEMA))
    assert failure.value.kind is FailureKind.MALFORMED
    assert (failure.value.attempts, failure.value.wasted) == (3, Usage(300, 30))
    assert failure.value.wasted_known


async def test_json_nested_without_end_is_malformed_and_its_cost_is_kept(
    server: ModelServer, open_providers: Open
) -> None:
    server.config = ServerConfig(schema_reply=lambda call: Reply("[" * 100_000, usage=Usage(100, 10)))
    with pytest.raises(CallError, match="was asked for JSON") as failure:
        await open_providers().complete(request_for(OPENAI, json_schema=SCHEMA))
    assert (failure.value.kind, failure.value.wasted) == (FailureKind.MALFORMED, Usage(300, 30))
    assert failure.value.wasted_known


async def test_a_reply_too_long_for_its_schema_is_refused_unread_and_not_asked_for_again(
    server: ModelServer, open_providers: Open
) -> None:
    filled = f'{{"level": 4{" " * MOST_OF_A_FORM}}}'
    server.config = ServerConfig(schema_reply=lambda call: Reply(filled, usage=Usage(100, 10)))
    with pytest.raises(CallError, match="characters, more than the 200,000") as failure:
        await open_providers().complete(request_for(OPENAI, json_schema=SCHEMA))
    assert (failure.value.kind, failure.value.attempts) == (FailureKind.MALFORMED, 1)
    assert (failure.value.wasted, failure.value.wasted_known) == (Usage(100, 10), True)


async def test_a_malformed_reply_without_usage_may_have_cost_anything(
    server: ModelServer, open_providers: Open
) -> None:
    server.config = ServerConfig(schema_reply=lambda call: Reply("prose", usage=Usage()))
    with pytest.raises(CallError, match="was asked for JSON") as failure:
        await open_providers().complete(request_for(OPENAI, json_schema=SCHEMA))
    assert not failure.value.wasted_known


async def test_settings_of_the_reference_are_sent_and_recorded(server: ModelServer, open_providers: Open) -> None:
    server.config = ServerConfig(record_bodies=10)
    reply = await open_providers().complete(request_for("openai:gpt-4o-mini?temperature=0.5&seed=7&max_tokens=9"))
    body = server.stats.bodies[-1]
    assert (body["temperature"], body["seed"]) == (0.5, 7)
    assert 9 in (body.get("max_tokens"), body.get("max_completion_tokens"))
    assert {"temperature": 0.5, "seed": 7}.items() <= reply.effective_settings.items()
    assert "dropped" not in reply.effective_settings


@pytest.mark.parametrize("model", ["openai:gpt-5?temperature=0.5", "anthropic:claude-opus-5-5?temperature=0.5"])
async def test_a_setting_the_model_does_not_take_is_recorded_as_dropped_and_warns_nobody(
    server: ModelServer, open_providers: Open, model: str
) -> None:
    server.config = ServerConfig(record_bodies=10)
    reply = await open_providers().complete(request_for(model))
    assert "temperature" not in server.stats.bodies[-1]
    assert reply.effective_settings["dropped"] == ["temperature"]
    assert "temperature" not in reply.effective_settings


async def test_a_deprecated_model_is_called_without_a_warning_and_the_warning_recorded(open_providers: Open) -> None:
    reply = await open_providers().complete(request_for("anthropic:claude-sonnet-4-5"))
    assert "deprecated" in reply.effective_settings["warnings"][0]


async def test_latency_leaves_out_queueing(server: ModelServer, open_providers: Open) -> None:
    import asyncio

    providers = open_providers(ceiling=1)
    await providers.complete(request_for(ANTHROPIC, "warm"))
    server.config = ServerConfig(latency_s=0.1)
    replies = await asyncio.gather(*(providers.complete(request_for(ANTHROPIC, f"{i}")) for i in range(5)))
    assert all(95 <= reply.latency_ms < 250 for reply in replies)


async def test_closing_twice_and_using_again_is_safe(open_providers: Open) -> None:
    providers = open_providers()
    await providers.complete(request_for(OPENAI))
    await providers.aclose()
    await providers.aclose()
    assert (await providers.complete(request_for(OPENAI))).output


@pytest.mark.parametrize("stream", [False, True])
async def test_anthropics_word_for_a_full_context_window_is_understood(
    server: ModelServer, open_providers: Open, stream: bool
) -> None:
    server.config = ServerConfig(reply=lambda call: Reply("It weighs", stop_reason="context"))
    reply = await open_providers(calls=CallSettings(stream=stream)).complete(request_for(ANTHROPIC))
    assert reply.stop_reason is StopReason.CONTEXT
