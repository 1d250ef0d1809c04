"""GET /models: every model seen, its price today, how much it was used, how good it was and how fast it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from fastapi import APIRouter
from starlette.responses import Response

from steelyard.domain.money import microcents
from steelyard.providers.settings import LOCAL
from steelyard.services.models_view import ModelEntry
from steelyard.web.deps import Bench, Tenant
from steelyard.web.model_names import ModelName, model_name
from steelyard.web.rendering import Viewing

router = APIRouter()


@dataclass(frozen=True)
class ModelLine:
    """One variant as a line. `prices` are microcents per million tokens: input, output, cache read, cache write."""

    entry: ModelEntry
    name: ModelName
    prices: tuple[int, int, int, int] | None
    free: bool


@dataclass(frozen=True)
class ModelGroup:
    """A model's variants, the last used first."""

    provider: str
    name: str
    lines: tuple[ModelLine, ...]


@router.get("/models")
async def models_page(view: Viewing, bench: Bench, tenant: Tenant) -> Response:
    seen = await bench.model_views.view(tenant)
    return view.page(
        "pages/models.html.jinja",
        groups=group_variants(seen.models),
        total=len(seen.models),
        has_families=seen.has_families,
        read_at=seen.read_at,
        unusable={provider.name for provider in bench.providers.settings().endpoints.values() if not provider.usable},
    )


def group_variants(entries: Sequence[ModelEntry]) -> list[ModelGroup]:
    """Variants of one model together; groups in the order of their last used variant."""
    lines = [_line(entry) for entry in entries]
    place = {(line.name.provider, line.name.name): -number for number, line in enumerate(reversed(lines))}
    lines.sort(key=lambda line: place[line.name.provider, line.name.name])
    return [
        ModelGroup(provider, name, tuple(members))
        for (provider, name), members in groupby(lines, key=lambda line: (line.name.provider, line.name.name))
    ]


def _line(entry: ModelEntry) -> ModelLine:
    price = entry.price
    free = price is not None and price.price_version == LOCAL
    if price is None or free:
        return ModelLine(entry, model_name(entry.model), None, free)
    each = (price.input_usd, price.output_usd, price.cache_read_usd, price.cache_write_usd)
    read_in, out, read, write = (microcents(usd) for usd in each)
    return ModelLine(entry, model_name(entry.model), (read_in, out, read, write), False)
