"""Where a request comes from: the client's address, also behind proxies that are trusted to tell it."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from fastapi import Request

from steelyard.web.security.hosts import LOOPBACK, host_name

_FORWARDED = "x-forwarded-for"
_OTHERS = frozenset({_FORWARDED, "forwarded", "via", "x-real-ip"})
_THIS_MACHINE = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1"))


def client_address(request: Request) -> str:
    """The nearest address that is no trusted proxy's; what a client says of itself counts for nothing.

    With a public address a proxy on this machine is trusted.
    """
    hosting = request.app.state.hosting
    trusted = [ipaddress.ip_network(text, strict=False) for text in hosting.proxies]
    if hosting.public_url is not None:
        trusted += _THIS_MACHINE
    told = [part.strip() for line in request.headers.getlist(_FORWARDED) for part in line.split(",")]
    address = request.client.host if request.client is not None else ""
    while told and _within(address, trusted):
        address = told.pop()
    return address[:64]


def from_this_machine(request: Request) -> bool:
    """Whether it was sent here, to a loopback name, and passed on by nobody."""
    here = request.client is not None and _within(request.client.host, _THIS_MACHINE)
    named = host_name(request.headers.get("host")) in LOOPBACK
    return here and named and not _OTHERS & set(request.headers.keys())


def _within(address: str, networks: Iterable[ipaddress.IPv4Network | ipaddress.IPv6Network]) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return any(found in network for network in networks)
