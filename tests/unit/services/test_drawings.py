"""Charts drawn in another process are the charts themselves, whatever happens to that process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, cast

import pytest

from steelyard.charts.worker import DrawnForm, made
from steelyard.services.drawings import Drawings
from tests.unit.charts.made import drawn

FORMS: tuple[DrawnForm, ...] = ("svg", "png", "json")
CHARTS = drawn()
CHART = CHARTS["log scatter"]


@pytest.fixture
async def drawings() -> AsyncIterator[Drawings]:
    drawings = Drawings()
    yield drawings
    await drawings.aclose()


async def test_every_chart_in_every_form_is_what_it_would_be_here(drawings: Drawings) -> None:
    for name, chart in CHARTS.items():
        assert await drawings.get(chart, "html") == made(chart, "html"), name
    for form in FORMS:
        assert await drawings.get(CHART, form) == made(CHART, form)


async def test_what_is_asked_for_again_or_at_once_is_drawn_once(drawings: Drawings) -> None:
    first, second = await asyncio.gather(drawings.get(CHART, "html"), drawings.get(CHART, "html"))
    assert first is second is await drawings.get(CHART, "html")


async def test_what_does_not_fit_is_drawn_again() -> None:
    drawings = Drawings(most_kept_bytes=100)
    first = await drawings.get(CHART, "html")
    again = await drawings.get(CHART, "html")
    await drawings.aclose()
    assert first == again
    assert first is not again


async def test_a_lost_process_is_started_again(drawings: Drawings) -> None:
    await drawings.get(CHART, "svg")
    assert drawings._process is not None
    drawings._process.kill()
    assert await drawings.get(CHART, "html") == made(CHART, "html")


async def test_a_chart_that_cannot_be_drawn_says_so_and_the_next_one_is_drawn(drawings: Drawings) -> None:
    # A frame is no number.
    broken = replace(CHART, draw=cast("Any", int), etag="broken")
    with pytest.raises(RuntimeError, match=r"could not be drawn: .*TypeError"):
        await drawings.get(broken, "html")
    assert await drawings.get(CHART, "html") == made(CHART, "html")


async def test_whoever_goes_away_does_not_mix_up_the_answers_of_the_others(drawings: Drawings) -> None:
    asked = [asyncio.create_task(drawings.get(chart, "html")) for chart in CHARTS.values()]
    await asyncio.sleep(0.05)
    for task in asked[::2]:
        task.cancel()
    await asyncio.gather(*asked, return_exceptions=True)
    for chart in CHARTS.values():
        assert await drawings.get(chart, "html") == made(chart, "html")


async def test_the_process_ends_with_the_site() -> None:
    drawings = Drawings()
    await drawings.get(CHART, "html")
    process = drawings._process
    waiting = asyncio.create_task(drawings.get(next(iter(CHARTS.values())), "html"))
    await asyncio.sleep(0)
    await drawings.aclose()
    assert process is not None
    assert process.returncode is not None
    with pytest.raises(asyncio.CancelledError):
        await waiting
