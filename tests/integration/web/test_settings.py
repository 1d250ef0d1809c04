"""The settings page: what is configured, and never a secret."""

from __future__ import annotations

import asyncio
from pathlib import Path
from uuid import UUID

from steelyard.domain.models import ModelRef
from steelyard.storage.server import Server
from tests.integration.web.harness import Site, site_of


async def test_providers_without_a_key_are_told_apart(site: Site) -> None:
    page = (await site.client.get("/settings")).text
    assert "ANTHROPIC_API_KEY" in page
    assert "no key" in page
    assert "key found" not in page


async def test_no_value_of_a_key_or_password_is_ever_shown(server: Server, server_home: Path, tenant_id: UUID) -> None:
    env = {
        "ANTHROPIC_API_KEY": "sk-ant-very-secret",
        "OPENAI_API_KEY": "sk-other-secret",
        "OPENAI_BASE_URL": "https://models.example/v1?token=token-unseen",
    }
    async with site_of(server_home, tenant_id, env=env) as site:
        page = (await site.client.get("/settings")).text
    assert "key found" in page
    assert "https://models.example/v1" in page
    assert [secret for secret in ("very-secret", "other-secret", "unseen") if secret in page] == []


async def test_defaults_and_places_are_told(site: Site) -> None:
    page = (await site.client.get("/settings")).text
    assert "4,096 tokens" in page
    assert "90 days" in page
    assert str(site.workbench.home) in page


async def test_a_file_that_says_otherwise_than_at_the_start_is_told_of_on_every_page(
    server: Server, server_home: Path, tenant_id: UUID
) -> None:
    file = server_home / "settings.toml"
    async with site_of(server_home, tenant_id) as site:

        async def home_after(text: str) -> str:
            file.write_text(text)
            await asyncio.sleep(1.1)
            return (await site.client.get("/")).text

        try:
            assert "The settings file has changed" not in (await site.client.get("/")).text
            prices = '[providers.openai.prices."m"]\ninput = 1\noutput = 2\n'
            assert "The settings file has changed" not in await home_after(prices)
            added = '[providers.acme]\nkind = "openai"\nbase_url = "http://127.0.0.1:9/v1"\n'
            assert "once this is started again" in await home_after(added)
            assert site.workbench.stale_checks.market.fate(ModelRef("acme", "m")) is None
            assert "It cannot be read any more" in await home_after("[providers.acme")
            assert "The settings file has changed" not in await home_after(prices)
        finally:
            file.unlink()
