"""What an API key may hand on: no key that may more or lasts longer than itself, and no admin's role."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from steelyard.domain.access import ROLES_OF_KEYS, Role, Scope, actions_of
from steelyard.domain.actors import ActorKind, acting
from steelyard.domain.api_keys import ApiKey
from steelyard.domain.errors import Forbidden, KeyRefused
from steelyard.storage import api_keys
from steelyard.storage.database import Connection

_KEPT = "Nothing was changed."


async def hold_acting_key(connection: Connection) -> ApiKey | None:
    """The key on whose behalf this is done, which stays usable until the transaction ends; None where no key acts.

    A door lets a key in for some seconds after it was revoked, in which it must make nothing that goes on without it.
    Raises KeyRefused.
    """
    actor = acting.get()
    if actor.kind is not ActorKind.KEY or actor.id is None:
        return None
    held = await api_keys.hold_usable(connection, actor.id)
    if held is None:
        raise KeyRefused(
            "The API key that came with the request was revoked, or has expired.",
            kept=_KEPT,
            next_step="Use one that an admin has made since.",
        )
    return held


def check_handed_on(maker: ApiKey | None, scopes: Iterable[Scope], expires_at: datetime | None) -> None:
    """Raises Forbidden where `maker` would make a key that may more, or lasts longer, than itself."""
    if maker is None:
        return
    wider = actions_of(scopes) - actions_of(maker.scopes)
    if wider:
        raise Forbidden(
            f"The key would be allowed to {min(wider)}, which the one that makes it is not.",
            kept=_KEPT,
            next_step=f"Choose scopes within {', '.join(maker.scopes)}, or have a member make it.",
        )
    if maker.expires_at is not None and (expires_at is None or expires_at > maker.expires_at):
        raise Forbidden(
            f"The key that makes it expires on {maker.expires_at:%Y-%m-%d}, and makes none that lasts longer.",
            kept=_KEPT,
            next_step="Let it expire earlier, or have a member make it.",
        )


def check_roles(*roles: Role | None) -> None:
    """Raises Forbidden where a key acts and one of the roles is none that keys give, change or take."""
    if acting.get().kind is ActorKind.KEY and any(role not in ROLES_OF_KEYS for role in roles if role is not None):
        raise Forbidden(
            "No key makes an admin, nor changes or removes one.",
            kept=_KEPT,
            next_step="An admin does it on the page of the members.",
        )
