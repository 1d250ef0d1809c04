"""Keeps tenants' secrets encrypted: with master keys that are found when the first secret is met."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from steelyard.domain.masking import keep_secret
from steelyard.vault.ring import KeyRing, Place, Sealed


class SecretKeeping:
    """Encrypts and decrypts. What is decrypted is struck out of its tenant's lines of the log from then on.

    What is only being encrypted may be refused yet, and would be struck out for nothing.
    """

    def __init__(self, find_ring: Callable[[], KeyRing]) -> None:
        """`find_ring` blocks, and raises SettingsError where there is no master key."""
        self._find_ring = find_ring
        self._ring: KeyRing | None = None

    async def ring(self, *, anew: bool = False) -> KeyRing:
        """The master keys. Raises SettingsError."""
        if self._ring is None or anew:
            self._ring = await asyncio.to_thread(self._find_ring)
        return self._ring

    async def seal(self, text: str, place: Place) -> Sealed:
        """Raises SettingsError where there is no master key."""
        return (await self.ring()).seal(text, place)

    async def unseal(self, sealed: Sealed, place: Place) -> str:
        """Raises CannotUnseal, and SettingsError where there is no master key."""
        ring = await self.ring()
        if sealed.key_id not in ring.ids:
            # A file of keys may have got a new one since.
            ring = await self.ring(anew=True)
        text = ring.unseal(sealed, place)
        keep_secret(place.tenant_id, text)
        return text
