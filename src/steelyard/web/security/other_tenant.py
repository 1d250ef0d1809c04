"""A page of one tenant that asks or sends something while the session is for another."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from steelyard.domain.errors import Conflict
from steelyard.domain.people import Belonging


class OtherTenant(Conflict):
    """The page was of the tenant `was`; `name` is blank where the person does not belong to it (any more)."""

    def __init__(self, was: UUID, tenants: Sequence[Belonging], *, open_now: str) -> None:
        self.was = was
        self.name = next((one.name for one in tenants if one.tenant_id == was), "")
        super().__init__(
            f"This page is of {self.name or 'another tenant'}, and you have switched to {open_now} since.",
            kept="Nothing was saved.",
            next_step=f"Switch back to {self.name} and send it again." if self.name else "Load the page again.",
        )
