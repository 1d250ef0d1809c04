"""Measurements: what one production use of a skill took."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID, uuid4

from steelyard.domain.calls import Usage
from steelyard.domain.models import ModelRef

# Whole months before the current one of which uses are kept one by one, unless the settings say otherwise: with this
# month they are more than a year.
KEPT_MONTHS = 13


@dataclass(frozen=True)
class Measurement:
    """One use. `measured_at` has a time zone; `cost_microcents` None is unknown, never 0; `latency_ms` may be unknown.

    Two measurements of the same id and time are one. `source` says who sent it.
    """

    skill_id: UUID
    measured_at: datetime
    model: ModelRef
    usage: Usage
    cost_microcents: int | None = None
    price_version: str | None = None
    price_date: date | None = None
    latency_ms: float | None = None
    skill_version_id: UUID | None = None
    source: str = "api"
    id: UUID = field(default_factory=uuid4)
