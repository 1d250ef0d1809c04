"""Calls to addresses a tenant gave: to the internet at large alone, by the answer that was looked at."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from steelyard.domain.calls import CallError, FailureKind
from steelyard.domain.reach import ANYWHERE, PUBLIC, Reach, reach_of
from steelyard.providers.guarded import GuardedTransport, OutOfReach
from steelyard.providers.listing import listed_models
from steelyard.providers.registry import Providers
from steelyard.providers.settings import Endpoint, Kind, ProviderSettings
from tests.integration.providers.conftest import request_for
from tests.modelserver import ModelServer

HERE = reach_of({"STEELYARD_ALLOW_PRIVATE": "127.0.0.0/8,::1"})


def providers_at(url: str, reach: Reach | None, kind: Kind = "openai") -> Providers:
    endpoint = Endpoint("theirs", kind, "", url, "sk-theirs-0123456789", reach=reach)
    return Providers(ProviderSettings(Path("/nonexistent"), {"theirs": endpoint}))


def names(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """Names lead to the next of these answers; the list has what was asked for."""
    asked, left = list[str](), list(answers)

    async def answer(self: Any, host: Any, port: Any, **more: Any) -> Any:
        if not str(host).endswith(".test"):
            family = 10 if ":" in host else 2
            return [(family, 1, 6, "", (host, port))]
        asked.append(str(host))
        return [(2, 1, 6, "", (address, port)) for address in (left.pop(0) if left else ["127.0.0.1"])]

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", answer)
    return asked


@pytest.mark.parametrize("kind", ["openai", "anthropic", "google"])
async def test_no_vendors_client_reaches_this_machine(server: ModelServer, kind: Kind) -> None:
    for host in ("127.0.0.1", "localhost", "127.1", "2130706433", "[::ffff:127.0.0.1]"):
        url = server.openai_url.replace("127.0.0.1", host)
        providers = providers_at(url, PUBLIC, kind)
        with pytest.raises(CallError) as refused:
            await providers.complete(request_for("theirs:model-a"))
        await providers.aclose()
        # Final, or a run would wait out the deadline of its retries.
        assert (refused.value.kind, refused.value.attempts) == (FailureKind.BAD_REQUEST, 1)
        assert refused.value.wasted_known
        assert "sk-theirs" not in refused.value.message
    assert server.stats.started == 0
    listing = await listed_models(Endpoint("t", "openai", "", server.openai_url, "k", reach=PUBLIC))
    assert "private network" in (listing.why or "")


@pytest.mark.parametrize("kind", ["openai", "anthropic"])
async def test_what_is_allowed_is_called(server: ModelServer, kind: Kind) -> None:
    url = server.openai_url if kind == "openai" else server.url
    for reach in (HERE, ANYWHERE, Reach(hosts=frozenset({"127.0.0.1"})), None):
        providers = providers_at(url, reach, kind)
        reply = await providers.complete(request_for("theirs:model-a"))
        await providers.aclose()
        assert reply.output


async def test_a_name_that_leads_elsewhere_the_second_time_is_refused_or_followed_to_what_was_looked_at(
    server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = server.url.rpartition(":")[2]
    asked = names(monkeypatch, ["127.0.0.1"], ["10.0.0.1", "127.0.0.1"], ["169.254.169.254"])
    transport = GuardedTransport(HERE)
    async with httpx2.AsyncClient(transport=transport) as client:
        answer = await client.get(f"http://rebind.test:{port}/v1/models")
        assert (answer.status_code, answer.request.headers["host"]) == (200, f"rebind.test:{port}")
        for _ in range(2):
            with pytest.raises(OutOfReach):
                await client.get(f"http://rebind.test:{port}/v1/models")
    assert asked == ["rebind.test"] * 3


async def test_no_proxy_of_the_environment_is_used(server: ModelServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, server.url)
    names(monkeypatch, ["10.0.0.1"])
    providers = providers_at("http://inside.test/v1", PUBLIC)
    with pytest.raises(CallError, match="private network"):
        await providers.complete(request_for("theirs:model-a"))
    await providers.aclose()
    assert server.stats.started == 0


async def test_an_address_that_does_not_answer_is_passed_over_for_the_next(
    server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    names(monkeypatch, ["127.0.0.9", "127.0.0.1"])
    port = server.url.rpartition(":")[2]
    async with httpx2.AsyncClient(transport=GuardedTransport(HERE)) as client:
        assert (await client.get(f"http://two.test:{port}/v1/models")).status_code == 200


async def test_the_certificate_is_checked_against_the_name_and_not_the_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
    names(monkeypatch)
    async with (
        tls_server(tmp_path, "right.test") as port,
        httpx2.AsyncClient(transport=GuardedTransport(HERE)) as client,
    ):
        assert (await client.get(f"https://right.test:{port}/")).status_code == 204
        with pytest.raises(httpx2.ConnectError, match=r"(?i)hostname mismatch"):
            await client.get(f"https://wrong.test:{port}/")


@asynccontextmanager
async def tls_server(folder: Path, name: str) -> AsyncGenerator[int]:
    """A server on loopback with a certificate of its own for `name`, which answers 204; its port."""
    key = ec.generate_private_key(ec.SECP256R1())
    called = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(called)
        .issuer_name(called)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName(name), x509.IPAddress(ipaddress.ip_address("192.0.2.1"))]), False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]
