"""Settings file, environment and references: what is known before anything is spent."""

from __future__ import annotations

from pathlib import Path

import pytest

from steelyard.domain.errors import MissingKey, ModelRefError, SettingsError
from steelyard.domain.models import ModelRef
from steelyard.pricing import Rates
from steelyard.providers.registry import Providers
from steelyard.providers.settings import PLACEHOLDER_KEY, load_settings, price_section
from tests.integration.providers.conftest import request_for
from tests.modelserver import ModelServer, ServerConfig


def write(home: Path, text: str) -> Path:
    path = home / "settings.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_without_a_file_the_vendors_variables_are_read_as_their_sdks_read_them(tmp_path: Path) -> None:
    found = load_settings(
        tmp_path,
        {"ANTHROPIC_API_KEY": "a", "ANTHROPIC_AUTH_TOKEN": "t", "GEMINI_API_KEY": "g", "GOOGLE_API_KEY": "first"},
    ).endpoints
    assert (found["anthropic"].api_key, found["anthropic"].auth_token) == ("a", None)
    assert found["google"].api_key == "first"
    assert not found["openai"].usable
    token = load_settings(tmp_path, {"ANTHROPIC_AUTH_TOKEN": "t", "OPENAI_API_KEY": ""}).endpoints
    assert (token["anthropic"].api_key, token["anthropic"].auth_token) == (None, "t")
    assert not token["openai"].usable


def test_an_address_of_ones_own_needs_no_key(tmp_path: Path) -> None:
    found = load_settings(tmp_path, {"OPENAI_BASE_URL": "http://127.0.0.1:8080/v1"}).endpoints["openai"]
    assert found.api_key == PLACEHOLDER_KEY
    assert found.usable


def test_a_password_in_a_base_url_is_refused_and_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="user name or a password") as caught:
        load_settings(tmp_path, {"OPENAI_BASE_URL": "https://me:hunter2@example.com/v1", "OPENAI_API_KEY": "k"})
    assert "hunter2" not in str(caught.value)


def test_keys_show_in_no_repr(tmp_path: Path) -> None:
    assert "sk-secret" not in repr(load_settings(tmp_path, {"OPENAI_API_KEY": "sk-secret"}))


async def test_any_openai_compatible_server_works_under_its_own_name(tmp_path: Path, server: ModelServer) -> None:
    server.config = ServerConfig(record_bodies=1, api_key="k-123")
    write(
        tmp_path,
        f'[providers.mine]\nkind = "openai"\nbase_url = "{server.openai_url}"\napi_key_env = "MINE"\n'
        "[providers.mine.prices.m]\ninput = 1.0\noutput = 2.0\n",
    )
    settings = load_settings(tmp_path, {"MINE": "k-123"})
    assert settings.prices == {"mine:m": Rates(1.0, 2.0)}
    providers = Providers(settings)
    reply = await providers.complete(request_for("mine:m"))
    await providers.aclose()
    assert reply.output
    # Servers that know only the older name would answer without a limit.
    assert server.stats.bodies[0]["max_tokens"] == 200


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("[providers.mine\n", 1, "not valid TOML"),
        ('\n[providers.mine]\nkind = "olama"\n', 3, "providers.mine.kind"),
        ('[providers.mine]\nkind = "openai"\nbase_url = "localhost:1"\n', 3, "http"),
        ('[providers.mine]\nkind = "openai"\napi_key = "x"\n', 3, "api_key"),
        ('[providers.local]\nkind = "openai"\n', 1, "cannot be a provider's name"),
        ("[calls]\nattempt_timeout_s = -1\n", 2, "attempt_timeout_s"),
        ("[calls]\nfoo = 1\nbar = 2\n", 2, "calls.foo: there is no such setting; calls.bar: there is no"),
    ],
)
def test_a_mistake_in_the_file_is_named_with_its_line(tmp_path: Path, text: str, line: int, says: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(SettingsError, match=says) as error:
        load_settings(tmp_path, {})
    assert (error.value.file, error.value.line) == (str(path), line)


def test_an_unknown_provider_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(ModelRefError, match="anthropic, openai, google, local"):
        Providers(load_settings(tmp_path, {})).check(ModelRef.parse("openia:gpt-5"))


def test_a_missing_key_names_its_variable(tmp_path: Path) -> None:
    with pytest.raises(MissingKey, match="ANTHROPIC_API_KEY is not set"):
        Providers(load_settings(tmp_path, {})).check(ModelRef.parse("anthropic:claude-sonnet-5"))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("openai:gpt-5?temprature=1", "Known settings: .*temperature"),
        ("openai:gpt-5?temperature=hot", "a number from 0 to 2"),
        ("openai:gpt-5?thinking_budget=100", "does not know"),
        ("openai:gpt-5?reasoning_effort=huge", "one of none, minimal"),
        ("local:smollm2-135m?reasoning_effort=low", "does not know"),
    ],
)
def test_a_setting_nobody_knows_is_refused_before_the_call(tmp_path: Path, text: str, says: str) -> None:
    providers = Providers(load_settings(tmp_path, {"OPENAI_API_KEY": "k"}))
    with pytest.raises(ModelRefError, match=says):
        providers.check(ModelRef.parse(text))


def test_identity_tells_addresses_and_variants_apart_and_not_keys(tmp_path: Path) -> None:
    def identity(model: str, **env: str) -> str:
        return Providers(load_settings(tmp_path, env)).identity(ModelRef.parse(model))

    vendor = identity("openai:gpt-5", OPENAI_API_KEY="one")
    assert vendor == identity("openai:gpt-5", OPENAI_API_KEY="other")
    assert len({vendor, identity("openai:gpt-5?seed=1"), identity("openai:gpt-5", OPENAI_BASE_URL="http://h/v1")}) == 3


def test_a_limit_is_shared_by_provider_and_key_and_shows_no_key(tmp_path: Path) -> None:
    def key(model: str, secret: str) -> str:
        settings = load_settings(tmp_path, {"OPENAI_API_KEY": secret, "ANTHROPIC_API_KEY": secret})
        return Providers(settings).provider_key(ModelRef.parse(model))

    assert key("openai:a", "sk-one") == key("openai:b?seed=1", "sk-one")
    assert len({key("openai:a", "sk-one"), key("openai:a", "sk-two"), key("anthropic:a", "sk-one")}) == 3
    assert "sk-one" not in key("openai:a", "sk-one")


def test_prices_of_a_provider_known_by_name_need_no_kind(tmp_path: Path) -> None:
    write(tmp_path, '[providers.openai.prices."gpt-5.4"]\ninput = 1.0\noutput = 2.0\n')
    found = load_settings(tmp_path, {"OPENAI_API_KEY": "k"})
    assert found.prices["openai:gpt-5.4"] == Rates(1.0, 2.0)
    assert (found.endpoints["openai"].kind, found.endpoints["openai"].api_key) == ("openai", "k")


def test_a_provider_nobody_knows_must_say_its_kind(tmp_path: Path) -> None:
    write(tmp_path, '\n[providers.workshop]\nbase_url = "http://127.0.0.1:1/v1"\n')
    with pytest.raises(SettingsError, match=r"settings\.toml:2: providers\.workshop: it has no kind"):
        load_settings(tmp_path, {})


@pytest.mark.parametrize("model", ["openai:gpt-x", "workshop:gpt-5.4", "my.shop-1:a/b.c", 'workshop:é"b'])
def test_the_heading_that_is_told_for_a_price_is_where_it_is_read_also_of_a_tenants_own_provider(
    tmp_path: Path, model: str
) -> None:
    asked = ModelRef.parse(model)
    write(tmp_path, f"{price_section(asked)}\ninput = 1.0\noutput = 2.0\n")
    found = load_settings(tmp_path, {})
    assert found.prices == {f"{asked.provider}:{asked.name}": Rates(1.0, 2.0)}
    assert set(found.endpoints) == {"anthropic", "openai", "google"}


def test_prices_of_no_provider_are_refused_with_the_place_they_belong_to(tmp_path: Path) -> None:
    write(tmp_path, '\n[prices."openai:gpt-x"]\ninput = 1.0\noutput = 2.0\n')
    with pytest.raises(SettingsError, match=r"settings\.toml:2: prices: prices stand under their provider") as refused:
        load_settings(tmp_path, {})
    assert '[providers.NAME.prices."MODEL"]' in (refused.value.next_step or "")
    write(tmp_path, "prices = 3\n")
    with pytest.raises(SettingsError, match=r"settings\.toml:1: prices"):
        load_settings(tmp_path, {})
