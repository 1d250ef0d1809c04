"""Inviting somebody: the invitation, and its mail where the server can send any."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from steelyard.domain.access import Role
from steelyard.outbound.outcome import Outcome
from steelyard.services.mail_limits import MailLimits
from steelyard.services.members import Members, NewInvitation
from steelyard.services.names import email_address
from steelyard.services.people_mail import PeopleMail
from steelyard.services.tenants import Tenants


@dataclass(frozen=True)
class Sent:
    """The invitation, and how its mail went; None where this server sends none."""

    invitation: NewInvitation
    mail: Outcome | None

    @property
    def link_is_shown(self) -> bool:
        """Whether whoever invites has to pass the link on, as no mail has it."""
        return self.mail is None or not self.mail.delivered


class Inviting:
    """What pages and the API do when a member invites somebody."""

    def __init__(self, members: Members, mail: PeopleMail, limits: MailLimits, tenants: Tenants) -> None:
        self._members = members
        self._mail = mail
        self._limits = limits
        self._tenants = tenants

    async def invite(self, tenant_id: UUID, email: str, role: Role, *, by: str) -> Sent:
        """Invite an address in place of an earlier invitation of it, on behalf of somebody of that name.

        Raises TooMany, with the earlier invitation kept as it is; and as `Members.invite` does.
        """
        if self._mail.can_send:
            await self._limits.take_invitation(tenant_id, email_address(email))
        made = await self._members.invite(tenant_id, email, role)
        if not self._mail.can_send:
            return Sent(made, None)
        return Sent(made, await self._mail.invite(made, await self._tenants.name_of(tenant_id), by))
