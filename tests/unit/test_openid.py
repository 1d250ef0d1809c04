"""OpenID providers as the settings give them, and which of their words and addresses count."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.domain.access import Role
from steelyard.domain.errors import IssuerFailed, SettingsError
from steelyard.domain.openid import Claims, OpenIdProvider, is_trusted_address
from steelyard.openid.id_token import read_keys
from steelyard.openid.issuer import refusal
from steelyard.openid.metadata import read_metadata
from steelyard.providers.settings import load_settings
from steelyard.services.openid_people import vouched_email

ISSUER = "https://id.acme.example"
SECTION = f'[openid.acme]\nissuer = "{ISSUER}"\nclient_id = "steelyard"\n'


def read(home: Path, text: str, **env: str) -> tuple[OpenIdProvider, ...]:
    (home / "settings.toml").write_text(text)
    return load_settings(home, env).openid


def test_a_section_is_a_provider_and_its_secret_is_in_the_environment_alone(tmp_path: Path) -> None:
    more = 'domains = ["@ACME.example"]\ndefault_tenant = "Acme"\ndefault_role = "editor"\n'
    [found] = read(tmp_path, SECTION + more, STEELYARD_OPENID_ACME_SECRET="hush")
    assert (found.id, found.name, found.client_secret) == ("acme", "id.acme.example", "hush")
    assert (found.domains, found.default_role) == (("acme.example",), Role.EDITOR)
    assert "hush" not in repr(found)
    with pytest.raises(SettingsError, match=r"openid\.acme\.client_secret"):
        read(tmp_path, SECTION + 'client_secret = "hush"\n')


def test_one_provider_may_come_from_the_environment_whole(tmp_path: Path) -> None:
    env = {"STEELYARD_OPENID_ISSUER": "https://id.example", "STEELYARD_OPENID_CLIENT_ID": "x"}
    both = read(tmp_path, SECTION, **env, STEELYARD_OPENID_DOMAINS="a.example, b.example", STEELYARD_OPENID_NAME="Us")
    assert [(one.id, one.name) for one in both] == [("acme", "id.acme.example"), ("sso", "Us")]
    assert both[1].domains == ("a.example", "b.example")
    assert both[1].scopes == ("openid", "email", "profile")
    with pytest.raises(SettingsError, match="STEELYARD_OPENID_CLIENT_ID"):
        read(tmp_path, "", STEELYARD_OPENID_ISSUER="https://id.example")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (SECTION.replace("https://", "http://"), "issuer is written as"),
        (SECTION.replace("acme.example", "user:word@acme.example"), "issuer is written as"),
        (SECTION + 'scopes = ["email"]', "openid"),
        (SECTION + 'domains = ["*"]', "no domain of addresses"),
        (SECTION + 'default_tenant = "Acme"', "need domains"),
        (SECTION + "addresses_are_verified = true", "need domains"),
        (SECTION + 'domains = ["a.example"]\ndefault_role = "admin"', "made by an admin"),
        (SECTION.replace("openid.acme", 'openid."a/b"'), "cannot be the name"),
    ],
)
def test_what_would_let_in_the_wrong_people_is_no_setting(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(SettingsError, match=words.replace("*", r"\*")):
        read(tmp_path, text)


@pytest.mark.parametrize(
    ("url", "trusted"),
    [
        ("https://id.example/auth?tenant=1", True),
        ("http://127.0.0.1:9000/auth", True),
        ("http://[::1]/auth", True),
        ("http://id.example/auth", False),
        ("https://user@id.example/", False),
        ("https:///auth", False),
        ("https://id.example/a b", False),
        ('https://id.example/"', False),
        ("https://id.example/#x", False),
        ("https://id.example:port/", False),
        ("javascript:alert(1)", False),
        ("http://127.0.0.1.evil.example/", False),
    ],
)
def test_secrets_go_by_tls_or_stay_on_this_machine(url: str, trusted: bool) -> None:
    assert is_trusted_address(url) is trusted


def test_a_document_that_lists_no_good_algorithm_is_refused() -> None:
    told = {f"{name}_endpoint": f"{ISSUER}/{name}" for name in ("authorization", "token")}
    told |= {"issuer": ISSUER, "jwks_uri": f"{ISSUER}/keys"}
    assert read_metadata(ISSUER, told).algorithms == ("RS256",)
    with pytest.raises(IssuerFailed, match="no algorithm"):
        read_metadata(ISSUER, {**told, "id_token_signing_alg_values_supported": ["none", "HS256"]})


def test_shared_secrets_keys_for_other_uses_and_unknown_kinds_check_no_token() -> None:
    odd = [{"kty": "oct", "k": "AAAA"}, {"kty": "RSA", "use": "enc"}, {"kty": "AKP"}, {"kty": "EC", "crv": "?"}, 3]
    with pytest.raises(IssuerFailed, match="no keys"):
        read_keys({"keys": odd})


@given(st.text(), st.one_of(st.none(), st.booleans()))
def test_an_address_that_counts_is_verified_ascii_and_of_an_allowed_domain(text: str, verified: bool | None) -> None:
    way = OpenIdProvider("acme", "Acme", ISSUER, "x", domains=("acme.example",))
    email = vouched_email(way, Claims(ISSUER, "1", f"{text}@acme.example", verified))
    assert email is None or (verified is True and email.isascii() and email == f"{text}@acme.example".lower())
    assert vouched_email(way, Claims(ISSUER, "1", f"ann@acme.example.{text}", verified)) is None


@given(st.one_of(st.none(), st.integers(), st.text()), st.one_of(st.none(), st.lists(st.text()), st.text()))
def test_a_refusal_is_one_short_line(error: object, description: object) -> None:
    assert len(refusal(error, description).splitlines()) == 1
    assert len(refusal(error, description)) <= 320
