"""/v1/keys: the tenant's API keys; a key is answered once, when it is made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path, Request
from pydantic import Field

from steelyard.api.deps import DEFAULT_LIMIT, After, Bench, Limit, Tenant
from steelyard.api.fields import Given, Id, Moment, Page, Shown
from steelyard.api.operation import Operations, json_of
from steelyard.domain.access import Scope
from steelyard.services.api_keys import LONGEST_NAME, MOST_A_MINUTE, MOST_DAYS, USUAL_DAYS
from steelyard.workbench import Workbench

operation = Operations("keys")

KeyId = Annotated[UUID, Path(description="The key's id.")]
Name = Annotated[str, Field(description="What uses it.", min_length=1, max_length=LONGEST_NAME, examples=["checkout"])]


class Key(Shown):
    """A key as a list shows it. What it is was answered when it was made, and is kept nowhere."""

    id: Id
    start: Annotated[str, Field(description="How it begins.", examples=["sy_n4qgy3dk"])]
    name: Name
    scopes: Annotated[list[Scope], Field(examples=[["ingest"]])]
    a_minute: Annotated[int | None, Field(description="Requests a minute; null: what every key may send.")]
    created_by: Annotated[str, Field(examples=["Ann"])]
    created_at: Moment
    expires_at: Annotated[Moment | None, Field(description="null: never.")]
    last_used_at: Annotated[Moment | None, Field(description="To the minute.")]
    revoked_at: Moment | None


class MadeKey(Key):
    """A key just made, with all there will ever be of its secret."""

    key: Annotated[
        str | None,
        Field(
            description="The key, this once; null where the request was sent before.",
            examples=["sy_n4qgy3dk_…"],
            repr=False,
        ),
    ] = None


class NewKey(Given):
    """What a key may do, and for how long."""

    name: Name
    scopes: Annotated[
        list[Scope], Field(min_length=1, max_length=len(Scope), description="What it may do.", examples=[["ingest"]])
    ]
    expires_in_days: Annotated[
        int | None, Field(ge=1, le=MOST_DAYS, description="Days from now; null: never.", examples=[90])
    ] = USUAL_DAYS
    a_minute: Annotated[
        int | None,
        Field(ge=1, le=MOST_A_MINUTE, description="Requests a minute; null: what every key may send.", examples=[None]),
    ] = None


async def key_again(bench: Workbench, tenant_id: UUID, key_id: UUID) -> MadeKey:
    """The key without its secret, which is kept nowhere. Raises NotFound."""
    return MadeKey.of(await bench.api_keys.get(tenant_id, key_id))


@operation("GET", "/v1/keys", answers=Page[Key])
async def list_keys(bench: Bench, tenant: Tenant, after: After = None, limit: Limit = DEFAULT_LIMIT) -> Page[Key]:
    """Every key there was, the newest first, with its last use; also those that can be used no more."""
    found, token = await bench.api_keys.after(tenant, after=after, limit=limit)
    return Page[Key](items=[Key.of(one) for one in found], next=token)


@operation(
    "POST",
    "/v1/keys",
    answers=MadeKey,
    status=201,
    again=key_again,
    at="/v1/keys/{id}",
    secret=True,
    errors=(404, 409),
)
async def make_key(bench: Bench, tenant: Tenant, body: Annotated[NewKey, Depends(json_of(NewKey))]) -> MadeKey:
    """Make a key. The answer has it this once.

    A key makes none that may more, or lasts longer, than itself (403). Sent again with its Idempotency-Key the request
    makes no other, and what the key is is not there any more: revoke it then, and make another. 409 where there are as
    many keys as there may be.
    """
    made = await bench.api_keys.make(
        tenant,
        body.name,
        body.scopes,
        expires="never" if body.expires_in_days is None else f"{body.expires_in_days}d",
        a_minute="" if body.a_minute is None else str(body.a_minute),
    )
    return MadeKey(**Key.of(await bench.api_keys.get(tenant, made.id)).model_dump(), key=made.text)


@operation("GET", "/v1/keys/{key_id}", answers=Key)
async def get_key(bench: Bench, tenant: Tenant, key_id: KeyId) -> Key:
    """One key, whether it can be used or not."""
    return Key.of(await bench.api_keys.get(tenant, key_id))


@operation("DELETE", "/v1/keys/{key_id}")
async def revoke_key(request: Request, bench: Bench, tenant: Tenant, key_id: KeyId) -> None:
    """Let a key in no more, for good; another process may do so for at most 5 seconds yet. It stays in the list."""
    await bench.api_keys.revoke(tenant, key_id)
    forget: Callable[[], None] = request.app.state.keys.forget
    forget()
