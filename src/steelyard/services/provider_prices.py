"""Prices that a tenant gives for the models of its own providers, each from a day on."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Literal
from uuid import UUID

from steelyard.domain.actors import acting
from steelyard.domain.errors import Conflict, InputError, InvalidForm, NotFound
from steelyard.domain.models import ModelRef
from steelyard.domain.money import MICROCENTS_PER_USD
from steelyard.pricing.rates import DatedRates, Rates
from steelyard.providers.settings import price_section
from steelyard.providers.variants import variant_settings
from steelyard.storage import provider_prices as storage
from steelyard.storage.database import Database
from steelyard.storage.provider_prices import PriceRow
from steelyard.storage.tenant_providers import kind_of

# A cent a token: some fifteen times the dearest model there was in 2025.
MOST_USD = 10_000
MOST_MICROCENTS = MOST_USD * MICROCENTS_PER_USD
# A microcent is the eighth decimal of a dollar, and the least a price can be told apart by.
DECIMALS = 8
# Every look at a tenant's providers reads them all.
MOST_PRICES = 500
MOST_MODEL = 200
FIRST_DAY = date(2023, 1, 1)
MOST_DAYS_AHEAD = 366
_LONGEST = 40
# No commas: whether one parts thousands or begins decimals cannot be told, and the one is a thousand times the other.
_USD = re.compile(r"\d+(\.\d*)?|\.\d+", re.ASCII)

Holds = Literal["past", "now", "later"]
# The fields of a form, in the order of the numbers in the database.
_NUMBERS = ("input", "output", "cache_read", "cache_write")


@dataclass(frozen=True)
class NewPrice:
    """A model's price in microcents per million tokens, from the UTC day `since` on (None: today).

    None of the cache is the price of input.
    """

    model: str
    input_microcents: int
    output_microcents: int
    cache_read_microcents: int | None = None
    cache_write_microcents: int | None = None
    since: date | None = None


@dataclass(frozen=True)
class GivenPrice(PriceRow):
    """A price there is, and whether calls of today have it."""

    holds: Holds


def typed_price(
    model: str, input_usd: str, output_usd: str, cache_read_usd: str = "", cache_write_usd: str = "", since: str = ""
) -> NewPrice:
    """A price of what was typed: US dollars per million tokens, the cache blank for the price of input, a day or blank.

    Raises InvalidForm with the fields model, since, input, output, cache_read and cache_write.
    """
    problems: list[InputError] = []
    found: list[int | None] = []
    for field, text in zip(_NUMBERS, (input_usd, output_usd, cache_read_usd, cache_write_usd), strict=True):
        try:
            found.append(_microcents(text, field, needed=field in _NUMBERS[:2]))
        except InputError as error:
            problems.append(error)
    day = None
    try:
        day = typed_day(since)
    except InputError as error:
        problems.append(error)
    if problems:
        raise InvalidForm(problems)
    return NewPrice(model, found[0] or 0, found[1] or 0, found[2], found[3], day)


def typed_day(text: str) -> date | None:
    """A day as 2026-01-31; None where it is blank. Raises InputError."""
    if not text.strip():
        return None
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise InputError(
            f"'{text.strip()[:_LONGEST]}' is no day.",
            field="since",
            next_step="Write it as 2026-01-31; blank is today.",
        ) from None


def dated(rows: Iterable[PriceRow]) -> dict[str, tuple[DatedRates, ...]]:
    """As `pricing` takes them, of rows with the oldest first."""
    found: dict[str, tuple[DatedRates, ...]] = {}
    for row in rows:
        rates = Rates(
            row.input_microcents / MICROCENTS_PER_USD,
            row.output_microcents / MICROCENTS_PER_USD,
            None if row.cache_read_microcents is None else row.cache_read_microcents / MICROCENTS_PER_USD,
            None if row.cache_write_microcents is None else row.cache_write_microcents / MICROCENTS_PER_USD,
        )
        found[row.model] = (DatedRates(row.since, rates), *found.get(row.model, ()))
    return found


def how_to_price(models: Sequence[ModelRef], own: Collection[str]) -> str:
    """What gives a price to the first of these that are of the tenant's `own` providers, and of the server's."""
    ours = next((model for model in models if model.provider in own), None)
    servers = next((model for model in models if model.provider not in own), None)
    said: list[str] = []
    if ours is not None:
        name = f"{ours.provider}:{ours.name}"
        said.append(
            f"An admin gives the price of {name} under Settings, Providers, or by"
            f" `steelyard providers set-price {name}`."
        )
    if servers is not None:
        said.append(
            f"A price {'of' if ours is None else 'of a model of'} the server's providers is given by whoever runs the"
            f" server, in its settings file under {price_section(servers)}."
        )
    return " ".join(said)


class ProviderPriceService:
    """Use cases on these prices, for one tenant at a time. Costs there are already never change."""

    def __init__(
        self,
        database: Database,
        *,
        changed: Callable[[UUID], None],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`changed` hears of each change."""
        self._database = database
        self._changed = changed
        self._now = now

    async def listed(self, tenant_id: UUID, provider: str | None = None) -> list[GivenPrice]:
        """Those of one provider or of all, by model, the oldest first. Raises NotFound for a provider not there."""
        provider = None if provider is None else _name(provider)
        async with self._database.tenant(tenant_id) as connection:
            if provider is not None and await kind_of(connection, provider) is None:
                raise _no_provider(provider)
            rows = await storage.list_prices(connection)
        return _given([row for row in rows if provider in (None, row.provider)], self._today())

    async def put(self, tenant_id: UUID, new: NewPrice, provider: str | None = None) -> GivenPrice:
        """Give a price, in place of one of the same model and day. `provider` is whose model it has to be.

        Calls begun from now on have it, those of a run under way from its next batch on. Raises InputError naming the
        field, NotFound where the tenant has no such provider of its own, Conflict when there are too many.
        """
        for name in _NUMBERS:
            _check_amount(getattr(new, f"{name}_microcents"), name)
        ref = _model(new.model, provider)
        since = self._day(new.since)
        async with self._database.tenant(tenant_id) as connection:
            kind = await kind_of(connection, ref.provider)
            if kind is None:
                raise _no_provider(ref.provider, ref)
            try:
                variant_settings(ref, kind)
            except InputError as error:
                error.field = "model"
                raise
            rows = await storage.list_prices(connection)
            if len(rows) >= MOST_PRICES and all((row.model, row.since) != (ref.text, since) for row in rows):
                raise Conflict(
                    f"There are {len(rows)} prices already.",
                    next_step="Remove those of models that are not used first.",
                )
            given = (
                new.input_microcents, new.output_microcents, new.cache_read_microcents, new.cache_write_microcents
            )  # fmt: skip
            await storage.put_price(connection, tenant_id, ref.provider, ref.text, since, given, by=acting.get().told)
            rows = await storage.list_prices(connection)
        self._changed(tenant_id)
        shown = _given([row for row in rows if row.model == ref.text], self._today())
        return next(one for one in shown if one.since == since)

    async def remove(self, tenant_id: UUID, model: str, since: date | None = None, provider: str | None = None) -> int:
        """Take away a model's price of one day, or all of its prices; how many there were. Raises NotFound."""
        ref = _model(model, provider)
        async with self._database.tenant(tenant_id) as connection:
            gone = await storage.drop_prices(connection, ref.text, since)
        if not gone:
            of = "" if since is None else f" from {since.isoformat()}"
            raise NotFound(f"There is no price of {ref.text}{of} of your own.", next_step="Look at the list of prices.")
        self._changed(tenant_id)
        return gone

    def _today(self) -> date:
        return self._now().astimezone(UTC).date()

    def _day(self, since: date | None) -> date:
        today = self._today()
        last = today + timedelta(days=MOST_DAYS_AHEAD)
        if since is not None and not FIRST_DAY <= since <= last:
            raise InputError(
                f"A price cannot hold from {since.isoformat()} on.",
                field="since",
                next_step=f"Give a day from {FIRST_DAY} to {last}; leave it out for today.",
            )
        return since or today


def _given(rows: Sequence[PriceRow], today: date) -> list[GivenPrice]:
    now = {row.model: row.since for row in rows if row.since <= today}
    return [
        GivenPrice(
            **vars(row),
            holds="later" if row.since > today else "now" if now[row.model] == row.since else "past",
        )
        for row in rows
    ]


def _name(provider: str) -> str:
    """A provider's name as it is kept, whatever the case it was given in."""
    return provider.strip().lower()


def _model(text: str, provider: str | None) -> ModelRef:
    """The model of that name, which may be without its provider where that is known. Raises InputError."""
    text = text.strip()
    if provider is not None:
        first, colon, _ = text.partition(":")
        if not colon or _name(first) != _name(provider):
            text = f"{_name(provider)}:{text}"
    if len(text) > MOST_MODEL or not text.isprintable():
        raise InputError(
            f"A model's name has at most {MOST_MODEL} signs that can be printed.",
            field="model",
            next_step="Write it as in a run: PROVIDER:NAME.",
        )
    try:
        ref = ModelRef.typed(text)
    except InputError as error:
        error.field = "model"
        raise
    return ref


def _check_amount(microcents: int | None, field: str) -> None:
    if microcents is not None and not 0 <= microcents <= MOST_MICROCENTS:
        raise InputError(
            "That is no price of a million tokens.", field=field, next_step=f"Give 0 to {MOST_USD:,} US dollars."
        )


def _microcents(text: str, field: str, *, needed: bool) -> int | None:
    typed = text.strip().removeprefix("$").strip()
    if not typed and not needed:
        return None
    bounds = f"Give US dollars per million tokens, from 0 to {MOST_USD}, as 1250 or 0.25, without commas."
    if _USD.fullmatch(typed) is None or len(typed) > _LONGEST:
        said = f"'{text.strip()[:_LONGEST]}' is no price." if typed else "There is no price yet."
        raise InputError(said, field=field, next_step=bounds)
    found = Decimal(typed) * MICROCENTS_PER_USD
    if found > MOST_MICROCENTS:
        raise InputError(f"${typed} is more than a million tokens may cost here.", field=field, next_step=bounds)
    if found != found.to_integral_value():
        raise InputError(
            f"'{typed}' has more than {DECIMALS} decimals.",
            field=field,
            next_step=f"Round it to {DECIMALS} decimals: costs are kept in microcents, the eighth decimal of a dollar.",
        )
    return int(found)


def _no_provider(name: str, ref: ModelRef | None = None) -> NotFound:
    """Of the server's providers a tenant gives no prices: they would be of calls that the server's key pays for."""
    step = "Add it under Settings, Providers, first."
    if ref is not None:
        step += (
            f" For a model of the server's, whoever runs it gives the price in its settings file: {price_section(ref)}."
        )
    return NotFound(f"There is no provider '{name[:MOST_MODEL]}' of your own.", next_step=step)
