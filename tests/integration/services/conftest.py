"""What the services' tests share."""

from __future__ import annotations

from uuid import UUID

import pytest

from steelyard.storage.database import Database
from tests.integration.execution.bench import Bench
from tests.integration.services.made import Made


@pytest.fixture
def made(database: Database, tenant_id: UUID) -> Made:
    return Made(Bench(database, tenant_id))
