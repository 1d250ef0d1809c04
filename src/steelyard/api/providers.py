"""/v1/providers: the tenant's own providers; a key goes in, and never comes out."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path
from pydantic import Field

from steelyard.api.deps import DEFAULT_LIMIT, After, Bench, Limit, Tenant
from steelyard.api.fields import Given, Id, Moment, Page, Shown, SkillName
from steelyard.api.operation import Operations, json_of
from steelyard.api.paging import window
from steelyard.domain.errors import NotFound
from steelyard.domain.reach import MOST_URL
from steelyard.services.tenant_providers import MOST_KEY, MOST_NAME, Choice, OwnProvider
from steelyard.workbench import Workbench

operation = Operations("providers")

ProviderName = Annotated[
    str, Path(max_length=MOST_NAME, description="What comes before the colon in a model's name.", examples=["workshop"])
]
Kind = Annotated[Choice, Field(description="How it is spoken to.", examples=["openai-compatible"])]
Address = Annotated[
    str | None,
    Field(
        max_length=MOST_URL,
        description="What its calls begin with; null: the vendor's own address.",
        examples=["https://models.example/v1"],
    ),
]


class Provider(Shown):
    """A provider of the tenant's own. Of its key there is the end alone, where it is long enough for that."""

    name: Annotated[str, Field(examples=["workshop"])]
    kind: Kind
    base_url: Address
    has_key: bool
    key_end: Annotated[str | None, Field(description="The key's last four characters.", examples=["wxyz"])]
    key_set_at: Moment | None
    key_set_by: Annotated[str | None, Field(examples=["Ann"])]
    problem: Annotated[str | None, Field(description="Why the key cannot be used.", examples=[None])]
    replaces: Annotated[bool, Field(description="Whether one of the server's goes by the same name.")]


class ServerProvider(Shown):
    """A provider of the server's, used where there is none of one's own by that name."""

    name: Annotated[str, Field(examples=["openai"])]
    usable: Annotated[bool, Field(description="Whether it has a key.")]


class ProviderPage(Page[Provider]):
    """The tenant's own providers."""

    servers: Annotated[
        list[ServerProvider] | None, Field(description="Those of the server; null: not offered to this tenant.")
    ]


class ProviderSetting(Given):
    """A provider as it is to be. Without a key the one there is stays, as long as kind and address do."""

    kind: Kind
    base_url: Address = None
    key: Annotated[
        str | None,
        Field(max_length=MOST_KEY, description="Stored encrypted, and never shown.", examples=["sk-…"], repr=False),
    ] = None


class RunLeft(Shown):
    """A run under way that calls the provider."""

    id: Id
    skill: SkillName


class Removal(Shown):
    """What the removal of a provider leaves without one."""

    runs: Annotated[
        list[RunLeft],
        Field(description="The runs under way that call it: they wait until it is set again, or are cancelled."),
    ]


class Trial(Shown):
    """What came of trying a provider. `works` null: only a paid call would show it."""

    works: bool | None
    said: Annotated[str, Field(examples=["https://models.example/v1 takes the key and lists its models."])]


@operation("GET", "/v1/providers", answers=ProviderPage)
async def list_providers(
    bench: Bench, tenant: Tenant, after: After = None, limit: Limit = DEFAULT_LIMIT
) -> ProviderPage:
    """The tenant's own providers by name, and which of the server's it may use besides."""
    standing = await bench.tenant_providers.standing(tenant)
    found, token = window(standing.own, lambda one: (one.name,), after, limit)
    servers = None if standing.servers is None else [ServerProvider.of(one) for one in standing.servers]
    return ProviderPage(items=[_shown(one) for one in found], next=token, servers=servers)


@operation("PUT", "/v1/providers/{name}", answers=Provider, errors=(409,))
async def set_provider(
    bench: Bench,
    tenant: Tenant,
    name: ProviderName,
    body: Annotated[ProviderSetting, Depends(json_of(ProviderSetting))],
) -> Provider:
    """Add a provider, or replace the one of that name. Nothing is called.

    409 where there are as many as there may be; 422 where another address or kind needs the key again.
    """
    await bench.tenant_providers.put(tenant, name, body.kind, body.base_url, body.key)
    return _shown(await _own(bench, tenant, name.strip()))


@operation("DELETE", "/v1/providers/{name}", answers=Removal)
async def remove_provider(bench: Bench, tenant: Tenant, name: ProviderName) -> Removal:
    """Forget a provider of the tenant's own, its key and its prices; says which runs under way call it."""
    runs = await bench.tenant_providers.remove(tenant, name)
    return Removal(runs=[RunLeft(id=run.id, skill=run.skill_name) for run in runs])


@operation("POST", "/v1/providers/{name}/test", answers=Trial)
async def try_provider(bench: Bench, tenant: Tenant, name: ProviderName) -> Trial:
    """Ask a provider of the tenant's own for its list of models, which costs nothing, and say what came of it."""
    await _own(bench, tenant, name)
    return Trial.of(await bench.tenant_providers.try_out(tenant, name))


async def _own(bench: Workbench, tenant_id: UUID, name: str) -> OwnProvider:
    found = next((one for one in (await bench.tenant_providers.standing(tenant_id)).own if one.name == name), None)
    if found is None:
        raise NotFound(f"There is no provider '{name}' of your own.", next_step="GET /v1/providers lists them.")
    return found


def _shown(one: OwnProvider) -> Provider:
    return Provider(
        name=one.name,
        kind=one.choice,
        base_url=one.base_url,
        has_key=one.has_key,
        key_end=one.key_end,
        key_set_at=one.key_set_at,
        key_set_by=one.key_set_by,
        problem=one.problem,
        replaces=one.replaces,
    )
