"""Secrets are struck out of texts, whole, in addresses and by their ends."""

from __future__ import annotations

from urllib.parse import quote

from hypothesis import given
from hypothesis import strategies as st

from steelyard.domain.masking import Masker

printable = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=8, max_size=60)


@given(st.lists(printable, min_size=1, max_size=6), st.text(max_size=20), st.text(max_size=20))
def test_no_secret_stands_in_a_masked_text(secrets: list[str], before: str, after: str) -> None:
    masker = Masker()
    masker.keep(secrets)
    for secret in secrets:
        for form in (secret, quote(secret, safe="")):
            said = masker.masked(f"{before}{form}{after}")
            assert secret not in said or secret in "[key]" * 9 or secret in f"{before}[key]{after}"


def test_a_key_shown_by_its_ends_is_struck_out_too() -> None:
    masker = Masker()
    masker.keep(["sk-proj-abcdefghijklmnop-wxyz"])
    said = "Incorrect API key provided: sk-proj-****************wxyz. Find yours at https://example.org/keys."
    assert masker.masked(said) == "Incorrect API key provided: [key]. Find yours at https://example.org/keys."
    assert masker.masked("nothing of it: sk-other, wxyz") == "nothing of it: sk-other, wxyz"


def test_what_is_too_short_to_be_told_from_a_word_is_left() -> None:
    masker = Masker()
    masker.keep(["token", ""])
    assert masker.masked("a token is a token") == "a token is a token"
