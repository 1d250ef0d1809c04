"""One e-mail handed to an SMTP server: plain text, to checked addresses. Blocking: to be called in a thread."""

from __future__ import annotations

import re
import smtplib
import ssl
from collections.abc import Sequence
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from steelyard.domain.errors import InputError
from steelyard.domain.notices import SmtpServer
from steelyard.outbound.outcome import Outcome

MOST_RECIPIENTS = 20
TIMEOUT_S = 30.0
# Far fewer than are allowed: nothing quoted, nothing that a header could take for its end or for another address.
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")


def check_recipients(texts: Sequence[str]) -> list[str]:
    """The addresses as they are kept, each once. Raises InputError."""
    found = list(dict.fromkeys(text.strip() for text in texts if text.strip()))
    wrong = next((text for text in found if not _ADDRESS.fullmatch(text)), None)
    if wrong is not None:
        raise InputError(
            f"'{wrong[:60]}' is no e-mail address.", field="mail", next_step="Give addresses as ann@example.org."
        )
    if len(found) > MOST_RECIPIENTS:
        raise InputError(
            f"{len(found)} addresses are too many.",
            field="mail",
            next_step=f"Give up to {MOST_RECIPIENTS}, or the address of a list.",
        )
    return found


def message(
    server: SmtpServer, recipients: Sequence[str], *, subject: str, text: str, message_id: str, date: datetime
) -> EmailMessage:
    """A mail of one plain-text part. `message_id` stays the same over attempts. A line break in a header is refused.

    Raises ValueError.
    """
    mail = EmailMessage(policy=SMTP)
    mail["Subject"] = subject
    mail["From"] = server.sender
    mail["To"] = ", ".join(recipients)
    mail["Date"] = format_datetime(date)
    mail["Message-ID"] = f"<{message_id}@{server.sender.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(text, cte="quoted-printable")
    return mail


def send(server: SmtpServer, mail: EmailMessage, *, timeout_s: float = TIMEOUT_S) -> Outcome:
    """Hand it over once. Never raises for what the other side does, and never repeats what it said."""
    context = ssl.create_default_context()
    try:
        if server.security == "tls":
            client: smtplib.SMTP = smtplib.SMTP_SSL(server.host, server.port, timeout=timeout_s, context=context)
        else:
            client = smtplib.SMTP(server.host, server.port, timeout=timeout_s)
        with client:
            if server.security == "starttls":
                client.starttls(context=context)
            if server.user is not None:
                client.login(server.user, server.password or "")
            refused = client.send_message(mail)
    except smtplib.SMTPAuthenticationError as error:
        return Outcome(False, f"the mail server refused the user or password ({error.smtp_code})")
    except smtplib.SMTPRecipientsRefused as error:
        codes = sorted({str(code) for code, _ in error.recipients.values()})
        return Outcome(False, f"the mail server refused every recipient ({', '.join(codes)})")
    except smtplib.SMTPNotSupportedError:
        return Outcome(False, "the mail server does not offer what the settings ask for")
    except smtplib.SMTPResponseException as error:
        return Outcome(False, f"the mail server answered {error.smtp_code}")
    except ssl.SSLError:
        return Outcome(False, "the mail server's certificate is not accepted")
    except (smtplib.SMTPException, OSError):
        return Outcome(False, "no connection to the mail server, or it broke off")
    return Outcome(True, f"taken, but for {len(refused)} of the addresses" if refused else "taken by the mail server")
