"""Gemini's replies, which the local server does not speak, over a transport in memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx2
import pytest

from steelyard.domain.calls import CallError, FailureKind, StopReason, Usage
from steelyard.providers.gateway import Gateway
from steelyard.providers.settings import Endpoint
from steelyard.providers.vendors import connect, load
from tests.integration.providers.conftest import request_for

ENDPOINT = Endpoint("google", "google", "GEMINI_API_KEY", api_key="k-very-secret-1234")


def gateway_answering(status: int, body: Mapping[str, Any]) -> Gateway:
    def answer(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(status, json=body, request=request)

    load("google")
    gateway = Gateway(ENDPOINT)
    gateway._connection = connect(ENDPOINT, timeout_s=60, transport=httpx2.MockTransport(answer))
    return gateway


async def test_gemini_usage_counts_cache_within_input_and_thoughts_within_output() -> None:
    body = {
        "candidates": [
            {"content": {"role": "model", "parts": [{"text": "four pounds"}]}, "finishReason": "MAX_TOKENS"}
        ],
        "usageMetadata": {
            "promptTokenCount": 1000,
            "cachedContentTokenCount": 600,
            "candidatesTokenCount": 20,
            "thoughtsTokenCount": 70,
            "totalTokenCount": 1090,
        },
        "modelVersion": "gemini-2.5-flash",
    }
    gateway = gateway_answering(200, body)
    reply = await gateway.complete(request_for("google:gemini-2.5-flash?temperature=0.5"))
    await gateway.aclose()
    assert (reply.output, reply.stop_reason) == ("four pounds", StopReason.LENGTH)
    assert reply.usage == Usage(1000, 90, 600, 0, 70)
    assert reply.effective_settings["temperature"] == 0.5
    assert "warnings" not in reply.effective_settings


@pytest.mark.parametrize(
    ("status", "name", "kind"),
    [
        (429, "RESOURCE_EXHAUSTED", FailureKind.RATE_LIMITED),
        (503, "UNAVAILABLE", FailureKind.OVERLOADED),
        (500, "INTERNAL", FailureKind.SERVER),
        (403, "PERMISSION_DENIED", FailureKind.AUTHENTICATION),
        (404, "NOT_FOUND", FailureKind.UNKNOWN_MODEL),
    ],
)
async def test_geminis_failures_are_named_like_the_others(status: int, name: str, kind: FailureKind) -> None:
    gateway = gateway_answering(status, {"error": {"code": status, "message": "no", "status": name}})
    with pytest.raises(CallError) as failure:
        await gateway.complete(request_for("google:gemini-2.5-flash"))
    await gateway.aclose()
    assert failure.value.kind is kind


async def test_gemini_redirects_are_not_followed_either() -> None:
    gateway = gateway_answering(307, {})
    with pytest.raises(CallError, match=r"redirects calls .* not followed") as failure:
        await gateway.complete(request_for("google:gemini-2.5-flash"))
    await gateway.aclose()
    assert failure.value.kind is FailureKind.BAD_REQUEST
