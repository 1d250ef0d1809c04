"""Where a host's name leads, and whether that may be connected to."""

from __future__ import annotations

import asyncio
import socket

from steelyard.domain.errors import SteelyardError
from steelyard.domain.reach import VARIABLE, Reach, plain_host


class AddressRefused(SteelyardError):
    """The host cannot be found, or is at an address that is not to be connected to."""


async def resolve(host: str, port: int, reach: Reach) -> list[str]:
    """The addresses of `host`, each of which may be connected to. Raises AddressRefused.

    Whoever connects must do so to these and not ask for the name again: the answer may be another one by then.
    """
    plain = plain_host(host)
    if plain is None:
        raise AddressRefused("The host is written in a way that not everybody reads alike.")
    try:
        found = await asyncio.get_running_loop().getaddrinfo(plain, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise AddressRefused("The host's name is not known.") from error
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if not all(reach.allows(plain, address) for address in addresses):
        raise AddressRefused(
            "The host is at an address of this machine or of a private network.",
            next_step=f"The operator may allow it by {VARIABLE}.",
        )
    return addresses
