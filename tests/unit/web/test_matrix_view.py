"""The matrix as drawn: bands, words and addresses that lead back to what was pressed."""

from __future__ import annotations

from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.services.run_matrix import CellLook, MatrixCell, MatrixFilter, MatrixPage, MatrixRow
from steelyard.web.matrix_view import (
    COLUMNS_ON_PAPER,
    band,
    matrix_view,
    models_query,
    paper_blocks,
    read_models_query,
    says_number,
    side_by_side,
)

RUN = uuid4()
ARMS = ("with_skill", "without_skill")


def page(models: int, cases: int, arms: tuple[str, ...] = ARMS[:1], *, offset: int = 0, total: int = 0) -> MatrixPage:
    columns = tuple((f"test:m{model}", arm) for model in range(models) for arm in arms)
    rows = tuple(
        MatrixRow(
            offset + index,
            uuid4(),
            f"case-{index}",
            "Weigh it.",
            None,
            tuple(MatrixCell(model, arm, CellLook.PASSED, "88", 88.0, True, None, 3) for model, arm in columns),
        )
        for index in range(cases)
    )
    return MatrixPage(columns, rows, MatrixFilter.ALL, max(total, cases), max(total, cases), offset, cases or 1)


@given(st.floats(0, 100))
def test_bands_are_five_and_never_fall_as_quality_rises(quality: float) -> None:
    assert 0 <= band(quality) <= 4
    assert band(quality) <= band(min(100.0, quality + 1))


@pytest.mark.parametrize(("quality", "expected"), [(0, 0), (19.9, 0), (20, 1), (79.9, 3), (80, 4), (100, 4)])
def test_a_band_holds_its_lower_end(quality: float, expected: int) -> None:
    assert band(quality) == expected


@given(st.integers(1, 40), st.data())
def test_a_cells_address_shows_its_own_model_first(models: int, data: st.DataObject) -> None:
    names = [f"test:m{number}" for number in range(models)]
    place = data.draw(st.integers(0, models - 1))
    shown = read_models_query(models_query(side_by_side(place, models)), names)
    assert shown[0] == names[place]
    assert len(shown) == len(set(shown)) == min(4, models)


@given(st.text(), st.lists(st.text(), max_size=6, unique=True))
def test_any_text_for_models_gives_some_of_the_runs_own(given_text: str, models: list[str]) -> None:
    found = read_models_query(given_text, models)
    assert len(found) <= 4
    assert set(found) <= set(models)


def test_a_cell_says_in_words_what_its_shade_and_sign_say() -> None:
    (row,) = matrix_view(page(1, 1, ARMS), RUN).rows
    assert [cell.words for cell in row.cells] == [
        "test:m0, with the skill: quality 88.0, passed, mean of 3 trials",
        "test:m0, without the skill: quality 88.0, passed, mean of 3 trials",
    ]
    assert [cell.first_arm for cell in row.cells] == [True, False]


def test_pages_lead_on_and_back() -> None:
    middle = matrix_view(page(1, 50, offset=50, total=150), RUN)
    assert (middle.first, middle.last, middle.total) == (51, 100, 150)
    assert (middle.previous, middle.next) == (f"/runs/{RUN}", f"/runs/{RUN}?offset=100")


def test_only_what_is_there_is_explained() -> None:
    assert matrix_view(page(2, 2), RUN).looks == (CellLook.PASSED,)
    assert matrix_view(page(2, 0), RUN).looks == ()


def test_addresses_count_from_one_as_the_rows_do() -> None:
    rows = matrix_view(page(1, 2), RUN).rows
    assert [(row.number, row.href) for row in rows] == [(1, f"/runs/{RUN}/cases/1"), (2, f"/runs/{RUN}/cases/2")]
    assert all(cell.href.startswith(row.href) for row in rows for cell in row.cells)


@pytest.mark.parametrize(
    ("key", "number", "says"),
    [
        *(("case-7", 7, True), ("7", 7, True), ("inv-007", 7, True), ("case-8", 7, False), ("late", 7, False)),
        *(("17", 7, False), ("case-0", 0, False), ("٧", 7, False), ("9" * 9_000, 7, False)),
    ],
)
def test_a_key_is_shown_where_it_does_not_say_the_number(key: str, number: int, says: bool) -> None:
    assert says_number(key, number) is says


@given(st.integers(0, 60), st.integers(1, 2))
def test_blocks_on_paper_hold_every_model_once_and_none_is_wider_than_a_sheet(models: int, arms: int) -> None:
    names = [f"test:m{number}" for number in range(models)]
    blocks = paper_blocks(names, arms)
    if models * arms <= COLUMNS_ON_PAPER:
        assert blocks == ()
        return
    assert [model for block in blocks for model in block.models] == names
    assert [cell for block in blocks for cell in range(block.start, block.stop)] == list(range(models * arms))
    widths = [block.stop - block.start for block in blocks]
    assert max(widths) <= COLUMNS_ON_PAPER
    assert max(widths) - min(widths) <= arms
