"""What notices are sent to in the tests: an HTTP server that checks signatures, and an SMTP server."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import ssl
import warnings
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from typing import Any

from aiohttp import web
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

PASSWORD = "correct horse"


@dataclass
class Hook:
    """Answers with the next of `answers`, then 200; keeps each (webhook-id, body) whose signature it found good."""

    url: str = ""
    secret: str = ""
    answers: list[int] = field(default_factory=list[int])
    heard: list[tuple[str, dict[str, Any]]] = field(default_factory=list[tuple[str, "dict[str, Any]"]])
    unsigned: int = 0
    elsewhere: int = 0

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        identity, sent = request.headers["webhook-id"], request.headers["webhook-timestamp"]
        key = base64.b64decode(self.secret.removeprefix("whsec_"))
        wanted = base64.b64encode(hmac.new(key, f"{identity}.{sent}.".encode() + body, hashlib.sha256).digest())
        if request.headers["webhook-signature"] != f"v1,{wanted.decode()}":
            self.unsigned += 1
        else:
            self.heard.append((identity, json.loads(body)))
        status = self.answers.pop(0) if self.answers else 200
        return web.Response(status=status, headers={"location": "/elsewhere"}, body=b"x" * 100_000)

    async def stray(self, request: web.Request) -> web.Response:
        self.elsewhere += 1
        return web.Response()


@asynccontextmanager
async def hook_server() -> AsyncGenerator[Hook]:
    """A webhook's receiver on this machine."""
    hook = Hook()
    app = web.Application()
    app.router.add_post("/hook", hook.take)
    app.router.add_route("*", "/elsewhere", hook.stray)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    hook.url = f"http://{host}:{port}/hook"
    try:
        yield hook
    finally:
        await runner.cleanup()


@dataclass
class Post:
    """A mail server of `user`, whose password is PASSWORD; keeps (recipients, mail)."""

    port: int = 0
    mails: list[tuple[list[str], Message]] = field(default_factory=list[tuple["list[str]", Message]])

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - the name that aiosmtpd calls
        content = envelope.content
        assert isinstance(content, bytes)
        self.mails.append((list(envelope.rcpt_tos), message_from_bytes(content)))
        return "250 OK"


@asynccontextmanager
async def mail_server(certified: ssl.SSLContext | None = None, *, from_the_start: bool = False) -> AsyncGenerator[Post]:
    """An SMTP server on this machine that wants a user and a password.

    With a certificate it takes them over TLS alone: after STARTTLS, or `from_the_start`.
    """
    post = Post()
    later = None if from_the_start else certified

    def authenticate(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        return AuthResult(success=(data.login, data.password) == (b"user", PASSWORD.encode()), handled=False)

    def protocol() -> SMTP:
        with warnings.catch_warnings():
            # That a password without TLS is not safe.
            warnings.simplefilter("ignore")
            return SMTP(
                post,
                authenticator=authenticate,
                auth_required=True,
                auth_require_tls=later is not None,
                tls_context=later,
                require_starttls=later is not None,
            )

    at_once = certified if from_the_start else None
    server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0, ssl=at_once)
    post.port = server.sockets[0].getsockname()[1]
    try:
        yield post
    finally:
        server.close()
        await server.wait_closed()
