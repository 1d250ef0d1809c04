"""The services of who signs in, and of who belongs to which tenant."""

from __future__ import annotations

from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from steelyard.workbench.upkeep import Upkeep

if TYPE_CHECKING:
    from steelyard.services.accounts import Accounts
    from steelyard.services.inviting import Inviting
    from steelyard.services.members import Members
    from steelyard.services.openid import OpenId
    from steelyard.services.openid_people import OpenIdPeople
    from steelyard.services.passwords import Passwords
    from steelyard.services.people_mail import PeopleMail
    from steelyard.services.setup import Setup
    from steelyard.services.sign_in import SignIn
    from steelyard.services.tenants import Tenants
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

    @cached_property
    def accounts(self) -> Accounts:
        from steelyard.services.accounts import Accounts
        from steelyard.services.try_limits import TryLimits

        resetting = TryLimits(self.database, "reset", of_account=5, of_address=20, within=timedelta(hours=1))
        return Accounts(self.database, self.passwords, self.sign_in_limits, resetting)

    @cached_property
    def people_mail(self) -> PeopleMail:
        from steelyard.services.people_mail import PeopleMail

        return PeopleMail(self.settings.hosting, self.settings.notices)

    @property
    def inviting(self) -> Inviting:
        from steelyard.services.inviting import Inviting

        return Inviting(self.members, self.people_mail, self.mail_limits, self.tenants)

    @cached_property
    def tenants(self) -> Tenants:
        from steelyard.services.tenants import Tenants

        return Tenants(self.database, self.tenant_id)

    @cached_property
    def openid(self) -> OpenId:
        from steelyard.services.openid import OpenId
        from steelyard.services.try_limits import TryLimits

        limits = TryLimits(self.database, "openid", of_account=60, of_address=60)
        return OpenId(self.database, self.settings.openid, limits)

    @cached_property
    def openid_people(self) -> OpenIdPeople:
        from steelyard.services.openid_people import OpenIdPeople

        return OpenIdPeople(self.database, self.setup, self.sign_in)
