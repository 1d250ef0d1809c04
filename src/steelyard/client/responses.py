"""What a model's answer says of itself: the objects of the vendors' SDKs, or the same as dictionaries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from steelyard.domain.calls import Usage
from steelyard.intake.counting import OF_ANTHROPIC, OF_GOOGLE, OF_OPENAI, Counting, Told, normalised
from steelyard.intake.refused import Refused


def read_response(response: object) -> tuple[str | None, Usage]:
    """(`provider:name` where the answer names its model, its tokens), by the shape of its usage.

    Anthropic's messages, OpenAI's completions and responses, Google's contents, Bedrock's Converse. Raises Refused.
    """
    provider, told, counting, name = _read(response)
    return (f"{provider}:{name}" if name else None), normalised(told, counting)


def _read(response: object) -> tuple[str, Told, Counting, str | None]:
    found = _get(response, "usage_metadata") or _get(response, "usageMetadata")
    if found is not None:
        return "google", _of_google(found), OF_GOOGLE, _name(response, "model_version", "modelVersion")
    found = _get(response, "usage")
    if found is None:
        raise Refused("response", "It has no usage; of a stream, give the final message.")
    name = _name(response, "model")
    if _get(found, "inputTokens") is not None:
        told = _told(found, "inputTokens", "outputTokens", "cacheReadInputTokens", "cacheWriteInputTokens")
        return "aws", told, OF_ANTHROPIC, name
    if _get(found, "prompt_tokens") is not None:
        return "openai", _of_openai(found, "prompt", "completion"), OF_OPENAI, name
    if _get(found, "input_tokens") is None:
        raise Refused("response", "Its usage has no counts that are known.")
    cached = any(_has(found, part) for part in ("cache_read_input_tokens", "cache_creation_input_tokens"))
    if cached or _get(response, "type") == "message":
        told = _told(found, "input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
        return "anthropic", told, OF_ANTHROPIC, name
    return "openai", _of_openai(found, "input", "output"), OF_OPENAI, name


def _of_openai(usage: object, asked: str, answered: str) -> Told:
    inputs, outputs = _get(usage, f"{asked}_tokens_details"), _get(usage, f"{answered}_tokens_details")
    return Told(
        _count(usage, f"{asked}_tokens"),
        _count(usage, f"{answered}_tokens"),
        _count(inputs, "cached_tokens"),
        _count(inputs, "cache_write_tokens"),
        _count(outputs, "reasoning_tokens"),
    )


def _of_google(usage: object) -> Told:
    """The input with what tools put into it, which is told beside the prompt."""

    def count(name: str) -> int | None:
        head, *rest = name.split("_")
        camel = head + "".join(part.title() for part in rest)
        found = _count(usage, name)
        return _count(usage, camel) if found is None else found

    prompt, tools = count("prompt_token_count"), count("tool_use_prompt_token_count")
    whole = None if prompt is None else prompt + (tools or 0)
    return Told(
        whole,
        count("candidates_token_count"),
        count("cached_content_token_count"),
        None,
        count("thoughts_token_count"),
    )


def _told(usage: object, asked: str, answered: str, read: str, write: str) -> Told:
    return Told(_count(usage, asked), _count(usage, answered), _count(usage, read), _count(usage, write))


def _get(owner: object, name: str) -> Any:
    if isinstance(owner, Mapping):
        return cast("Mapping[str, Any]", owner).get(name)
    return getattr(owner, name, None)


def _has(owner: object, name: str) -> bool:
    return name in owner if isinstance(owner, Mapping) else hasattr(owner, name)


def _name(response: object, *names: str) -> str | None:
    found = next((value for name in names if (value := _get(response, name))), None)
    return found.removeprefix("models/") if isinstance(found, str) else None


def _count(owner: object, name: str) -> int | None:
    found = None if owner is None else _get(owner, name)
    if found is None:
        return None
    if isinstance(found, bool) or not isinstance(found, int) or found < 0:
        raise Refused(name, "It is no count of tokens.")
    return found
