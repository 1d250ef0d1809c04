"""Calls to one vendor's models (Anthropic, OpenAI, Google, or a server that speaks like OpenAI) through pydantic-ai."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, cast

from pydantic_ai import exceptions as pai
from pydantic_ai.direct import model_request, model_request_stream
from pydantic_ai.messages import ModelRequest as VendorRequest
from pydantic_ai.messages import ModelResponse as VendorResponse
from pydantic_ai.messages import SystemPromptPart, TextPart, ToolCallPart, UserPromptPart
from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.output import OutputObjectDefinition
from pydantic_ai.settings import ModelSettings
from pydantic_ai.tools import ToolDefinition

from steelyard.domain.calls import (
    MOST_OF_A_FORM,
    CallError,
    FailureKind,
    ModelRequest,
    ModelResponse,
    StopReason,
    Usage,
    too_long_for_a_form,
)
from steelyard.domain.masking import MASK
from steelyard.domain.models import ModelRef
from steelyard.providers.errors import call_error
from steelyard.providers.settings import Endpoint
from steelyard.providers.variants import variant_settings, wire_settings
from steelyard.providers.vendors import Connection, Sent, connect, load, sent_by

_STOPS = {"stop": StopReason.STOP, "tool_call": StopReason.STOP, "length": StopReason.LENGTH}
# Anthropic's word for an answer that ran into the end of the context window.
_WINDOW_FULL = "model_context_window_exceeded"
_REPLY_TOOL = "reply"
_FENCE = re.compile(r"```(?:json)?[ \t]*\n(.*)\n```", re.S)
_MOST_TOKENS = 10**9
_SHORTEST_SECRET = 8


@dataclass(frozen=True)
class _Variant:
    """One model as it is really called: what is sent, and what the vendor's model takes no notice of."""

    model: Model
    settings: ModelSettings
    parameters: ModelRequestParameters
    effective: Mapping[str, Any] = field(default_factory=dict[str, Any])


class Gateway:
    """Answers requests for the models of one endpoint, one attempt per call.

    The HTTP connections belong to the event loop of the first call.
    """

    def __init__(self, endpoint: Endpoint, *, stream: bool = False, timeout_s: float = 300.0) -> None:
        self._endpoint = endpoint
        self._stream = stream
        self._timeout_s = timeout_s
        self._connection: Connection | None = None
        self._variants: dict[tuple[ModelRef, int, str], asyncio.Task[_Variant]] = {}

    async def prepare(self, request: ModelRequest) -> None:
        """Import the vendor's package, connect, and rehearse the request; a fault is left for the call to tell."""
        with suppress(Exception):
            await self._variant(request)

    async def complete(self, request: ModelRequest) -> ModelResponse:
        """One attempt, at most `timeout_s` long. Raises CallError; cancellation passes through."""
        variant = await self._variant(request)
        parts = [UserPromptPart(request.prompt)]
        message = VendorRequest([SystemPromptPart(request.system), *parts] if request.system else parts)
        started = time.perf_counter()
        try:
            async with asyncio.timeout(self._timeout_s):
                reply, ttft_ms = await self._ask(variant, message, started)
        except (pai.AgentRunError, TimeoutError, OSError) as error:
            raise call_error(error, request.model.text, self._endpoint) from error
        except Exception as error:
            # The SDKs let parsing errors of odd bodies through bare, and one reply must not end a paid run.
            raise call_error(error, request.model.text, self._endpoint) from error
        latency_ms = (time.perf_counter() - started) * 1000
        return self._response(request, variant, reply, latency_ms, ttft_ms)

    async def aclose(self) -> None:
        """Close the connections; safe to call twice."""
        connection, self._connection = self._connection, None
        for task in self._variants.values():
            task.cancel()
        self._variants.clear()
        if connection is not None:
            await connection.aclose()

    async def _ask(
        self, variant: _Variant, message: VendorRequest, started: float
    ) -> tuple[VendorResponse, float | None]:
        if not self._stream:
            reply = await model_request(
                variant.model, [message], model_settings=variant.settings, model_request_parameters=variant.parameters
            )
            return reply, None
        ttft_ms: float | None = None
        async with model_request_stream(
            variant.model, [message], model_settings=variant.settings, model_request_parameters=variant.parameters
        ) as stream:
            async for _ in stream:
                if ttft_ms is None:
                    ttft_ms = (time.perf_counter() - started) * 1000
            return stream.get(), ttft_ms

    def _response(
        self, request: ModelRequest, variant: _Variant, reply: VendorResponse, latency_ms: float, ttft_ms: float | None
    ) -> ModelResponse:
        usage = _usage(reply)
        details = reply.provider_details or {}
        effective = dict(variant.effective)
        usage_known = usage.total_tokens > 0
        if not usage_known:
            effective["usage"] = "not reported"
        if reply.finish_reason == "content_filter":
            output, stop = str(details.get("refusal") or _text(reply)), StopReason.REFUSAL
        else:
            output = _text(reply)
            stop = _STOPS.get(reply.finish_reason or "", StopReason.OTHER)
            if details.get("finish_reason") == _WINDOW_FULL:
                stop = StopReason.CONTEXT
        for secret in self._endpoint.secrets:
            # Whose server this is may send the key back as an answer, and answers are stored and shown.
            output = output.replace(secret, MASK) if len(secret) >= _SHORTEST_SECRET else output
        if request.json_schema is not None and len(output) > MOST_OF_A_FORM:
            raise CallError(
                FailureKind.MALFORMED,
                f"{request.model.text} was asked for JSON: {too_long_for_a_form(output)}.",
                wasted=usage,
                wasted_known=usage_known,
                final=True,
            )
        if request.json_schema is not None and stop in (StopReason.STOP, StopReason.OTHER):
            output = _without_fence(output)
            self._check_json(request, output, usage)
        return ModelResponse(
            output=output,
            usage=usage,
            latency_ms=latency_ms,
            stop_reason=stop,
            ttft_ms=ttft_ms,
            effective_settings=effective,
            usage_known=usage_known,
        )

    def _check_json(self, request: ModelRequest, output: str, usage: Usage) -> None:
        try:
            json.loads(output)
        except (ValueError, RecursionError) as error:
            said = " ".join(output.split())[:80] or "nothing"
            raise CallError(
                FailureKind.MALFORMED,
                f"{request.model.text} was asked for JSON and replied: {said}",
                wasted=usage,
                wasted_known=usage.total_tokens > 0,
            ) from error

    async def _variant(self, request: ModelRequest) -> _Variant:
        """Prepared once per model, token limit and schema; concurrent first calls share the work."""
        schema = "" if request.json_schema is None else json.dumps(request.json_schema, sort_keys=True)
        key = (request.model, request.max_tokens, schema)
        task = self._variants.get(key)
        if task is None or (task.done() and (task.cancelled() or task.exception() is not None)):
            task = self._variants[key] = asyncio.create_task(self._prepare(request))
        return await asyncio.shield(task)

    async def _prepare(self, request: ModelRequest) -> _Variant:
        ref = request.model
        await asyncio.to_thread(load, self._endpoint.kind)
        if self._connection is None:
            self._connection = connect(self._endpoint, timeout_s=self._timeout_s, streamed=self._stream)
        model = self._connection.model(ref.name)
        values = {"max_tokens": request.max_tokens} | variant_settings(ref, self._endpoint.kind)
        parameters = _parameters(model, request.json_schema, self._endpoint)
        sent, settings = await asyncio.to_thread(self._probe, ref.name, values, parameters)
        return _Variant(model, settings, parameters, sent)

    def _probe(
        self, name: str, values: Mapping[str, Any], parameters: ModelRequestParameters
    ) -> tuple[dict[str, Any], ModelSettings]:
        """What would really be sent, and the settings that make a difference to it.

        A setting whose absence leaves the request as it is was dropped: it is named in the result and not given again,
        so that pydantic-ai need not warn on every call.
        """
        kind = self._endpoint.kind
        everything = sent_by(self._endpoint, name, _wire(values, kind), parameters)
        dropped = [
            key
            for key in values
            if key != "max_tokens"
            and sent_by(
                self._endpoint, name, _wire({k: v for k, v in values.items() if k != key}, kind), parameters
            ).body
            == everything.body
        ]
        kept = _wire({key: value for key, value in values.items() if key not in dropped}, kind)
        return _effective(everything, dropped), kept


def _wire(values: Mapping[str, Any], kind: str) -> ModelSettings:
    settings: dict[str, Any] = {}
    for key, value in values.items():
        settings |= wire_settings(key, value, kind)
    return cast(ModelSettings, settings)


def _effective(sent: Sent, dropped: list[str]) -> dict[str, Any]:
    effective = dict(sent.settings)
    if dropped:
        effective["dropped"] = dropped
    if sent.warnings:
        effective["warnings"] = list(sent.warnings)
    return effective


def _parameters(model: Model, schema: Mapping[str, Any] | None, endpoint: Endpoint) -> ModelRequestParameters:
    """How a reply of `schema` is asked for: natively where the model can, else by a tool that must be called."""
    if schema is None:
        return ModelRequestParameters()
    mode = endpoint.structured_output
    if mode == "auto":
        mode = "native" if model.profile.get("supports_json_schema_output", False) else "tool"
    if mode == "tool":
        tool = ToolDefinition(
            name=_REPLY_TOOL,
            parameters_json_schema=dict(schema),
            description="Give your reply by calling this tool.",
            kind="output",
        )
        return ModelRequestParameters(output_mode="tool", output_tools=[tool], allow_text_output=False)
    return ModelRequestParameters(
        output_mode=mode, output_object=OutputObjectDefinition(dict(schema), name=_REPLY_TOOL, strict=True)
    )


def _text(reply: VendorResponse) -> str:
    """The tool's arguments where the reply came by the tool, else the text without the reasoning."""
    for part in reply.parts:
        if isinstance(part, ToolCallPart):
            return part.args_as_json_str()
    return "".join(part.content for part in reply.parts if isinstance(part, TextPart))


def _without_fence(text: str) -> str:
    """What stands in a code fence around the whole text; many models put JSON in one however they are asked."""
    fenced = _FENCE.fullmatch(text.strip())
    return fenced[1] if fenced else text


def _usage(reply: VendorResponse) -> Usage:
    """pydantic-ai counts cache reads and writes inside the input for every vendor; a lower input would be its slip.

    Counts no call can have are none: they would make a cost that is wrong, or that no column holds.
    """
    usage = reply.usage
    read, write = usage.cache_read_tokens or 0, usage.cache_write_tokens or 0
    details = usage.details or {}
    reasoning = usage.output_reasoning_tokens or details.get("reasoning_tokens") or details.get("thoughts_tokens") or 0
    counts = (usage.input_tokens or 0, usage.output_tokens or 0, read, write, reasoning)
    if not all(0 <= count <= _MOST_TOKENS for count in counts):
        return Usage()
    return Usage(
        input_tokens=max(usage.input_tokens or 0, read + write),
        output_tokens=max(usage.output_tokens or 0, reasoning),
        cache_read_tokens=read,
        cache_write_tokens=write,
        reasoning_tokens=reasoning,
    )
