"""Whoever counts a call's tokens, and however: they come out alike, or are refused."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from steelyard.client.responses import read_response
from steelyard.domain.calls import Usage
from steelyard.intake import Refused
from steelyard.intake.counting import Counting, Place, Told, counting_of, normalised
from steelyard.intake.otlp import Span, find_calls
from steelyard.intake.otlp.spellings import INPUT, OUTPUT
from steelyard.intake.vendors import provider_named, provider_of

counts = st.integers(0, 10**6)
usages = st.builds(
    lambda fresh, read, write, said, thought: Usage(fresh + read + write, said + thought, read, write, thought),
    st.integers(1, 10**6), counts, counts, st.integers(1, 10**6), counts,
)  # fmt: skip
TRUE = Usage(1000, 100, 300, 40, 20)


def told_by(usage: Usage, counting: Counting, total: int | None = None) -> Told:
    """The usage as one who counts so tells it."""
    cache = usage.cache_read_tokens + usage.cache_write_tokens
    return Told(
        usage.input_tokens - (cache if counting.cache is Place.BESIDE else 0),
        usage.output_tokens - (usage.reasoning_tokens if counting.reasoning is Place.BESIDE else 0),
        usage.cache_read_tokens,
        usage.cache_write_tokens,
        usage.reasoning_tokens,
        total,
    )


ways = st.builds(Counting, st.sampled_from([Place.WITHIN, Place.BESIDE]), st.sampled_from([Place.WITHIN, Place.BESIDE]))


@given(usages, ways)
def test_every_way_of_counting_comes_out_alike(usage: Usage, way: Counting) -> None:
    assert normalised(told_by(usage, way), way) == usage
    assert normalised(told_by(usage, way, usage.total_tokens), way) == usage


@given(usages, ways, ways)
def test_a_total_settles_what_the_table_has_wrong(usage: Usage, way: Counting, believed: Counting) -> None:
    cache = usage.cache_read_tokens + usage.cache_write_tokens
    # Where the parts are as many as each other the total fits two ways.
    assume(cache and usage.reasoning_tokens and cache != usage.reasoning_tokens)
    assume(way != Counting())
    assert normalised(told_by(usage, way, usage.total_tokens), believed) == usage


@given(usages, ways, ways)
def test_no_token_is_ever_counted_twice(usage: Usage, way: Counting, believed: Counting) -> None:
    """However wrong the belief: at most what was told, each part once."""
    told = told_by(usage, way)
    try:
        found = normalised(told, believed)
    except Refused:
        return
    parts = (told.cache_read or 0) + (told.cache_write or 0) + (told.reasoning or 0)
    assert found.total_tokens <= (told.input or 0) + (told.output or 0) + parts
    assert found.input_tokens >= found.cache_read_tokens + found.cache_write_tokens


def span(scope: str, **attributes: Any) -> Span:
    named = {name.replace("__", "."): value for name, value in attributes.items()}
    return Span(
        b"t" * 16, b"s" * 8, b"", scope, 10**18, 10**18 + 10**9, False, True, {"skill.name": "weigh"} | named, {}
    )


def read(one: Span) -> tuple[str, Usage]:
    found = find_calls([one])
    assert not found.refused, found.refused
    return found.uses[0].use.model.text, found.uses[0].use.usage


# As these emit them, read off their code and their spans.
EMITTED = {
    "OpenLLMetry, Anthropic": (
        "opentelemetry.instrumentation.anthropic",
        {
            "gen_ai.provider.name": "anthropic", "gen_ai.request.model": "claude-sonnet-5",
            "gen_ai.usage.input_tokens": 1000, "gen_ai.usage.output_tokens": 100, "gen_ai.usage.total_tokens": 1100,
            "gen_ai.usage.cache_read.input_tokens": 300, "gen_ai.usage.cache_creation.input_tokens": 40,
        },
        Usage(1000, 100, 300, 40),
        "anthropic:claude-sonnet-5",
    ),
    "OpenLLMetry with the older names, Anthropic": (
        "opentelemetry.instrumentation.anthropic",
        {
            "gen_ai.system": "Anthropic", "gen_ai.request.model": "claude-sonnet-5",
            "gen_ai.usage.prompt_tokens": 1000, "gen_ai.usage.completion_tokens": 100, "llm.usage.total_tokens": 1100,
            "gen_ai.usage.cache_read_input_tokens": 300, "gen_ai.usage.cache_creation_input_tokens": 40,
        },
        Usage(1000, 100, 300, 40),
        "anthropic:claude-sonnet-5",
    ),
    "OpenInference, Anthropic": (
        "openinference.instrumentation.anthropic",
        {
            "llm.provider": "anthropic", "llm.model_name": "claude-sonnet-5", "openinference.span.kind": "LLM",
            "llm.token_count.prompt": 1000, "llm.token_count.completion": 100, "llm.token_count.total": 1100,
            "llm.token_count.prompt_details.cache_read": 300, "llm.token_count.prompt_details.cache_write": 40,
        },
        Usage(1000, 100, 300, 40),
        "anthropic:claude-sonnet-5",
    ),
    "OpenInference, OpenAI at another address": (
        "openinference.instrumentation.openai",
        {
            "llm.model_name": "gpt-5.4", "openinference.span.kind": "LLM",
            "llm.token_count.prompt": 1000, "llm.token_count.completion": 100, "llm.token_count.total": 1100,
            "llm.token_count.prompt_details.cache_read": 300, "llm.token_count.completion_details.reasoning": 20,
        },
        Usage(1000, 100, 300, 0, 20),
        "openai:gpt-5.4",
    ),
    "pydantic-ai, which leaves out what is 0": (
        "pydantic-ai",
        {
            "gen_ai.provider.name": "google", "gen_ai.request.model": "gemini-3-pro", "gen_ai.operation.name": "chat",
            "gen_ai.usage.input_tokens": 1000, "gen_ai.usage.details.thoughts_tokens": 0,
        },
        Usage(1000, 0),
        "google:gemini-3-pro",
    ),
    "OpenTelemetry, Google": (
        "opentelemetry.instrumentation.google_genai",
        {
            "gen_ai.provider.name": "gcp.gemini", "gen_ai.request.model": "models/gemini-3-pro",
            "gen_ai.operation.name": "generate_content", "gen_ai.usage.input_tokens": 1000,
            "gen_ai.usage.output_tokens": 100, "gen_ai.usage.reasoning.output_tokens": 20,
            "gen_ai.usage.cache_read.input_tokens": 300,
        },
        Usage(1000, 100, 300, 0, 20),
        "google:gemini-3-pro",
    ),
    "OpenLLMetry, Google, where only the total has the thoughts": (
        "opentelemetry.instrumentation.google_generativeai",
        {
            "gen_ai.system": "gcp.gen_ai", "gen_ai.request.model": "gemini-3-pro", "gen_ai.usage.input_tokens": 1000,
            "gen_ai.usage.output_tokens": 80, "gen_ai.usage.total_tokens": 1100,
            "gen_ai.usage.cache_read.input_tokens": 300,
        },
        Usage(1000, 100, 300, 0, 20),
        "google:gemini-3-pro",
    ),
    "OpenLLMetry, Bedrock, with the cache beside the input": (
        "opentelemetry.instrumentation.bedrock",
        {
            "gen_ai.provider.name": "aws.bedrock", "gen_ai.request.model": "anthropic.claude-sonnet-5-v1:0",
            "gen_ai.usage.input_tokens": 660, "gen_ai.usage.output_tokens": 100,
            "gen_ai.usage.cache_read.input_tokens": 300, "gen_ai.usage.cache_creation.input_tokens": 40,
        },
        Usage(1000, 100, 300, 40),
        "aws:anthropic.claude-sonnet-5-v1:0",
    ),
    "an instrumentation nobody knows, whose total tells": (
        "someone.elses",
        {
            "gen_ai.provider.name": "anthropic", "gen_ai.request.model": "claude-sonnet-5",
            "gen_ai.usage.input_tokens": 660, "gen_ai.usage.output_tokens": 100, "gen_ai.usage.total_tokens": 1100,
            "gen_ai.usage.cache_read_input_tokens": 300, "gen_ai.usage.cache_creation_input_tokens": 40,
        },
        Usage(1000, 100, 300, 40),
        "anthropic:claude-sonnet-5",
    ),
    "Azure, where the model asked for is a deployment": (
        "opentelemetry.instrumentation.openai.v1",
        {
            "gen_ai.system": "az.ai.openai", "gen_ai.request.model": "my-deployment",
            "gen_ai.response.model": "gpt-5.4-2026-03-05", "gen_ai.usage.input_tokens": 1000,
            "gen_ai.usage.output_tokens": 100, "gen_ai.usage.reasoning_tokens": 20,
        },
        Usage(1000, 100, 0, 0, 20),
        "azure:gpt-5.4-2026-03-05",
    ),
    "the Vercel AI SDK, OpenAI": (
        "ai",
        {
            "gen_ai.system": "openai.responses", "gen_ai.request.model": "gpt-5.4", "ai.usage.inputTokens": 1000,
            "gen_ai.usage.input_tokens": 1000, "ai.usage.outputTokens": 100, "ai.usage.cachedInputTokens": 300,
        },
        Usage(1000, 100, 300),
        "openai:gpt-5.4",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", EMITTED)
def test_what_instrumentations_emit_is_read_as_it_was_meant(name: str) -> None:
    scope, attributes, usage, model = EMITTED[name]
    assert read(span(scope, **{key.replace(".", "__"): value for key, value in attributes.items()})) == (model, usage)


@pytest.mark.parametrize(
    ("scope", "provider", "more"),
    [
        ("someone.elses", "anthropic", {"gen_ai.usage.cache_read.input_tokens": 1001}),
        ("someone.elses", "anthropic", {"gen_ai.usage.output_tokens.reasoning": 101}),
        ("ai", "anthropic.messages", {"ai.usage.cachedInputTokens": 300}),
        ("someone.elses", "openai", {"gen_ai.usage.prompt_tokens": 999}),
        ("someone.elses", "openai", {"gen_ai.usage.input_tokens": "many"}),
    ],
)
def test_what_contradicts_itself_is_refused(scope: str, provider: str, more: dict[str, Any]) -> None:
    attributes = {
        "gen_ai.system": provider,
        "gen_ai.request.model": "some",
        "gen_ai.usage.input_tokens": 1000,
        "gen_ai.usage.output_tokens": 100,
        **more,
    }
    one = span(scope, **{key.replace(".", "__"): value for key, value in attributes.items()})
    assert sum(find_calls([one]).refused.values()) == 1


def test_a_count_that_is_left_out_is_0_unless_the_total_says_otherwise() -> None:
    assert normalised(Told(input=10, total=10), Counting()) == Usage(10, 0)
    with pytest.raises(Refused, match="total"):
        normalised(Told(input=10, total=25), Counting())


@given(st.sampled_from(INPUT), st.sampled_from(OUTPUT))
def test_every_spelling_is_read(asked: str, answered: str) -> None:
    attributes = {"gen_ai.request.model": "gpt-5.4", asked: 7, answered: 3}
    one = span("x", **{key.replace(".", "__"): value for key, value in attributes.items()})
    assert read(one) == ("openai:gpt-5.4", Usage(7, 3))


def test_providers_have_one_name() -> None:
    for name, ours in {
        "gcp.vertex_ai": "google", "gemini": "google", "google.generative-ai": "google", "az.ai.openai": "azure",
        "aws.bedrock": "aws", "anthropic.messages": "anthropic", "OpenAI": "openai", "x_ai": "x-ai",
        "someone.new": "someone.new", "a b": None, "": None, "é": None,
    }.items():  # fmt: skip
        assert provider_named(name) == ours
    assert provider_of("anthropic/claude-sonnet-5") == "anthropic"
    assert provider_of("my-model") is None
    assert counting_of("ai", "openai") == Counting()
    assert counting_of("airflow", "anthropic") == Counting()


def objects(value: Any) -> Any:
    return SimpleNamespace(**{k: objects(v) for k, v in value.items()}) if isinstance(value, dict) else value


RESPONSES = {
    "anthropic:claude-sonnet-5": {
        "type": "message",
        "model": "claude-sonnet-5",
        "usage": {
            "input_tokens": 660, "output_tokens": 100, "cache_read_input_tokens": 300,
            "cache_creation_input_tokens": 40,
        },
    },
    "openai:gpt-5.4": {
        "model": "gpt-5.4",
        "usage": {
            "prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100,
            "prompt_tokens_details": {"cached_tokens": 300, "cache_write_tokens": 40},
            "completion_tokens_details": {"reasoning_tokens": 20},
        },
    },
    "openai:gpt-5.4-mini": {
        "model": "gpt-5.4-mini",
        "usage": {
            "input_tokens": 1000, "output_tokens": 100,
            "input_tokens_details": {"cached_tokens": 300}, "output_tokens_details": {"reasoning_tokens": 20},
        },
    },
    "google:gemini-3-pro": {
        "model_version": "gemini-3-pro",
        "usage_metadata": {
            "prompt_token_count": 900, "tool_use_prompt_token_count": 100, "candidates_token_count": 80,
            "thoughts_token_count": 20, "cached_content_token_count": 300, "total_token_count": 1100,
        },
    },
}  # fmt: skip


@pytest.mark.parametrize("model", RESPONSES)
@pytest.mark.parametrize("form", [objects, dict])
def test_an_answer_tells_its_model_and_tokens(model: str, form: Any) -> None:
    named, usage = read_response(form(RESPONSES[model]))
    assert named == model
    assert (usage.input_tokens, usage.output_tokens, usage.cache_read_tokens) == (1000, 100, 300)


@pytest.mark.parametrize("response", [None, {}, {"usage": {}}, {"usage": {"input_tokens": -1}}, object()])
def test_what_is_no_answer_is_refused(response: object) -> None:
    with pytest.raises(Refused):
        read_response(response)


@given(st.integers(1, 100), st.integers(0, 3))
def test_no_call_is_lost_among_spans_that_are_each_others_parents(length: int, under: int) -> None:
    call = span("", gen_ai__request__model="gpt-5.4", gen_ai__provider__name="openai", gen_ai__usage__input_tokens=5)
    ids = [bytes([1, *[0] * 6, number]) for number in range(1, length + 1)]
    ring = [replace(call, span_id=one, parent_id=ids[place - 1]) for place, one in enumerate(ids)]
    below = [replace(call, span_id=bytes([2, *[0] * 6, n + 1]), parent_id=ids[0]) for n in range(under)]
    found = find_calls([*below, *ring])
    # One of the ring that calls are under wraps them, as anywhere.
    assert len(found.uses) == (length if not under else length - 1 + under)
    assert len(found.uses) + found.repeated == length + under
