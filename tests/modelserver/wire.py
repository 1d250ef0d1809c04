"""Writing replies and errors in the vendors' formats, whole or as server-sent events."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from steelyard.domain.calls import Usage
from tests.modelserver.config import Fault, Reply
from tests.modelserver.requests import Call, Vendor

_CREATED = 1_760_000_000

_OPENAI_ERRORS = {
    400: ("invalid_request_error", None),
    401: ("invalid_request_error", "invalid_api_key"),
    403: ("invalid_request_error", None),
    404: ("invalid_request_error", "model_not_found"),
    429: ("requests", "rate_limit_exceeded"),
    529: ("server_error", None),
}
_ANTHROPIC_ERRORS = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    529: "overloaded_error",
}


def error_body(vendor: Vendor, fault: Fault) -> dict[str, Any]:
    """The JSON body of an HTTP error."""
    message = fault.message or f"The server answers {fault.status} on purpose."
    if vendor == "openai":
        kind, code = _OPENAI_ERRORS.get(fault.status, ("server_error", None))
        return {"error": {"message": message, "type": kind, "param": None, "code": fault.code or code}}
    kind = fault.code or _ANTHROPIC_ERRORS.get(fault.status, "api_error")
    return {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_local"}


def whole(call: Call, reply: Reply, usage: Usage) -> dict[str, Any]:
    """The JSON body of a reply that is not streamed."""
    return _openai(call, reply, usage) if call.vendor == "openai" else _anthropic(call, reply, usage)


def events(call: Call, reply: Reply, usage: Usage, chunk_chars: int) -> Iterator[bytes]:
    """The server-sent events of a streamed reply; the first holds the first piece of text."""
    pieces = [reply.text[i : i + chunk_chars] for i in range(0, len(reply.text), chunk_chars)] or [""]
    return (_openai_events if call.vendor == "openai" else _anthropic_events)(call, reply, usage, pieces)


def _openai_usage(usage: Usage) -> dict[str, Any]:
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.total_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cache_read_tokens, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens, "audio_tokens": 0},
    }


def _openai_finish(call: Call, reply: Reply) -> str:
    if reply.stop_reason == "stop" and call.tool:
        return "tool_calls"
    return {"stop": "stop", "length": "length", "refusal": "content_filter"}[reply.stop_reason]


def _openai(call: Call, reply: Reply, usage: Usage) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": reply.text, "refusal": None, "annotations": []}
    if call.tool:
        function = {"name": call.tool, "arguments": reply.text}
        message |= {
            "content": None,
            "tool_calls": [{"id": f"call_{call.digest}", "type": "function", "function": function}],
        }
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _openai_finish(call, reply)}
    return {
        "id": f"chatcmpl-{call.digest}",
        "object": "chat.completion",
        "created": _CREATED,
        "model": call.model,
        "choices": [choice],
        "usage": _openai_usage(usage),
        "service_tier": "default",
        "system_fingerprint": None,
    }


def _openai_events(call: Call, reply: Reply, usage: Usage, pieces: list[str]) -> Iterator[bytes]:
    head = {
        "id": f"chatcmpl-{call.digest}",
        "object": "chat.completion.chunk",
        "created": _CREATED,
        "model": call.model,
    }

    def event(delta: Mapping[str, Any], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return b"data: " + json.dumps({**head, "choices": [choice]}).encode() + b"\n\n"

    for position, piece in enumerate(pieces):
        delta: dict[str, Any] = {"role": "assistant", "content": ""} if position == 0 else {}
        if call.tool:
            function = {"arguments": piece} | ({"name": call.tool} if position == 0 else {})
            tool = {"index": 0, "function": function}
            delta["tool_calls"] = [tool | ({"id": f"call_{call.digest}", "type": "function"} if position == 0 else {})]
        else:
            delta["content"] = piece
        yield event(delta)
    yield event({}, _openai_finish(call, reply))
    if (call.body.get("stream_options") or {}).get("include_usage"):
        yield b"data: " + json.dumps({**head, "choices": [], "usage": _openai_usage(usage)}).encode() + b"\n\n"
    yield b"data: [DONE]\n\n"


def _anthropic_usage(usage: Usage) -> dict[str, Any]:
    """Anthropic counts cache reads and writes beside `input_tokens`."""
    return {
        "input_tokens": usage.input_tokens - usage.cache_read_tokens - usage.cache_write_tokens,
        "cache_creation_input_tokens": usage.cache_write_tokens,
        "cache_read_input_tokens": usage.cache_read_tokens,
        "cache_creation": {"ephemeral_5m_input_tokens": usage.cache_write_tokens, "ephemeral_1h_input_tokens": 0},
        "output_tokens": usage.output_tokens,
        "service_tier": "standard",
    }


def _anthropic_stop(call: Call, reply: Reply) -> str:
    if reply.stop_reason == "stop" and call.tool:
        return "tool_use"
    stops = {"stop": "end_turn", "length": "max_tokens", "refusal": "refusal"}
    return (stops | {"context": "model_context_window_exceeded"})[reply.stop_reason]


def _anthropic(call: Call, reply: Reply, usage: Usage) -> dict[str, Any]:
    block: dict[str, Any] = {"type": "text", "text": reply.text}
    if call.tool:
        block = {"type": "tool_use", "id": f"toolu_{call.digest}", "name": call.tool, "input": json.loads(reply.text)}
    return {
        "id": f"msg_{call.digest}",
        "type": "message",
        "role": "assistant",
        "model": call.model,
        "content": [block] if call.tool or reply.text else [],
        "stop_reason": _anthropic_stop(call, reply),
        "stop_sequence": None,
        "usage": _anthropic_usage(usage),
    }


def _anthropic_events(call: Call, reply: Reply, usage: Usage, pieces: list[str]) -> Iterator[bytes]:
    def event(kind: str, data: Mapping[str, Any]) -> bytes:
        return f"event: {kind}\ndata: {json.dumps({'type': kind, **data})}\n\n".encode()

    counts = _anthropic_usage(usage)
    message = _anthropic(call, reply, usage) | {
        "content": [],
        "stop_reason": None,
        "usage": counts | {"output_tokens": 1},
    }
    block: dict[str, Any] = {"type": "text", "text": ""}
    if call.tool:
        block = {"type": "tool_use", "id": f"toolu_{call.digest}", "name": call.tool, "input": {}}
    first = event("message_start", {"message": message}) + event(
        "content_block_start", {"index": 0, "content_block": block}
    )
    for piece in pieces:
        delta = (
            {"type": "input_json_delta", "partial_json": piece} if call.tool else {"type": "text_delta", "text": piece}
        )
        yield first + event("content_block_delta", {"index": 0, "delta": delta})
        first = b""
    stop = {"stop_reason": _anthropic_stop(call, reply), "stop_sequence": None}
    yield (
        event("content_block_stop", {"index": 0})
        + event("message_delta", {"delta": stop, "usage": {"output_tokens": usage.output_tokens}})
        + event("message_stop", {})
    )
