"""Messages to the world outside: where they may go, how they are signed, and that no text of another makes a header."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.message import Message
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from steelyard.domain.notices import Security, SmtpServer, StaleNotice
from steelyard.domain.reach import ANYWHERE, PUBLIC, is_public
from steelyard.domain.stale_causes import CauseKind, FoundCause
from steelyard.outbound import mail, webhook
from steelyard.outbound.addresses import AddressRefused, resolve
from steelyard.outbound.signing import signed_headers
from steelyard.services.notice_words import MOST_SKILLS, mail_of, payloads
from tests.integration.services.receivers import PASSWORD, mail_server

NOW = datetime(2026, 3, 1, tzinfo=UTC)
HOSTILE = "x\r\nBcc: eve@example.org\r\n\r\n<script>\u202e\x1b[2J"


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1%eth0",
        "fc00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "2001:0:7f00:1::",
    ],
)
def test_addresses_that_are_not_of_the_internet_at_large(address: str) -> None:
    assert not is_public(address)


def test_addresses_of_the_internet_at_large() -> None:
    assert all(is_public(address) for address in ("1.1.1.1", "93.184.215.14", "2606:4700::1111", "::ffff:1.1.1.1"))


async def test_one_private_address_among_public_ones_is_enough_to_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    names_of(monkeypatch, ["1.1.1.1"], ["1.1.1.1", "10.0.0.1"])
    assert await resolve("both.test", 443, PUBLIC) == ["1.1.1.1"]
    with pytest.raises(AddressRefused):
        await resolve("both.test", 443, PUBLIC)


async def test_a_name_that_leads_elsewhere_after_it_was_checked_is_not_asked_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    heard: list[str] = []

    async def take(request: web.Request) -> web.Response:
        heard.append(request.headers["host"])
        return web.Response(status=204)

    app = web.Application()
    app.router.add_post("/", take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    # The second answer leads to where nothing listens.
    asked = names_of(monkeypatch, ["127.0.0.1"], ["127.0.0.9"])
    try:
        outcome = await webhook.post(f"http://rebind.test:{port}/", "whsec_eA==", "m", 1, b"{}", reach=ANYWHERE)
    finally:
        await runner.cleanup()
    assert (outcome.status, asked.count("rebind.test"), heard) == ("HTTP 204", 1, [f"rebind.test:{port}"])


def names_of(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """Names lead to the next of these answers; the list has what was asked for."""
    real, asked, left = asyncio.BaseEventLoop.getaddrinfo, list[str](), list(answers)

    async def answer(self: Any, host: Any, port: Any, **more: Any) -> Any:
        if not str(host).endswith(".test"):
            return await real(self, host, port, **more)
        asked.append(host)
        return [(2, 1, 6, "", (address, port)) for address in left.pop(0)]

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", answer)
    return asked


async def test_a_receiver_that_hangs_is_left() -> None:
    ended = asyncio.Event()

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            await reader.read()
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
        ended.set()

    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    outcome = await webhook.post(
        f"http://127.0.0.1:{port}/", "whsec_eA==", "m", 1, b"{}", reach=ANYWHERE, timeout_s=0.3
    )
    await ended.wait()
    server.close()
    await server.wait_closed()
    assert outcome.status == "no answer within 0.3 s"


def test_the_signature_is_that_of_the_published_example() -> None:
    headers = signed_headers(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
    )
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_documented_way_to_verify_a_signature_does() -> None:
    page = (Path(__file__).resolve().parents[3] / "docs" / "staleness.md").read_text(encoding="utf-8")
    known: dict[str, Any] = {}
    exec(page.split("```python\n")[1].split("```")[0], known)
    headers = signed_headers("whsec_c2NhbGVz", "m", 1, b"{}")
    assert known["is_ours"]("whsec_c2NhbGVz", headers, b"{}")
    assert not known["is_ours"]("whsec_c2NhbGVz", headers, b"{} ")
    assert not known["is_ours"]("whsec_b3RoZXI=", headers, b"{}")


@given(st.text() | st.just(HOSTILE))
def test_no_name_or_evidence_makes_a_header_or_a_line_of_its_own(text: str) -> None:
    cause = FoundCause(CauseKind.SKILL, NOW, text)
    (payload,) = payloads([StaleNotice(text, "run", [cause], text)], None, NOW)
    subject, body = mail_of(payload)
    assert subject == "Steelyard: 1 benchmark is stale"
    assert len(body.splitlines()) == 6
    server = SmtpServer("mail.example", 25, "scales@scales.example")
    made = mail.message(server, ["ann@example.org"], subject=subject, text=body, message_id="1", date=NOW)
    assert {"bcc", "cc"}.isdisjoint(name.lower() for name in made)
    assert (made.get_content_type(), made["to"]) == ("text/plain", "ann@example.org")


def test_many_skills_make_several_messages() -> None:
    found = [StaleNotice(f"skill-{number}", "run", []) for number in range(MOST_SKILLS + 1)]
    made = payloads(found, "https://scales.example", NOW)
    assert [len(one["data"]["skills"]) for one in made] == [MOST_SKILLS, 1]
    assert mail_of(made[1])[0] == "Steelyard: 1 benchmark is stale (part 2 of 2)"
    assert payloads([], None, NOW) == []


async def test_where_tls_is_asked_for_and_not_offered_no_password_is_sent() -> None:
    async with mail_server() as post:
        expected: dict[Security, str] = {
            "starttls": "the mail server does not offer what the settings ask for",
            "tls": "the mail server's certificate is not accepted",
        }
        for security, said in expected.items():
            server = SmtpServer("127.0.0.1", post.port, "scales@scales.example", security, "user", PASSWORD)
            made = mail.message(server, ["ann@example.org"], subject="s", text="t", message_id="1", date=NOW)
            outcome = await asyncio.to_thread(mail.send, server, made, timeout_s=5.0)
            assert (outcome.delivered, outcome.status) == (False, said)
    assert post.mails == list[tuple[list[str], Message]]()


@pytest.mark.parametrize(("security", "from_the_start"), [("starttls", False), ("tls", True)])
async def test_a_mail_goes_over_tls_to_a_server_whose_certificate_is_trusted(
    security: Security, from_the_start: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = certificate_of("127.0.0.1", tmp_path)
    certified = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certified.load_cert_chain(certificate)
    async with mail_server(certified, from_the_start=from_the_start) as post:
        server = SmtpServer("127.0.0.1", post.port, "scales@scales.example", security, "user", PASSWORD)
        made = mail.message(server, ["ann@example.org"], subject="s", text="t", message_id="1", date=NOW)

        async def sent() -> str:
            return (await asyncio.to_thread(mail.send, server, made, timeout_s=5.0)).status

        assert (await sent(), len(post.mails)) == ("the mail server's certificate is not accepted", 0)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert (await sent(), len(post.mails)) == ("taken by the mail server", 1)


def certificate_of(address: str, folder: Path) -> Path:
    """A certificate that vouches for itself, and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, address)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    path = folder / "certificate.pem"
    path.write_bytes(made.public_bytes(pem) + key.private_bytes(pem, form, serialization.NoEncryption()))
    return path
