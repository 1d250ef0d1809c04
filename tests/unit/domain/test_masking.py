"""Secrets are struck out of texts, whole, in addresses and by their ends."""

from __future__ import annotations

import time
from urllib.parse import quote
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.domain.masking import Masker, keep_secret, masked, serve_alone, texts_being

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


@pytest.mark.parametrize(
    ("secret", "text"),
    [
        ("a" * 4_095 + "b", "a" * 60_000),
        ("aaa" + "x" * 20 + "zzzz", "a" * 60_000),
        ("aaa" + "x" * 20 + "zzzz", "aaa " * 15_000 + "zzzz"),
        ("aaa" + "x" * 20 + "zzzz", ("a" * 300 + "zzzz ") * 200),
        ("(a+)+(b|c)*" * 300, "(a+)+(b|c)*" * 5_000),
    ],
)
def test_no_text_and_no_secret_make_it_take_long(secret: str, text: str) -> None:
    masker = Masker()
    masker.keep([f"{secret[:-8]}{number:04d}{secret[-4:]}" for number in range(60)])
    masker.masked("")
    began = time.perf_counter()
    masker.masked(text)
    assert time.perf_counter() - began < 1


def test_of_a_text_without_end_the_rest_is_left_out_and_no_part_of_a_secret_stays() -> None:
    masker = Masker()
    masker.keep([secret := "k" + "0123456789" * 300])
    for before in range(60_000, 80_000, 777):
        said = masker.masked("-" * before + secret + "-" * 20_000_000)
        assert len(said) < 80_000
        assert "k01" not in said


def test_of_many_secrets_of_one_tenant_the_last_are_kept() -> None:
    masker = Masker()
    for number in range(1_000):
        masker.keep([f"secret-{number:06d}"])
    assert len(masker.known) < 100
    assert masker.masked("secret-000999") == "[key]"


def test_a_secret_strikes_the_texts_of_its_own_tenant_alone() -> None:
    ann, ben = uuid4(), uuid4()
    keep_secret(ann, secret := "benchmark")
    with texts_being(ann):
        assert masked(secret) == "[key]"
        with texts_being(ben):
            assert masked(secret) == secret
    assert masked(secret) == secret
    try:
        serve_alone(ann)
        assert masked(secret) == "[key]"
    finally:
        serve_alone(None)


@pytest.mark.parametrize("more", [0, 1, 50_000])
def test_a_text_of_every_letter_that_is_nobodys_is_masked_as_any_other(more: int) -> None:
    masker = Masker()
    masker.keep(["sk-abcdefghijklmnop"])
    text = "".join(chr(code) for code in (*range(0xE000, 0xF900), *range(0xF0000, 0xF0000 + more)))
    began = time.perf_counter()
    said = masker.masked(f"sk-abcdefghijklmnop{text}sk-****mnop")
    assert time.perf_counter() - began < 1
    assert (said[:5], said[-5:], said[5:-5] == text) == ("[key]", "[key]", True)
