"""Biases planted in scripted judges: how often each is found and named, and how often one is found that is none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from benchmarks.judge.biased import ScriptedJudge
from benchmarks.judge.world import CASES, FAMILIES, JURORS, World, Worlds
from benchmarks.statistics.claims import FALSE_CLAIMS, allowed, percent
from benchmarks.statistics.tables import Floats
from steelyard.domain.cases import GoldenCase
from steelyard.judging.canaries import CanaryKind, canaries_of, findings
from steelyard.judging.protocol import DEFAULT_RUBRIC
from steelyard.statistics import OwnFamilyBias, decide, length_effect, own_family_bias

RUNS = 200
FOUND = 0.80
FAVOUR = 5.0
PER_DOUBLING = 5.0
DRIFT = 20.0
SEVERITY = (0.0, 5.0, -5.0)


@dataclass(frozen=True)
class Planted:
    """One row: the share of runs in which the bias was found, of those with it and of those without."""

    bias: str
    found: float
    named: float
    false: float
    bar: bool = True

    @property
    def passed(self) -> bool | None:
        if not self.bar:
            return None
        return min(self.found, self.named) >= FOUND and self.false <= allowed(FALSE_CLAIMS, RUNS)

    @property
    def line(self) -> str:
        mark = {True: "pass", False: "**fail**", None: "reported"}[self.passed]
        bar = ">= 80%; <= 5% + 2 SE" if self.bar else "a known limit, no bar"
        figures = (percent(self.found), percent(self.named), percent(self.false), bar, mark)
        return f"| {self.bias} | {' | '.join(figures)} |"


def jury(run: int, favouring: Sequence[str], families: Sequence[str] = JURORS) -> list[ScriptedJudge]:
    """A juror of each family, unlike in severity; those of `favouring` add points to their own family's style."""
    return [
        ScriptedJudge(
            f"{family}-judge", family, favour=FAVOUR * (family in favouring), severity=SEVERITY[place], seed=run
        )
        for place, family in enumerate(families)
    ]


def own_family_of(world: World, jurors: Sequence[ScriptedJudge]) -> OwnFamilyBias:
    """What is found in the jurors' scores of a world."""
    return own_family_bias(
        np.stack([world.judged(juror) for juror in jurors]), [juror.family for juror in jurors], FAMILIES
    )


def slope_found(world: World, scores: Floats) -> bool:
    """Whether scores are found to go with length."""
    p = length_effect(scores, world.characters, decide(scores)).p
    return p is not None and p < FALSE_CLAIMS


def own_family(worlds: Worlds) -> list[Planted]:
    """Each juror favours its own family; then one of two, whose other is of no candidate's; then one of three."""
    settings = (
        ("three jurors, each favours its own family by 5 points", JURORS, JURORS, True),
        ("two jurors, the one of a candidate's family favours it by 5 points", ("claude", "other"), ("claude",), True),
        ("three jurors, one of them favours its own family by 5 points", JURORS, ("claude",), False),
    )
    rows: list[Planted] = []
    for setting, families, favouring, bar in settings:
        found = named = false = 0
        for run in range(RUNS):
            world = worlds.draw(f"own family {setting}", run)
            planted = own_family_of(world, jury(run, favouring, families))
            found += planted.found
            named += planted.found and bool(planted.named) and set(planted.named) <= set(favouring)
            false += own_family_of(world, jury(run, (), families)).found
        rows.append(Planted(setting, found / RUNS, named / RUNS, false / RUNS, bar))
    return rows


def length(worlds: Worlds) -> Planted:
    """Named: the slope found is a rise, as planted."""
    found = named = false = 0
    for run in range(RUNS):
        world = worlds.draw("length", run, equal=True)
        fair = ScriptedJudge("gpt-judge", "gpt", seed=run)
        scores = world.judged(replace(fair, per_doubling=PER_DOUBLING))
        effect = length_effect(scores, world.characters, decide(scores))
        planted = effect.p is not None and effect.p < FALSE_CLAIMS
        found += planted
        named += planted and (effect.slope or 0.0) > 0
        false += slope_found(world, world.judged(fair))
    return Planted("5 points for each doubling of an answer's length", found / RUNS, named / RUNS, false / RUNS)


def injection(*, shared_noise: bool) -> Planted:
    """A judge that obeys its candidate, found by the canaries; named: of the kinds that fail, injection is one.

    The noise of a judgement is that of each criterion, drawn anew for each, or one and the same for all of them.
    """
    found = false = 0
    for run in range(RUNS):
        cases = [
            GoldenCase(str(case), f"Run {run}: what does item {case} weigh?", f"Item {case} weighs {120 + case * 7} g.")
            for case in range(CASES)
        ]
        honest = ScriptedJudge("gpt-judge", "gpt", seed=run)
        found += _obeys(replace(honest, obeys=True), cases, shared=shared_noise)
        false += _obeys(honest, cases, shared=shared_noise)
    how = "the same for all four criteria of a judgement" if shared_noise else "its own for each criterion"
    share = found / RUNS
    return Planted(
        f"obeys what a candidate tells it (canary), noise {how}", share, share, false / RUNS, not shared_noise
    )


def _obeys(judge: ScriptedJudge, cases: Sequence[GoldenCase], *, shared: bool) -> bool:
    """Whether the canary of an injection fails."""
    canaries = canaries_of(cases, seed=judge.seed)
    graded = {
        place: _graded(judge, canary.output, cases[canary.case_index].expected, shared=shared)
        for place, canary in enumerate(canaries)
    }
    return any(one.kind is CanaryKind.INJECTION and not one.passed for one in findings(canaries, graded))


def _graded(judge: ScriptedJudge, output: str, expected: str, *, shared: bool) -> float:
    criteria = len(DEFAULT_RUBRIC)
    if shared:
        return judge.quality(output, expected, criteria)
    each = [replace(judge, seed=judge.seed + 1_000 * (place + 1)) for place in range(criteria)]
    return float(np.mean([one.quality(output, expected, 1) for one in each]))


@dataclass(frozen=True)
class Drift:
    """What a judge that grows lenient by 20 points over a run does to six equal models: how far apart their means come
    for that, and how often one is called best."""

    order: str
    apart: float
    best: float


def drift(worlds: Worlds, orders: dict[str, Callable[[int], Floats]]) -> list[Drift]:
    """`orders`: by name, from a run's number the place (0-1) in the judge's work of each (case, model)."""
    rows: list[Drift] = []
    for name, places_of in orders.items():
        apart: list[float] = []
        best = 0
        for run in range(RUNS):
            world = worlds.draw("drift", run, equal=True)
            places = places_of(run)
            fair = ScriptedJudge("gpt-judge", "gpt", seed=run)
            drifting = world.judged(replace(fair, drift=DRIFT), places)
            moved = drifting.mean(axis=0) - world.judged(fair).mean(axis=0)
            apart.append(float(np.ptp(moved)))
            best += decide(drifting).kind == "best"
        rows.append(Drift(name, float(np.mean(apart)), best / RUNS))
    return rows


def side_by_side(run: int) -> Floats:
    """As Steelyard asks: a shuffle of the cases, each for one model after the other."""
    order = np.random.default_rng(run).permutation(CASES)
    places = np.empty((CASES, len(FAMILIES)))
    places[order] = np.arange(places.size).reshape(places.shape)
    return places / (places.size - 1)


def model_by_model(run: int) -> Floats:
    """As a loop over the models would ask."""
    places = np.arange(CASES * len(FAMILIES), dtype=np.float64).reshape(len(FAMILIES), CASES).T
    return places / (places.size - 1)
