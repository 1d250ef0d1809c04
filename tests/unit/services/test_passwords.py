"""Which passwords are taken, and how many are worked on at once."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.domain.errors import InputError, TooMany
from steelyard.services.passwords import AT_ONCE, FEWEST, MOST_BYTES, MOST_WAITING, Passwords, check_password


class Slow:
    """Counts how many work at once."""

    def __init__(self) -> None:
        self.now = self.most = self.compared = 0
        self._lock = threading.Lock()

    def hash(self, password: str) -> str:
        return f"slow:{password}"

    def verify_and_update(self, password: str, hash: str) -> tuple[bool, str | None]:
        with self._lock:
            self.now += 1
            self.compared += 1
            self.most = max(self.most, self.now)
        time.sleep(0.01)
        with self._lock:
            self.now -= 1
        return hash == f"slow:{password}", None


@pytest.mark.parametrize(
    "password",
    [
        "short",
        "elevenchars",
        "123456789012",
        "password1234",
        "Password1234!",
        "PasswordPassword",
        "qwertyuiop12",
        "1q2w3e4r5t6y",
        "aaaaaaaaaaaaa",
        "abcabcabcabcabc",
        "abcdefghijklm",
        "administrator",
        "correct horse battery staple",
        "steelyard2026",
        "steelyardsteelyard",
        "ann.lee@example.org",
        "annlee1234567",
        "x" * (MOST_BYTES + 1),
        "seven geese\x00over harbour",
        "............",
    ],
)
def test_what_is_guessed_first_is_refused(password: str) -> None:
    with pytest.raises(InputError) as refused:
        check_password(password, about=("ann.lee@example.org", "ann.lee", "Ann Lee"))
    assert refused.value.field == "password"


@pytest.mark.parametrize(
    "password",
    [
        "seven geese over harbour",
        "xK4#vQ9!mZ2&",
        "ганс и гуси у моря",
        "😀🎉🦆🏡🌊🍞🧀🍷🎻🚲⛵🎈",
        "x7" * 3 + "kqzw-42",
        "  padded out  ",
    ],
)
def test_others_are_taken_whatever_they_are_made_of(password: str) -> None:
    assert check_password(password)


@given(st.text(st.characters(codec="utf-8"), max_size=FEWEST - 1))
def test_fewer_characters_than_the_rule_asks_for_are_never_enough(password: str) -> None:
    import unicodedata

    if len(unicodedata.normalize("NFKC", password)) < FEWEST:
        with pytest.raises(InputError):
            check_password(password)


def test_the_same_signs_are_the_same_password_however_they_are_put_together() -> None:
    assert check_password("éclair au fromage") == check_password("éclair au fromage")


async def test_no_more_than_a_few_are_compared_at_once_and_too_many_are_turned_away() -> None:
    slow = Slow()
    passwords = Passwords(slow)
    known = await passwords.hash("seven geese over harbour")
    asked = [passwords.fits("seven geese over harbour", known) for _ in range(MOST_WAITING + 5)]
    done = await asyncio.gather(*asked, return_exceptions=True)
    assert slow.most <= AT_ONCE
    assert slow.compared == MOST_WAITING
    assert sum(isinstance(one, TooMany) for one in done) == 5


async def test_without_an_account_as_much_is_compared_and_nothing_fits() -> None:
    slow = Slow()
    passwords = Passwords(slow)
    assert not (await passwords.fits("anything at all", None)).right
    assert slow.compared == 1


async def test_a_real_hash_fits_its_password_alone_and_says_nothing_of_it() -> None:
    passwords = Passwords()
    hashed = await passwords.hash(check_password("seven geese over harbour"))
    assert hashed.startswith("$argon2id$")
    assert "geese" not in hashed
    assert (await passwords.fits("seven geese over harbour", hashed)).right
    assert not (await passwords.fits("seven geese over harbours", hashed)).right
