"""Which model follows which, by the names that vendors really give."""

from __future__ import annotations

from datetime import date

import pytest

from steelyard.domain.models import ModelRef
from steelyard.pricing.lineage import is_deprecated, lineage, newest_of_line

DAY = date(2026, 11, 1)


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("anthropic:claude-sonnet-4-5", "anthropic:claude-sonnet-5"),
        ("anthropic:claude-sonnet-4-5-20250929", "anthropic:claude-sonnet-5"),
        ("anthropic:claude-3-5-sonnet-latest", "anthropic:claude-sonnet-4-0"),
        ("openai:gpt-5.1", "openai:gpt-5.4"),
        ("openai:gpt-5.1-2025-11-13", "openai:gpt-5.4"),
        ("openai:gpt-5-mini", "openai:gpt-5.4-mini"),
        ("openai:o3-mini", "openai:o4-mini"),
        ("google:gemini-2.5-flash", "google:gemini-3.5-flash"),
        ("google:gemini-3-flash-preview", "google:gemini-3.5-flash"),
    ],
)
def test_a_later_version_of_one_family_and_tier_is_of_the_same_line(older: str, newer: str) -> None:
    one, other = lineage(ModelRef.parse(older).name), lineage(ModelRef.parse(newer).name)
    assert one is not None
    assert other is not None
    assert one.pattern == other.pattern
    assert one.version < other.version
    found = newest_of_line(ModelRef.parse(older), DAY)
    assert found is not None
    newest = lineage(found)
    assert newest is not None
    assert (newest.pattern, newest.version >= other.version) == (one.pattern, True)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("claude-sonnet-4-5", "claude-opus-5"),
        ("gpt-5.4", "gpt-5.5-pro"),
        ("gpt-5.4-mini", "gpt-5.5"),
        ("gpt-image-1", "gpt-5-image"),
        ("gemini-2.5-flash", "gemini-3.5-flash-lite"),
        ("llama-3.1-8b", "llama-3.3-70b"),
        ("gpt-5.4", "gpt-6-sol"),
    ],
)
def test_another_tier_or_family_is_another_line(one: str, other: str) -> None:
    first, second = lineage(one), lineage(other)
    assert first is not None
    assert second is not None
    assert first.pattern != second.pattern


@pytest.mark.parametrize(
    "name", ["gpt-4o", "smollm2-135m", "grok-4.20", "text-embedding-ada-002", "gpt-chat-latest", ""]
)
def test_a_name_without_a_version_that_can_be_told_has_no_line(name: str) -> None:
    assert lineage(name) is None
    assert newest_of_line(ModelRef("openai", name), DAY) is None


def test_the_newest_of_a_line_has_none_after_it_and_nobody_follows_themselves() -> None:
    for text in ("anthropic:claude-haiku-4-5", "openai:gpt-5", "google:gemini-2.0-flash"):
        ref = ModelRef.parse(text)
        newest = newest_of_line(ref, DAY)
        assert newest is not None
        assert newest_of_line(ModelRef(ref.provider, newest), DAY) is None
    assert newest_of_line(ModelRef("nobody", "claude-sonnet-4-5"), DAY) is None


def test_what_its_vendor_gives_up_is_marked_and_never_the_newest() -> None:
    gone = ModelRef("google", "gemini-2.0-flash")
    assert is_deprecated(gone)
    assert not is_deprecated(ModelRef("anthropic", "claude-sonnet-5"))
    assert not is_deprecated(ModelRef("nobody", "nothing"))
    newest = newest_of_line(ModelRef("google", "gemini-1.5-flash"), DAY)
    assert newest is not None
    assert not is_deprecated(ModelRef("google", newest))
