"""The settings page: what is configured, and never a secret."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

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
