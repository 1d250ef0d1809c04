"""Which addresses may be connected to: none within the networks around this machine, unless that is allowed."""

from __future__ import annotations

import asyncio
import ipaddress
import socket

from steelyard.domain.errors import SteelyardError

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_NAT64 = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("64:ff9b:1::/48"))


class AddressRefused(SteelyardError):
    """The host cannot be found, or is at an address that is not to be connected to."""


def is_public(address: str) -> bool:
    """Whether it is one of the internet at large, also behind an IPv6 form that carries an IPv4 address."""
    return _is_public(ipaddress.ip_address(address.partition("%")[0]))


def _is_public(address: _Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if inner is None and any(address in network for network in _NAT64):
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return _is_public(inner)
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


async def resolve(host: str, port: int, *, allow_private: bool) -> list[str]:
    """The addresses of `host`, each of which may be connected to. Raises AddressRefused.

    Whoever connects must do so to these and not ask for the name again: the answer may be another one by then.
    """
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise AddressRefused("The host's name is not known.") from error
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if not allow_private and not all(is_public(address) for address in addresses):
        raise AddressRefused("The host is at an address of this machine or of a private network.")
    return addresses
