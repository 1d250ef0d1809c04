"""The files an installation keeps for itself: settings and backups, read or refused by name."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from steelyard.domain.errors import InputError, SettingsError
from steelyard.providers.settings import SETTINGS_FILE, load_settings
from steelyard.storage.backup import file
from steelyard.storage.backup.file import Manifest
from tests.fuzz.damage import at_most, damaged, fuzzed

SETTINGS = b"""
[providers.mine]
kind = "openai"
base_url = "https://models.example/v1"
api_key_env = "MINE_KEY"
gone = ["old"]
[providers.mine.prices.big]
input = 1.5
output = 3
[calls]
[staleness]
days = 30
[checks]
on = true
at = "06:00"
every_hours = 24
[notices]
base_url = "https://steelyard.example"
[notices.smtp]
host = "mail.example"
port = 587
from = "steelyard@example.org"
"""
ENV = {"MINE_KEY": "k"}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path


def loads(home: Path, data: bytes) -> None:
    (home / SETTINGS_FILE).write_bytes(data)
    with at_most(3):
        try:
            load_settings(home, ENV)
        except SettingsError as error:
            str(error).encode("utf-8", "replace")


@fuzzed
@given(data=damaged([SETTINGS]))
@example(data=b"a = " + b"[" * 5000)
@example(data=b"a = " + b"{a=" * 5000)
@example(data=b"a = " + b"9" * 5000)
@example(data=b"[" + b"a." * 5000 + b"a]")
@example(data=b"a = 1979-99-99")
@example(data=SETTINGS.replace(b"= 30", b"= inf"))
@example(data=SETTINGS.replace(b"1.5", b"nan"))
@example(data=SETTINGS.replace(b"1.5", b"1e308"))
@example(data=SETTINGS.replace(b"587", b"9999999999999999999999"))
@example(data=SETTINGS.replace(b"https://models.example/v1", b"http://[::1"))
@example(data=SETTINGS.replace(b"06:00", b"99:99"))
def test_a_damaged_settings_file(home: Path, data: bytes) -> None:
    loads(home, data)


def values() -> Iterator[str]:
    yield from ("-1", "0", "inf", "nan", "1e999", "true", '""', "[]", "{}", "1979-05-27T07:32:00Z", "99999999999999")


@fuzzed
@given(
    key=st.sampled_from([line.split(b" = ")[0] for line in SETTINGS.splitlines() if b" = " in line]),
    value=st.sampled_from(list(values())),
)
def test_a_setting_with_another_value(home: Path, key: bytes, value: str) -> None:
    lines = SETTINGS.splitlines()
    loads(home, b"\n".join(key + b" = " + value.encode() if line.startswith(key + b" =") else line for line in lines))


def backup(folder: Path) -> bytes:
    target = folder / f"{uuid4().hex}.backup"
    file.write(target, Manifest("0001", "2026-11-28T00:00:00+00:00", "1.0", "17"), lambda: iter([b"PGDMP" * 100]))
    return target.read_bytes()


def opens(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    with at_most(3):
        try:
            with file.opened(path) as (manifest, archive):
                assert data.startswith(b"{")
                assert manifest.revision
                list(archive)
        except InputError as error:
            str(error).encode("utf-8", "replace")


@fuzzed
@given(data=st.data())
def test_a_damaged_backup(tmp_path: Path, data: st.DataObject) -> None:
    whole = backup(tmp_path)
    drawn = data.draw(damaged([whole]))
    opens(tmp_path / "damaged.backup", drawn)
    if drawn != whole:
        with pytest.raises(InputError), file.opened(tmp_path / "damaged.backup"):
            pass


@pytest.mark.parametrize(
    "data",
    [
        b"[" * 5000,
        b'{"format": "steelyard.backup/1", "revision": ' + b"[" * 4000,
        b'{"format": ' + b"9" * 4000,
        b"\xff" * 5000,
        b"",
        b"{" * 10_000_000,
        json.dumps({"format": "steelyard.backup/1", "revision": 1}).encode(),
    ],
    ids=lambda data: repr(data[:10]),
)
def test_what_is_no_backup_is_said_to_be_none(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x").write_bytes(data)
    with at_most(3), pytest.raises(InputError, match="no backup"), file.opened(tmp_path / "x"):
        pass
