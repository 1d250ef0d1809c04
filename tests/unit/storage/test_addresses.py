"""An address of a database that is none is told before anything is tried, and never repeated: it has a password."""

from __future__ import annotations

import pytest

from steelyard.domain.errors import SettingsError
from steelyard.storage.server import external_server


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("s3cret", "does not begin with postgresql://"),
        ("mysql://u:s3cret@h/db", "begins with mysql:// in place of postgresql://"),
        ("postgresql+psycopg://u:s3cret@h/db", "begins with postgresql+psycopg:// in place of postgresql://"),
        ("postgresql://u:s3cret%zz@h/db", "special characters in a password"),
        ("postgresql://u:s3cret@[::1/db", "cannot be read"),
        ("host=h s3cret=1", "cannot be read"),
        ("postgresql://u:s3cret@h:port/db", "its port is not a number"),
        ("postgresql://u:s3cret@h:99999/db", "its port is not a number"),
    ],
)
@pytest.mark.parametrize("name", ["DATABASE_URL", "STEELYARD_ADMIN_DATABASE_URL"])
def test_what_is_wrong_is_said_with_the_form_expected_and_without_the_password(name: str, url: str, why: str) -> None:
    with pytest.raises(SettingsError) as caught:
        external_server({"DATABASE_URL": "postgresql://h/db", name: url})
    assert str(caught.value).startswith(f"{name} is not a PostgreSQL address: ")
    assert why in str(caught.value)
    assert "postgresql://user:password@host:5432/database" in str(caught.value)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:p@h:5432/db",
        "postgres://h/db",
        "host=h dbname=db",
        "postgresql://a:1,b:2/db",
        "postgresql:///db",
    ],
)
def test_what_the_driver_can_read_is_taken(url: str) -> None:
    server = external_server({"DATABASE_URL": f" {url} "})
    assert server is not None
    assert (server.dsn, server.admin_dsn) == (url, url)


@pytest.mark.parametrize("url", ["", "  "])
def test_a_blank_address_is_none_at_all(url: str) -> None:
    assert external_server({"DATABASE_URL": url}) is None
