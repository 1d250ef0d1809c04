"""Models' figures as charts take them, how they stand, and how that is said, shown and tabled."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from steelyard.charts.palette import Ink
from steelyard.charts.tables import Column, Kind, Table
from steelyard.charts.words import between, clean, count, money, points, text_width

_STAR = "M0,-1.15L0.28,-0.39L1.09,-0.36L0.45,0.15L0.68,0.93L0,0.47L-0.68,0.93L-0.45,0.15L-1.09,-0.36L-0.28,-0.39Z"


class Standing(StrEnum):
    """What a verdict says of a model; the value is what a reader sees."""

    BEST = "best"
    TIED = "tied for best"
    LEADING = "leading, not proven"
    GOOD_ENOUGH = "cheapest good enough"
    CHEAPEST = "cheapest"

    @property
    def brief(self) -> str:
        """The same in fewer words, with nothing more claimed."""
        return _BRIEF.get(self, self.value)


_BRIEF = {Standing.TIED: "tied", Standing.LEADING: "unproven lead", Standing.GOOD_ENOUGH: "good enough"}


@dataclass(frozen=True)
class ModelFigures:
    """One model of a run: mean quality with its interval, 0-100, and the average known cost of a case in microcents.

    `model` is its reference; `label`, if any, is what sentences and pictures call it, with its provider before a colon.
    None means not known: quality of a model without a graded case, an interval below two cases, a cost without price.
    """

    model: str
    quality: float | None
    low: float | None
    high: float | None
    cost_microcents: float | None
    cases: int
    standings: frozenset[Standing] = frozenset()
    label: str = ""


def ordered(models: Sequence[ModelFigures]) -> list[ModelFigures]:
    """By quality, highest first, those without one last; names cleaned, and a label for each."""
    named = [replace(item, model=clean(item.model) or "unnamed") for item in models]
    cleaned = [replace(item, label=clean(item.label) or item.model) for item in named]
    return sorted(cleaned, key=lambda item: (item.quality is None, -(item.quality or 0.0), item.model))


def briefly(models: Sequence[ModelFigures]) -> list[ModelFigures]:
    """The same with their labels as names, without the provider where that leaves them all different."""
    bare = [item.label.partition(":")[2] or item.label for item in models]
    return [
        replace(item, model=short if bare.count(short) == 1 else item.label)
        for item, short in zip(models, bare, strict=True)
    ]


def standing_words(item: ModelFigures) -> str:
    """`best, cheapest good enough`; empty for the others. The cheapest of all need not be called good enough twice."""
    return ", ".join(standing.value for standing in Standing if standing in item.standings)


def fitting_standing(item: ModelFigures, size: float, width: float) -> str:
    """As much of how a model stands as fits so many pixels in whole words; empty where not even the first does.

    A standing cut in the middle may say its opposite, so one is said in full, in brief, or not at all.
    """
    held = [standing for standing in Standing if standing in item.standings]
    choices = (
        ", ".join(standing.value for standing in held),
        ", ".join([*(standing.value for standing in held[:1]), *(standing.brief for standing in held[1:])]),
        ", ".join(standing.brief for standing in held),
        *(standing for first in held[:1] for standing in (first.value, first.brief)),
    )
    return next((words for words in choices if text_width(words, size) <= width), "")


def standing_lines(item: ModelFigures, size: float, width: float) -> list[str]:
    """How a model stands in one line where so many pixels hold it, else in a line for each standing."""
    words = standing_words(item)
    if not words:
        return []
    if text_width(words, size) <= width:
        return [words]
    held = [standing.value for standing in Standing if standing in item.standings]
    return [*(f"{line}," for line in held[:-1]), held[-1]]


def symbol_of(item: ModelFigures) -> tuple[str, Ink, float]:
    """Shape, ink and area of a model's point: the standings differ by shape as well as by colour."""
    if item.standings & {Standing.BEST, Standing.LEADING}:
        return _STAR, Ink.ACCENT, 230.0
    if Standing.GOOD_ENOUGH in item.standings:
        return "diamond", Ink.GOOD, 120.0
    if Standing.CHEAPEST in item.standings:
        return "triangle-down", Ink.ACCENT, 120.0
    return "circle", Ink.ACCENT, 70.0


def cost_words(cost_microcents: float | None) -> str:
    return "cost unknown" if cost_microcents is None else f"{money(cost_microcents)} a case"


def says(item: ModelFigures) -> str:
    """A model's figures in a line, for pointing at it."""
    if item.quality is None:
        return f"{item.model}: no quality yet, {cost_words(item.cost_microcents)}."
    standing = standing_words(item)
    figures = f"quality {points(item.quality)} of 100{between(item.low, item.high)}, {cost_words(item.cost_microcents)}"
    return f"{item.model}: {figures}, {count(item.cases, 'case')}{f'; {standing}' if standing else ''}."


def models_table(models: Collection[ModelFigures]) -> Table:
    return Table(
        columns=(
            Column("model", "Reference", Kind.TEXT, shown=False),
            Column("label", "Model", Kind.TEXT),
            Column("quality", "Quality", Kind.POINTS),
            Column("quality_low", "95% from", Kind.POINTS),
            Column("quality_high", "95% to", Kind.POINTS),
            Column("cost_per_case", "Average cost of a case", Kind.MONEY),
            Column("cases", "Cases", Kind.COUNT),
            Column("standing", "Standing", Kind.TEXT),
        ),
        rows=tuple(
            (
                item.model,
                item.label,
                item.quality,
                item.low,
                item.high,
                item.cost_microcents,
                item.cases,
                standing_words(item) or None,
            )
            for item in models
        ),
    )


def standings_sentence(models: Sequence[ModelFigures]) -> str:
    """Who is best or leads, who is the cheapest good enough and what that saves, and what is not known."""
    graded = [item for item in models if item.quality is not None]
    said = [_first(graded)]
    good = next((item for item in graded if Standing.GOOD_ENOUGH in item.standings), None)
    head = next((item for item in graded if item.standings & {Standing.BEST, Standing.LEADING}), None)
    if good is not None and good is head:
        said.append("It is also the cheapest good enough.")
    elif good is not None and good.quality is not None:
        figures = f"{points(good.quality)} for {cost_words(good.cost_microcents)}"
        said.append(f"{good.model} is the cheapest good enough: {figures}{_saved(head, good)}.")
    unpriced = sum(item.cost_microcents is None for item in graded)
    if unpriced:
        said.append(f"The cost of {count(unpriced, 'model')} is not known.")
    ungraded = len(models) - len(graded)
    if ungraded:
        said.append(f"{count(ungraded, 'model has', 'models have')} no quality yet.")
    return " ".join(said)


def _first(graded: Sequence[ModelFigures]) -> str:
    tied = [item for item in graded if Standing.TIED in item.standings]
    for item in graded:
        if item.quality is None:
            continue
        figures = f"{points(item.quality)} of 100{between(item.low, item.high)} for {cost_words(item.cost_microcents)}"
        if Standing.BEST in item.standings:
            return f"{item.model} is best: {figures}."
        if Standing.LEADING in item.standings and len(tied) < 2:
            return f"{item.model} leads, which is not proven: {figures}."
    if len(tied) > 1:
        return f"{len(tied)} models are tied for best: {_listed([item.model for item in tied])}."
    top = graded[0]
    assert top.quality is not None
    return f"{top.model} has the highest quality, {points(top.quality)} of 100{between(top.low, top.high)}."


def _saved(head: ModelFigures | None, good: ModelFigures) -> str:
    if head is None or not head.cost_microcents or good.cost_microcents is None:
        return ""
    percent = round(100 * (1 - good.cost_microcents / head.cost_microcents))
    return f", {percent}% less than {head.model}" if percent > 0 else ""


def _listed(names: Sequence[str]) -> str:
    shown = list(names[:4]) + ([f"{len(names) - 4} more"] if len(names) > 4 else [])
    return f"{', '.join(shown[:-1])} and {shown[-1]}"
