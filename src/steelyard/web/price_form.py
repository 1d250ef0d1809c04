"""The form in which a tenant gives the price of a model of its own provider. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from starlette.datastructures import FormData

from steelyard.domain.errors import InputError, SteelyardError
from steelyard.services.provider_prices import GivenPrice, NewPrice, typed_price
from steelyard.web.filters import usd_text
from steelyard.web.forms import text


@dataclass(frozen=True)
class PriceForm:
    """What was typed, in US dollars per million tokens. `problems` says by field what cannot be used; by None of all
    of it."""

    model: str = ""
    input: str = ""
    output: str = ""
    cache_read: str = ""
    cache_write: str = ""
    since: str = ""
    problems: Mapping[str | None, str] = field(default_factory=dict[str | None, str])

    def price(self) -> NewPrice:
        """Raises InvalidForm."""
        return typed_price(self.model, self.input, self.output, self.cache_read, self.cache_write, self.since)

    def problem(self, field: str | None) -> str | None:
        """What is wrong with this field, or with none in particular, with what to do."""
        return self.problems.get(field)

    def with_problems(self, found: Iterable[SteelyardError]) -> PriceForm:
        """The same with what was wrong; of a provider that is not there its field is the model's."""
        return replace(
            self,
            problems={
                (one.field if isinstance(one, InputError) else "model"): f"{one.message} {one.next_step or ''}".strip()
                for one in found
            },
        )


NO_PRICE = PriceForm()


def typed_in(form: FormData) -> PriceForm:
    """What a form sent."""
    return PriceForm(
        text(form, "model"),
        text(form, "input"),
        text(form, "output"),
        text(form, "cache_read"),
        text(form, "cache_write"),
        text(form, "since"),
    )


def price_of_day(model: str, since: str, prices: Sequence[GivenPrice]) -> PriceForm:
    """The form to change this model's price from the day `since` on; without figures where there is none any more."""
    found = next((one for one in prices if (one.model, one.since.isoformat()) == (model, since)), None)
    return PriceForm(model) if found is None else replace(_filled(found), since=since)


def price_of_model(model: str, prices: Sequence[GivenPrice]) -> PriceForm:
    """The form for another price of this model, filled with the one that holds, else with its newest."""
    own = [one for one in prices if one.model == model]
    found = next((one for one in own if one.holds == "now"), own[-1] if own else None)
    return PriceForm(model) if found is None else _filled(found)


def _filled(found: GivenPrice) -> PriceForm:
    return PriceForm(
        found.model,
        usd_text(found.input_microcents),
        usd_text(found.output_microcents),
        usd_text(found.cache_read_microcents),
        usd_text(found.cache_write_microcents),
    )
