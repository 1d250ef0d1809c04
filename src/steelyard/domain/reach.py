"""How far calls to the outside may reach: to the internet at large, and nearer only where that is allowed."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from steelyard.domain.errors import InputError, SettingsError

VARIABLE = "STEELYARD_ALLOW_PRIVATE"
MOST_URL = 2_000

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network
# What RFC 6052 puts an IPv4 address behind. The prefix for local use (RFC 8215) says not where, and is not let through.
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
# Where a cloud's machines, and they alone, meet its own services: Azure's at an address that looks like any other,
# Oracle's within those kept for protocols (RFC 6890), of which Python calls some global.
_OF_CLOUDS = (ipaddress.IPv4Network("168.63.129.16/32"), ipaddress.IPv4Network("192.0.0.0/24"))
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
# A last label such as 1, 0x7f or 017 makes the whole a number to those who read addresses as inet_aton does.
_NUMBER = re.compile(r"0x[0-9a-f]*|[0-9]+")


def is_public(address: str) -> bool:
    """Whether it is one of the internet at large, also behind an IPv6 form that carries an IPv4 address."""
    return _is_public(ipaddress.ip_address(address.partition("%")[0]))


def _is_public(address: _Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return _is_public(inner)
        if address not in _GLOBAL_UNICAST:
            return False
    elif any(address in network for network in _OF_CLOUDS):
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


@dataclass(frozen=True)
class Reach:
    """What may be connected to besides the internet at large: everything (`anywhere`), or these hosts and networks.

    Where that is so, a connection may also do without TLS.
    """

    anywhere: bool = False
    hosts: frozenset[str] = frozenset()
    networks: tuple[_Network, ...] = ()

    def names(self, host: str) -> bool:
        """Whether the host is allowed by its name, wherever that leads."""
        return self.anywhere or host.lower() in self.hosts

    def allows(self, host: str, address: str) -> bool:
        """Whether `address`, to which the name `host` leads, may be connected to."""
        if self.names(host):
            return True
        found = ipaddress.ip_address(address.partition("%")[0])
        mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
        return any((mapped or found) in network for network in self.networks) or _is_public(found)


PUBLIC = Reach()
ANYWHERE = Reach(anywhere=True)


def reach_of(env: Mapping[str, str]) -> Reach:
    """What the operator allows by STEELYARD_ALLOW_PRIVATE: hosts, addresses and networks, with commas between.

    Raises SettingsError.
    """
    hosts: set[str] = set()
    networks: list[_Network] = []
    for text in (part.strip() for part in env.get(VARIABLE, "").split(",")):
        if not text:
            continue
        try:
            networks.append(ipaddress.ip_network(text.strip("[]")))
        except ValueError:
            if not _NAME.fullmatch(text.lower()) or _NUMBER.fullmatch(text.lower().rpartition(".")[2]):
                raise SettingsError(
                    f"'{text[:60]}' in {VARIABLE} is neither a host, an address nor a network.",
                    next_step=f"Write it as {VARIABLE}=models.internal,10.1.0.0/16.",
                ) from None
            hosts.add(text.lower())
    return Reach(hosts=frozenset(hosts), networks=tuple(networks))


def split_url(url: str) -> SplitResult | None:
    """The parts of an http or https address with a host; None for anything else."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts if parts.scheme in ("https", "http") and parts.hostname else None


def plain_host(host: str) -> str | None:
    """The host as every reader of addresses would take it: a name in ASCII, or an address in its usual form.

    None for spellings that some read as another host: numbers such as 2130706433, 0x7f.1 and 127.1, a dot at the end,
    letters and dots of other scripts.
    """
    try:
        return ipaddress.ip_address(host).compressed
    except ValueError:
        name = host.lower()
    if len(name) > 253 or not _NAME.fullmatch(name) or _NUMBER.fullmatch(name.rpartition(".")[2]):
        return None
    return name


def check_url(url: str, reach: Reach, *, what: str, field: str) -> str:
    """The address as it is kept. Raises InputError; where its host's name leads is looked at as it is connected to.

    `what` names it in messages: "a webhook", "a provider". `field` is that of the form or option it was given by.
    """
    url = url.strip()
    parts = split_url(url)
    unfit = any(char.isspace() or not char.isprintable() or not char.isascii() or char in "\\#" for char in url)
    if parts is None or parts.hostname is None or len(url) > MOST_URL or unfit:
        raise InputError(f"That is no address of {what}.", field=field, next_step="Give one that starts with https://.")
    if "@" in parts.netloc:
        raise InputError(
            "The address carries a user or a password, which would be stored and shown.",
            field=field,
            next_step="Leave it out.",
        )
    host = plain_host(parts.hostname)
    if host is None:
        raise InputError(
            "The host is written in a way that not everybody reads alike.",
            field=field,
            next_step="Give its name in ASCII, without a dot at its end, or its address as 192.0.2.1.",
        )
    if not reach.names(host) and _is_literal(host) and not reach.allows(host, host):
        raise InputError(
            "That is an address of this machine or of a private network.",
            field=field,
            next_step=f"Give one of the internet at large, or have the operator allow it by {VARIABLE}.",
        )
    if parts.scheme != "https" and not _may_be_plain(host, reach):
        raise InputError("The address is not https.", field=field, next_step="Give one that starts with https://.")
    return url


def _is_literal(host: str) -> bool:
    return ":" in host or _NUMBER.fullmatch(host.rpartition(".")[2]) is not None


def _may_be_plain(host: str, reach: Reach) -> bool:
    """Without TLS goes what the operator has allowed: a host by name, or an address within an allowed network."""
    return reach.names(host) or (_is_literal(host) and not is_public(host) and reach.allows(host, host))
