"""One use as it is sent becomes one use as it is counted, or is refused by the field to mend."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.intake import Refused, read_item

ITEM: dict[str, Any] = {
    "key": "order-1",
    "skill": "weigh",
    "model": "openai:gpt-5.4",
    "measured_at": "2026-01-31T12:00:00Z",
    "input_tokens": 100,
    "output_tokens": 20,
}
counts = st.integers(0, 10**9)


@given(counts, counts, counts, counts, st.integers(0, 10**9))
def test_the_cache_is_counted_once_whichever_way_a_vendor_counts_it(
    fresh: int, read: int, write: int, output: int, reasoning: int
) -> None:
    classes = {
        **ITEM,
        "cache_read_tokens": read,
        "cache_write_tokens": write,
        "output_tokens": output + reasoning,
        "reasoning_tokens": reasoning,
    }
    within = read_item({**classes, "input_tokens": fresh + read + write})
    beside = read_item({**classes, "input_tokens": fresh, "input_excludes_cache": True})
    assert within.usage == beside.usage
    assert within.usage.input_tokens == fresh + read + write
    assert within.usage.total_tokens == fresh + read + write + output + reasoning


@given(st.integers(0, 10**15))
def test_a_sum_of_money_loses_nothing(microcents: int) -> None:
    text = f"{microcents // 10**8}.{microcents % 10**8:08d}"
    assert read_item({**ITEM, "cost_usd": text}).cost_microcents == microcents


def test_a_row_of_text_says_the_same_as_an_object() -> None:
    row = {key: str(value) for key, value in ITEM.items()} | {"latency_ms": "", "cost_usd": "0.0021"}
    assert read_item(row) == read_item({**ITEM, "cost_usd": 0.0021})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("key", None),
        ("key", "k" * 201),
        ("skill", "\x1b[31m"),
        ("skill", 7),
        ("model", "gpt-5.4"),
        ("measured_at", "yesterday"),
        ("measured_at", "2026-01-31T12:00:00"),
        ("input_tokens", -1),
        ("input_tokens", 1.5),
        ("input_tokens", True),
        ("input_tokens", "1e3"),
        ("input_tokens", 10**13),
        ("output_tokens", None),
        ("reasoning_tokens", 21),
        ("cost_usd", float("nan")),
        ("cost_usd", -1),
        ("cost_usd", "1e999"),
        ("latency_ms", "Infinity"),
        ("skill_version", "../etc"),
        ("input_excludes_cache", "maybe"),
        ("tokens", 1),
    ],
)
def test_what_cannot_be_kept_is_refused_by_its_field(field: str, value: object) -> None:
    with pytest.raises(Refused) as refused:
        read_item({**ITEM, field: value})
    assert refused.value.field == field


def test_more_cache_than_input_is_refused_and_says_what_to_send() -> None:
    with pytest.raises(Refused, match="input_excludes_cache") as refused:
        read_item({**ITEM, "cache_read_tokens": 101})
    assert refused.value.field == "input_tokens"


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(), lambda inner: st.lists(inner), max_leaves=5))
def test_any_other_value_is_refused(item: object) -> None:
    with pytest.raises(Refused):
        read_item(item)
