"""New master keys: encrypts every tenant's secrets anew under the first one, while everything goes on."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from uuid import UUID

from steelyard.services.secret_keeping import SecretKeeping
from steelyard.storage.database import Database
from steelyard.storage.sealed import SealedRow, reseal, secrets_not_under
from steelyard.storage.tenants import known_tenants
from steelyard.vault.keys import MissingMasterKey
from steelyard.vault.ring import CannotUnseal, KeyRing, Place, Sealed

CLEAR = "not encrypted"


@dataclass(frozen=True)
class Unreadable:
    """A secret that no key at hand decrypts. `why` says so in a sentence."""

    tenant_id: UUID
    what: str
    name: str
    why: str


@dataclass
class SecretsStanding:
    """How many secrets are encrypted under which master key (by its id, or CLEAR), and which cannot be read.

    `ring` are the keys at hand, if any, the one that encrypts first. `done` were encrypted anew, `passed` were replaced
    by somebody else meanwhile.
    """

    ring: tuple[str, ...]
    tenants: int = 0
    under: Counter[str] = field(default_factory=Counter[str])
    unreadable: list[Unreadable] = field(default_factory=list[Unreadable])
    done: int = 0
    passed: int = 0


class Rotation:
    """Looks at, and encrypts anew, the secrets of all tenants, one tenant's transaction at a time."""

    def __init__(self, database: Database, secrets: SecretKeeping, look: Callable[[], KeyRing]) -> None:
        """`look` finds the master keys as `secrets` does, and makes none. Blocking."""
        self._database = database
        self._secrets = secrets
        self._look = look

    async def status(self) -> SecretsStanding:
        """What there is, each tried for whether it can be read; no master key is made for that.

        Raises SettingsError for master keys that cannot be used.
        """
        try:
            ring = await asyncio.to_thread(self._look)
        except MissingMasterKey:
            ring = None
        standing = SecretsStanding(() if ring is None else ring.ids)
        async for tenant_id, rows in self._secrets_of_all(standing, None):
            for row in rows:
                standing.under[row.key_id or CLEAR] += 1
                self._open(ring, tenant_id, row, standing)
        return standing

    async def rotate(self) -> SecretsStanding:
        """Encrypt under the first master key what is not. Broken off, it goes on where it stopped when it is run again.

        Raises SettingsError without a master key.
        """
        ring = await self._secrets.ring(anew=True)
        standing = SecretsStanding(ring.ids)
        async for tenant_id, rows in self._secrets_of_all(standing, ring.current):
            for row in rows:
                clear = self._open(ring, tenant_id, row, standing)
                if clear is None:
                    continue
                sealed = ring.seal(clear, _place(tenant_id, row))
                async with self._database.tenant(tenant_id) as connection:
                    if await reseal(connection, row, sealed.data, sealed.key_id):
                        standing.done += 1
                    else:
                        standing.passed += 1
        return standing

    async def _secrets_of_all(
        self, standing: SecretsStanding, key_id: str | None
    ) -> AsyncGenerator[tuple[UUID, list[SealedRow]]]:
        for tenant_id in [tenant.id for tenant in await known_tenants(self._database)]:
            standing.tenants += 1
            async with self._database.tenant(tenant_id) as connection:
                rows = await secrets_not_under(connection, key_id)
            if rows:
                yield tenant_id, rows

    def _open(self, ring: KeyRing | None, tenant_id: UUID, row: SealedRow, standing: SecretsStanding) -> str | None:
        if row.clear is not None:
            return row.clear
        assert row.sealed is not None
        assert row.key_id is not None
        if ring is None:
            why = f"It was encrypted with the master key {row.key_id}, and there is none here."
            standing.unreadable.append(Unreadable(tenant_id, row.what, row.name, why))
            return None
        try:
            return ring.unseal(Sealed(row.key_id, row.sealed), _place(tenant_id, row))
        except CannotUnseal as error:
            standing.unreadable.append(Unreadable(tenant_id, row.what, row.name, error.message))
            return None


def _place(tenant_id: UUID, row: SealedRow) -> Place:
    return Place(tenant_id, row.what, row.name)
