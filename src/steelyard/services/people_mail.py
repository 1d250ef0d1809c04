"""Mail to people about their accounts: invitations, and links to set a password anew."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import uuid4

from steelyard.domain.hosting import Hosting
from steelyard.domain.notices import NoticeSettings, SmtpServer
from steelyard.outbound import mail
from steelyard.outbound.outcome import Outcome
from steelyard.services.members import NewInvitation


class PeopleMail:
    """Sends through the server of the settings file, where one is named and the public address is known."""

    def __init__(
        self,
        hosting: Hosting,
        settings: NoticeSettings,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._smtp: SmtpServer | None = settings.smtp
        self._base = hosting.public_url or settings.base_url
        self._now = now
        self._under_way: set[asyncio.Task[Outcome]] = set()

    @property
    def can_send(self) -> bool:
        """Whether a mail with a link in it can be sent."""
        return self._smtp is not None and self._base is not None

    def link(self, path: str) -> str:
        """The path with the address that browsers find it at; by itself where that is not known."""
        return f"{self._base or ''}{path}"

    async def invite(self, invitation: NewInvitation, tenant: str, invited_by: str) -> Outcome:
        """Send an invitation's link, once."""
        text = (
            f"{_line(invited_by)} invites you to {_line(tenant)} on Steelyard, as {invitation.role.value}.\n\n"
            f"Open this within 7 days to join:\n{self.link(f'/join/{invitation.token}')}\n\n"
            "It works once. If you do not know what this is about, leave it.\n"
        )
        return await self._send(invitation.email, f"Join {_line(tenant)} on Steelyard", text)

    def reset_soon(self, email: str, token: str) -> None:
        """Send a link to set a password anew, without keeping whoever asked waiting for it."""
        text = (
            "Somebody, most likely you, asked to set your password of Steelyard anew.\n\n"
            f"Open this within an hour:\n{self.link(f'/reset/{token}')}\n\n"
            "It works once, signs you out everywhere and disconnects sign-in providers. If it was not you, leave it:"
            " nothing was changed.\n"
        )
        task = asyncio.create_task(self._send(email, "Set your password of Steelyard anew", text))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _send(self, email: str, subject: str, text: str) -> Outcome:
        if self._smtp is None or not self.can_send:
            return Outcome(False, "no mail server or no public address is set", for_good=True)
        try:
            message = mail.message(
                self._smtp, [email], subject=subject, text=text, message_id=str(uuid4()), date=self._now()
            )
        except ValueError:
            return Outcome(False, "the address cannot be written into a mail", for_good=True)
        return await asyncio.to_thread(mail.send, self._smtp, message)


def _line(text: str) -> str:
    return " ".join(text.split())
