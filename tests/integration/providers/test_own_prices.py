"""A process that runs for long prices by the settings file as it is."""

from __future__ import annotations

import os
from pathlib import Path

from steelyard.pricing import Rates
from steelyard.providers.own_prices import OwnPrices

FILE = """[providers.shop]
kind = "openai"
base_url = "http://127.0.0.1:9/v1"
[providers.shop.prices]
m = {{ input = {usd}, output = 2.0 }}
"""


def test_a_price_that_is_added_or_changed_counts_and_a_broken_file_changes_nothing(tmp_path: Path) -> None:
    now, file = [0.0], tmp_path / "settings.toml"
    prices = OwnPrices(tmp_path, {}, clock=lambda: now[0])

    def after(text: str) -> dict[str, Rates]:
        file.write_text(text)
        now[0] += 1
        os.utime(file, (now[0], now[0]))
        return dict(prices.current())

    assert prices.current() == {}
    assert after(FILE.format(usd="1.5")) == {"shop:m": Rates(1.5, 2.0)}
    assert after(FILE.format(usd="3")) == {"shop:m": Rates(3.0, 2.0)}
    assert after("[providers.shop") == {"shop:m": Rates(3.0, 2.0)}
    assert after("") == {}
