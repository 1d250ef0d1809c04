"""Where the master keys come from: the environment, a file it names, or a file of the home."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from pathlib import Path

from steelyard.domain.errors import SettingsError
from steelyard.vault.files import make_once
from steelyard.vault.ring import HOW_TO_MAKE, KeyRing, new_key, read_keys

KEY_ENV = "STEELYARD_SECRET_KEY"
FILE_ENV = "STEELYARD_SECRET_KEY_FILE"
FILE = "secret.key"


class MissingMasterKey(SettingsError):
    """There is no master key, and none may be made here."""


def key_ring(home: Path, env: Mapping[str, str], *, may_make: bool) -> KeyRing:
    """The master keys of this installation; the home's is made on first use where `may_make` says so.

    Blocking. Raises MissingMasterKey, and SettingsError for keys that cannot be read or used.
    """
    if env.get(KEY_ENV, "").strip():
        return KeyRing(read_keys(env[KEY_ENV], KEY_ENV))
    named = env.get(FILE_ENV, "").strip()
    if named:
        return KeyRing(read_keys(_text(Path(named).expanduser(), FILE_ENV), FILE_ENV))
    path = home / FILE
    if not path.exists():
        if not may_make:
            raise MissingMasterKey(
                "There is no master key to encrypt secrets with: several processes share this database, and have to"
                " share a key that is not in it.",
                next_step=f"Set {KEY_ENV}, or {FILE_ENV} to a file with it, for every process. {HOW_TO_MAKE}",
            )
        try:
            make_once(path, f"{new_key()}\n".encode())
        except OSError as error:
            raise SettingsError(
                f"The master key {path} cannot be made ({(error.strerror or 'not possible').lower()}).",
                next_step=f"Check the rights of that folder, or set {KEY_ENV}.",
            ) from None
    text = _text(path, str(path))
    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise SettingsError(
            f"Others on this machine may read the master key {path}.", next_step=f"Run `chmod 600 {path}`."
        )
    return KeyRing(read_keys(text, str(path)))


def _text(path: Path, source: str) -> str:
    try:
        return path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"The master key that {source} names cannot be read ({getattr(error, 'strerror', None) or 'not ASCII'}).",
            next_step="Check the file and its rights.",
        ) from None
