"""Encrypts single values by AES-256-GCM, each bound to where it is kept, under a ring of master keys."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from steelyard.domain.errors import SettingsError, SteelyardError

KEY_BYTES = 32
_NONCE_BYTES = 12
_ID_CHARACTERS = 8
HOW_TO_MAKE = "Make one with `steelyard secrets new-key`, or `openssl rand -base64 32`."


class CannotUnseal(SteelyardError):
    """An encrypted value cannot be read: its master key is not at hand, or it is not what was encrypted here."""


@dataclass(frozen=True)
class Place:
    """Where a value is kept; one that is moved anywhere else does not decrypt. `what` is "provider" or "webhook"."""

    tenant_id: UUID
    what: str
    name: str = ""


@dataclass(frozen=True)
class Sealed:
    """An encrypted value: the id of the master key, and nonce, ciphertext and tag in one."""

    key_id: str
    data: bytes = field(repr=False)


class KeyRing:
    """Master keys, 32 bytes each: the first encrypts, all decrypt. Its repr shows their ids alone."""

    def __init__(self, keys: Iterable[bytes]) -> None:
        self._keys = {key_id(key): AESGCM(key) for key in keys}
        if not self._keys:
            raise ValueError("a ring has a key or more")

    def __repr__(self) -> str:
        return f"KeyRing({', '.join(self._keys)})"

    @property
    def ids(self) -> tuple[str, ...]:
        """Of all keys, the one that encrypts first."""
        return tuple(self._keys)

    @property
    def current(self) -> str:
        """The id of the key that encrypts."""
        return next(iter(self._keys))

    def seal(self, text: str, place: Place) -> Sealed:
        """Encrypt `text` under a nonce of its own."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        cipher = self._keys[self.current].encrypt(nonce, text.encode(), _bound_to(place, self.current))
        return Sealed(self.current, nonce + cipher)

    def unseal(self, sealed: Sealed, place: Place) -> str:
        """The text. Raises CannotUnseal, which says which master key is missing or that the value is not genuine."""
        cipher = self._keys.get(sealed.key_id)
        if cipher is None:
            raise CannotUnseal(
                f"It was encrypted with the master key {sealed.key_id}, which is not at hand here.",
                next_step="Give that key after the present one in STEELYARD_SECRET_KEY, or enter the value anew.",
            )
        nonce, data = sealed.data[:_NONCE_BYTES], sealed.data[_NONCE_BYTES:]
        try:
            return cipher.decrypt(nonce, data, _bound_to(place, sealed.key_id)).decode()
        except (InvalidTag, ValueError) as error:
            raise CannotUnseal(
                "It is damaged, or was moved here from elsewhere.", next_step="Enter the value anew."
            ) from error


def _bound_to(place: Place, key: str) -> bytes:
    return json.dumps(["steelyard", str(place.tenant_id), place.what, place.name, key]).encode()


def key_id(key: bytes) -> str:
    """Eight hex digits that name a master key and tell nothing of it."""
    return hashlib.sha256(b"steelyard master key\0" + key).hexdigest()[:_ID_CHARACTERS]


def new_key() -> str:
    """A master key, 32 random bytes in base64."""
    return base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def read_keys(text: str, source: str) -> list[bytes]:
    """Master keys in base64, with commas or line ends between. Raises SettingsError, which never repeats one."""
    keys: list[bytes] = []
    for number, part in enumerate(text.replace(",", "\n").split(), start=1):
        try:
            key = base64.b64decode(part.replace("-", "+").replace("_", "/"), validate=True)
        except binascii.Error:
            key = b""
        if len(key) != KEY_BYTES:
            raise SettingsError(f"Key {number} in {source} is not {KEY_BYTES} bytes in base64.", next_step=HOW_TO_MAKE)
        keys.append(key)
    if not keys:
        raise SettingsError(f"{source} holds no key.", next_step=HOW_TO_MAKE)
    return keys
