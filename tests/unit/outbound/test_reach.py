"""How far a tenant's addresses reach: to no address of this machine or a private network, however it is spelled."""

from __future__ import annotations

import asyncio
import ipaddress
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steelyard.domain.errors import InputError, SettingsError
from steelyard.domain.reach import ANYWHERE, PUBLIC, check_url, is_public, plain_host, reach_of
from steelyard.outbound import webhook
from steelyard.outbound.addresses import AddressRefused, resolve

PRIVATE_V4 = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "224.0.0.0/4",
    "240.0.0.0/4",
]
METADATA = [
    "169.254.169.254",
    "fd00:ec2::254",
    "100.100.100.200",
    "fe80::a9fe:a9fe",
    "168.63.129.16",
    "192.0.0.192",
    "::ffff:168.63.129.16",
]


def in_network(text: str) -> st.SearchStrategy[ipaddress.IPv4Address]:
    network = ipaddress.IPv4Network(text)
    return st.integers(0, network.num_addresses - 1).map(lambda at: network[at])


private_v4 = st.sampled_from(PRIVATE_V4).flatmap(in_network)


@st.composite
def spellings(draw: st.DrawFn, address: st.SearchStrategy[ipaddress.IPv4Address] = private_v4) -> str:
    """A host that some reader of addresses takes for a private one."""
    found = draw(address)
    octets = list(found.packed)
    forms = ["{}", "{:#x}", "0{:o}", "{:#010x}"]
    each = ".".join(draw(st.sampled_from(forms)).format(octet) for octet in octets)
    short = f"{octets[0]}.{int.from_bytes(found.packed[1:], 'big')}"
    number = draw(st.sampled_from(["{}", "{:#x}", "0{:o}"])).format(int(found))
    wide = str(found).translate({ord(str(digit)): 0xFF10 + digit for digit in range(10)})
    dots = str(found).replace(".", draw(st.sampled_from("\u3002\uff0e\uff61")))
    six = [
        f"[::ffff:{found}]",
        f"[::{found}]",
        f"[64:ff9b::{int(found):x}]"
        if int(found) < 0x10000
        else f"[64:ff9b::{int(found) >> 16:x}:{int(found) & 0xFFFF:x}]",
        f"[2002:{int(found) >> 16:x}:{int(found) & 0xFFFF:x}::1]",
        f"[64:ff9b:1:{int(found) >> 16:x}:{(int(found) >> 8) & 0xFF:x}:{(int(found) & 0xFF) << 8:x}:808:808]",
    ]
    host = draw(st.sampled_from([str(found), each, short, number, wide, dots, f"{found}.", f"{each}.", *six]))
    return draw(st.sampled_from(["{}", "user@{}", "user:pw@{}", "%20{}", "1.1.1.1@{}", "1.1.1.1\\@{}"])).format(host)


@settings(max_examples=400, deadline=None)
@given(spellings(), st.sampled_from(["", ":80", ":443"]), st.sampled_from(["https", "http"]))
def test_no_spelling_of_a_private_address_is_taken(host: str, port: str, scheme: str) -> None:
    with pytest.raises(InputError):
        check_url(f"{scheme}://{host}{port}/v1", PUBLIC, what="a provider", field="base_url")


@settings(max_examples=200, deadline=None)
@given(spellings())
def test_no_spelling_of_a_private_address_is_connected_to_where_it_was_not_checked_before(host: str) -> None:
    with pytest.raises(AddressRefused):
        asyncio.run(resolve(host.rpartition("@")[2].strip("[]"), 443, PUBLIC))


@given(st.integers(0, 2**128 - 1).map(ipaddress.IPv6Address))
def test_an_address_of_version_6_is_public_within_global_unicast_alone(address: ipaddress.IPv6Address) -> None:
    carried = address.ipv4_mapped or address in ipaddress.IPv6Network("64:ff9b::/96")
    assert not is_public(str(address)) or address in ipaddress.IPv6Network("2000::/3") or carried


@pytest.mark.parametrize("address", METADATA)
def test_the_addresses_clouds_tell_their_secrets_at_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.org/",
        "file:///etc/passwd",
        "https://",
        "https://example.org./",
        "https://exämple.org/",
        "https://a b.example/",
        "https://example.org\\@10.0.0.1/",
        "https://user:pw@example.org/",
        "https://@example.org/",
        "https://example.org/#a",
        "https://example.org:99999/",
        "http://example.org/v1",
        "https://" + "a" * 2_000,
        "https://example.org/\u202e",
    ],
)
def test_addresses_that_are_not_plain_https_are_refused(url: str) -> None:
    with pytest.raises(InputError) as refused:
        check_url(url, PUBLIC, what="a provider", field="base_url")
    assert refused.value.field == "base_url"
    assert refused.value.next_step


def test_what_the_operator_allows_is_taken_also_without_tls() -> None:
    reach = reach_of({"STEELYARD_ALLOW_PRIVATE": " Models.internal , 10.1.0.0/16,fd00::/8,192.168.7.7"})

    def taken(url: str) -> bool:
        with suppress(InputError):
            return check_url(url, reach, what="a provider", field="base_url") == url
        return False

    allowed = ["http://models.internal/v1", "https://10.1.2.3", "http://[fd00::1]:8080/", "http://192.168.7.7"]
    assert [url for url in allowed if not taken(url)] == []
    assert not any(taken(url) for url in ("https://10.2.0.1", "http://1.1.1.1/", "https://127.0.0.1", "http://a.b"))
    assert reach.allows("models.internal", "10.9.9.9")
    assert not reach.allows("other.internal", "10.9.9.9")
    assert check_url("http://127.0.0.1:11434/v1", ANYWHERE, what="a provider", field="base_url")


@pytest.mark.parametrize("text", ["10.0.0.1/8", "http://a", "a b", "*", "2130706433."])
def test_an_allowance_that_cannot_be_read_is_an_error_and_no_allowance(text: str) -> None:
    with pytest.raises(SettingsError, match="STEELYARD_ALLOW_PRIVATE"):
        reach_of({"STEELYARD_ALLOW_PRIVATE": text})


def test_hosts_are_read_as_everybody_reads_them() -> None:
    assert plain_host("Example.ORG") == "example.org"
    assert plain_host("xn--bcher-kva.example") == "xn--bcher-kva.example"
    assert plain_host("192.0.2.1") == "192.0.2.1"
    assert plain_host("2001:DB8:0::1") == "2001:db8::1"


async def test_a_webhook_set_before_it_was_refused_is_not_posted_to() -> None:
    heard = 0

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal heard
        heard += 1
        writer.close()

    server = await asyncio.start_server(hear, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    said: list[str] = []
    for host in ("127.0.0.1", "localhost", "2130706433", "127.1", "[::ffff:127.0.0.1]", "user@127.0.0.1"):
        for scheme in ("http", "https"):
            outcome = await webhook.post(f"{scheme}://{host}:{port}/", "whsec_eA==", "m", 1, b"{}", reach=PUBLIC)
            said.append(outcome.status)
            assert not outcome.delivered
    server.close()
    await server.wait_closed()
    assert heard == 0
    assert "whsec" not in " ".join(said)
