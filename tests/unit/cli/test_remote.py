"""Waiting for what a server makes."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from steelyard.api.nouns import openapi
from steelyard.cli import exits, remote
from steelyard.cli.commands import cases
from steelyard.cli.remote_cases import RemoteCases
from steelyard.cli.terminal import Terminal
from steelyard.domain.errors import SteelyardError


async def test_it_is_looked_at_until_it_has_ended() -> None:
    left, seen = iter([2, 1, 0]), list[int]()
    assert await remote.watched(3, lambda: next(left), bool, seen.append, what="It", later="look") == 0
    assert seen == [3, 2, 1]


async def test_a_server_that_is_gone_keeps_what_was_asked_of_it_going() -> None:
    def look() -> int:
        raise SteelyardError("It cannot be reached.")

    with pytest.raises(SteelyardError) as gone:
        await remote.watched(1, look, bool, lambda _: None, what="The tie-break", later="look")
    assert gone.value.kept == "The tie-break depends on the server alone; what it has so far is kept there."
    assert gone.value.next_step == "Once the server answers: look."


def test_whoever_waits_hears_once_why(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    now = 0.0
    monkeypatch.setattr(remote, "clock", lambda: now)
    waits = remote.Waits("The tie-break", Terminal())
    waits.see("No worker is there.", left=False)
    assert capsys.readouterr().err == ""
    waits.see("It has no key. Nobody can break this tie now.", left=True)
    assert "The tie-break waits. It has no key. Nobody can" in " ".join(capsys.readouterr().err.split())
    now = remote.WAITS_S + 1
    for _ in range(2):
        waits.see("No worker is there.", left=False)
        waits.see("It has no key. Nobody can break this tie now.", left=True)
        waits.see(None, left=False)
    assert " ".join(capsys.readouterr().err.split()).count("The tie-break waits. No worker is there.") == 1
    assert capsys.readouterr().err == ""


class Drafting:
    """A client of a server whose drafts do not end; the second look at them interrupts this process."""

    server = "https://team.example.org"

    def __init__(self) -> None:
        drafts: dict[str, Any] = openapi()["paths"]["/v1/case-drafts/{draft_id}"]["get"]["responses"]["200"]
        self.told = drafts["content"]["application/json"]["example"] | {"status": "running"}
        self.asked: list[Any] = []

    def get_skill(self, _: str) -> Any:
        return {"name": "weigh"}

    def draft_cases(self, _: str, body: Any) -> Any:
        self.asked.append(body)
        return self.told

    def get_case_drafts(self, _: str) -> Any:
        os.kill(os.getpid(), signal.SIGINT)
        return self.told


def test_an_interrupt_leaves_drafts_going_there(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    client = Drafting()

    @asynccontextmanager
    async def open_desk() -> AsyncGenerator[RemoteCases]:
        yield RemoteCases(cast("Any", client))

    monkeypatch.setattr(cases, "open_desk", open_desk)
    assert cases.propose_cases("weigh", None, 3, 0.5, None) == exits.INTERRUPTED
    assert client.asked == [{"model": None, "count": 3, "budget_microcents": 50_000_000}]
    out, err = capsys.readouterr()
    assert out == ""
    assert "Interrupted; the drafts go on at https://team.example.org. `steelyard cases list" in " ".join(err.split())
