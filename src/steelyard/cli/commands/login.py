"""`steelyard login` and `logout`: keys of servers in a file of one's own."""

from __future__ import annotations

import getpass
import sys

from steelyard.cli import exits
from steelyard.cli import text as words
from steelyard.cli.place import keep_key
from steelyard.cli.terminal import Terminal
from steelyard.client.api import Client
from steelyard.domain.errors import Forbidden, InputError


def login(server: str) -> int:
    """Try the key, then keep it. Raises KeyRefused for one that is not let in, and InputError."""
    shown = words.safe(server)
    asked = getpass.getpass(f"API key of {shown}: ") if sys.stdin.isatty() else sys.stdin.readline()
    key = asked.strip()
    if not key:
        raise InputError("No key was given.", next_step="The server's settings make one.")
    client = Client(server, key=key)
    try:
        client.list_skills(limit=1)
        told = ""
    except Forbidden:
        # One that only sends uses may read nothing, and is a key all the same.
        told = " It may not read there."
    keep_key(client.server, key)
    Terminal().out.line(f"The key of {words.safe(client.server)} is kept.{told} Use it: steelyard --server {shown} …")
    return exits.OK


def logout(server: str) -> int:
    """Forget the key; it stays good until it is revoked on the server."""
    if not keep_key(server, None):
        raise InputError(f"No key of {server[:200]} is kept.", next_step="`steelyard login URL` keeps one.")
    Terminal().out.line("The key is forgotten here. It can be used until it is revoked on the server.")
    return exits.OK
