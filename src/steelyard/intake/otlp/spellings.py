"""The attributes of spans that say what a model call took, in every spelling that is about.

OpenTelemetry's GenAI conventions with their older names, OpenLLMetry (llm.usage), OpenInference (llm.token_count),
pydantic-ai (gen_ai.usage.details) and the Vercel AI SDK (ai.usage).
"""

from __future__ import annotations

INPUT = (
    "gen_ai.usage.input_tokens",
    "gen_ai.usage.prompt_tokens",
    "llm.usage.prompt_tokens",
    "llm.usage.input_tokens",
    "llm.token_count.prompt",
    "ai.usage.inputTokens",
    "ai.usage.promptTokens",
)
OUTPUT = (
    "gen_ai.usage.output_tokens",
    "gen_ai.usage.completion_tokens",
    "llm.usage.completion_tokens",
    "llm.usage.output_tokens",
    "llm.token_count.completion",
    "ai.usage.outputTokens",
    "ai.usage.completionTokens",
)
TOTAL = (
    "gen_ai.usage.total_tokens",
    "llm.usage.total_tokens",
    "llm.token_count.total",
    "ai.usage.totalTokens",
)
CACHE_READ = (
    "gen_ai.usage.cache_read.input_tokens",
    "gen_ai.usage.cache_read_input_tokens",
    "gen_ai.usage.cache_read_tokens",
    "gen_ai.usage.cached_tokens",
    "gen_ai.usage.input_tokens.cached",
    "gen_ai.usage.input_tokens.cache_read",
    "gen_ai.usage.input_token_details.cached",
    "gen_ai.usage.input_token_details.cache_read",
    "gen_ai.usage.input_tokens_details.cached_tokens",
    "gen_ai.usage.prompt_tokens_details.cached_tokens",
    "gen_ai.usage.details.cache_read_tokens",
    "gen_ai.usage.details.cache_read_input_tokens",
    "gen_ai.usage.details.cached_tokens",
    "llm.usage.cache_read_input_tokens",
    "llm.token_count.prompt_details.cache_read",
    "ai.usage.cachedInputTokens",
    "ai.usage.inputTokenDetails.cacheReadTokens",
)
CACHE_WRITE = (
    "gen_ai.usage.cache_creation.input_tokens",
    "gen_ai.usage.cache_creation_input_tokens",
    "gen_ai.usage.cache_write.input_tokens",
    "gen_ai.usage.cache_write_tokens",
    "gen_ai.usage.input_tokens.cache_creation",
    "gen_ai.usage.input_token_details.cache_creation",
    "gen_ai.usage.details.cache_write_tokens",
    "gen_ai.usage.details.cache_creation_input_tokens",
    "llm.usage.cache_creation_input_tokens",
    "llm.token_count.prompt_details.cache_write",
    "ai.usage.inputTokenDetails.cacheWriteTokens",
)
REASONING = (
    "gen_ai.usage.reasoning.output_tokens",
    "gen_ai.usage.output_tokens.reasoning",
    "gen_ai.usage.reasoning_tokens",
    "gen_ai.usage.output_token_details.reasoning",
    "gen_ai.usage.output_tokens_details.reasoning_tokens",
    "gen_ai.usage.completion_tokens_details.reasoning_tokens",
    "gen_ai.usage.details.reasoning_tokens",
    "gen_ai.usage.details.thoughts_tokens",
    "llm.usage.reasoning_tokens",
    "llm.token_count.completion_details.reasoning",
    "ai.usage.reasoningTokens",
    "ai.usage.outputTokenDetails.reasoningTokens",
)
REQUEST_MODEL = ("gen_ai.request.model", "llm.request.model", "ai.model.id")
RESPONSE_MODEL = ("gen_ai.response.model", "llm.response.model", "llm.model_name", "ai.response.model")
PROVIDER = ("gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system", "ai.model.provider")
RESPONSE_ID = ("gen_ai.response.id", "llm.response.id", "ai.response.id")
OPERATION = ("gen_ai.operation.name",)
# What a span is in OpenInference and OpenLLMetry.
KIND = ("openinference.span.kind", "traceloop.span.kind")
SKILL = ("skill.name", "traceloop.association.properties.skill.name")
SKILL_VERSION = ("skill.version", "traceloop.association.properties.skill.version")
SERVICE = "service.name"

COUNTS = (INPUT, OUTPUT, TOTAL, CACHE_READ, CACHE_WRITE, REASONING)
READ = frozenset(
    name
    for names in (
        *COUNTS, REQUEST_MODEL, RESPONSE_MODEL, PROVIDER, RESPONSE_ID, OPERATION, KIND, SKILL, SKILL_VERSION
    )
    for name in names
)  # fmt: skip
RESOURCE_READ = frozenset({*SKILL, *SKILL_VERSION, SERVICE})
