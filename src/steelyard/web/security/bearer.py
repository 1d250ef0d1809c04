"""API keys at the door of /v1: whose one is, looked up once in a few seconds, and how much each may send.

Whatever is wrong with a key, the answer is the same.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import TypeVar
from uuid import UUID

from fastapi import Request
from starlette.datastructures import Headers

from steelyard.api.away import database_away
from steelyard.api.problem import is_api
from steelyard.domain.access import SCOPES, Action, Principal, Scope
from steelyard.domain.api_keys import KEY
from steelyard.domain.errors import KeyRefused, SteelyardError, TooMany
from steelyard.services.api_keys import ApiKeys, FoundKey, hash_of
from steelyard.web.access import ACCESS, Identify, routed
from steelyard.web.security.address import client_address
from steelyard.web.security.limits import Buckets

Name = TypeVar("Name")
Value = TypeVar("Value")

logger = logging.getLogger("steelyard.keys")

# How long an answer of the database is good: a key that is revoked stops within that time.
KNOWN_S = 5.0
_NOTED_EVERY_S = 60.0
_MOST_KNOWN = 20_000
# Of one address: keys that are looked up and not known to be good, and refusals until it is told to wait.
STRANGERS_A_MINUTE = 60
REFUSALS_A_MINUTE = 120

# Requests a minute a key may send where it has no number of its own: each class has a bucket.
INGEST, READ, CHANGE = "ingest", "read", "change"
A_MINUTE = {INGEST: 6_000, READ: 1_200, CHANGE: 300}
_CLASSES = {Action.SEND_USES: INGEST, Action.GIVE_FEEDBACK: INGEST, Action.READ: READ}


@dataclass(frozen=True)
class _Known:
    """What a hash was found to be of, None for nothing that can be used, until `until` on the door's clock."""

    key: FoundKey | None
    principal: Principal | None
    until: float


class KeyDoor:
    """Lets requests with an API key in, in one process. `clock` gives seconds that only go forward."""

    def __init__(self, keys: ApiKeys, clock: Callable[[], float] = time.monotonic) -> None:
        self._keys = keys
        self._clock = clock
        self._known: dict[bytes, _Known] = {}
        # Hashes that were good once: a flood of wrong keys from their address does not keep them out.
        self._good: dict[bytes, None] = {}
        self._noted: dict[UUID, float] = {}
        self._requests = Buckets(clock)
        self._strangers = Buckets(clock)
        self._refusals = Buckets(clock)

    async def read(self, request: Request) -> Principal | None:
        """Whose the key is that came with a request to the API; None where none came, or not to the API.

        Raises KeyRefused, TooMany, StorageError.
        """
        given = keys_in(request.headers) if is_api(request.url.path) else None
        return await self._admit(request, given) if given else None

    def before(self, otherwise: Identify) -> Identify:
        """Whoever `read` says, else whoever `otherwise` does."""

        async def identify(request: Request) -> Principal:
            return await self.read(request) or await otherwise(request)

        return identify

    def forget(self) -> None:
        """Look every key up again: one was revoked here."""
        self._known.clear()

    async def _admit(self, request: Request, given: set[str]) -> Principal:
        address = address_of(request)
        known = await self._find(given.pop(), address) if len(given) == 1 else None
        if known is None or known.key is None or known.principal is None:
            raise self._refusal(address)
        self._count(request, known.key)
        await self._note(known.key)
        return known.principal

    async def _find(self, text: str, address: str) -> _Known | None:
        """None for what is not written as a key, which needs no looking up. Raises TooMany, StorageError."""
        if KEY.fullmatch(text) is None:
            return None
        digest, now = hash_of(text), self._clock()
        known = self._known.get(digest)
        if known is not None and now < known.until:
            return known
        stranger = digest not in self._good
        if stranger:
            allowance = self._strangers.take(address, STRANGERS_A_MINUTE)
            if not allowance.granted:
                raise _too_many_unknown(allowance.wait_s)
        with database_away():
            found = await self._keys.look_up(text)
        known = self._made_known(found, now)
        if known.key is None:
            self._good.pop(digest, None)
        else:
            _keep(self._good, digest, None)
            if stranger:
                self._strangers.give_back(address)
        _keep(self._known, digest, known)
        return known

    def _made_known(self, found: FoundKey | None, now: float) -> _Known:
        if found is None or found.state != "usable":
            if found is not None:
                logger.info("A key was refused: %s (%s).", found.id, found.state)
            return _Known(None, None, now + KNOWN_S)
        actions = frozenset[Action]().union(*(SCOPES[Scope(scope)] for scope in found.scopes))
        principal = Principal(found.tenant_id, found.name, actions, key_id=found.id)
        left_s = KNOWN_S if found.left_s is None else min(KNOWN_S, found.left_s)
        return _Known(found, principal, now + left_s)

    def _count(self, request: Request, key: FoundKey) -> None:
        """Raises TooMany. A request counts once, however often it is asked whose it is."""
        if getattr(request.state, "allowance", None) is not None:
            return
        kind = _CLASSES.get(ACCESS.get(routed(request), Action.RUN), CHANGE)
        allowance = (
            self._requests.take((key.id, kind), A_MINUTE[kind])
            if key.a_minute is None
            else self._requests.take(key.id, key.a_minute)
        )
        request.state.allowance = allowance
        if not allowance.granted:
            raise TooMany(
                f"This key has sent its {allowance.limit:,} requests a minute.",
                retry_after_s=allowance.wait_s,
                next_step=f"Send it again in {allowance.wait_s} s, more in one request, or use a key that may more.",
            )

    async def _note(self, key: FoundKey) -> None:
        now = self._clock()
        if now - self._noted.get(key.id, -_NOTED_EVERY_S) < _NOTED_EVERY_S:
            return
        _keep(self._noted, key.id, now)
        with database_away():
            await self._keys.note_use(key.tenant_id, key.id)

    def _refusal(self, address: str) -> SteelyardError:
        allowance = self._refusals.take(address, REFUSALS_A_MINUTE)
        if not allowance.granted:
            return _too_many_unknown(allowance.wait_s)
        return KeyRefused(
            "The API key that came with the request cannot be used here.",
            kept="Nothing was kept.",
            next_step="Check that it was copied whole. An admin sees at Settings, API keys, which ones can be used.",
        )


def keys_in(headers: Headers) -> set[str]:
    """What stands where an API key would: as a bearer token, or under x-api-key."""
    given = {value.strip() for value in headers.getlist("x-api-key")}
    for value in headers.getlist("authorization"):
        scheme, _, token = value.strip().partition(" ")
        if scheme.lower() == "bearer":
            given.add(token.strip())
    return given


def address_of(request: Request) -> str:
    """Whom unknown keys are counted against: the sender's address, of IPv6 the network that one line has."""
    host = client_address(request)
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if isinstance(address, IPv6Address):
        return str(address.ipv4_mapped) if address.ipv4_mapped else address.exploded[:19]
    return host


def _keep(kept: dict[Name, Value], name: Name, value: Value) -> None:
    """Keep it as the newest; beyond so many the oldest goes."""
    kept.pop(name, None)
    if len(kept) >= _MOST_KNOWN:
        del kept[next(iter(kept))]
    kept[name] = value


def _too_many_unknown(wait_s: int) -> TooMany:
    return TooMany(
        "Too many requests with keys that cannot be used came from this address.",
        retry_after_s=wait_s,
        next_step=f"Send it again in {wait_s} s, with a key that an admin has made.",
    )
