"""Which spans of a request are model calls of a skill, and which of them tell of one and the same call."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import blake2b
from typing import Any
from uuid import UUID

from steelyard.domain.calls import Usage
from steelyard.intake.counting import Told, counting_of, normalised
from steelyard.intake.items import LONGEST_NAME, MOST_LATENCY_MS, Use, is_version, read_item
from steelyard.intake.otlp import spellings
from steelyard.intake.otlp.spans import Span, Value
from steelyard.intake.refused import Refused
from steelyard.intake.vendors import provider_named, provider_of

# What wraps calls and repeats the sum of their tokens, in the conventions and in their dialects.
_WRAPPERS = frozenset(
    {
        "invoke_agent", "create_agent", "invoke_workflow", "execute_tool", "execute_task", "retrieval", "rerank",
        "agent", "workflow", "task", "tool", "chain", "retriever", "reranker", "guardrail", "evaluator", "prompt",
    }
)  # fmt: skip
# Of a streamed answer of Anthropic OpenLLMetry adds the output tokens of message_start, which message_delta has again.
_INEXACT = "opentelemetry.instrumentation.anthropic"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DEEPEST = 64


@dataclass(frozen=True)
class Marks:
    """What tells a call apart from those that came before: digests of the call, of its span, of the spans above."""

    call: UUID
    span: UUID
    above: tuple[UUID, ...]


@dataclass(frozen=True)
class SpanUse:
    """A use, and what another span of the same call would be known by.

    `odd_version`: the version it names is no digest's start. `exact`: its instrumentation hands on the vendor's counts.
    """

    use: Use
    marks: Marks
    odd_version: bool = False
    exact: bool = True


@dataclass(frozen=True)
class Link:
    """A span that is no call: whether a call under it came before shows whether those above it are wrappers."""

    span: UUID
    above: tuple[UUID, ...]


@dataclass(frozen=True)
class Found:
    """What a request holds. `repeated` spans tell of a call that another span of the request tells of.

    `nameless` counts calls without a skill's name, `refused` those that cannot be kept, by field and reason.
    """

    uses: tuple[SpanUse, ...]
    links: tuple[Link, ...]
    repeated: int
    nameless: int
    refused: Mapping[tuple[str, str], int]


def find_calls(spans: Sequence[Span]) -> Found:
    """The model calls among the spans: each once, the innermost span of it, with the skill it is named for."""
    by_id = _without_rings({(span.trace_id, span.span_id): span for span in spans})
    calls: list[SpanUse] = []
    links: list[Link] = []
    refused: Counter[tuple[str, str]] = Counter()
    nameless = 0
    for span in by_id.values():
        told = None
        try:
            told = _told(span)
            if told is None:
                if span.inner and span.parent_id:
                    links.append(Link(_of_span(span.trace_id, span.span_id), _above(span, by_id)))
                continue
            call = _call(span, told, by_id)
        except Refused as error:
            refused[error.field, error.message] += 1
            continue
        if call is None:
            nameless += 1
        else:
            calls.append(call)
    kept = _each_once(calls)
    return Found(tuple(kept), tuple(links), len(spans) - len(by_id) + len(calls) - len(kept), nameless, refused)


def _each_once(calls: Sequence[SpanUse]) -> list[SpanUse]:
    """Without those above another call, and one of those that have one call's id, whatever their order was."""
    wrappers = {digest for call in calls for digest in call.marks.above}
    leaves = [call for call in calls if call.marks.span not in wrappers]
    kept: dict[UUID, SpanUse] = {}
    # Of two spans beside each other the one that tells more of the tokens.
    for call in sorted(leaves, key=lambda call: (not call.exact, -_told_parts(call.use.usage), call.marks.span)):
        kept.setdefault(call.marks.call, call)
    above = Counter(digest for call in kept.values() for digest in call.marks.above)
    by_span = {call.marks.span: call for call in calls if call.exact}
    return [call if call.exact else _corrected(call, above, by_span) for call in kept.values()]


def _corrected(call: SpanUse, above: Mapping[UUID, int], by_span: Mapping[UUID, SpanUse]) -> SpanUse:
    """With the tokens of the nearest span above it that wraps this call alone and is exact, where there is one."""
    for digest in call.marks.above:
        wrapper = by_span.get(digest)
        if wrapper is not None and above[digest] == 1 and wrapper.use.model == call.use.model:
            return replace(call, use=replace(call.use, usage=wrapper.use.usage))
    return call


def _told_parts(usage: Usage) -> int:
    return sum(map(bool, (usage.cache_read_tokens, usage.cache_write_tokens, usage.reasoning_tokens)))


def _told(span: Span) -> Told | None:
    """The tokens on a span, None where it is no model call. Raises Refused for two spellings that differ."""
    attributes = span.attributes
    for names in (spellings.OPERATION, spellings.KIND):
        kind = _first_text(attributes, names)
        if kind is not None and kind.lower() in _WRAPPERS:
            return None
    counts = [_count(attributes, names) for names in spellings.COUNTS]
    told = Told(counts[0], counts[1], counts[3], counts[4], counts[5], counts[2])
    # A failed call, or one whose usage was never heard: 0 tokens are not what it took.
    return told if told.input or told.output else None


def _call(span: Span, told: Told, by_id: Mapping[tuple[bytes, bytes], Span]) -> SpanUse | None:
    """None: no skill is named. Raises Refused."""
    named = _skill(span, by_id)
    if named is None:
        return None
    skill, version = named
    if len(span.trace_id) != 16 or len(span.span_id) != 8 or not any(span.trace_id) or not any(span.span_id):
        raise Refused("span", "Its trace id has not 16 bytes, or its span id not 8, or they are all zero.")
    provider, model = _model(span.attributes)
    usage = normalised(told, counting_of(span.scope, provider))
    if not (span.end_ns or span.start_ns):
        raise Refused("span", "It has no time.")
    response = _first_text(span.attributes, spellings.RESPONSE_ID)
    own = _of_span(span.trace_id, span.span_id)
    call = own if response is None else _digest(b"call", span.trace_id, response.encode("utf-8", "replace"))
    service = str(span.resource.get(spellings.SERVICE, ""))
    good_version = version if version is not None and is_version(version) else None
    item = {
        "key": call.hex,
        "skill": skill,
        "skill_version": good_version,
        "model": f"{provider}:{model}",
        "measured_at": _moment(span.end_ns or span.start_ns).isoformat(),
        **_counts_of(usage),
        "latency_ms": _latency_ms(span),
        "source": _source(service),
    }
    marks = Marks(call, own, _above(span, by_id))
    return SpanUse(
        read_item(item),
        marks,
        odd_version=version is not None and good_version is None,
        exact=span.scope != _INEXACT,
    )


def _counts_of(usage: Usage) -> dict[str, Any]:
    return {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cache_read_tokens": usage.cache_read_tokens,
        "cache_write_tokens": usage.cache_write_tokens,
        "reasoning_tokens": usage.reasoning_tokens,
    }


def _model(attributes: Mapping[str, Value]) -> tuple[str, str]:
    """(provider, name): the model that was asked for, as runs name it; on Azure, where that is anyone's, the one that
    answered. Raises Refused."""
    asked = _first_text(attributes, spellings.REQUEST_MODEL)
    answered = _first_text(attributes, spellings.RESPONSE_MODEL)
    told = _first_text(attributes, spellings.PROVIDER)
    model = asked or answered
    if model is None:
        raise Refused("model", "The span names no model.")
    provider = provider_named(told) if told is not None else provider_of(model)
    if provider is None:
        raise Refused("model", "The span names no provider, and the model's name does not tell it.")
    if provider == "azure" and answered is not None:
        model = answered
    return provider, model.removeprefix("models/").removeprefix(f"{provider}/")


def _skill(span: Span, by_id: Mapping[tuple[bytes, bytes], Span]) -> tuple[str, str | None] | None:
    """(name, version) of the span, else of the nearest span above it that names one, else of the resource."""
    for attributes in (*(one.attributes for one in (span, *_ancestors(span, by_id))), span.resource):
        name = _first_text(attributes, spellings.SKILL)
        if name is not None:
            return name, _first_text(attributes, spellings.SKILL_VERSION)
    return None


def _without_rings(by_id: Mapping[tuple[bytes, bytes], Span]) -> dict[tuple[bytes, bytes], Span]:
    """Spans that name each other as parents have none: each would be above the other, and no call would be left."""
    done: set[tuple[bytes, bytes]] = set()
    ring: set[tuple[bytes, bytes]] = set()
    for start in by_id:
        path: dict[tuple[bytes, bytes], int] = {}
        at = start
        while at in by_id and at not in done and at not in path:
            path[at] = len(path)
            at = (at[0], by_id[at].parent_id)
        if at in path:
            ring.update(list(path)[path[at] :])
        done.update(path)
    return {key: replace(span, parent_id=b"") if key in ring else span for key, span in by_id.items()}


def _ancestors(span: Span, by_id: Mapping[tuple[bytes, bytes], Span]) -> Iterator[Span]:
    """Those of the request, the nearest first."""
    for _ in range(_DEEPEST):
        parent = by_id.get((span.trace_id, span.parent_id)) if span.parent_id else None
        if parent is None:
            return
        yield parent
        span = parent


def _above(span: Span, by_id: Mapping[tuple[bytes, bytes], Span]) -> tuple[UUID, ...]:
    """Digests of all that is known to be above a span: those of the request, and the first that is not in it."""
    ids = [span.parent_id, *(one.parent_id for one in _ancestors(span, by_id))]
    return tuple(_of_span(span.trace_id, one) for one in dict.fromkeys(ids) if one and one != span.span_id)


# In a long chain each span is above the next sixty-four, in any order within a request.
@lru_cache(maxsize=32_768)
def _of_span(trace_id: bytes, span_id: bytes) -> UUID:
    return _digest(b"span", trace_id, span_id)


def _digest(kind: bytes, trace_id: bytes, rest: bytes) -> UUID:
    return UUID(bytes=blake2b(trace_id + b"\0" + rest, digest_size=16, person=kind).digest())


def _moment(nanoseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=nanoseconds // 1000)


def _latency_ms(span: Span) -> float | None:
    """None where a clock was wrong: the tokens are as true."""
    passed = (span.end_ns - span.start_ns) / 1e6
    return passed if span.start_ns and 0 <= passed <= MOST_LATENCY_MS else None


def _source(service: str) -> str:
    clean = "".join(char for char in service if char.isprintable()).strip()
    return f"otlp:{clean}"[:LONGEST_NAME] if clean else "otlp"


def _first_text(attributes: Mapping[str, Value], names: Iterable[str]) -> str | None:
    for name in names:
        value = attributes.get(name)
        if isinstance(value, str) and value.strip():
            return value.strip()
    return None


def _count(attributes: Mapping[str, Value], names: Sequence[str]) -> int | None:
    """The one number that all of these spellings give. Raises Refused."""
    found: int | None = None
    for name in names:
        value = attributes.get(name)
        if value is None:
            continue
        number = _whole(value)
        if number is None or number < 0:
            raise Refused(name, "It is no count of tokens.")
        if found is not None and number != found:
            raise Refused(name, "Another attribute of the span gives another number for the same.")
        found = number
    return found


def _whole(value: Value) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    return int(value) if value.isascii() and value.isdecimal() and len(value) < 16 else None
