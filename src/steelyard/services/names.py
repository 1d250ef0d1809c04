"""Names and addresses of people and tenants, as they are kept."""

from __future__ import annotations

from steelyard.domain.errors import InputError
from steelyard.domain.names import is_the_softwares, unprintable
from steelyard.domain.people import MAX_NAME
from steelyard.outbound.mail import check_recipients
from steelyard.skills.text import unstorable


def person_name(given: str) -> str:
    """Without needless space. Raises InputError."""
    return check_not_ours(_name(given, "Your name", "name"))


def check_not_ours(name: str) -> str:
    """The name, which nobody can take for what the software did itself. Raises InputError."""
    if is_the_softwares(name):
        raise InputError(
            f"{name} is, or looks like, a name under which Steelyard itself notes what it did.",
            field="name",
            kept="Nothing was changed.",
            next_step="Choose another one.",
        )
    return name


def tenant_name(given: str) -> str:
    """Without needless space. Raises InputError."""
    return _name(given, "A tenant's name", "tenant")


def email_address(given: str) -> str:
    """In lower case, as accounts are found by it. Raises InputError."""
    try:
        found = check_recipients([given])
    except InputError as error:
        raise InputError(error.message, field="email", next_step="Give it as ann@example.org.") from None
    if not found:
        raise InputError("An address of e-mail is needed.", field="email", next_step="Give it as ann@example.org.")
    return found[0].lower()


def _name(given: str, whose: str, field: str) -> str:
    name = " ".join(given.split())
    if not name or len(name) > MAX_NAME or unstorable([name]):
        raise InputError(f"{whose} has 1 to {MAX_NAME} characters that can be printed.", field=field)
    if (sign := unprintable(name)) is not None:
        raise InputError(f"{whose} has a sign that cannot be seen: {sign}.", field=field, next_step="Leave it out.")
    return name
