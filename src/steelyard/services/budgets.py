"""What a tenant may spend in a month and on one run: set, and looked at."""

from __future__ import annotations

from uuid import UUID

from steelyard.domain.errors import InputError
from steelyard.domain.money import MICROCENTS_PER_USD
from steelyard.domain.spending import TenantBudget
from steelyard.storage import spending
from steelyard.storage.database import Database
from steelyard.storage.spending import MonthStanding

MOST_USD = 10_000_000


class BudgetService:
    """Use cases on budgets, for one tenant at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def standing(self, tenant_id: UUID) -> MonthStanding:
        """This month, and what is set."""
        async with self._database.tenant(tenant_id) as connection:
            return await spending.standing(connection)

    async def set(
        self, tenant_id: UUID, *, month_usd: str | None, run_usd: str | None, refuse_unpriced: bool
    ) -> TenantBudget:
        """US dollars as typed; blank or None is no limit. Raises InputError with the field `month` or `run`.

        Workers hold to it within a second. What is spent stays spent: a budget below it stops every further call.
        """
        new = TenantBudget(_microcents(month_usd, "month"), _microcents(run_usd, "run"), refuse_unpriced)
        async with self._database.tenant(tenant_id) as connection:
            await spending.set_budget(connection, tenant_id, new)
        return new


def _microcents(typed: str | None, field: str) -> int | None:
    text = (typed or "").strip().removeprefix("$").replace(",", "")
    if not text:
        return None
    try:
        usd = float(text)
    except ValueError:
        usd = 0.0
    # Also where it is NaN.
    if not 0 < usd <= MOST_USD or not round(usd * MICROCENTS_PER_USD):
        raise InputError(
            f"'{text[:20]}' is no budget.",
            field=field,
            next_step=f"Give US dollars above 0 and at most {MOST_USD:,}, as 20 or 7.50; blank for none.",
        )
    return round(usd * MICROCENTS_PER_USD)
