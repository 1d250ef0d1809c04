"""The services of who signs in, and of who belongs to which tenant."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from steelyard.workbench.upkeep import Upkeep

if TYPE_CHECKING:
    from steelyard.services.members import Members
    from steelyard.services.passwords import Passwords
    from steelyard.services.setup import Setup
    from steelyard.services.sign_in import SignIn
    from steelyard.services.try_limits import TryLimits


class People(Upkeep):
    """The services of who signs in, and of who belongs to which tenant."""

    @cached_property
    def passwords(self) -> Passwords:
        from steelyard.services.passwords import Passwords

        return Passwords()

    @cached_property
    def sign_in_limits(self) -> TryLimits:
        from steelyard.services.try_limits import TryLimits

        return TryLimits(self.database, "sign-in")

    @cached_property
    def sign_in(self) -> SignIn:
        from steelyard.services.sign_in import SignIn

        return SignIn(self.database, self.passwords, self.sign_in_limits)

    @cached_property
    def setup(self) -> Setup:
        from steelyard.services.setup import Setup

        return Setup(self.database, self.tenant_id, self.passwords)

    @cached_property
    def members(self) -> Members:
        from steelyard.services.members import Members

        return Members(self.database, self.passwords)
