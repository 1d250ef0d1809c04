"""Deterministic replies: prose from the prompt's hash, and a value that satisfies a JSON schema."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from steelyard.domain.calls import Usage
from tests.modelserver.config import Reply
from tests.modelserver.judging import canary_reply, criteria_asked, pair_gate_reply, pair_reply
from tests.modelserver.requests import Call

_WORDS = [
    "beam",
    "brass",
    "chain",
    "counter",
    "gram",
    "hook",
    "hundredweight",
    "lever",
    "load",
    "mark",
    "notch",
    "ounce",
    "pan",
    "pivot",
    "poise",
    "pound",
    "scale",
    "weight",
]


def tokens_of(text: str) -> int:
    """About four characters to a token, at least one."""
    return max(1, len(text) // 4)


def default_reply(call: Call) -> Reply:
    """The same model and prompt always get the same text (12 to 43 words), or the same JSON where a schema is asked."""
    seed = hashlib.blake2b(f"{call.model}\0{call.system}\0{call.prompt}".encode(), digest_size=32).digest()
    if call.schema is not None:
        if is_comparison(call):
            return Reply(pair_gate_reply(call.prompt) or pair_reply("neither", criteria_asked(call.prompt)))
        if (graded := canary_reply(call.prompt)) is not None:
            return Reply(graded)
        return Reply(json.dumps(example_of(call.schema, seed)))
    count = 12 + seed[0] % 32
    return Reply(" ".join(_WORDS[seed[i % 32] % len(_WORDS)] for i in range(count)))


def is_comparison(call: Call) -> bool:
    """Whether a judge is asked which of two outputs is better."""
    return call.schema is not None and "better" in call.schema.get("properties", {})


def usage_of(call: Call, reply: Reply) -> Usage:
    return reply.usage or Usage(tokens_of(call.system + call.prompt), tokens_of(reply.text))


def example_of(schema: Mapping[str, Any], seed: bytes, root: Mapping[str, Any] | None = None, depth: int = 0) -> Any:
    """A value of `schema` (the subset judges use: object, array, enum, bounds, $ref, anyOf), chosen by `seed`."""
    root = schema if root is None else root
    if (reference := schema.get("$ref")) is not None:
        target: Any = root
        for step in str(reference).removeprefix("#/").split("/"):
            target = target[step]
        return example_of(target, seed, root, depth + 1)
    if "const" in schema:
        return schema["const"]
    pick = seed[depth % len(seed)]
    if options := schema.get("enum"):
        return options[pick % len(options)]
    for key in ("anyOf", "oneOf", "allOf"):
        if options := schema.get(key):
            return example_of(options[0], seed, root, depth + 1)
    kind = schema.get("type", "object")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        return {
            name: example_of(part, seed, root, depth + 1 + position)
            for position, (name, part) in enumerate(schema.get("properties", {}).items())
        }
    if kind == "array":
        items = schema.get("items", {"type": "string"})
        return [example_of(items, seed, root, depth + 1 + i) for i in range(int(schema.get("minItems", 1)))]
    if kind in ("integer", "number"):
        low, high = int(schema.get("minimum", 0)), int(schema.get("maximum", 5))
        return low + pick % (high - low + 1)
    if kind == "boolean":
        return bool(pick % 2)
    return None if kind == "null" else ""
