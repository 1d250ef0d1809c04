"""Passwords: which are taken, and hashing them with Argon2id in threads, a few at a time.

The rules are those of NIST SP 800-63B-4, 3.1.1.2: length, a list of what is guessed first, no rules of composition.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Protocol, TypeVar

from steelyard.domain.errors import InputError, TooMany

FEWEST = 12
MOST_BYTES = 1_000
# A hash takes 64 MiB and every core for a while: more at once would keep pages waiting.
AT_ONCE = 2
MOST_WAITING = 30

# What lists of leaked passwords begin with, without the digits around it.
_WORDS = frozenset(
    """
    abc abcd abcdef abcdefgh admin administrator administratorpassword baseball changeme changemenow charlie
    computer correcthorsebatterystaple default dragon football guest hello iloveyou iloveyousomuch letmein login master
    michael monkey mypassword ninja passphrase passw0rd password passwort princess qazwsx qazwsxedc qwer qwerty qwertyu
    qwertyui qwertyuiop root secret shadow sunshine superman superuser test testing thisismypassword trustno trustnoone
    user welcome whatever zxcvbn zxcvbnm
    """.split()  # noqa: SIM905
)
_RUNS = ("01234567890123456789", "09876543210987654321", "abcdefghijklmnopqrstuvwxyz", "qwertyuiopasdfghjklzxcvbnm")
_WEAVES = frozenset(
    {"1q2w3e4r5t6y", "1q2w3e4r5t6y7u", "1q2w3e4r5t6y7u8i", "q1w2e3r4t5y6", "zaq12wsxcde3", "1qaz2wsx3edc"}
)

Result = TypeVar("Result")


class Hasher(Protocol):
    """What hashes; both may take long."""

    def hash(self, password: str) -> str: ...
    def verify_and_update(self, password: str, hash: str) -> tuple[bool, str | None]: ...


@dataclass(frozen=True)
class Fit:
    """Whether a password was right; `renewed` is its hash by today's parameters, where the one kept is by others."""

    right: bool
    renewed: str | None = None


def check_password(password: str, *, about: Iterable[str] = ()) -> str:
    """The password as it is hashed. `about` are names of its user that it must not merely be.

    Raises InputError with the field "password".
    """
    normal = normal_form(password)
    if len(normal) < FEWEST:
        raise _unfit(f"A password has at least {FEWEST} characters.")
    if len(normal.encode("utf-8", "replace")) > MOST_BYTES or "\x00" in normal:
        raise _unfit(f"A password has at most {MOST_BYTES:,} bytes.")
    bare = "".join(sign for sign in normal.casefold() if sign.isalnum()) or normal
    stem = bare.strip("0123456789")
    if bare in _WEAVES or _once(stem) in _WORDS or len(_once(bare)) <= 4 or any(bare in run for run in _RUNS):
        raise _unfit("That password is among the first that are guessed.")
    names = {"".join(sign for sign in name.casefold() if sign.isalnum()) for name in (*about, "steelyard")}
    if _once(stem) in names or _once(bare) in names:
        raise _unfit("A password must not be your address, your name or Steelyard's.")
    return normal


def normal_form(password: str) -> str:
    """One spelling of the same signs, however a keyboard has put them together."""
    return unicodedata.normalize("NFKC", password)


def _unfit(message: str) -> InputError:
    return InputError(
        message,
        field="password",
        kept="Nothing was changed.",
        next_step="Several words that belong together nowhere do.",
    )


def _once(text: str) -> str:
    """The part that the text repeats, or all of it."""
    found = re.fullmatch(r"(.+?)\1+", text)
    return found[1] if found else text


class Passwords:
    """Hashes and compares; what waits for its turn does not hold anything else up."""

    def __init__(self, hasher: Hasher | None = None) -> None:
        self._given = hasher
        self._turn = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0
        self._dummy: str | None = None

    def _hasher(self) -> Hasher:
        if self._given is None:
            from pwdlib import PasswordHash
            from pwdlib.hashers.argon2 import Argon2Hasher

            self._given = PasswordHash((Argon2Hasher(),))
        return self._given

    async def hash(self, password: str) -> str:
        """The hash of a password that was checked. Raises TooMany."""
        return await self._in_turn(lambda: self._hasher().hash(password))

    async def fits(self, password: str, known: str | None) -> Fit:
        """Compare with a hash. Without one as much work is done, and nothing fits. Raises TooMany."""
        if len(password.encode("utf-8", "replace")) > 4 * MOST_BYTES:
            password = ""
        return await self._in_turn(partial(self._compare, normal_form(password), known))

    def _compare(self, password: str, known: str | None) -> Fit:
        hasher = self._hasher()
        if known is None:
            if self._dummy is None:
                self._dummy = hasher.hash(secrets.token_urlsafe())
            hasher.verify_and_update(password, self._dummy)
            return Fit(False)
        right, renewed = hasher.verify_and_update(password, known)
        return Fit(right, renewed if right else None)

    async def _in_turn(self, work: Callable[[], Result]) -> Result:
        if self._waiting >= MOST_WAITING:
            raise TooMany("Too many sign in at this moment.", retry_after_s=5, next_step="Try again in a few seconds.")
        self._waiting += 1
        try:
            async with self._turn:
                return await asyncio.to_thread(work)
        finally:
            self._waiting -= 1
