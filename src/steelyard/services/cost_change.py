"""Why the same calls cost something else than before: other tokens, other prices, and what neither explains. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from steelyard.domain.calls import Usage
from steelyard.pricing.cost import may_have_been_edited

# The cost in microcents of one call of the model in question as of a day; None where its price is not known.
PriceOn = Callable[[Usage, date], int | None]


@dataclass(frozen=True)
class PricedCall:
    """One paid call as stored; `cost_microcents` is None where its price was not known."""

    usage: Usage
    cost_microcents: int | None
    price_version: str | None
    price_date: date | None


@dataclass(frozen=True)
class CostParts:
    """A change of cost in microcents; always tokens + price + unexplained = change."""

    before: int
    after: int
    tokens: int
    price: int
    unexplained: int

    @property
    def change(self) -> int:
        return self.after - self.before


@dataclass(frozen=True)
class CostChange:
    """The change over `calls` pairs of calls that ask the same; `unpriced` pairs are left out, a cost being unknown.

    `tokens`: the new tokens at the old prices less the old ones; `price`: the new tokens at the new prices less the
    same at the old; `unexplained`: what is left, for instance where a price of one's own was edited since.
    """

    calls: int
    unpriced: int
    total: CostParts

    @property
    def per_call(self) -> CostParts | None:
        """The average of one call, that is of one case; its whole parts still add up to its change. None without."""
        if not self.calls:
            return None
        before, after = _rounded(self.total.before, self.calls), _rounded(self.total.after, self.calls)
        parts = _shared_out(after - before, (self.total.tokens, self.total.price, self.total.unexplained), self.calls)
        return CostParts(before, after, *parts)


def cost_change(pairs: Iterable[tuple[PricedCall, PricedCall]], price_on: PriceOn) -> CostChange:
    """Split the change from the first calls to the second ones, each pair to the microcent."""
    calls = unpriced = before = after = tokens = price = unexplained = 0
    for old, new in pairs:
        if old.cost_microcents is None or new.cost_microcents is None:
            unpriced += 1
            continue
        calls += 1
        before += old.cost_microcents
        after += new.cost_microcents
        by_tokens, by_price = _explained(old, new, new.cost_microcents - old.cost_microcents, price_on)
        tokens += by_tokens
        price += by_price
        unexplained += new.cost_microcents - old.cost_microcents - by_tokens - by_price
    return CostChange(calls, unpriced, CostParts(before, after, tokens, price, unexplained))


def sum_of(changes: Sequence[CostChange]) -> CostChange:
    """All of them together."""
    parts = [change.total for change in changes]
    return CostChange(
        sum(change.calls for change in changes),
        sum(change.unpriced for change in changes),
        CostParts(
            sum(part.before for part in parts),
            sum(part.after for part in parts),
            sum(part.tokens for part in parts),
            sum(part.price for part in parts),
            sum(part.unexplained for part in parts),
        ),
    )


def _explained(old: PricedCall, new: PricedCall, change: int, price_on: PriceOn) -> tuple[int, int]:
    """(effect of the tokens, effect of the price)."""
    same_price = old.price_date == new.price_date and old.price_version == new.price_version
    if same_price and not may_have_been_edited(old.price_version):
        return change, 0
    if old.price_date is None or new.price_date is None:
        return 0, 0
    was = price_on(old.usage, old.price_date)
    tokens_alone = price_on(new.usage, old.price_date)
    now = price_on(new.usage, new.price_date)
    if was is None or tokens_alone is None or now is None:
        return 0, 0
    return tokens_alone - was, now - tokens_alone


def _shared_out(whole: int, totals: tuple[int, int, int], by: int) -> tuple[int, int, int]:
    """`totals` divided by `by`, each rounded down or up so that together they make `whole`: the largest remainders up.

    `whole` is the difference of two averages rounded half up, so it is never further off than the parts with a
    remainder can bridge, and a part that divides evenly stays as it is.
    """
    parts = [total // by for total in totals]
    order = sorted(range(len(totals)), key=lambda i: (-(totals[i] % by), i))
    for place in order[: whole - sum(parts)]:
        parts[place] += 1
    return parts[0], parts[1], parts[2]


def _rounded(total: int, by: int) -> int:
    """Half up, so that adding whole units to the average adds them to the result."""
    return (2 * total + by) // (2 * by)
