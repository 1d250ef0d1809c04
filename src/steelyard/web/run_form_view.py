"""The form of a run as its page needs it: what was sent, what is wrong at which field, what a price is. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from starlette.datastructures import FormData

from steelyard.domain.errors import InputError, InvalidForm
from steelyard.domain.money import microcents
from steelyard.pricing.cost import LOCAL
from steelyard.services.estimates import Estimate
from steelyard.services.model_offers import OfferedModel
from steelyard.services.run_form import MOST_AD_HOC, RunForm, RunFormValues
from steelyard.web.filters import money
from steelyard.web.forms import text, texts
from steelyard.web.model_names import ModelName, model_name

OTHER_JUDGE = "other"
FEWEST_CASES = 8
# In the form's order; the place of each is where the summary of what is wrong leads to.
FIELDS = (
    ("models", "Models"),
    ("other_models", "Other models"),
    ("cases", "Cases"),
    ("ad_hoc", "Ad-hoc cases"),
    ("race", "Race"),
    ("arm", "Arms"),
    ("trials", "Trials"),
    ("judge", "Judge"),
    ("further_judges", "Further judges"),
    ("budget", "Budget"),
    ("margin", "Margin"),
    ("threshold", "Pass threshold"),
    ("max_tokens", "Longest answer"),
    ("seed", "Seed"),
)
MORE_FIELDS = frozenset({"margin", "threshold", "max_tokens", "seed"})


@dataclass(frozen=True)
class ModelChoice:
    """One model to tick. `place` is the id of where its estimate goes."""

    offer: OfferedModel
    name: ModelName
    price: str
    checked: bool
    place: str


@dataclass(frozen=True)
class ModelGroup:
    title: str
    choices: tuple[ModelChoice, ...]


@dataclass(frozen=True)
class FieldProblem:
    """What is wrong with one field."""

    field: str
    name: str
    message: str
    next_step: str


def read_values(form: FormData) -> RunFormValues:
    """What the form was sent with, as text; nothing is checked and nothing is lost."""
    inputs, expected = texts(form, "ad_hoc_input"), texts(form, "ad_hoc_expected")
    width = max(len(inputs), len(expected))
    pairs = zip(_padded(inputs, width), _padded(expected, width), strict=True)
    judge = text(form, "judge", "default")
    return RunFormValues(
        models=texts(form, "models"),
        other_models=text(form, "other_models"),
        cases=text(form, "cases", "golden"),
        ad_hoc=[(_lines(one), _lines(other)) for one, other in pairs if one.strip() or other.strip()],
        arm=text(form, "arm", "both"),
        trials=text(form, "trials", "1"),
        judge=text(form, "judge_model").strip() if judge == OTHER_JUDGE else judge,
        budget=text(form, "budget"),
        max_tokens=text(form, "max_tokens"),
        margin=text(form, "margin"),
        threshold=text(form, "threshold"),
        seed=text(form, "seed"),
        fresh=text(form, "fresh") == "1",
        race=text(form, "race"),
        accept_judge=text(form, "accept_judge") == "1",
        further_judges=text(form, "further_judges"),
    )


def values_in_query(given: Mapping[str, Sequence[str]], values: RunFormValues) -> RunFormValues:
    """`values` with what a link to the form chooses: model and further_judge (repeated), judge, cases, max_tokens."""
    found = {key: given[key][-1] for key in ("judge", "cases", "max_tokens") if given.get(key)}
    if "judge" in found:
        found["further_judges"] = "\n".join(given.get("further_judge", ()))
    if given.get("model"):
        return replace(values, models=tuple(given["model"]), **found)
    return replace(values, **found)


def problems_of(error: InputError) -> dict[str, FieldProblem]:
    """By field, in the form's order; one without a field of the form stands under ""."""
    found = error.problems if isinstance(error, InvalidForm) else (error,)
    names = dict(FIELDS)
    by_field: dict[str, FieldProblem] = {}
    for problem in found:
        field = problem.field if problem.field in names else ""
        by_field.setdefault(field, FieldProblem(field, names.get(field, ""), problem.message, problem.next_step or ""))
    order = ["", *names]
    return dict(sorted(by_field.items(), key=lambda item: order.index(item[0])))


def model_groups(form: RunForm) -> tuple[list[ModelGroup], list[ModelGroup]]:
    """(usable models by where they come from, the others by the reason they cannot be used)."""
    chosen = set(form.values.models)

    def choice(offer: OfferedModel) -> ModelChoice:
        return ModelChoice(
            offer, model_name(offer.model), price_words(offer), offer.model in chosen, estimate_place(offer.model)
        )

    usable = [offer for offer in form.models if offer.usable]
    rest = sorted((offer for offer in form.models if not offer.usable), key=_why)
    return (
        [
            ModelGroup(title.capitalize(), tuple(map(choice, offers)))
            for title, offers in groupby(usable, key=lambda offer: offer.group)
        ],
        [ModelGroup(why, tuple(map(choice, offers))) for why, offers in groupby(rest, key=_why)],
    )


def price_words(offer: OfferedModel) -> str:
    """`$2.50 in, $10.00 out per million tokens`."""
    price = offer.price
    if price is None:
        return "price unknown"
    if price.price_version == LOCAL:
        return "free, on this machine"
    tiered = ", dearer for long prompts" if price.tiered else ""
    return (
        f"{money(microcents(price.input_usd))} in, {money(microcents(price.output_usd))} out per million tokens{tiered}"
    )


def estimate_place(model: str) -> str:
    """The id of the place beside a model where its own estimate is shown."""
    return f"each-{hashlib.sha256(model.encode()).hexdigest()[:12]}"


def cost_words(cost: int | None, calls: int, *, at_most: bool = False) -> str:
    """A model's share of an estimate."""
    if not calls:
        return "nothing left to call"
    return "cost unknown" if cost is None else "free" if cost == 0 else f"{'up to ' * at_most}about {money(cost)}"


def judge_choice(values: RunFormValues) -> str:
    """Which of the judge's radio buttons is on."""
    return values.judge if values.judge in ("default", "none") else OTHER_JUDGE


def ad_hoc_rows(values: RunFormValues, *, more: bool = False) -> list[tuple[str, str]]:
    """The pairs to show: what was typed and one empty row, two with `more`, never above the limit."""
    blank = 2 if more else 1
    return [*values.ad_hoc, *[("", "")] * blank][: max(MOST_AD_HOC, len(values.ad_hoc))]


def shares(estimate: Estimate) -> dict[str, str]:
    """Each model's own estimate in words, by the id of its place."""
    raced = estimate.race is not None
    return {
        estimate_place(one.model): cost_words(one.cost_microcents, one.calls, at_most=raced)
        for one in estimate.per_model
    }


def _why(offer: OfferedModel) -> str:
    return offer.remedy or offer.reason or ""


def _padded(values: Sequence[str], width: int) -> list[str]:
    return [*values, *[""] * (width - len(values))]


def _lines(value: str) -> str:
    return value.replace("\r\n", "\n").replace("\x00", "")
