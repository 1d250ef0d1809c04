"""A program that uses a skill with instrumented SDKs: `python -m tests.acceptance.traced STACK SKILL CALLS SPLIT`.

The SDKs go where their environment says, the spans by the real exporter to OTEL_EXPORTER_OTLP_TRACES_ENDPOINT. SPLIT
exports each span by itself, otherwise all go in one request.
"""

from __future__ import annotations

import sys

from anthropic import Anthropic
from openai import OpenAI
from openinference.instrumentation.anthropic import AnthropicInstrumentor as OpenInferenceAnthropic
from openinference.instrumentation.openai import OpenAIInstrumentor as OpenInferenceOpenAI
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.anthropic import AnthropicInstrumentor
from opentelemetry.instrumentation.openai import OpenAIInstrumentor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
from pydantic_ai import Agent
from pydantic_ai.capabilities import Instrumentation
from pydantic_ai.models.instrumented import InstrumentationSettings

from steelyard.client.spans import SkillSpans

STACKS = {
    "openllmetry": (AnthropicInstrumentor, OpenAIInstrumentor),
    "openinference": (OpenInferenceAnthropic, OpenInferenceOpenAI),
    "openllmetry and openinference": (
        AnthropicInstrumentor,
        OpenAIInstrumentor,
        OpenInferenceAnthropic,
        OpenInferenceOpenAI,
    ),
    "pydantic-ai and openinference": (OpenInferenceAnthropic, OpenInferenceOpenAI),
    "pydantic-ai and both": (AnthropicInstrumentor, OpenInferenceAnthropic, OpenAIInstrumentor),
}


def main(stack: str, skill: str, calls: int, split: bool) -> None:
    provider = TracerProvider(resource=Resource({"service.name": "shop"}))
    if split:
        # Each goes out before the span above it, which is then not there to be read.
        provider.add_span_processor(SkillSpans())
    exporter = OTLPSpanExporter(compression=Compression.Gzip)
    provider.add_span_processor(
        SimpleSpanProcessor(exporter) if split else BatchSpanProcessor(exporter, schedule_delay_millis=60_000)
    )
    for instrumentor in STACKS[stack]:
        instrumentor().instrument(tracer_provider=provider)
    tracer = provider.get_tracer("shop")
    for number in range(calls):
        with tracer.start_as_current_span("answer", attributes={"skill.name": skill}):
            if stack.startswith("pydantic-ai"):
                _by_agent(provider, number)
            else:
                # By itself it counts the first tokens of a stream of Anthropic twice; see docs/measurements.md.
                _by_sdk(number, streamed=stack != "openllmetry")
    provider.force_flush()
    provider.shutdown()


def _by_sdk(number: int, streamed: bool) -> None:
    said = f"Weigh {number} apples."
    anthropic, openai = Anthropic(max_retries=0), OpenAI(max_retries=0)
    anthropic.messages.create(model="claude-sonnet-4-5", max_tokens=64, messages=[{"role": "user", "content": said}])
    if streamed:
        with anthropic.messages.stream(
            model="claude-sonnet-4-5", max_tokens=64, messages=[{"role": "user", "content": said}]
        ) as stream:
            stream.get_final_message()
    openai.chat.completions.create(model="gpt-5.4", messages=[{"role": "user", "content": said}])
    list(
        openai.chat.completions.create(
            model="gpt-5.4",
            messages=[{"role": "user", "content": said}],
            stream=True,
            stream_options={"include_usage": True},
        )
    )


def _by_agent(provider: TracerProvider, number: int) -> None:
    settings = InstrumentationSettings(tracer_provider=provider)
    for model in ("anthropic:claude-sonnet-4-5", "openai-chat:gpt-5.4"):
        Agent(model, capabilities=[Instrumentation(settings=settings)]).run_sync(f"Weigh {number} apples.")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4] == "split")
