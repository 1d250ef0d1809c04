"""When a price changed, as far as its days tell: those of prices that a tenant gave do, the settings file has none."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from steelyard.domain.calls import Usage
from steelyard.domain.models import ModelRef
from steelyard.pricing import Cost, DatedPrices, DatedRates, Rates, cost
from steelyard.services.repricing import ModelPrices, Repriced
from steelyard.services.stale_evidence import price_since
from steelyard.storage.staleness import UsedCell

MODEL = "workshop:brass-7b"
CALLED, CHANGED, TODAY = date(2026, 1, 10), date(2026, 2, 17), date(2026, 3, 20)
# As the call was stored: 10 microcents, at $0.10 for a million tokens.
CELL = UsedCell(MODEL, "with_skill", 0, 0, True, 1, 0, 0, 0, 0, 10, CALLED)
DEARER = Rates(0.2, 0.2)


def since(dated: DatedPrices, settings: Mapping[str, Rates]) -> datetime | None:
    def price(usage: Usage, model: ModelRef, when: date) -> Cost | None:
        return cost(usage, model, when, settings, dated)

    found = price(Usage(1, 0), ModelRef.parse(MODEL), TODAY)
    assert found is not None
    assert found.microcents == 20
    models = (ModelPrices(MODEL, 10, 20, 1, 1),)
    repriced = Repriced(UUID(int=1), TODAY, "with_skill", models, MODEL, MODEL, None, None, "", "")
    return price_since([CELL], repriced, price, TODAY)


def test_a_price_that_a_tenant_gave_changed_on_its_day() -> None:
    before = DatedRates(CALLED - timedelta(days=9), Rates(0.1, 0.1))
    assert since({MODEL: (DatedRates(CHANGED, DEARER), before)}, {}) == datetime(2026, 2, 17, tzinfo=UTC)
    # Nothing was known until then but the settings file's.
    assert since({MODEL: (DatedRates(CHANGED, DEARER),)}, {MODEL: Rates(0.1, 0.1)}) == datetime(2026, 2, 17, tzinfo=UTC)


def test_no_day_tells_of_the_settings_file_or_of_a_price_changed_for_the_call_s_own_day() -> None:
    assert since({}, {MODEL: DEARER}) is None
    assert since({MODEL: (DatedRates(CALLED, DEARER),)}, {}) is None
