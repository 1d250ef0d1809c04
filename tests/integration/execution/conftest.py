"""The bench that runs are served on."""

from __future__ import annotations

from uuid import UUID

import pytest

from steelyard.storage.database import Database
from tests.integration.execution.bench import Bench


@pytest.fixture
def bench(database: Database, tenant_id: UUID) -> Bench:
    return Bench(database, tenant_id)
