"""Costs: whole microcents, unknown is None, nothing counted twice."""

from __future__ import annotations

from dataclasses import astuple
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cache
from typing import Any

import pytest
from genai_prices.data_snapshot import get_snapshot
from hypothesis import given, settings
from hypothesis import strategies as st

from steelyard.domain.calls import Usage
from steelyard.domain.models import ModelRef
from steelyard.pricing import Cost, DatedRates, Rates, cost, price_of
from steelyard.pricing.cost import _per_token, _priced

DAY = date(2026, 11, 1)
SONNET = ModelRef.parse("anthropic:claude-sonnet-4-5")
GPT = ModelRef.parse("openai:gpt-5")
MINE = ModelRef.parse("mine:m")
MODELS = st.sampled_from([SONNET, GPT, ModelRef.parse("google:gemini-2.5-flash")])

# Within one tier of every model above.
tokens = st.integers(0, 20_000)


@st.composite
def usages(draw: st.DrawFn) -> Usage:
    read, write, fresh, said, thought = (draw(tokens) for _ in range(5))
    return Usage(read + write + fresh, said + thought, read, write, thought)


def microcents(usage: Usage, model: ModelRef, when: date = DAY) -> int:
    found = cost(usage, model, when)
    assert isinstance(found, Cost)
    return found.microcents


def test_a_million_tokens_in_cost_the_listed_rate() -> None:
    assert microcents(Usage(input_tokens=1_000_000), GPT) == 125_000_000
    assert microcents(Usage(output_tokens=1_000_000), GPT) == 1_000_000_000


def test_cache_reads_and_writes_have_their_own_rates_and_are_not_charged_as_input_too() -> None:
    plain = microcents(Usage(input_tokens=10_000), SONNET)
    assert plain == 3_000_000
    assert microcents(Usage(input_tokens=10_000, cache_read_tokens=10_000), SONNET) == plain // 10
    assert microcents(Usage(input_tokens=10_000, cache_write_tokens=10_000), SONNET) == plain * 5 // 4


def test_a_long_prompt_moves_every_token_to_the_dearer_tier() -> None:
    assert microcents(Usage(input_tokens=400_000), SONNET) == 4 * microcents(Usage(input_tokens=200_000), SONNET)


def test_cache_counts_above_the_input_do_not_make_a_negative_or_failing_price() -> None:
    odd = Usage(input_tokens=10, cache_read_tokens=100, cache_write_tokens=50)
    assert cost(odd, SONNET, DAY) == cost(Usage(150, 0, 100, 50), SONNET, DAY)


@pytest.mark.parametrize("text", ["openai:nonesuch-9", "mine:some-model", "anthropic:gpt-5"])
def test_an_unknown_price_is_none_and_never_zero(text: str) -> None:
    assert cost(Usage(100, 100), ModelRef.parse(text), DAY) is None
    assert price_of(ModelRef.parse(text), DAY) is None


def test_local_models_cost_exactly_nothing() -> None:
    assert cost(Usage(100, 100), ModelRef.parse("local:anything"), DAY) == Cost(0, "local", DAY)


def test_prices_of_ones_own_come_first_and_a_missing_cache_rate_is_the_input_rate() -> None:
    rates = {"mine:m": Rates(1.0, 2.0), "openai:gpt-5": Rates(0.0, 0.0), "mine:m?temperature=1": Rates(3.0, 4.0)}
    mine = cost(Usage(1000, 500, 400, 100), ModelRef.parse("mine:m?seed=1"), DAY, rates)
    assert mine == Cost(200_000, "settings", DAY)
    variant = cost(Usage(1000), ModelRef.parse("mine:m?temperature=1"), DAY, rates)
    assert variant is not None
    assert variant.microcents == 300_000
    assert cost(Usage(1000, 500), GPT, DAY, rates) == Cost(0, "settings", DAY)


def test_a_variant_costs_what_its_model_costs() -> None:
    assert cost(Usage(100, 100), ModelRef.parse("openai:gpt-5?seed=1"), DAY) == cost(Usage(100, 100), GPT, DAY)


def test_the_source_and_its_version_go_with_each_cost() -> None:
    found = cost(Usage(1, 1), GPT, DAY)
    assert found is not None
    assert found.price_version.startswith("genai-prices ")
    assert found.price_date == DAY


def test_the_displayed_price_is_the_charged_price() -> None:
    price = price_of(SONNET, DAY)
    assert price is not None
    assert (price.input_usd, price.output_usd, price.cache_read_usd, price.cache_write_usd) == (3.0, 15.0, 0.3, 3.75)
    assert price.tiered


@settings(max_examples=60, deadline=None)
@given(usages(), tokens, MODELS)
def test_more_tokens_never_cost_less(usage: Usage, more: int, model: ModelRef) -> None:
    before = microcents(usage, model)
    assert isinstance(before, int)
    assert microcents(usage + Usage(input_tokens=more), model) >= before
    assert microcents(usage + Usage(output_tokens=more), model) >= before
    assert microcents(usage + Usage(more, 0, more, 0), model) >= before


@settings(max_examples=60, deadline=None)
@given(usages(), usages(), MODELS)
def test_within_a_tier_costs_add_up_to_a_rounding(one: Usage, other: Usage, model: ModelRef) -> None:
    together = microcents(one + other, model)
    assert abs(together - microcents(one, model) - microcents(other, model)) <= 1


@settings(max_examples=60, deadline=None)
@given(usages(), MODELS)
def test_reasoning_is_part_of_the_output_and_not_charged_again(usage: Usage, model: ModelRef) -> None:
    without = Usage(usage.input_tokens, usage.output_tokens, usage.cache_read_tokens, usage.cache_write_tokens)
    assert microcents(usage, model) == microcents(without, model)


@cache
def every_price() -> list[Any]:
    models = [model for provider in get_snapshot().providers for model in provider.models]
    prices = [model.get_prices(datetime(2026, 6, 1, tzinfo=UTC)) for model in models]
    return [price for price in prices if price.input_mtok is not None and price.output_mtok is not None]


def tier_starts(price: Any) -> list[int]:
    return [tier.start for value in vars(price).values() for tier in getattr(value, "tiers", ())]


def worked_out(price: Any, usage: Usage) -> Decimal | None:
    each, read, write = _per_token(price, usage.input_tokens), usage.cache_read_tokens, usage.cache_write_tokens
    if each is None:
        return None
    fresh = usage.input_tokens - read - write
    return each.fresh * fresh + each.output * usage.output_tokens + each.read * read + each.write * write


def of_the_library(price: Any, usage: Usage) -> Decimal:
    return _priced(price, usage.input_tokens, usage.output_tokens, usage.cache_read_tokens, usage.cache_write_tokens)


@settings(max_examples=300)
@given(st.integers(0, 100_000), usages(), st.sampled_from([1, 7, 50]))
def test_what_is_worked_out_per_token_is_what_the_library_works_out(place: int, usage: Usage, times: int) -> None:
    price = every_price()[place % len(every_price())]
    scaled = Usage(*(count * times for count in astuple(usage)))
    found = worked_out(price, scaled)
    if found is not None:
        assert abs(found - of_the_library(price, scaled)) < Decimal("1e-15")


def test_a_tier_begins_where_the_library_begins_it() -> None:
    tiered = [price for price in every_price() if tier_starts(price)]
    assert len(tiered) > 10
    for price in tiered:
        for start in tier_starts(price):
            for whole_input in (start - 1, start, start + 1):
                usage = Usage(whole_input, 1_000, whole_input // 3, whole_input // 5)
                found = worked_out(price, usage)
                assert found is not None
                assert abs(found - of_the_library(price, usage)) < Decimal("1e-15")


def test_most_prices_are_per_token_alone() -> None:
    linear = sum(_per_token(price, 1) is not None for price in every_price()[::10])
    assert linear > 0.8 * len(every_price()[::10])


def test_a_tenant_s_price_goes_before_the_operator_s_from_its_day_on() -> None:
    dated = {MINE.text: (DatedRates(DAY, Rates(3.0, 0.0)), DatedRates(DAY - timedelta(days=9), Rates(2.0, 0.0)))}
    rates = {MINE.text: Rates(1.0, 0.0)}
    usage = Usage(1_000_000, 0)
    found = {days: cost(usage, MINE, DAY + timedelta(days=days), rates, dated) for days in (-10, -9, -1, 0, 400)}
    dollars = {days: one.microcents / 100_000_000 for days, one in found.items() if one is not None}
    assert dollars == {-10: 1.0, -9: 2.0, -1: 2.0, 0: 3.0, 400: 3.0}
    for days, one in found.items():
        when = DAY + timedelta(days=days)
        price = price_of(MINE, when, rates, dated)
        assert price is not None
        assert one is not None
        assert (price.input_usd, price.price_version) == (dollars[days], one.price_version)


@given(
    amounts=st.lists(st.integers(0, 10_000 * 100_000_000), min_size=4, max_size=4),
    counts=st.lists(st.integers(0, 10_000_000), min_size=4, max_size=4),
)
def test_a_price_in_microcents_is_exact_to_the_microcent(amounts: list[int], counts: list[int]) -> None:
    dated = {MINE.text: (DatedRates(DAY, Rates(*(one / 100_000_000 for one in amounts))),)}
    fresh, read, write, output = counts
    found = cost(Usage(fresh + read + write, output, read, write), MINE, DAY, dated=dated)
    exact = Fraction(fresh * amounts[0] + output * amounts[1] + read * amounts[2] + write * amounts[3], 1_000_000)
    assert found is not None
    assert found.microcents == round(exact)
