"""What a call cost: usage, model and date to whole microcents; an unknown price is None, never 0."""

from steelyard.pricing.cost import Cost, Price, cost, price_of
from steelyard.pricing.rates import DatedPrices, DatedRates, Rates

__all__ = ["Cost", "DatedPrices", "DatedRates", "Price", "Rates", "cost", "price_of"]
