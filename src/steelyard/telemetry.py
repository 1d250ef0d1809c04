"""What a serving process tells an OpenTelemetry collector of itself: its requests, its jobs, its calls of models.

A span has names, numbers and ids, and never a text of a skill, a case, an output or an error. Nothing is imported and
nothing is sent unless the environment names a collector, as OpenTelemetry's own variables do.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Span, Tracer

logger = logging.getLogger(__name__)

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
NAME = "steelyard"

Value = str | int | float | bool
# Gives a span one attribute more; does nothing where nothing is traced.
Note = Callable[[str, Value], None]

_tracer: Tracer | None = None


def configure(env: Mapping[str, str] | None = None) -> None:
    """Send spans from now on to the collector the environment names, if any; without the extra `otel`, say so."""
    env = os.environ if env is None else env
    if _tracer is not None or not asked_for(env):
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        logger.warning(
            "A collector of OpenTelemetry is named, and what sends to it is not installed; no spans are sent."
            " Next: pip install 'steelyard[otel]'."
        )
        return
    named = Resource.create({} if env.get("OTEL_SERVICE_NAME") else {"service.name": NAME})
    provider = TracerProvider(resource=named)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace_by(provider.get_tracer(NAME))


def asked_for(env: Mapping[str, str]) -> bool:
    """Whether the environment names a collector and does not switch the SDK off."""
    off = env.get("OTEL_SDK_DISABLED", "").strip().lower() == "true" or env.get("OTEL_TRACES_EXPORTER") == "none"
    return not off and any(env.get(name) for name in ENDPOINTS)


def trace_by(tracer: Tracer | None) -> None:
    """Make spans with `tracer` from now on; None: make none."""
    global _tracer
    _tracer = tracer


@contextmanager
def request(
    method: str, headers: Callable[[str], str | None], request_id: str
) -> Generator[Callable[[str, int], None]]:
    """A span of one request, under the caller's where its headers name one; what it gives is told route and status.

    A request of which nothing is told leaves no span: probes, and spans that come in, which a process that sends to
    itself would answer with ever more of them.
    """
    tracer = _tracer
    if tracer is None:
        yield lambda route, status: None
        return
    from opentelemetry.trace import SpanKind, Status, StatusCode, use_span

    span = tracer.start_span(method, _parent(headers), SpanKind.SERVER, {"http.request.method": method})
    span.set_attribute("steelyard.request_id", request_id)
    told = False

    def tell(route: str, status: int) -> None:
        nonlocal told
        told = True
        span.update_name(f"{method} {route}")
        span.set_attributes({"http.route": route, "http.response.status_code": status})
        if status >= 500:
            span.set_status(Status(StatusCode.ERROR))

    with use_span(span, end_on_exit=False, record_exception=False, set_status_on_exception=False):
        yield tell
    if told:
        span.end()


@contextmanager
def job(name: str, **ids: str) -> Generator[None]:
    """A span of one job of the queue, with the ids of what it is of."""
    with _spanned(name, "CONSUMER", {f"steelyard.{key}": value for key, value in ids.items()}):
        yield


@contextmanager
def model_call(provider: str, model: str) -> Generator[Note]:
    """A span of one call of a model, its attempts taken together, by the conventions for generative AI."""
    known = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": provider, "gen_ai.request.model": model}
    with _spanned(f"chat {model}", "CLIENT", known) as note:
        yield note


@contextmanager
def _spanned(name: str, kind: str, attributes: Mapping[str, Value]) -> Generator[Note]:
    tracer = _tracer
    if tracer is None:
        yield lambda name, value: None
        return
    from opentelemetry.trace import SpanKind

    with tracer.start_as_current_span(
        name, None, SpanKind[kind], attributes, record_exception=False, set_status_on_exception=False
    ) as span:
        try:
            yield span.set_attribute
        except BaseException as error:
            _failed(span, error)
            raise


def _failed(span: Span, error: BaseException) -> None:
    from opentelemetry.trace import Status, StatusCode

    # Of what went wrong its kind: texts repeat prompts and replies.
    span.set_attribute("error.type", str(getattr(error, "kind", None) or type(error).__name__))
    span.set_status(Status(StatusCode.ERROR))


def _parent(headers: Callable[[str], str | None]) -> Context | None:
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    carrier = {name: value for name in ("traceparent", "tracestate") if (value := headers(name)) is not None}
    with suppress(ValueError):
        return TraceContextTextMapPropagator().extract(carrier)
    return None
