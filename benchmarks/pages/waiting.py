"""What a page waits for while charts are drawn for the first time."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from random import Random

from benchmarks.pages.known import Known
from benchmarks.pages.timing import Client, percentile
from benchmarks.pages.visits import Visit

CHARTS = 8
ROUNDS = 6
# Such as a person has between two pages: asked without a pause a page would be measured against itself.
_PAUSE_S = 0.02


@dataclass(frozen=True)
class Waited:
    """Milliseconds of a page alone, of the same page while charts are drawn, and of all the charts of a round."""

    alone: list[float]
    beside: list[float]
    charts: list[float]


def waited(address: str, known: Known, *, seed: int) -> Waited:
    """Visits another skill's Details tab again and again while CHARTS others ask for a chart never drawn before."""
    dice = Random(seed)
    names = dice.sample(list(known.benchmarked), min(len(known.benchmarked), CHARTS * ROUNDS))
    page = Client(address)

    def details() -> float:
        return page.ask(Visit(f"/skills/{dice.choice(known.skills)}/details")).took_ms

    def chart(name: str) -> float:
        client = Client(address)
        try:
            return client.ask(Visit(f"/skills/{name}/charts/quality-cost.html")).took_ms
        finally:
            client.close()

    try:
        alone = [details() for _ in range(60)]
        beside: list[float] = []
        charts: list[float] = []
        with ThreadPoolExecutor(CHARTS) as pool:
            for start in range(0, len(names), CHARTS):
                drawn = [pool.submit(chart, name) for name in names[start : start + CHARTS]]
                while not all(one.done() for one in drawn):
                    beside.append(details())
                    time.sleep(_PAUSE_S)
                charts += [one.result() for one in drawn]
    finally:
        page.close()
    return Waited(alone, beside, charts)


def sentence(found: Waited) -> str:
    def times(values: list[float]) -> str:
        return f"p50 {percentile(values, 0.5):.0f} ms, p95 {percentile(values, 0.95):.0f} ms"

    return (
        f"A Details tab alone: {times(found.alone)}; the same while {CHARTS} charts are drawn for the first time:"
        f" {times(found.beside)} ({len(found.beside)} visits). Those charts: {times(found.charts)}."
    )
