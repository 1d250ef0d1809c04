"""Rows become dataclasses by their columns' names, whatever the order."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.storage.rows import record_row


@dataclass(frozen=True)
class Weighed:
    item: str
    grams: int
    note: str | None
    checked: bool = field(default=False, kw_only=True)


def made(names: list[str], values: list[Any]) -> Weighed:
    cursor = cast(Any, SimpleNamespace(description=[SimpleNamespace(name=name) for name in names]))
    return record_row(Weighed)(cursor)(values)


@given(st.permutations(["item", "grams", "note", "checked"]), st.booleans())
def test_any_order_of_columns_makes_the_same_record(names: list[str], whole: bool) -> None:
    values = {"item": "brass", "grams": 120, "note": None, "checked": True}
    chosen = [name for name in names if whole or name != "checked"]
    assert asdict(made(chosen, [values[name] for name in chosen])) == values | {"checked": whole}


@pytest.mark.parametrize(
    "names", [["item", "grams"], ["item", "grams", "note", "colour"], ["item", "item", "grams", "note"]]
)
def test_other_columns_than_the_fields_are_refused(names: list[str]) -> None:
    with pytest.raises(TypeError, match="Weighed has other fields"):
        made(names, [None] * len(names))
