"""What the tenant's limits say of a run before it is queued: its budget, and whether its models may be called."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime

from steelyard.domain.calls import Usage
from steelyard.domain.errors import InputError
from steelyard.domain.models import ModelRef
from steelyard.domain.money import dollars
from steelyard.pricing import Cost
from steelyard.services.provider_prices import how_to_price
from steelyard.storage import spending
from steelyard.storage.database import Connection
from steelyard.storage.tenant_providers import provider_names

Pricer = Callable[[Usage, ModelRef, date], Cost | None]

_ANY = Usage(1_000, 1_000)


async def granted(
    connection: Connection, asked_microcents: int | None, models: Iterable[ModelRef], price: Pricer | None
) -> int | None:
    """The budget in microcents that a run of these models and judges has, which is the tenant's for one run where none
    is asked for.

    Raises InputError where it asks for more than one run may have, and where the month has a budget and models have no
    known price. Without `price` that is left for the call to find out.
    """
    limits = await spending.budget(connection)
    most = limits.run_microcents
    if most is not None and asked_microcents is not None and asked_microcents > most:
        raise InputError(
            f"A budget of {dollars(asked_microcents)} is more than the {dollars(most)} one run may have here.",
            field="budget",
            next_step=f"Give {dollars(most)} at most; an admin can allow more on the Settings page.",
        )
    if limits.month_microcents is not None and limits.refuse_unpriced and price is not None:
        today = datetime.now(UTC).date()
        unknown = [model for model in models if price(_ANY, model, today) is None]
        if unknown:
            named = ", ".join(model.text for model in unknown)
            raise InputError(
                f"No price is known of {named}, and this month has a budget, which could not hold for"
                f" {'it' if len(unknown) == 1 else 'them'}.",
                field="models",
                next_step=f"{how_to_price(unknown, await provider_names(connection))} Or choose other models, or have"
                " an admin allow such models on the Settings page.",
            )
    return most if asked_microcents is None else asked_microcents
