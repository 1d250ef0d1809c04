"""Where a command does its work: on this machine, or on the server that `--server` or STEELYARD_SERVER names."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, cast

ENV = "STEELYARD_SERVER"
KEY_ENV = "STEELYARD_KEY"
FILE = "servers.toml"

# What can be asked of a server, by its words on the command line; all else is of this machine and refuses a server.
OF_SERVERS = frozenset(
    {
        "run",
        "estimate",
        "tie-break",
        "stale",
        "ratings",
        "production",
        "spend",
        "audit",
        "runs list",
        "runs show",
        "runs resume",
        "runs cancel",
        "skills list",
        "skills show",
        "skills add",
        "skills delete",
        "skills health",
        "skills stale-after",
        "cases list",
        "cases propose",
        "cases accept",
        "cases reject",
        "cases history",
        "providers prices",
        "providers set-price",
        "providers remove-price",
        "measurements import",
        "measurements unmatched",
    }
)
# What reads files alone, or is about the keys of servers.
OF_NEITHER = frozenset({"skills lint", "login", "logout"})
_BY_OPERATOR = "; for the server whoever runs it gives it there"
# Where else it is done for a server, by the command's words or their first: the end of "Leave --server away".
ELSEWHERE = {
    "models": ", or open the server's page /models",
    "models price": "",
    "models install": _BY_OPERATOR,
    "notify": ", or open the server's page /settings",
    "budget": ", or open the server's page /settings",
    "keys": ", or open the server's page /settings/keys",
    "providers": ", or open the server's page /settings/providers",
    "members": ", or open the server's page /members",
    "members password": _BY_OPERATOR,
    "stale --notify": "; a server's workers check every day of themselves",
    "measurements price": "; a server's workers price them of themselves",
    "secrets status": _BY_OPERATOR,
    "secrets rotate": _BY_OPERATOR,
} | dict.fromkeys(("serve", "worker", "doctor", "migrate", "backup", "restore", "rollup", "tenants"), _BY_OPERATOR)

_given: list[str | None] = [None]


def choose_server(server: str | None) -> None:
    """Remember what `--server` names, for this process."""
    _given[0] = server


def chosen_server() -> str | None:
    """The server's address as it was given; None for this machine."""
    return _given[0] or os.environ.get(ENV) or None


def typed_again(words: str) -> str:
    """A command as it is to be typed for the same place, as `steelyard --server URL runs list`."""
    return f"steelyard {'' if _given[0] is None else f'--server {_given[0]} '}{words}"


def refuse_server(words: str) -> None:
    """Raises InputError where a server was chosen and the command is not one that asks a server."""
    if words in OF_SERVERS or words in OF_NEITHER or chosen_server() is None:
        return
    from steelyard.domain.errors import InputError

    how = "--server" if _given[0] else ENV
    raise InputError(
        f"`steelyard {words}` works on this machine alone, and {how} names a server.",
        field="server",
        kept="Nothing was done.",
        next_step=f"Leave {how} away{ELSEWHERE.get(words, ELSEWHERE.get(words.split()[0], ''))}.",
    )


def key_of(server: str) -> str | None:
    """The key for a server: STEELYARD_KEY, else the one that `steelyard login` kept. Raises InputError."""
    from_env = os.environ.get(KEY_ENV)
    return from_env if from_env else kept_keys().get(_named(server))


def kept_keys() -> dict[str, str]:
    """The keys that were kept, by the servers' addresses.

    Raises InputError where the file cannot be read, or can be by others.
    """
    import tomllib

    from steelyard.domain.errors import InputError

    path = _path()
    try:
        mode = path.stat().st_mode
        if mode & 0o077 and os.name == "posix":
            raise InputError(f"{path} has keys, and others on this machine can read it.", next_step=f"chmod 600 {path}")
        kept = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path} cannot be read ({error}).", next_step="Delete it, then `steelyard login URL` again."
        ) from error
    found = {server: cast("dict[str, Any]", one).get("key") for server, one in kept.items() if isinstance(one, dict)}
    return {server: key for server, key in found.items() if isinstance(key, str)}


def keep_key(server: str, key: str | None) -> bool:
    """Keep a key for a server, or with None forget it; whether one was known before. Raises InputError."""
    import json
    import tempfile

    from steelyard.domain.errors import InputError

    keys, name, path = kept_keys(), _named(server), _path()
    known = name in keys
    if key is None:
        keys.pop(name, None)
    else:
        keys[name] = key
    # TOML's basic strings are written as JSON's are.
    text = "".join(
        f"[{json.dumps(one, ensure_ascii=False)}]\nkey = {json.dumps(value)}\n\n" for one, value in sorted(keys.items())
    )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, made = tempfile.mkstemp(dir=path.parent, prefix=".servers-")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(made, path)
    except OSError as error:
        raise InputError(f"{path} cannot be written ({error.strerror}).", next_step="Check its rights.") from error
    return known


def _named(server: str) -> str:
    return server.strip().rstrip("/").removesuffix("/v1")


def _path() -> Path:
    from steelyard.bootstrap import home_of

    return home_of() / FILE
