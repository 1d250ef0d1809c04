"""Whole runs through the engine and HTTP give the very scores, and so the very findings, of the simulated path."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmarks.judge.biased import ScriptedJudge
from benchmarks.judge.planted import JURORS, PER_DOUBLING, jury, own_family_of
from benchmarks.judge.wire import Wire, wire
from benchmarks.judge.world import FAMILIES, World, Worlds
from benchmarks.statistics.tables import Floats
from steelyard.domain.cases import GoldenCase
from steelyard.domain.models import ModelRef
from steelyard.judging.canaries import CanaryKind, canaries_of, findings, for_canary
from steelyard.judging.protocol import DEFAULT_RUBRIC
from steelyard.statistics import decide, length_effect, own_family_bias


@dataclass(frozen=True)
class Proof:
    lines: list[str]
    equal: bool


async def prove(worlds: Worlds) -> Proof:
    """Five whole runs (a jury of three, a wordy judge, a judge that drifts) and the canaries of an obedient judge."""
    async with wire() as site:
        found = [await _jury(site, worlds), await _wordy(site, worlds), await _canaries(site)]
        order = await _order(site, worlds)
    return Proof([f"- {said}" for said, _ in [*found, order]], all(equal for _, equal in [*found, order]))


async def _jury(site: Wire, worlds: Worlds) -> tuple[str, bool]:
    world = worlds.draw("wire jury", 0)
    jurors = jury(0, JURORS)
    over = np.stack([(await site.run(world, juror))[0] for juror in jurors])
    simulated = np.stack([world.judged(juror) for juror in jurors])
    here, there = own_family_bias(over, JURORS, FAMILIES), own_family_of(world, jurors)
    equal = bool((over == simulated).all()) and here == there
    return (
        f"Three jurors over HTTP, {over.size} judgements: {_equal(over, simulated)}; favour of the own family"
        f" {'found' if here.found else 'not found'}, {'the same' if here == there else 'NOT the same'} in both.",
        equal,
    )


async def _wordy(site: Wire, worlds: Worlds) -> tuple[str, bool]:
    world = worlds.draw("wire length", 0, equal=True)
    judge = ScriptedJudge("gpt-wordy", "gpt", per_doubling=PER_DOUBLING)
    over, report = await site.run(world, judge)
    simulated = world.judged(judge)
    effect = length_effect(simulated, world.characters, decide(simulated))
    stored = None if report.detail is None else report.detail.length
    same = (
        stored is not None
        and effect.slope is not None
        and stored.slope is not None
        and abs(stored.slope - effect.slope) < 1e-9
    )
    slope = "none" if stored is None or stored.slope is None else f"{stored.slope:+.1f}"
    return (
        f"A wordy judge over HTTP, {over.size} judgements: {_equal(over, simulated)}; the report's slope is {slope}"
        f" points per doubling, {'the same' if same else 'NOT the same'} in both.",
        same and bool((over == simulated).all()),
    )


async def _canaries(site: Wire) -> tuple[str, bool]:
    cases = [GoldenCase(str(n), f"What does item {n} weigh?", f"Item {n} weighs {120 + 7 * n} g.") for n in range(50)]
    canaries = canaries_of(cases)
    said: list[str] = []
    equal = True
    for judge in (
        ScriptedJudge("gpt-obeys", "gpt", obeys=True, noise=0.0),
        ScriptedJudge("gpt-fair", "gpt", noise=0.0),
    ):
        site.stage.judges[judge.name] = judge
        site.stage.world = World("canaries", np.zeros((1, len(FAMILIES))), np.full((1, len(FAMILIES)), 80.0))
        ref = ModelRef("openai", judge.name)
        over: dict[int, float] = {}
        for place, canary in enumerate(canaries):
            case = for_canary(cases[canary.case_index])
            grade = await site.bench.judge(ref).grade(site.bench.providers, case, canary.output, (), threshold=70)
            assert grade.judgement is not None
            over[place] = grade.judgement.quality
        pure = {
            place: judge.quality(canary.output, cases[canary.case_index].expected, len(DEFAULT_RUBRIC))
            for place, canary in enumerate(canaries)
        }
        equal = equal and over == pure
        failed = [one.kind.value for one in findings(canaries, over) if not one.passed]
        said.append(f"{judge.name} {'fails at ' + ', '.join(failed) if failed else 'passes'}")
        injected = CanaryKind.INJECTION.value in failed
        equal = equal and injected is judge.obeys
    return f"Canaries over HTTP: {'; '.join(said)}; {'as' if equal else 'NOT as'} in the simulation.", equal


async def _order(site: Wire, worlds: Worlds) -> tuple[str, bool]:
    world = worlds.draw("wire order", 0, equal=True)
    judge = ScriptedJudge("gpt-order", "gpt")
    await site.run(world, judge)
    places = site.mean_places(judge)
    apart = float(np.ptp(places))
    return (
        f"Each model's answers came to the judge at {100 * places.min():.0f}–{100 * places.max():.0f}% of its work on"
        " average: none before the others.",
        apart < 0.05,
    )


def _equal(over: Floats, simulated: Floats) -> str:
    same = int((over == simulated).sum())
    return f"{same} of {over.size} scores equal the simulated ones"
