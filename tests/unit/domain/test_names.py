"""Names that can be taken for one another, and those that are the software's own."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.domain.names import by_key, is_the_softwares, look_of, unprintable

ALIKE = (
    "alice admin",
    "ALICE  ADMIN",
    "Alice-Admin",
    "Аlісе Аdmіn",
    "Αlice Adm1n",
    "Ａｌｉｃｅ Admin",
    "Álice Adm\u0456n",
)


@pytest.mark.parametrize("name", ALIKE)
def test_capitals_accents_spaces_and_other_alphabets_tell_no_names_apart(name: str) -> None:
    assert look_of(name) == look_of("Alice Admin")


@pytest.mark.parametrize("pair", [("Ann", "Bob"), ("Ann A.", "Ann B."), ("का", "कि"), ("李雷", "李磊"), ("🙂", "🙃")])
def test_names_that_differ_to_the_eye_stay_apart(pair: tuple[str, str]) -> None:
    assert look_of(pair[0]) != look_of(pair[1])


@pytest.mark.parametrize("name", ["local", "LOCAL", "lосаl", "Schedule", "Ann (by key x)", "Ann （ BY  key x）"])
def test_what_the_software_notes_itself_under_is_nobodys_name(name: str) -> None:
    assert is_the_softwares(name)


@given(st.text(min_size=1, max_size=60), st.text(min_size=1, max_size=100))
def test_what_a_key_names_is_never_a_name_that_a_member_can_have(name: str, key: str) -> None:
    told = by_key(name, key)
    assert is_the_softwares(told) if name.strip() else told == key


@pytest.mark.parametrize("name", ["Bobby Key", "Locality", "Ann (key account)"])
def test_a_persons_own_name_stays_theirs(name: str) -> None:
    assert not is_the_softwares(name)


@pytest.mark.parametrize("name", ["Ann", "علی\u200cرضا", "👩\u200d🔧 Ann", "Zoë"])
def test_a_joiner_within_a_name_of_a_script_that_has_one_is_no_hidden_sign(name: str) -> None:
    assert unprintable(name) is None
    assert look_of(name) == look_of(name.replace("\u200c", "").replace("\u200d", ""))


@pytest.mark.parametrize(
    ("name", "sign"),
    [
        ("An\u200dn", "U+200D"),
        ("\u200cعلی", "U+200C"),
        ("Ann\u202e", "U+202E"),
        ("A\x1bn", "U+001B"),
        ("a\u200b", "U+200B"),
    ],
)
def test_a_sign_that_cannot_be_seen_is_named(name: str, sign: str) -> None:
    assert unprintable(name) == sign
