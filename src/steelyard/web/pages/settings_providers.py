"""/settings/providers: the tenant's own providers, their prices, and their keys, which are never shown again."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from fastapi import APIRouter
from starlette.responses import Response

from steelyard.domain.errors import Conflict, InputError, InvalidForm, NotFound, SettingsError
from steelyard.providers.trial import Trial
from steelyard.services.provider_prices import MOST_MODEL, typed_day
from steelyard.services.tenant_providers import CHOICES, MOST_KEY, MOST_NAME, Choice
from steelyard.services.waits import without_provider
from steelyard.web.deps import Bench, Tenant
from steelyard.web.forms import Form, text
from steelyard.web.price_form import NO_PRICE, PriceForm, price_of_day, price_of_model, typed_in
from steelyard.web.rendering import View, Viewing
from steelyard.workbench import Workbench

router = APIRouter()
_HERE = "/settings/providers"
_WORDS: dict[Choice, str] = {
    "anthropic": "Anthropic",
    "openai": "OpenAI",
    "google": "Google",
    "openai-compatible": "Compatible with OpenAI",
}


@dataclass(frozen=True)
class ProviderForm:
    """What was typed, but for the key: that is never sent back. `error` says what cannot be used."""

    name: str = ""
    kind: str = "anthropic"
    base_url: str = ""
    error: InputError | Conflict | None = None

    def problem(self, field: str | None) -> str | None:
        """What is wrong with this field, or with none in particular, with what to do."""
        error = self.error
        if error is None or (error.field if isinstance(error, InputError) else None) != field:
            return None
        return f"{error.message} {error.next_step or ''}".strip()


@dataclass(frozen=True)
class Tried:
    """What came of trying a provider just now."""

    name: str
    trial: Trial


@router.get("/settings/providers")
async def providers_page(
    view: Viewing, bench: Bench, tenant: Tenant, name: str = "", model: str = "", since: str = ""
) -> Response:
    """`name` fills the form with a provider there is, `model` that of prices: with its price from the day `since` on,
    to be changed, else with what holds of it."""
    own = {one.name: one for one in (await bench.tenant_providers.standing(tenant)).own}
    found = own.get(name)
    form = ProviderForm() if found is None else ProviderForm(found.name, found.choice, found.base_url or "")
    price = NO_PRICE
    if model:
        listed = await bench.provider_prices.listed(tenant)
        price = price_of_day(model, since, listed) if since else price_of_model(model, listed)
    return await _page(view, bench, tenant, form, price)


@router.post("/settings/providers")
async def put_provider(view: Viewing, bench: Bench, tenant: Tenant, form: Form) -> Response:
    typed = ProviderForm(text(form, "name"), text(form, "kind"), text(form, "base_url"))
    key = text(form, "key")
    try:
        await bench.tenant_providers.put(tenant, typed.name, typed.kind, typed.base_url, key)
    except (InputError, Conflict) as error:
        return await _page(view, bench, tenant, ProviderForm(typed.name, typed.kind, typed.base_url, error))
    return view.redirect(_HERE)


@router.post("/settings/prices")
async def put_price(view: Viewing, bench: Bench, tenant: Tenant, form: Form) -> Response:
    typed = typed_in(form)
    try:
        await bench.provider_prices.put(tenant, typed.price())
    except InvalidForm as error:
        return await _page(view, bench, tenant, ProviderForm(), typed.with_problems(error.problems))
    except (InputError, Conflict, NotFound) as error:
        return await _page(view, bench, tenant, ProviderForm(), typed.with_problems([error]))
    return view.redirect(f"{_HERE}#prices")


@router.post("/settings/prices/remove")
async def remove_price(view: Viewing, bench: Bench, tenant: Tenant, form: Form) -> Response:
    """That of a model from one day on."""
    await bench.provider_prices.remove(tenant, text(form, "model"), typed_day(text(form, "since")))
    return view.redirect(f"{_HERE}#prices")


@router.post("/settings/providers/{name}/remove")
async def remove_provider(view: Viewing, bench: Bench, tenant: Tenant, name: str) -> Response:
    left = without_provider(name, await bench.tenant_providers.remove(tenant, name))
    return view.redirect(_HERE) if left is None else await _page(view, bench, tenant, ProviderForm(), left=left)


@router.post("/settings/providers/{name}/test")
async def try_provider(view: Viewing, bench: Bench, tenant: Tenant, name: str) -> Response:
    """Asks the provider for its models, once."""
    if all(one.name != name for one in (await bench.tenant_providers.standing(tenant)).own):
        raise NotFound("There is no provider of that name.", next_step="Look at the list of providers.")
    trial = await bench.tenant_providers.try_out(tenant, name)
    return await _page(view, bench, tenant, ProviderForm(), tried=Tried(name, trial))


async def _page(
    view: View,
    bench: Workbench,
    tenant: UUID,
    form: ProviderForm,
    price: PriceForm = NO_PRICE,
    *,
    tried: Tried | None = None,
    left: str | None = None,
) -> Response:
    return view.page(
        "pages/settings_providers.html.jinja",
        status=200 if form.error is None and not price.problems else 422,
        headers={"cache-control": "no-store"},
        standing=await bench.tenant_providers.standing(tenant),
        form=form,
        prices=await bench.provider_prices.listed(tenant),
        price=price,
        tried=tried,
        left=left,
        choices=[(choice, _WORDS[choice]) for choice in CHOICES],
        words=_WORDS,
        key_state=await _key_state(bench),
        most_name=MOST_NAME,
        most_key=MOST_KEY,
        most_model=MOST_MODEL,
    )


async def _key_state(bench: Workbench) -> str | None:
    """Why no key can be kept here; None where one can."""
    try:
        await bench.secrets.ring()
    except SettingsError as error:
        return f"{error.message} {error.next_step or ''}".strip()
    return None
