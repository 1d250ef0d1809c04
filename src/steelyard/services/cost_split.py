"""Why a period's use cost something else than the one before: how often, by which models, tokens and prices. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from math import factorial

from steelyard.domain.calls import Usage


@dataclass(frozen=True)
class ModelPeriod:
    """One model in one period: its uses of known cost, their tokens added up, and what they cost in microcents."""

    uses: int
    tokens: Usage
    cost_microcents: int


@dataclass(frozen=True)
class SplitParts:
    """A change in microcents; always volume + models + tokens + price + unexplained = after - before.

    `volume`: more or fewer uses; `models`: another share of each model; `tokens`: more or fewer tokens in a use, or
    other kinds of them; `price`: what a token cost; `unexplained`: a use of a model whose prices are not known now
    costs something else, which cannot be told apart.
    """

    before: int
    after: int
    volume: int
    models: int
    tokens: int
    price: int
    unexplained: int

    @property
    def change(self) -> int:
        return self.after - self.before


_FACTORS = ("volume", "models", "tokens", "price", "unexplained")


@dataclass(frozen=True)
class _Model:
    """One model's factors, (before, after) each: uses, tokens at today's prices a use, price against today's, rest."""

    share: tuple[Fraction, Fraction]
    tokens: tuple[Fraction, Fraction]
    price: tuple[Fraction, Fraction]
    rest: tuple[Fraction, Fraction]


def split_cost(
    before: Mapping[str, ModelPeriod], after: Mapping[str, ModelPeriod], at_reference: Mapping[str, tuple[int, int]]
) -> SplitParts:
    """Split the change of cost from one period to another, to the microcent.

    `before`, `after`: by model, with at least one use each. `at_reference`: what the tokens of each model's periods
    (before, after) cost at one and the same prices, microcents; models without are of unknown price. A model's
    tokens a use are weighed by these prices, and its price is what was paid against them.

    Cost is the sum over models of uses x share x tokens x price, and each factor's part is its Shapley value: what
    changing it does, averaged over the orders in which the factors can be changed. So the parts add up, none depends
    on an order, and the way back has the same parts with the other sign (Shapley 1953; Albrecht, François and Schoors
    2002, "A Shapley decomposition of carbon emissions without residuals", Energy Policy 30). A model that one period
    lacks is taken to cost there what it does in the other: that it came or went is its share's doing.
    """
    totals = (sum(one.uses for one in before.values()), sum(one.uses for one in after.values()))
    spent = (sum(one.cost_microcents for one in before.values()), sum(one.cost_microcents for one in after.values()))
    models = [
        _factors(before.get(name), after.get(name), at_reference.get(name), totals)
        for name in sorted({*before, *after})
    ]
    values = {chosen: _cost(models, totals, chosen) for chosen in _subsets(range(len(_FACTORS)))}
    exact = [_shapley(values, factor) for factor in range(len(_FACTORS))]
    return SplitParts(spent[0], spent[1], *_whole(exact, spent[1] - spent[0]))


def _factors(
    before: ModelPeriod | None, after: ModelPeriod | None, reference: tuple[int, int] | None, totals: tuple[int, int]
) -> _Model:
    one = Fraction(1)
    periods = (before or after, after or before)
    costs = [Fraction(period.cost_microcents, period.uses) for period in periods if period is not None]
    shares = [
        Fraction(0 if period is None else period.uses, total) if total else None
        for period, total in zip((before, after), totals, strict=True)
    ]
    # Of a period without uses the shares are not known: that there were none is the volume's doing.
    share = (_first(shares[0], shares[1]), _first(shares[1], shares[0]))
    told = None
    if reference is not None:
        at = (reference[0] if before is not None else reference[1], reference[1] if after is not None else reference[0])
        told = [Fraction(cost, period.uses) for cost, period in zip(at, periods, strict=True) if period is not None]
    if told is None or not all(told):
        return _Model(share, (one, one), (one, one), (costs[0], costs[1]))
    return _Model(share, (told[0], told[1]), (costs[0] / told[0], costs[1] / told[1]), (one, one))


def _first(share: Fraction | None, otherwise: Fraction | None) -> Fraction:
    found = otherwise if share is None else share
    return Fraction(0) if found is None else found


def _cost(models: Sequence[_Model], totals: tuple[int, int], changed: frozenset[int]) -> Fraction:
    """The cost where the factors in `changed` are as after, the others as before."""
    volume, share, tokens, price, rest = (int(factor in changed) for factor in range(len(_FACTORS)))
    each = (one.share[share] * one.tokens[tokens] * one.price[price] * one.rest[rest] for one in models)
    return totals[volume] * sum(each, Fraction(0))


def _subsets(factors: Sequence[int]) -> list[frozenset[int]]:
    return [frozenset(chosen) for size in range(len(factors) + 1) for chosen in combinations(factors, size)]


def _shapley(values: Mapping[frozenset[int], Fraction], factor: int) -> Fraction:
    others = [other for other in range(len(_FACTORS)) if other != factor]
    orders = factorial(len(_FACTORS))
    return sum(
        (
            Fraction(factorial(len(chosen)) * factorial(len(others) - len(chosen)), orders)
            * (values[chosen | {factor}] - values[chosen])
            for chosen in _subsets(others)
        ),
        Fraction(0),
    )


def _whole(exact: Sequence[Fraction], total: int) -> tuple[int, int, int, int, int]:
    """Whole numbers that add up to `total`, each less than one off: those with the largest remainders rounded up.

    Of the part that nothing fell to, nothing is rounded.
    """
    parts = [part.__floor__() for part in exact]
    order = sorted(range(len(exact)), key=lambda place: (-(exact[place] - parts[place]), place))
    for place in order[: total - sum(parts)]:
        parts[place] += 1
    return parts[0], parts[1], parts[2], parts[3], parts[4]
