"""Errors as a person, htmx and a program see them."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from uuid import UUID

import pytest

from steelyard.domain.errors import (
    BudgetExceeded,
    Conflict,
    Forbidden,
    InputError,
    NotFound,
    SkillError,
    SteelyardError,
    StorageError,
    TooLarge,
)
from steelyard.storage.server import Server
from steelyard.web.deps import workbench
from steelyard.web.errors import status_of
from tests.integration.web.harness import Site, site_of


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (NotFound("x"), 404),
        (Conflict("x"), 409),
        (InputError("x"), 422),
        (SkillError("x"), 422),
        (TooLarge("x"), 413),
        (Forbidden("x"), 403),
        (StorageError("x"), 503),
        (BudgetExceeded("x"), 500),
    ],
)
def test_every_error_has_its_status(error: SteelyardError, status: int) -> None:
    assert status_of(error) == status


def failing(site: Site, error: Exception) -> None:
    """Makes GET /settings raise."""

    def broken() -> None:
        raise error

    site.app.dependency_overrides[workbench] = broken


async def test_a_page_says_what_happened_what_was_kept_and_what_to_do(site: Site) -> None:
    failing(site, Conflict("The run has ended.", kept="Its answers are saved.", next_step="Start another."))
    page = await site.client.get("/settings", headers={"accept": "text/html"})
    assert page.status_code == 409
    text = re.sub(r"<[^>]*>", " ", page.text)
    assert all(part in text for part in ("The run has ended.", "Its answers are saved.", "Start another."))


async def test_a_program_gets_json(site: Site) -> None:
    failing(site, NotFound("No such run.", next_step="List them."))
    answer = await site.client.get("/settings", headers={"accept": "application/json"})
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": "urn:steelyard:problem:not-found",
        "title": "There is nothing here",
        "status": 404,
        "detail": "No such run.",
        "kept": None,
        "next_step": "List them.",
        "field": None,
    }


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1", 404),
        ("GET", "/v1/", 404),
        ("POST", "/v1/no/such", 404),
        ("GET", "/v1/measurements", 405),
        ("DELETE", "/v1/stale", 405),
        ("GET", "/v1/stale?limit=0", 422),
        ("GET", "/v1/skills/none/staleness", 404),
    ],
)
async def test_every_error_of_the_api_is_a_problem(site: Site, method: str, path: str, status: int) -> None:
    answer = await site.client.request(method, path, headers={"accept": "text/html"})
    said = answer.json()
    assert (answer.status_code, said["status"]) == (status, status)
    assert answer.headers["content-type"] == "application/problem+json"
    assert said["type"].startswith("urn:steelyard:problem:")
    assert said["title"]
    assert said["detail"]
    assert set(said) == {"type", "title", "status", "detail", "kept", "next_step", "field"}
    assert said["field"] == ("limit" if status == 422 else None)
    assert ("allow" in answer.headers) == (status == 405)


async def test_a_fault_within_the_api_is_a_problem_with_a_reference(server_home: Path, tenant_id: UUID) -> None:
    async with site_of(server_home, tenant_id, faults=True) as site:
        site.workbench.__dict__["stale_watch"] = None
        answer = await site.client.get("/v1/stale")
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert re.search(r"reference is [0-9a-f]{8}", answer.json()["detail"])


async def test_htmx_gets_a_fragment_for_a_fragment(site: Site) -> None:
    failing(site, InputError("Not so."))
    headers = {"hx-request": "true", "hx-request-type": "partial"}
    answer = await site.client.get("/settings", headers=headers)
    assert answer.status_code == 422
    assert "<html" not in answer.text
    assert "Not so." in answer.text


async def test_an_unknown_address_is_a_page_that_helps(site: Site) -> None:
    page = await site.client.get("/no/such/page")
    assert page.status_code == 404
    assert "Start from the list of skills" in page.text


async def test_a_method_that_is_not_there_is_said(site: Site) -> None:
    assert (await site.client.put("/settings", headers={"x-csrf-token": await site.token()})).status_code == 405


async def test_hostile_text_in_an_error_is_only_text(site: Site) -> None:
    failing(site, InputError("<script>alert(1)</script>\u202e"))
    page = await site.client.get("/settings")
    assert "<script>alert" not in page.text
    assert "\u202e" not in page.text


async def test_a_fault_shows_a_reference_that_the_log_has_and_nothing_else(
    server: Server, server_home: Path, tenant_id: UUID, caplog: pytest.LogCaptureFixture
) -> None:
    async with site_of(server_home, tenant_id, faults=True) as site:
        failing(site, RuntimeError("secret detail of the inside"))
        with caplog.at_level(logging.ERROR, logger="steelyard.web"):
            page = await site.client.get("/settings")
    assert page.status_code == 500
    assert "secret detail" not in page.text
    assert "Traceback" not in page.text
    found = re.search(r"Its reference is ([0-9a-f]{8})", page.text)
    assert found is not None
    assert found[1] in caplog.text
    assert "secret detail" in caplog.text
    assert "content-security-policy" in page.headers


@pytest.mark.parametrize(
    "path", ["/skills/{}/details", "/skills/{}/benchmark", "/runs/00000000", "/skills/{}/cases/new"]
)
async def test_what_is_not_there_is_told_in_a_browsers_words(site: Site, path: str) -> None:
    answer = await site.client.get(path.format("n" * 1_500))
    assert answer.status_code == 404
    assert "n" * 300 not in answer.text
    assert "steelyard skills" not in answer.text
    assert "steelyard runs" not in answer.text
    assert "list of skills" in answer.text
