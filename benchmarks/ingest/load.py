"""Batches of uses and of spans, made before the clock starts, and clients that send them over HTTP."""

from __future__ import annotations

import http.client
import json
import random
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

MODELS = (
    "anthropic:claude-haiku-4-5",
    "anthropic:claude-sonnet-5",
    "openai:gpt-5.4-mini",
    "google:gemini-3-flash-preview",
    "workshop:brass-7b",
)
_DAYS = 60
_LATE = 0.2


@dataclass(frozen=True)
class Sent:
    """What sending took: `seconds` from the first byte to the last answer, and each answer's time in milliseconds."""

    items: int
    seconds: float
    took_ms: Sequence[float]

    @property
    def per_second(self) -> float:
        return self.items / self.seconds


def use_batches(skills: Sequence[str], batches: int, size: int, seed: int) -> list[bytes]:
    """Bodies for POST /v1/measurements. A fifth of the uses is late by up to two months, the others are of today."""
    dice = random.Random(seed)
    return [
        json.dumps({"measurements": [_use(dice, skills, f"{seed}-{batch}-{item}") for item in range(size)]}).encode()
        for batch in range(batches)
    ]


def _use(dice: random.Random, skills: Sequence[str], key: str) -> dict[str, Any]:
    read = dice.choice((0, 0, 400))
    return {
        "key": key,
        "skill": dice.choice(skills),
        "model": dice.choice(MODELS),
        "measured_at": _moment(dice).isoformat(),
        "input_tokens": dice.randrange(500, 4000),
        "output_tokens": dice.randrange(20, 900),
        "cache_read_tokens": read,
        "latency_ms": round(dice.lognormvariate(7.5, 0.5), 3),
        "source": "bench",
    }


def span_batches(skills: Sequence[str], batches: int, size: int, seed: int) -> list[bytes]:
    """Bodies for POST /v1/traces: OTLP as JSON, each span a call by the semantic conventions of generative AI."""
    dice = random.Random(seed)
    return [
        json.dumps(
            {
                "resourceSpans": [
                    {
                        "resource": {"attributes": [_attribute("service.name", "bench")]},
                        "scopeSpans": [
                            {"scope": {"name": "bench"}, "spans": [_span(dice, skills) for _ in range(size)]}
                        ],
                    }
                ]
            }
        ).encode()
        for _ in range(batches)
    ]


def _span(dice: random.Random, skills: Sequence[str]) -> dict[str, Any]:
    provider, model = dice.choice(MODELS).split(":")
    ended = int(_moment(dice).timestamp() * 1e9)
    return {
        "traceId": f"{dice.getrandbits(128):032x}",
        "spanId": f"{dice.getrandbits(64):016x}",
        "name": f"chat {model}",
        "kind": 3,
        "startTimeUnixNano": str(ended - dice.randrange(10**8, 10**10)),
        "endTimeUnixNano": str(ended),
        "attributes": [
            _attribute("gen_ai.operation.name", "chat"),
            _attribute("gen_ai.provider.name", provider),
            _attribute("gen_ai.request.model", model),
            _attribute("gen_ai.response.model", model),
            _attribute("gen_ai.usage.input_tokens", dice.randrange(500, 4000)),
            _attribute("gen_ai.usage.output_tokens", dice.randrange(20, 900)),
            _attribute("skill.name", dice.choice(skills)),
        ],
    }


def _attribute(key: str, value: str | int) -> dict[str, Any]:
    return {"key": key, "value": {"intValue": str(value)} if isinstance(value, int) else {"stringValue": value}}


def _moment(dice: random.Random) -> datetime:
    now = datetime.now(UTC)
    return now - timedelta(seconds=dice.randrange(_DAYS * 86_400) if dice.random() < _LATE else dice.randrange(3600))


def send(address: str, path: str, bodies: Sequence[bytes], size: int, clients: int, key: str) -> Sent:
    """Send every body once, shared out among so many clients with a connection each. Raises ValueError on a refusal."""
    shares = [bodies[client::clients] for client in range(clients)]
    began = time.monotonic()
    with ThreadPoolExecutor(clients) as pool:
        times = list(pool.map(lambda share: _client(address, path, share, key), shares))
    seconds = time.monotonic() - began
    return Sent(len(bodies) * size, seconds, sorted(took for share in times for took in share))


def answers(address: str, path: str) -> bool:
    """Whether the server has that address at all."""
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)
    connection.request("POST", path, b"{}", {"content-type": "application/json"})
    found = connection.getresponse().status != 404
    connection.close()
    return found


def _client(address: str, path: str, bodies: Sequence[bytes], key: str) -> list[float]:
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=120)
    headers = {"content-type": "application/json", "authorization": f"Bearer {key}"}
    times: list[float] = []
    for body in bodies:
        began = time.monotonic()
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        said = answer.read()
        times.append((time.monotonic() - began) * 1000)
        if answer.status != 200:
            raise ValueError(f"{path} answered {answer.status}: {said[:300]!r}")
    connection.close()
    return times
