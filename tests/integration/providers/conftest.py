"""Providers against a local server that speaks the vendors' formats."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from steelyard.domain.calls import ModelRequest
from steelyard.domain.models import ModelRef
from steelyard.providers.limiter import CallSlots
from steelyard.providers.registry import Providers
from steelyard.providers.retry import RetryPolicy
from steelyard.providers.settings import CallSettings, ProviderSettings, load_settings
from tests.modelserver import ModelServer

OPENAI = "openai:gpt-4o-mini"
ANTHROPIC = "anthropic:claude-haiku-4-5"
VENDORS = [OPENAI, ANTHROPIC]

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"level": {"type": "integer", "minimum": 0, "maximum": 5}},
    "required": ["level"],
    "additionalProperties": False,
}


def request_for(model: str, prompt: str = "How heavy is it?", **fields: Any) -> ModelRequest:
    return ModelRequest(ModelRef.parse(model), "Be brief.", prompt, fields.pop("max_tokens", 200), **fields)


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer() as server:
        yield server


@pytest.fixture
async def open_providers(server: ModelServer, tmp_path: Path) -> AsyncIterator[Callable[..., Providers]]:
    """Makes Providers for the server's address; `env` adds variables, `calls` and `policy` replace the defaults."""
    opened: list[Providers] = []

    def make(
        *,
        ceiling: int = 50,
        calls: CallSettings = CallSettings(),
        env: dict[str, str] | None = None,
        policy: RetryPolicy | None = None,
    ) -> Providers:
        found = load_settings(
            tmp_path, {"OPENAI_BASE_URL": server.openai_url, "ANTHROPIC_BASE_URL": server.url} | (env or {})
        )
        settings = ProviderSettings(found.home, found.endpoints, calls, found.prices)
        opened.append(Providers(settings, slots=CallSlots(ceiling), policy=policy or RetryPolicy(base_s=0.01)))
        return opened[-1]

    yield make
    for providers in opened:
        await providers.aclose()
