"""Hands the skill's name down to the spans under the one that has it. Needs opentelemetry-sdk."""

from __future__ import annotations

from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor
from opentelemetry.trace import get_current_span

_HANDED_DOWN = ("skill.name", "skill.version")


class SkillSpans(SpanProcessor):
    """`provider.add_span_processor(SkillSpans())`, before the exporter's own.

    A span is exported when it ends, which for a model call may be long before the span above it that names the skill:
    in another request, where Steelyard cannot see the one for the other.
    """

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Copy what the parent has and the span has not."""
        parent = get_current_span(parent_context)
        if not isinstance(parent, ReadableSpan) or not parent.attributes:
            return
        if "skill.name" in (span.attributes or {}):
            return
        for name in _HANDED_DOWN:
            if name in parent.attributes:
                span.set_attribute(name, parent.attributes[name])
