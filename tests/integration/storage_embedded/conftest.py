"""Fixtures for the embedded server."""

from collections.abc import Generator
from pathlib import Path

import pytest

from tests.integration.storage_embedded.support import Homes


@pytest.fixture
def homes() -> Generator[Homes]:
    made = Homes()
    yield made
    made.clean_up()


@pytest.fixture(scope="module")
def used_home() -> Generator[Path]:
    """One home for the tests that do not care what happened to it before: a first start is most of their cost."""
    made = Homes()
    yield made.new()
    made.clean_up()


@pytest.fixture
def home(homes: Homes) -> Path:
    return homes.new()
