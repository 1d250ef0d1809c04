"""Reading a vendor's request body into one plain `Call`."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Vendor = Literal["openai", "anthropic"]


@dataclass(frozen=True)
class Call:
    """One request. `digest` is of the whole body; `schema` is the JSON schema asked for, `tool` the tool it came by."""

    vendor: Vendor
    model: str
    system: str
    prompt: str
    stream: bool
    schema: Mapping[str, Any] | None
    tool: str | None
    digest: str
    index: int
    body: Mapping[str, Any]


def text_of(content: object) -> str:
    """The text of a message's content, a string or a list of parts."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "\n".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return ""


def read_call(vendor: Vendor, body: Mapping[str, Any], raw: bytes, index: int) -> Call:
    """The call in `body`, whose bytes are `raw`; `index` counts calls from 0."""
    messages = [message for message in body.get("messages", []) if isinstance(message, dict)]
    system = [text_of(m.get("content")) for m in messages if m.get("role") in ("system", "developer")]
    if vendor == "anthropic":
        system = [text_of(body.get("system", ""))]
    prompt = [text_of(m.get("content")) for m in messages if m.get("role") == "user"]
    schema, tool = _schema_of(vendor, body)
    return Call(
        vendor=vendor,
        model=str(body.get("model", "")),
        system="\n".join(system),
        prompt="\n".join(prompt),
        stream=bool(body.get("stream", False)),
        schema=schema,
        tool=tool,
        digest=hashlib.blake2b(raw, digest_size=12).hexdigest(),
        index=index,
        body=body,
    )


def _schema_of(vendor: Vendor, body: Mapping[str, Any]) -> tuple[Mapping[str, Any] | None, str | None]:
    """The schema asked for natively, else the one of a tool that must be called."""
    if vendor == "openai":
        wanted = body.get("response_format") or {}
        if wanted.get("type") == "json_schema":
            return wanted["json_schema"]["schema"], None
        if wanted.get("type") == "json_object":
            return {"type": "object"}, None
    else:
        wanted = (body.get("output_config") or {}).get("format") or body.get("output_format") or {}
        if wanted.get("type") == "json_schema":
            return wanted["schema"], None
    tools, choice = body.get("tools") or [], body.get("tool_choice")
    kind = choice.get("type") if isinstance(choice, dict) else choice
    if tools and kind in ("required", "any", "tool", "function"):
        first = tools[0].get("function", tools[0])
        return first.get("parameters") or first.get("input_schema") or {"type": "object"}, first["name"]
    return None, None
