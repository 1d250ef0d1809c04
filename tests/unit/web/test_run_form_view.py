"""The form of a run: reading what was sent, and what stands where."""

from __future__ import annotations

from datetime import date
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import FormData, UploadFile

from steelyard.domain.errors import InputError, InvalidForm
from steelyard.judging.default import DefaultJudge
from steelyard.pricing import Price
from steelyard.services.model_offers import OfferedModel
from steelyard.services.run_form import RunForm, RunFormValues
from steelyard.web.run_form_view import (
    FIELDS,
    ad_hoc_rows,
    cost_words,
    estimate_place,
    judge_choice,
    model_groups,
    price_words,
    problems_of,
    read_values,
    values_in_query,
)

PRICE = Price(2.5, 10.0, 1.0, 2.5, False, "made", date(2026, 11, 25))


def offered(model: str, price: Price | None = PRICE, remedy: str | None = None) -> OfferedModel:
    return OfferedModel(model, model.split(":")[0], "current", price, remedy is None, remedy and "No key.", remedy)


@given(st.lists(st.tuples(st.text("ab \r\n"), st.text("ab \r\n")), max_size=25))
def test_typed_in_pairs_stay_pairs_and_blank_ones_go(pairs: list[tuple[str, str]]) -> None:
    fields: list[tuple[str, str | UploadFile]] = []
    for one, other in pairs:
        fields += [("ad_hoc_input", one), ("ad_hoc_expected", other)]
    values = read_values(FormData(fields))
    wanted = [(one.replace("\r\n", "\n"), other.replace("\r\n", "\n")) for one, other in pairs]
    assert list(values.ad_hoc) == [pair for pair in wanted if pair[0].strip() or pair[1].strip()]


def test_a_form_with_fields_missing_is_read() -> None:
    values = read_values(FormData([("ad_hoc_input", "lone")]))
    assert values.ad_hoc == [("lone", "")]
    assert (values.arm, values.judge, values.cases, values.fresh) == ("both", "default", "golden", False)


@pytest.mark.parametrize(("sent", "kept"), [("default", "default"), ("none", "none"), ("other", "openai:j")])
def test_the_judge_is_read_and_shown_again(sent: str, kept: str) -> None:
    values = read_values(FormData([("judge", sent), ("judge_model", " openai:j ")]))
    assert values.judge == kept
    assert judge_choice(values) == sent


def test_problems_stand_in_the_forms_order_and_one_of_no_field_first() -> None:
    found = problems_of(
        InvalidForm(
            [
                InputError("c", field="seed"),
                InputError("b", field="models"),
                InputError("a", field="nowhere"),
                InputError("second of its field", field="models"),
            ]
        )
    )
    assert [(one.field, one.message) for one in found.values()] == [("", "a"), ("models", "b"), ("seed", "c")]
    assert {name for name, _ in FIELDS} >= set(found) - {""}


def test_models_that_cannot_be_called_are_grouped_by_what_to_do() -> None:
    models = (
        offered("a:1"),
        offered("b:1", remedy="Set B."),
        offered("c:1", remedy="Set C."),
        offered("b:2", remedy="Set B."),
    )
    form = RunForm(uuid4(), "s", models, 3, 0, (), DefaultJudge(None, False, ""), RunFormValues(models=("a:1",)))
    usable, others = model_groups(form)
    assert [[one.checked for one in group.choices] for group in usable] == [[True]]
    assert [(group.title, [one.offer.model for one in group.choices]) for group in others] == [
        ("Set B.", ["b:1", "b:2"]),
        ("Set C.", ["c:1"]),
    ]


def test_a_price_is_never_made_up() -> None:
    assert price_words(offered("a:1", None)) == "price unknown"
    assert price_words(offered("a:1")) == "$2.50 in, $10.00 out per million tokens"
    assert (
        price_words(offered("local:x", Price(0, 0, 0, 0, False, "local", date(2026, 1, 1)))) == "free, on this machine"
    )
    assert (cost_words(None, 3), cost_words(0, 3), cost_words(None, 0)) == (
        "cost unknown",
        "free",
        "nothing left to call",
    )


@given(st.integers(0, 30), st.booleans())
def test_there_is_a_row_to_type_into_until_twenty_are_full(filled: int, more: bool) -> None:
    rows = ad_hoc_rows(RunFormValues(ad_hoc=[("a", "b")] * filled), more=more)
    assert rows[:filled] == [("a", "b")] * filled
    assert len(rows) == max(filled, min(20, filled + 1 + more))


def test_a_link_changes_what_it_names_and_nothing_else() -> None:
    values = RunFormValues(models=("a:1",), judge="none", trials="7")
    assert values_in_query({}, values) == values
    changed = values_in_query({"model": ["b:1", "b:2"], "judge": ["default"]}, values)
    assert (changed.models, changed.judge, changed.trials) == (("b:1", "b:2"), "default", "7")


@given(st.text(), st.text())
def test_places_of_estimates_are_ids_and_differ(one: str, other: str) -> None:
    assert estimate_place(one).replace("-", "").isalnum()
    assert (estimate_place(one) == estimate_place(other)) == (one == other)
