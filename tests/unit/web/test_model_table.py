"""The comparison of models in the order asked for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.web.model_table import COLUMNS, model_rows, sorted_rows
from tests.unit.cli.made import names, report, summary

figures = st.none() | st.floats(0, 100)


@pytest.mark.parametrize("column", [column.key for column in COLUMNS])
@pytest.mark.parametrize("descending", [True, False])
def test_every_column_sorts_with_what_is_unknown_last(column: str, descending: bool) -> None:
    models = names(4)
    found = report(
        models,
        [
            summary(models[0], None, pass_rate=None, avg_cost_microcents=None, avg_tokens=None, latency_ms_p50=None),
            summary(models[1], 50.0, lift=2.0),
            summary(models[2], 90.0, lift=-3.0, failures=2),
            summary(models[3], 70.0),
        ],
    )
    rows = sorted_rows(model_rows(found), column, descending=descending)
    assert len(rows) == 4
    if column in ("quality", "pass", "cost", "tokens", "latency"):
        assert rows[-1].name.text == models[0]


@given(st.lists(figures, min_size=1, max_size=8), st.booleans())
def test_sorting_loses_no_model_and_orders_what_is_known(qualities: list[float | None], descending: bool) -> None:
    models = names(len(qualities))
    found = report(models, [summary(model, quality) for model, quality in zip(models, qualities, strict=True)])
    rows = sorted_rows(model_rows(found), "quality", descending=descending)
    assert sorted(row.name.text for row in rows) == sorted(models)
    known = [row.summary.quality for row in rows if row.summary.quality is not None]
    assert known == sorted(known, reverse=descending)
    assert [row.summary.quality for row in rows[: len(known)]] == known


def test_only_the_arm_compared_is_shown() -> None:
    models = names(2)
    without = [summary(model, 10.0, arm="without_skill") for model in models]
    found = report(models, [summary(model) for model in models] + without)
    assert {row.summary.arm for row in model_rows(found)} == {"with_skill"}
