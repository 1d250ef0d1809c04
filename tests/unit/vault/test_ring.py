"""Encrypted values: read again where they were put, under a key of the ring, and nowhere else."""

from __future__ import annotations

import base64
import os
import threading
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.domain.errors import SettingsError
from steelyard.vault.keys import KEY_ENV, MissingMasterKey, key_ring
from steelyard.vault.ring import KEY_BYTES, CannotUnseal, KeyRing, Place, Sealed, key_id, new_key, read_keys

keys = st.binary(min_size=KEY_BYTES, max_size=KEY_BYTES)
places = st.builds(Place, st.uuids(), st.sampled_from(["provider", "webhook"]), st.text(max_size=8))
HERE = Place(UUID(int=1), "provider", "openai")
MARKER = "sk-marker-0123456789abcdef"


@given(st.text(), places, st.lists(keys, min_size=1, max_size=3, unique=True))
def test_what_is_encrypted_is_read_again_also_once_there_is_a_newer_key(
    text: str, place: Place, given_keys: list[bytes]
) -> None:
    ring = KeyRing(given_keys)
    sealed = ring.seal(text, place)
    assert sealed.key_id == key_id(given_keys[0])
    newer = KeyRing([os.urandom(KEY_BYTES), *given_keys])
    assert ring.unseal(sealed, place) == newer.unseal(sealed, place) == text
    assert newer.current not in ring.ids


@given(places, places)
def test_a_value_that_was_moved_elsewhere_is_not_read(one: Place, other: Place) -> None:
    ring = KeyRing([bytes(KEY_BYTES)])
    sealed = ring.seal(MARKER, one)
    if one == other:
        assert ring.unseal(sealed, other) == MARKER
        return
    with pytest.raises(CannotUnseal, match="moved"):
        ring.unseal(sealed, other)


@given(st.integers(0, len(MARKER) + 27), st.integers(1, 255))
def test_a_value_of_which_one_byte_is_changed_is_not_read(at: int, by: int) -> None:
    ring = KeyRing([bytes(KEY_BYTES)])
    data = bytearray(ring.seal(MARKER, HERE).data)
    data[at] ^= by
    with pytest.raises(CannotUnseal):
        ring.unseal(Sealed(ring.current, bytes(data)), HERE)


def test_a_value_under_another_keys_name_or_cut_short_is_not_read() -> None:
    ring = KeyRing([bytes(KEY_BYTES), b"1" * KEY_BYTES])
    sealed = ring.seal(MARKER, HERE)
    for wrong in (
        Sealed(ring.ids[1], sealed.data),
        Sealed(sealed.key_id, sealed.data[:11]),
        Sealed(sealed.key_id, b""),
    ):
        with pytest.raises(CannotUnseal):
            ring.unseal(wrong, HERE)
    with pytest.raises(CannotUnseal, match=r"master key 00000000, which is not at hand") as missing:
        ring.unseal(Sealed("00000000", sealed.data), HERE)
    assert missing.value.next_step


def test_the_same_value_is_never_encrypted_alike() -> None:
    ring = KeyRing([bytes(KEY_BYTES)])
    assert len({ring.seal(MARKER, HERE).data[:12] for _ in range(1_000)}) == 1_000


def test_no_key_shows_in_a_repr_or_an_error() -> None:
    text = new_key()
    ring = KeyRing(read_keys(text, "x"))
    assert text not in repr(ring)
    assert repr(base64.b64decode(text)) not in repr(ring) + repr(vars(ring))
    assert MARKER.encode() not in repr(ring.seal(MARKER, HERE)).encode()
    for bad in (text[:-8], f"{text} {text[:20]}", "", " , ", MARKER):
        with pytest.raises(SettingsError) as error:
            read_keys(bad, KEY_ENV)
        assert bad.strip(" ,") == "" or text[:20] not in str(error.value)
        assert error.value.next_step


def test_keys_come_from_the_environment_then_a_file_then_the_home(tmp_path: Path) -> None:
    one, two, three = new_key(), new_key(), new_key()
    file = tmp_path / "mounted"
    file.write_text(f"{two}\n{one}\n")
    file.chmod(0o444)
    env = {"STEELYARD_SECRET_KEY": f"{one}, {two}", "STEELYARD_SECRET_KEY_FILE": str(file)}
    assert key_ring(tmp_path, env, may_make=False).ids == ids(one, two)
    del env["STEELYARD_SECRET_KEY"]
    assert key_ring(tmp_path, env, may_make=False).ids == ids(two, one)
    with pytest.raises(MissingMasterKey, match="share a key") as missing:
        key_ring(tmp_path, {}, may_make=False)
    assert "openssl rand -base64 32" in (missing.value.next_step or "")
    (tmp_path / "secret.key").write_text(three)
    (tmp_path / "secret.key").chmod(0o600)
    assert key_ring(tmp_path, {}, may_make=False).ids == ids(three)
    with pytest.raises(SettingsError, match="cannot be read"):
        key_ring(tmp_path, {"STEELYARD_SECRET_KEY_FILE": str(tmp_path / "none")}, may_make=True)


def test_the_homes_key_is_made_once_by_whoever_is_first_and_for_its_owner_alone(tmp_path: Path) -> None:
    home = tmp_path / "home"
    made: list[tuple[str, ...]] = []
    threads = [threading.Thread(target=lambda: made.append(key_ring(home, {}, may_make=True).ids)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 8
    assert len(set(made)) == 1
    assert [path.name for path in home.iterdir()] == ["secret.key"]
    assert (home / "secret.key").stat().st_mode & 0o777 == 0o600
    (home / "secret.key").chmod(0o644)
    with pytest.raises(SettingsError, match="may read the master key"):
        key_ring(home, {}, may_make=True)


def ids(*texts: str) -> tuple[str, ...]:
    return tuple(key_id(base64.b64decode(text)) for text in texts)


def test_a_place_tells_tenant_kind_and_name_apart() -> None:
    ring = KeyRing([bytes(KEY_BYTES)])
    tenant = uuid4()
    sealed = ring.seal(MARKER, Place(tenant, "provider", "a"))
    for other in (Place(tenant, "provider", "b"), Place(tenant, "webhook", "a"), Place(uuid4(), "provider", "a")):
        with pytest.raises(CannotUnseal):
            ring.unseal(sealed, other)
