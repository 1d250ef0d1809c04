"""Waiting for what a server makes."""

from __future__ import annotations

import pytest

from steelyard.cli import remote
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
    waits.see("pending", None)
    assert capsys.readouterr().err == ""
    now = remote.WAITS_S + 1
    for status, why in (("pending", None), ("pending", None), ("pending", "It has no key."), ("running", None)):
        waits.see(status, why)
    said = " ".join(capsys.readouterr().err.split())
    assert said.count("waits for a worker of the server") == 1
    assert said.count("waits for another worker of the server. It has no key.") == 1
