"""Providers that a tenant sets for itself: their keys are encrypted, and never shown again."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Literal, cast, get_args
from uuid import UUID

from steelyard.domain.actors import acting
from steelyard.domain.errors import Conflict, InputError, NotFound, SettingsError
from steelyard.domain.masking import keep_secret
from steelyard.domain.reach import Reach, check_url
from steelyard.providers.settings import PLACEHOLDER_KEY, Endpoint, Kind, ProviderSettings, is_name
from steelyard.providers.tenants import LOOK_S, Found
from steelyard.services.provider_prices import dated
from steelyard.services.secret_keeping import SecretKeeping
from steelyard.storage import tenant_providers as storage
from steelyard.storage.database import Database
from steelyard.storage.provider_prices import PriceRow, list_prices
from steelyard.storage.served import hurry_left
from steelyard.storage.tenant_providers import KeyWrite, ProviderRow, RunOfProvider
from steelyard.vault.ring import CannotUnseal, Place, Sealed

if TYPE_CHECKING:
    from steelyard.providers.trial import Trial

# As a person chooses; a compatible server is one of kind "openai" at an address of its own.
Choice = Literal["anthropic", "openai", "google", "openai-compatible"]
CHOICES: tuple[Choice, ...] = get_args(Choice)
COMPATIBLE: Choice = "openai-compatible"

MOST_PROVIDERS = 20
MOST_NAME = 40
# Vendors' keys have 30 to 200 signs, tokens of gateways up to a few thousand; the 8 are what is struck out of texts.
FEWEST_KEY, MOST_KEY = 8, 4_096
# No more than a quarter of a key is shown.
_SHORTEST_SHOWN = 16
_END = 4
# Until every process has heard of a change, in seconds.
_HEARD_S = LOOK_S + 1
_WHERE = "An admin adds providers under Settings, Providers."


@dataclass(frozen=True)
class OwnProvider:
    """A provider of the tenant's own, as it is shown. `key_end` are the key's last characters; `problem` says why the
    key cannot be used, `replaces` whether a provider of the server's goes by the same name."""

    name: str
    choice: Choice
    base_url: str | None
    has_key: bool
    key_end: str | None
    key_set_at: datetime | None
    key_set_by: str | None
    problem: str | None
    replaces: bool


@dataclass(frozen=True)
class ProvidersStanding:
    """The tenant's own providers by name, and which of the server's it may use besides (None: not offered to it)."""

    own: Sequence[OwnProvider]
    servers: Sequence[Endpoint] | None


class TenantProviderService:
    """Reads, changes and tries a tenant's providers."""

    def __init__(
        self,
        database: Database,
        secrets: SecretKeeping,
        settings: ProviderSettings,
        *,
        reach: Callable[[UUID], Reach],
        shared_with: Callable[[UUID], bool],
        changed: Callable[[UUID], None],
        is_servers: Callable[[UUID], bool],
    ) -> None:
        """`reach` bounds a tenant's addresses, `shared_with` says who may use the server's own providers, `changed`
        hears of each change; `is_servers` tells the tenant of the machine's owner."""
        self._database = database
        self._secrets = secrets
        self._settings = settings
        self._reach = reach
        self._shared_with = shared_with
        self._changed = changed
        self._is_servers = is_servers

    async def standing(self, tenant_id: UUID) -> ProvidersStanding:
        """What is set. No key is in it."""
        async with self._database.tenant(tenant_id) as connection:
            rows = await storage.list_providers(connection)
        shared = self._shared_with(tenant_id)
        servers = self._settings.endpoints if shared else dict[str, Endpoint]()
        own = [await self._shown(tenant_id, row, servers) for row in rows]
        taken = {row.name for row in rows}
        rest = [endpoint for name, endpoint in servers.items() if name not in taken]
        return ProvidersStanding(own, rest if shared else None)

    async def put(self, tenant_id: UUID, name: str, choice: str, base_url: str | None, key: str | None) -> None:
        """Add a provider or replace the one of that name. Without a `key` the one there is stays, if its address does.

        Raises InputError naming the field, which never repeats the key; Conflict when there are too many.
        """
        name, kind, url = self._checked(tenant_id, name, choice, base_url)
        write: KeyWrite | None = None
        if key is not None and key.strip():
            write = await self._sealed(tenant_id, name, key.strip())
        async with self._database.tenant(tenant_id) as connection:
            rows = {row.name: row for row in await storage.list_providers(connection)}
            if name not in rows and len(rows) >= MOST_PROVIDERS:
                raise Conflict(f"There are {len(rows)} providers already.", next_step="Remove one first.")
            if write is None and _stays(rows.get(name), kind, url):
                return
            await storage.put_provider(connection, tenant_id, name, kind, url, write, by=acting.get().told)
            await hurry_left(connection, _HEARD_S)
        if write is not None and key is not None:
            keep_secret(tenant_id, key.strip())
        self._changed(tenant_id)

    async def remove(self, tenant_id: UUID, name: str) -> Sequence[RunOfProvider]:
        """Forget a provider, its key and its prices; returns the runs under way that call it, the oldest first.

        Raises NotFound. What calls of it have cost stays as it is.
        """
        async with self._database.tenant(tenant_id) as connection:
            if not await storage.drop_provider(connection, name):
                raise NotFound(f"There is no provider '{name[:MOST_NAME]}' of your own.")
            runs = await storage.runs_calling(connection, name)
        self._changed(tenant_id)
        return runs

    async def try_out(self, tenant_id: UUID, name: str) -> Trial:
        """Ask the provider for its models, which costs nothing, and say what came of it. Raises NotFound."""
        # Here and not above: it brings the vendors' clients along, for which a command that calls nothing would wait.
        from steelyard.providers.trial import Trial, try_key

        found = await self.find(tenant_id, None)
        assert found is not None
        endpoint = found.settings.endpoints.get(name)
        if endpoint is None:
            raise NotFound(f"There is no provider '{name[:MOST_NAME]}'.")
        if endpoint.key_problem is not None:
            return Trial(False, f"Its key cannot be read. {endpoint.key_problem}")
        return await try_key(endpoint)

    async def find(self, tenant_id: UUID, version: object) -> Found | None:
        """The tenant's providers for calls; None where nothing was changed since `version`."""
        async with self._database.tenant(tenant_id) as connection:
            rows = tuple(await storage.list_providers(connection))
            prices = tuple(await list_prices(connection)) if rows else tuple[PriceRow, ...]()
        if (rows, prices) == version:
            return None
        if self._is_servers(tenant_id) and not rows:
            return Found((rows, prices), self._settings)
        shared = self._shared_with(tenant_id)
        endpoints = dict(self._settings.endpoints) if shared else dict[str, Endpoint]()
        for row in rows:
            endpoints[row.name] = await self._endpoint(tenant_id, row)
        settings = replace(self._settings, endpoints=endpoints, local=shared, others=_WHERE, dated=dated(prices))
        return Found((rows, prices), settings)

    def _checked(self, tenant_id: UUID, name: str, choice: str, base_url: str | None) -> tuple[str, Kind, str | None]:
        name = name.strip()
        if not is_name(name) or len(name) > MOST_NAME:
            raise InputError(
                "That cannot be a provider's name.",
                field="name",
                next_step=f"Use up to {MOST_NAME} lower-case letters, digits, '-', '_' and '.'; 'local' is taken.",
            )
        if choice not in CHOICES:
            raise InputError(
                "How the provider is spoken to is not said.", field="kind", next_step=f"One of: {', '.join(CHOICES)}."
            )
        url = None
        if base_url is not None and base_url.strip():
            url = check_url(base_url, self._reach(tenant_id), what="a provider", field="base_url")
            if "?" in url:
                raise InputError(
                    "The address has a query, which calls would lose.", field="base_url", next_step="Leave it out."
                )
        if choice == COMPATIBLE and url is None:
            raise InputError(
                "A compatible server has no address of its own yet.",
                field="base_url",
                next_step="Give the one its calls begin with, such as https://models.example/v1.",
            )
        return name, "openai" if choice == COMPATIBLE else cast(Kind, choice), url

    async def _sealed(self, tenant_id: UUID, name: str, key: str) -> KeyWrite:
        if not FEWEST_KEY <= len(key) <= MOST_KEY or not re.fullmatch(r"[\x21-\x7e]+", key):
            raise InputError(
                f"That cannot be a key: one has {FEWEST_KEY} to {MOST_KEY:,} signs of ASCII, no space or line end.",
                field="key",
                next_step="Copy it once more; where the server asks for none, leave it out.",
            )
        sealed = await self._secrets.seal(key, Place(tenant_id, "provider", name))
        return KeyWrite(sealed.data, sealed.key_id, key[-_END:] if len(key) >= _SHORTEST_SHOWN else None)

    async def _shown(self, tenant_id: UUID, row: ProviderRow, servers: Mapping[str, Endpoint]) -> OwnProvider:
        endpoint = await self._endpoint(tenant_id, row)
        compatible = row.kind == "openai" and row.base_url is not None
        return OwnProvider(
            row.name,
            COMPATIBLE if compatible else cast(Choice, row.kind),
            row.base_url,
            row.sealed is not None,
            row.key_end,
            row.key_set_at,
            row.key_set_by,
            endpoint.key_problem,
            row.name in servers,
        )

    async def _endpoint(self, tenant_id: UUID, row: ProviderRow) -> Endpoint:
        key, problem = await self._key(tenant_id, row)
        return Endpoint(
            row.name,
            cast(Kind, row.kind),
            "the settings of providers",
            row.base_url,
            key or (PLACEHOLDER_KEY if row.base_url and problem is None else None),
            base_url_from="the settings of providers",
            # A vendor's own address needs no look: it is not the tenant's to choose.
            reach=None if row.base_url is None else self._reach(tenant_id),
            key_problem=problem,
        )

    async def _key(self, tenant_id: UUID, row: ProviderRow) -> tuple[str | None, str | None]:
        """The key and, where it cannot be had, why: one key that cannot be read disturbs no other."""
        if row.sealed is None or row.key_id is None:
            return None, None
        try:
            return await self._secrets.unseal(
                Sealed(row.key_id, row.sealed), Place(tenant_id, "provider", row.name)
            ), None
        except (CannotUnseal, SettingsError) as error:
            return None, error.message


def _stays(row: ProviderRow | None, kind: Kind, url: str | None) -> bool:
    """Whether a provider given without a key is the one there is, key and all. Raises InputError where it needs one.

    A key does not go along to another address: whoever may set that could else read it there.
    """
    if row is not None and row.sealed is not None:
        if (row.kind, row.base_url) == (kind, url):
            return True
        raise InputError(
            "The address or the kind is another one, and the key there is was given for the old one.",
            field="key",
            next_step="Give the key again.",
        )
    if url is None:
        raise InputError("There is no key yet.", field="key", next_step="Give the vendor's key.")
    return False
