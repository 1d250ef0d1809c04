"""Failures of both vendors: what is retried, what is not, and what a person is told."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from steelyard.domain.calls import CallError, FailureKind
from steelyard.domain.models import ModelRef
from steelyard.providers.errors import kind_of
from steelyard.providers.registry import WHOSE, Providers
from steelyard.providers.retry import RetryPolicy
from steelyard.providers.scrubbing import scrub
from steelyard.providers.settings import CallSettings
from tests.integration.providers.conftest import ANTHROPIC, OPENAI, VENDORS, request_for
from tests.modelserver import Call, Fault, FaultRates, ModelServer, Reply, ServerConfig

Open = Callable[..., Providers]


def first(fault: Fault, count: int = 1) -> ServerConfig:
    """The first `count` calls fail."""

    def script(call: Call) -> Reply | Fault:
        return fault if call.index < count else Reply("in the end")

    return ServerConfig(reply=script)


@pytest.mark.parametrize("model", VENDORS)
@pytest.mark.parametrize(
    "fault",
    [
        Fault(status=429),
        Fault(status=529),
        Fault(status=500),
        Fault(status=503),
        Fault(kind="reset"),
        Fault(kind="malformed"),
        Fault(kind="prose"),
    ],
    ids=lambda fault: f"{fault.kind}-{fault.status}",
)
@pytest.mark.parametrize("stream", [False, True])
async def test_passing_failures_are_tried_again(
    server: ModelServer, open_providers: Open, model: str, fault: Fault, stream: bool
) -> None:
    server.config = first(fault)
    reply = await open_providers(calls=CallSettings(stream=stream)).complete(request_for(model))
    assert (reply.output, reply.attempts) == ("in the end", 2)


@pytest.mark.parametrize("model", VENDORS)
@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault(status=401, message="invalid x-api-key"), FailureKind.AUTHENTICATION),
        (Fault(status=403, message="not allowed"), FailureKind.AUTHENTICATION),
        (Fault(status=404, message="no such model"), FailureKind.UNKNOWN_MODEL),
        (Fault(status=400, message="temperature: out of range"), FailureKind.BAD_REQUEST),
        (Fault(status=413, message="Request exceeds the maximum size"), FailureKind.BAD_REQUEST),
        (Fault(status=413, message="prompt is too long for the context window"), FailureKind.CONTEXT_WINDOW),
        (
            Fault(status=400, message="prompt is too long: 212345 tokens > 200000 maximum"),
            FailureKind.CONTEXT_WINDOW,
        ),
        (
            Fault(status=400, message="This model's maximum context length is 128000 tokens. However, you requested"),
            FailureKind.CONTEXT_WINDOW,
        ),
        (
            Fault(status=400, message="input length and `max_tokens` exceed context limit: 199000 + 8192 > 200000"),
            FailureKind.CONTEXT_WINDOW,
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
async def test_lasting_failures_are_called_once_and_named(
    server: ModelServer, open_providers: Open, model: str, fault: Fault, kind: FailureKind
) -> None:
    server.config = ServerConfig(reply=lambda call: fault)
    with pytest.raises(CallError) as failure:
        await open_providers().complete(request_for(model))
    assert failure.value.kind is kind
    assert failure.value.attempts == 1
    assert server.stats.started == 1


@pytest.mark.parametrize("model", VENDORS)
async def test_a_body_too_large_for_the_server_is_not_called_too_long_for_the_model(
    server: ModelServer, open_providers: Open, model: str
) -> None:
    server.config = ServerConfig(reply=lambda call: Fault(status=413, message="Payload Too Large"))
    with pytest.raises(CallError, match="does not take a request as large as this one") as failure:
        await open_providers().complete(request_for(model))
    assert server.url in failure.value.message


async def test_calls_that_keep_failing_are_told_of_while_they_are_tried_again(
    server: ModelServer, open_providers: Open
) -> None:
    server.config = first(Fault(status=503), count=4)
    clock, seen = [0.0], list[tuple[str, int, float]]()

    async def sleep(seconds: float) -> None:
        clock[0] += 2.0
        seen.extend((trouble.provider, trouble.calls, trouble.since_s) for trouble in providers.troubles())

    policy = RetryPolicy(clock=lambda: clock[0], sleep=sleep)
    providers = open_providers(policy=policy)
    assert (await providers.complete(request_for(OPENAI))).attempts == 5
    # The first two seconds are nothing to speak of, and once it is answered nothing is left to say.
    assert seen == [("openai", 1, 4.0), ("openai", 1, 6.0), ("openai", 1, 8.0)]
    assert providers.troubles(after_s=0) == ()


async def test_nobody_is_told_of_the_troubles_of_anothers_calls(server: ModelServer, open_providers: Open) -> None:
    server.config = first(Fault(status=503), count=2)
    seen = list[tuple[int, ...]]()

    def told(whose: object) -> int:
        token = WHOSE.set(whose)
        try:
            return sum(trouble.calls for trouble in providers.troubles(after_s=0))
        finally:
            WHOSE.reset(token)

    async def sleep(seconds: float) -> None:
        seen.append((told("one"), told("another"), told(None)))

    providers = open_providers(policy=RetryPolicy(sleep=sleep))
    token = WHOSE.set("one")
    try:
        await providers.complete(request_for(OPENAI))
    finally:
        WHOSE.reset(token)
    assert seen == [(1, 0, 1)] * 2


async def test_openais_own_context_code_is_recognised_whatever_the_words(
    server: ModelServer, open_providers: Open
) -> None:
    server.config = ServerConfig(
        reply=lambda call: Fault(status=400, message="Too much.", code="context_length_exceeded")
    )
    with pytest.raises(CallError) as failure:
        await open_providers().complete(request_for(OPENAI))
    assert failure.value.kind is FailureKind.CONTEXT_WINDOW


@pytest.mark.parametrize("model", VENDORS)
@pytest.mark.parametrize("as_date", [False, True])
async def test_retry_after_is_honoured_in_seconds_and_as_a_date(
    server: ModelServer, open_providers: Open, model: str, as_date: bool
) -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    later = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    server.config = first(Fault(status=429, retry_after=later if as_date else "30"))
    await open_providers(policy=RetryPolicy(sleep=sleep)).complete(request_for(model))
    assert len(waits) == 1
    # A date has whole seconds, and the first call may have taken a moment.
    assert (20 if as_date else 30) <= waits[0] <= 31


@pytest.mark.parametrize("model", VENDORS)
async def test_a_wait_longer_than_the_deadline_is_not_begun(
    server: ModelServer, open_providers: Open, model: str
) -> None:
    server.config = ServerConfig(reply=lambda call: Fault(status=429, retry_after="3600"))
    with pytest.raises(CallError) as failure:
        await open_providers().complete(request_for(model))
    assert failure.value.kind is FailureKind.RATE_LIMITED
    assert failure.value.retry_after_s == 3600


@pytest.mark.parametrize("model", VENDORS)
async def test_a_server_that_hangs_is_a_timeout(server: ModelServer, open_providers: Open, model: str) -> None:
    server.config = ServerConfig(reply=lambda call: Fault(kind="hang", hang_s=5))
    providers = open_providers(calls=CallSettings(attempt_timeout_s=0.3), policy=RetryPolicy(max_attempts=1))
    with pytest.raises(CallError, match="did not answer") as failure:
        await providers.complete(request_for(model))
    assert failure.value.kind is FailureKind.TIMEOUT


@pytest.mark.parametrize("model", VENDORS)
async def test_an_address_where_nobody_listens_is_named_and_the_key_is_not(open_providers: Open, model: str) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    key = "sk-very-secret-0123456789"
    env = {"OPENAI_BASE_URL": url, "ANTHROPIC_BASE_URL": url, "OPENAI_API_KEY": key, "ANTHROPIC_API_KEY": key}
    with pytest.raises(CallError) as failure:
        await open_providers(env=env, policy=RetryPolicy(max_attempts=2, base_s=0.0)).complete(request_for(model))
    assert failure.value.kind is FailureKind.NETWORK
    assert failure.value.attempts == 2
    assert url in failure.value.message
    assert key not in failure.value.message


def test_a_stand_in_for_a_key_is_not_cut_out_of_words() -> None:
    assert scrub("The key x is beyond the maximum of six.", ["x"]) == "The key [key] is beyond the maximum of six."


@pytest.mark.parametrize("model", VENDORS)
async def test_a_key_the_vendor_echoes_is_scrubbed(server: ModelServer, open_providers: Open, model: str) -> None:
    key = "sk-very-secret-0123456789"
    env = {"OPENAI_API_KEY": key, "ANTHROPIC_API_KEY": key}
    server.config = ServerConfig(
        reply=lambda call: Fault(status=401, message=f"Incorrect API key provided: {key} or sk-very****6789.")
    )
    with pytest.raises(CallError) as failure:
        await open_providers(env=env).complete(request_for(model))
    assert "6789" not in failure.value.message
    assert "_API_KEY" in failure.value.message


async def test_rate_limits_lower_the_calls_at_once_and_successes_raise_them_again(
    server: ModelServer, open_providers: Open
) -> None:
    providers = open_providers(ceiling=16)
    await providers.complete(request_for(ANTHROPIC, "warm"))
    limit = providers.limit(ModelRef.parse(ANTHROPIC))
    assert limit.limit == 16
    server.config = ServerConfig(latency_s=0.02, max_in_flight=4, faults=FaultRates(retry_after="0"))
    await asyncio.gather(*(providers.complete(request_for(ANTHROPIC, f"{i}")) for i in range(60)))
    assert limit.limit < 16
    server.config = ServerConfig()
    await asyncio.gather(*(providers.complete(request_for(ANTHROPIC, f"again {i}")) for i in range(300)))
    assert limit.limit == 16


@pytest.mark.parametrize("stream", [False, True])
async def test_under_a_storm_of_faults_every_call_ends_answered(
    server: ModelServer, open_providers: Open, stream: bool
) -> None:
    rates = FaultRates(rate_limited=0.05, overloaded=0.02, server=0.02, reset=0.01, malformed=0.01, retry_after="0")
    server.config = ServerConfig(latency_s=0.01, faults=rates, seed=3)
    providers = open_providers(ceiling=20, calls=CallSettings(stream=stream))
    replies = await asyncio.gather(
        *(providers.complete(request_for(VENDORS[i % 2], f"case {i}")) for i in range(200)), return_exceptions=True
    )
    assert not [reply for reply in replies if isinstance(reply, BaseException)]
    assert server.stats.faults
    assert server.stats.max_in_flight <= 20


async def test_cancelled_calls_leave_no_slot_taken(server: ModelServer, open_providers: Open) -> None:
    server.config = ServerConfig(latency_s=0.2)
    providers = open_providers(ceiling=3)
    tasks = [asyncio.create_task(providers.complete(request_for(OPENAI, f"{i}"))) for i in range(10)]
    await asyncio.sleep(0.1)
    # Ten are asked for; those that wait for a slot are not in flight.
    assert providers.in_flight <= 3
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert providers.in_flight == 0
    assert providers.limit(ModelRef.parse(OPENAI)).in_flight == 0
    assert (await providers.complete(request_for(OPENAI))).output


@pytest.mark.parametrize(
    "error", [IndexError("no choice"), RecursionError("too deep"), ValueError("too many digits")], ids=repr
)
def test_a_body_the_sdk_stumbles_over_is_malformed_and_so_tried_again(error: Exception) -> None:
    assert kind_of(error) is FailureKind.MALFORMED


@pytest.mark.parametrize("model", VENDORS)
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("fault", "known"),
    [
        (Fault(status=429), True),
        (Fault(status=500), True),
        (Fault(status=529), True),
        (Fault(status=504), False),
        (Fault(kind="reset"), False),
        (Fault(kind="malformed"), False),
        (Fault(kind="prose"), False),
        (Fault(kind="hang"), False),
    ],
    ids=lambda value: f"{value.kind}-{value.status}" if isinstance(value, Fault) else "",
)
async def test_a_reply_that_was_lost_may_have_been_paid_and_a_refusal_was_not(
    server: ModelServer, open_providers: Open, model: str, stream: bool, fault: Fault, known: bool
) -> None:
    server.config = first(fault, count=99)
    providers = open_providers(
        calls=CallSettings(stream=stream, attempt_timeout_s=1.0), policy=RetryPolicy(max_attempts=1)
    )
    with pytest.raises(CallError) as failure:
        await providers.complete(request_for(model))
    assert failure.value.wasted_known is known


@pytest.mark.parametrize("model", VENDORS)
async def test_a_request_that_never_left_was_not_paid(open_providers: Open, model: str) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
    env = {"OPENAI_BASE_URL": address, "ANTHROPIC_BASE_URL": address}
    with pytest.raises(CallError) as failure:
        await open_providers(env=env, policy=RetryPolicy(max_attempts=1)).complete(request_for(model))
    assert (failure.value.kind, failure.value.wasted_known) == (FailureKind.NETWORK, True)


@pytest.mark.parametrize("model", VENDORS)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_named_and_no_prompt_follows_it(
    server: ModelServer, open_providers: Open, model: str, status: int
) -> None:
    with ModelServer() as other:
        path = "/v1/chat/completions" if model == OPENAI else "/v1/messages"
        server.config = first(Fault(status=status, location=other.url + path), count=9)
        with pytest.raises(CallError, match=r"redirects calls .* not followed") as failure:
            await open_providers().complete(request_for(model))
        assert other.stats.started == 0
    assert (failure.value.kind, failure.value.attempts) == (FailureKind.BAD_REQUEST, 1)
    assert failure.value.wasted_known
