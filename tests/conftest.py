"""Shared fixtures: one real PostgreSQL for the session, and each test in a tenant of its own."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from hypothesis import settings

from steelyard.storage.database import Database
from steelyard.storage.embedded import remove
from steelyard.storage.server import Server, ready_server
from steelyard.storage.tenants import ensure_tenant

# A law is about what comes out; how long an example takes on a busy machine is none of its business.
settings.register_profile("steelyard", deadline=None)
settings.load_profile("steelyard")

SHARED = Path(__file__).resolve().parents[2] / "shared"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests last: their driver keeps an event loop running, beside which no asynchronous test can start."""
    items.sort(key=lambda item: "playwright" in getattr(item, "fixturenames", ()))


@pytest.fixture(scope="session")
def server_home() -> Iterator[Path]:
    """A STEELYARD_HOME whose embedded server ends with the session."""
    home = Path(tempfile.mkdtemp(prefix="steelyard-test-"))
    home.chmod(0o755)
    yield home
    remove(home)
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def server(server_home: Path) -> Server:
    return ready_server(server_home, {})


@pytest.fixture
async def database(server: Server) -> AsyncIterator[Database]:
    async with Database(server.dsn) as database:
        yield database


@pytest.fixture
async def tenant_id(database: Database) -> UUID:
    tenant_id = uuid4()
    async with database.tenant(tenant_id) as connection:
        await ensure_tenant(connection, tenant_id, "test")
    return tenant_id


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real skills and data beside the project, where it is."""
    if not SHARED.is_dir():
        pytest.skip("../shared (real skills and score tables) is not beside this checkout")
    return SHARED
