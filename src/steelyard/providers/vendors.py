"""Connections to the vendors: one shared HTTP client each, and a rehearsal that shows what would be sent.

Each vendor's package takes seconds of CPU to import, so they are imported when first connected to.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import threading
import warnings
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from pydantic_ai import exceptions as pai
from pydantic_ai.direct import model_request
from pydantic_ai.messages import ModelRequest as VendorRequest
from pydantic_ai.messages import SystemPromptPart, UserPromptPart
from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.settings import ModelSettings

from steelyard.providers.settings import Endpoint, Kind

if TYPE_CHECKING:
    import httpx2

_CONNECT_TIMEOUT_S = 10.0
_NOT_SETTINGS = frozenset(
    {"messages", "system", "model", "tools", "tool_choice", "toolConfig", "stream", "stream_options", "response_format"}
    | {"output_format", "contents", "systemInstruction", "responseSchema", "responseJsonSchema", "responseMimeType"}
    | {"parallel_tool_calls", "format"}
)
# A whole reply, so that what the SDKs put off until their first reply is not in the first call's latency.
_REHEARSED: Mapping[Kind, Mapping[str, Any]] = {
    "openai": {
        "id": "rehearsal",
        "object": "chat.completion",
        "created": 1,
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "{}"}}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    },
    "anthropic": {
        "id": "rehearsal",
        "type": "message",
        "role": "assistant",
        "content": [{"type": "text", "text": "{}"}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 1, "output_tokens": 1},
    },
}
_rehearsing = threading.Lock()


@dataclass
class Connection:
    """One endpoint's models over one HTTP client."""

    make: Callable[[str], Model]
    close: Callable[[], Awaitable[None]]
    models: dict[str, Model] = field(default_factory=dict[str, Model])

    def model(self, name: str) -> Model:
        if name not in self.models:
            self.models[name] = self.make(name)
        return self.models[name]

    async def aclose(self) -> None:
        await self.close()


@dataclass(frozen=True)
class Sent:
    """What a request would send: the whole body, the settings in it, and pydantic-ai's warnings."""

    body: Mapping[str, Any]
    settings: Mapping[str, Any]
    warnings: tuple[str, ...]


def load(kind: Kind) -> None:
    """Import what calls to a vendor of `kind` need; seconds of CPU the first time."""
    importlib.import_module(f"pydantic_ai.models.{kind}")
    importlib.import_module(f"pydantic_ai.providers.{kind}")


def connect(
    endpoint: Endpoint,
    *,
    timeout_s: float,
    streamed: bool = False,
    transport: httpx2.AsyncBaseTransport | None = None,
) -> Connection:
    """A connection to `endpoint`, over aiohttp unless a `transport` is given. Nothing is sent yet.

    `streamed`: replies will be asked for as events, which may be longer in all than one in one piece.
    """
    if transport is None:
        _quiet()
    make = {"openai": _openai, "anthropic": _anthropic, "google": _google}[endpoint.kind]
    return make(endpoint, timeout_s, streamed, transport)


def _quiet() -> None:
    """Keep off the screen, call after call, what the rehearsal has recorded once.

    A filter for good, because one around each call would be undone by the other calls in flight.
    """
    with _rehearsing:
        warnings.filterwarnings("ignore", message=r"The model '.*' is deprecated", category=DeprecationWarning)
        warnings.filterwarnings("ignore", category=pai.UsageExtractionFailedWarning)


def _http_client(
    default: Callable[..., httpx2.AsyncClient],
    endpoint: Endpoint,
    timeout_s: float,
    streamed: bool,
    transport: httpx2.AsyncBaseTransport | None,
) -> httpx2.AsyncClient:
    import httpx2

    from steelyard.providers.replies import cap

    if transport is None and endpoint.reach is not None:
        from steelyard.providers.guarded import GuardedTransport

        transport = GuardedTransport(endpoint.reach)
    timeout = httpx2.Timeout(timeout_s, connect=min(_CONNECT_TIMEOUT_S, timeout_s))
    if transport is not None:
        return cap(httpx2.AsyncClient(transport=transport, timeout=timeout, trust_env=False), streamed=streamed)
    # The SDKs' clients would carry a prompt, and a key, wherever a server points them.
    return cap(default(timeout=timeout, follow_redirects=False), streamed=streamed)


def _openai(
    endpoint: Endpoint, timeout_s: float, streamed: bool, transport: httpx2.AsyncBaseTransport | None
) -> Connection:
    from openai import AsyncOpenAI, DefaultAioHttpClient
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.profiles.openai import OpenAIModelProfile
    from pydantic_ai.providers.openai import OpenAIProvider
    from pydantic_ai.providers.openai_compatible import OpenAICompatibleProvider

    client = AsyncOpenAI(
        api_key=endpoint.api_key,
        base_url=endpoint.base_url or "https://api.openai.com/v1",
        http_client=_http_client(DefaultAioHttpClient, endpoint, timeout_s, streamed, transport),
        max_retries=0,
    )
    provider = (
        OpenAIProvider(openai_client=client)
        if endpoint.name == "openai"
        else OpenAICompatibleProvider(endpoint.name, openai_client=client)
    )

    def make(name: str) -> Model:
        model = OpenAIChatModel(name, provider=provider)
        if endpoint.base_url is None or model.profile.get("openai_supports_reasoning", False):
            return model
        # Many servers of one's own know only the older name of the token limit, and would answer without one.
        older = OpenAIModelProfile(openai_chat_supports_max_completion_tokens=False)
        return OpenAIChatModel(name, provider=provider, profile=older)

    return Connection(make, client.close)


def _anthropic(
    endpoint: Endpoint, timeout_s: float, streamed: bool, transport: httpx2.AsyncBaseTransport | None
) -> Connection:
    from anthropic import AsyncAnthropic, DefaultAioHttpClient
    from pydantic_ai.models.anthropic import AnthropicModel
    from pydantic_ai.providers.anthropic import AnthropicProvider

    client = AsyncAnthropic(
        api_key=endpoint.api_key,
        auth_token=endpoint.auth_token,
        base_url=endpoint.base_url or "https://api.anthropic.com",
        http_client=_http_client(DefaultAioHttpClient, endpoint, timeout_s, streamed, transport),
        max_retries=0,
    )
    provider = AnthropicProvider(anthropic_client=client)
    return Connection(lambda name: AnthropicModel(name, provider=provider), client.close)


def _google(
    endpoint: Endpoint, timeout_s: float, streamed: bool, transport: httpx2.AsyncBaseTransport | None
) -> Connection:
    import httpx2
    from pydantic_ai.models.google import GoogleModel
    from pydantic_ai.providers.google import GoogleProvider

    http_client = _http_client(httpx2.AsyncClient, endpoint, timeout_s, streamed, transport)
    provider = GoogleProvider(api_key=endpoint.api_key, base_url=endpoint.base_url, http_client=http_client)
    return Connection(lambda name: GoogleModel(name, provider=provider), http_client.aclose)


def sent_by(endpoint: Endpoint, name: str, settings: ModelSettings, parameters: ModelRequestParameters) -> Sent:
    """Rehearse one request without a network. Blocks for some milliseconds: run it in a thread.

    pydantic-ai drops settings that a model does not take, some with a warning and some silently; the body shows which.
    """
    import httpx2

    bodies: list[Mapping[str, Any]] = []

    def keep(request: httpx2.Request) -> httpx2.Response:
        bodies.append(json.loads(request.content))
        reply = _REHEARSED.get(endpoint.kind)
        if reply is None:
            return httpx2.Response(400, json={"error": {"message": "a rehearsal"}}, request=request)
        return httpx2.Response(200, json={"model": name, **reply}, request=request)

    async def rehearse() -> None:
        connection = connect(endpoint, timeout_s=60, transport=httpx2.MockTransport(keep))
        message = VendorRequest([SystemPromptPart("system"), UserPromptPart("prompt")])
        try:
            await model_request(
                connection.model(name), [message], model_settings=settings, model_request_parameters=parameters
            )
        except pai.ModelAPIError:
            pass
        finally:
            await connection.aclose()

    # Warning filters belong to the whole process, so only one rehearsal at a time may change them.
    with _rehearsing, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        asyncio.run(rehearse())
    said = tuple(
        dict.fromkeys(
            " ".join(str(one.message).split())
            for one in caught
            if issubclass(one.category, UserWarning | DeprecationWarning)
        )
    )
    return Sent(bodies[0], _settings_in(bodies[0]), said)


def _settings_in(body: Mapping[str, Any]) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    for key, value in body.items():
        if key in _NOT_SETTINGS:
            continue
        if key in ("generationConfig", "output_config") and isinstance(value, dict):
            settings |= _settings_in(cast("dict[str, Any]", value))
        else:
            settings[key] = value
    return settings
