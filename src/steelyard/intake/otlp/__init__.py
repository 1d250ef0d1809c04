"""Uses of skills out of OpenTelemetry's spans. Pure."""

from steelyard.intake.otlp.bounds import MOST_BYTES, MOST_SPANS, Form
from steelyard.intake.otlp.calls import Found, Link, Marks, SpanUse, find_calls
from steelyard.intake.otlp.spans import Span, read_spans

__all__ = ["MOST_BYTES", "MOST_SPANS", "Form", "Found", "Link", "Marks", "Span", "SpanUse", "find_calls", "read_spans"]
