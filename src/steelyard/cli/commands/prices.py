"""`steelyard providers prices`, `set-price` and `remove-price`: of a tenant's own providers, here or on a server."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

from steelyard.cli import exits
from steelyard.cli import text as words
from steelyard.cli.commands.providers import tenant_named
from steelyard.cli.jsonout import STDOUT, check_target, write_json
from steelyard.cli.place import chosen_server, key_of
from steelyard.cli.remote import apart
from steelyard.cli.terminal import Terminal
from steelyard.domain.errors import InputError
from steelyard.domain.models import ModelRef
from steelyard.domain.money import usd_digits
from steelyard.services.provider_prices import NewPrice, typed_day, typed_price

if TYPE_CHECKING:
    from uuid import UUID

    from steelyard.client.api import Client
    from steelyard.workbench import Workbench

SCHEMA = "steelyard.provider-prices/1"
T = TypeVar("T")
# As the API tells it, which is what is shown of either place.
Told = dict[str, Any]
_SHOWN = (
    "model", "since", "input_microcents", "output_microcents", "cache_read_microcents", "cache_write_microcents",
    "holds", "set_by",
)  # fmt: skip


class _Place(Protocol):
    """Where prices are kept. Every method raises SteelyardError and its kin."""

    async def listed(self, provider: str | None) -> Sequence[Told]: ...

    async def put(self, new: NewPrice) -> Told: ...

    async def remove(self, model: str, since: date | None) -> int: ...


class _Here:
    def __init__(self, workbench: Workbench, tenant_id: UUID) -> None:
        self._prices, self._tenant = workbench.provider_prices, tenant_id

    async def listed(self, provider: str | None) -> Sequence[Told]:
        return [_told(one) for one in await self._prices.listed(self._tenant, provider)]

    async def put(self, new: NewPrice) -> Told:
        return _told(await self._prices.put(self._tenant, new))

    async def remove(self, model: str, since: date | None) -> int:
        return await self._prices.remove(self._tenant, model, since)


class _There:
    def __init__(self, client: Client) -> None:
        self._client = client

    async def listed(self, provider: str | None) -> Sequence[Told]:
        if provider is None:
            own = await apart(lambda: [one["name"] for one in self._client.every_providers()])
        else:
            own = [provider]
        listed = await apart(lambda: [one for name in own for one in self._client.every_provider_prices(name)])
        return [cast("Told", one) for one in listed]

    async def put(self, new: NewPrice) -> Told:
        body = {**vars(new), "since": None if new.since is None else new.since.isoformat()}
        provider = ModelRef.typed(new.model).provider
        return cast("Told", await apart(lambda: self._client.set_provider_price(provider, cast("Any", body))))

    async def remove(self, model: str, since: date | None) -> int:
        provider, day = ModelRef.typed(model).provider, None if since is None else since.isoformat()
        removed = await apart(lambda: self._client.remove_provider_prices(provider, model=model, since=day))
        return removed["removed"]


def list_prices(provider: str | None, tenant: str | None, json_to: str | None) -> int:
    """Those of one provider or of all."""
    check_target(json_to)
    found = asyncio.run(_at(tenant, lambda place: place.listed(provider)))
    terminal = Terminal(json_out=json_to == STDOUT)
    terminal.out.lines(_lines(found))
    write_json({"schema": SCHEMA, "prices": [{name: one[name] for name in _SHOWN} for one in found]}, json_to)
    return exits.OK


def set_price(
    model: str,
    input_usd: str,
    output_usd: str,
    *,
    cache_read_usd: str,
    cache_write_usd: str,
    since: str,
    tenant: str | None,
) -> int:
    """Give one, and say what it is from then on."""
    new = typed_price(ModelRef.typed(model).text, input_usd, output_usd, cache_read_usd, cache_write_usd, since)
    screen = Terminal().out
    for line in _lines([asyncio.run(_at(tenant, lambda place: place.put(new)))]):
        screen.line(line)
    return exits.OK


def remove_price(model: str, since: str, tenant: str | None) -> int:
    """Take away one or all of a model."""
    day, name = typed_day(since), ModelRef.typed(model).text
    gone = asyncio.run(_at(tenant, lambda place: place.remove(name, day)))
    Terminal().out.line(
        f"{words.count(gone, 'price')} of {words.safe(name)} taken away. Costs there are stay as they are."
    )
    return exits.OK


async def _at(tenant: str | None, ask: Callable[[_Place], Awaitable[T]]) -> T:
    """Ask the server that was chosen, else this machine."""
    server = chosen_server()
    if server is None:
        from steelyard.bootstrap import open_workbench

        async with open_workbench() as workbench:
            return await ask(_Here(workbench, await tenant_named(workbench, tenant)))
    if tenant is not None:
        raise InputError("Of a server the tenant is that of the key.", field="tenant", next_step="Leave --tenant away.")
    from steelyard.client.api import Client

    return await ask(_There(Client(server, key=key_of(server))))


def _told(one: Any) -> Told:
    return {name: getattr(one, name) for name in _SHOWN} | {"since": one.since.isoformat()}


def _lines(prices: Sequence[Told]) -> Iterator[str]:
    if not prices:
        yield "No prices of your own. Give one: steelyard providers set-price PROVIDER:MODEL --input USD --output USD"
    for one in prices:
        holds = {"past": "until a later one", "now": "now", "later": "from that day on"}[one["holds"]]
        read, write = (
            "as input" if one[name] is None else _usd(one[name])
            for name in ("cache_read_microcents", "cache_write_microcents")
        )
        yield words.safe(
            f"{one['model']} from {one['since']} ({holds}): US$ per million tokens: input"
            f" {_usd(one['input_microcents'])}, output {_usd(one['output_microcents'])}, cache read {read}, cache write"
            f" {write}; set by {one['set_by']}"
        )


def _usd(microcents: int) -> str:
    return usd_digits(microcents)
