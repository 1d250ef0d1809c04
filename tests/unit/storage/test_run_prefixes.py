"""The start of a run's id stands for the ids between two."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.storage.runs import _ids_with


@given(st.uuids(), st.uuids(), st.integers(1, 36), st.integers(0, 32))
def test_an_id_is_between_them_exactly_when_it_is_written_so_at_its_start(
    one: UUID, other: UUID, length: int, shared: int
) -> None:
    # Most pairs differ at once: here they have a start in common.
    other = UUID(one.hex[:shared] + other.hex[shared:])
    prefix = str(one)[:length]
    between = _ids_with(prefix)
    assert between is not None
    assert between[0] <= one <= between[1]
    assert (between[0] <= other <= between[1]) == str(other).startswith(prefix)


@pytest.mark.parametrize("prefix", ["", "-", "g", "12%", "1-2", "1234567890", "a" * 40, "１２"])
def test_what_no_id_starts_with_stands_for_none(prefix: str) -> None:
    assert _ids_with(prefix) is None
