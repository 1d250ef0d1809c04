"""A case in a run as its page shows it: which answers stand side by side, and the addresses of the others. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from steelyard.services.case_view import MOST_MODELS, CaseColumn, CaseSlot, CaseView
from steelyard.services.run_matrix import MatrixCell, MatrixFilter
from steelyard.web.case_answer import AnswerView, Mark, Show, answer_view
from steelyard.web.filters import points
from steelyard.web.links import case_url, run_url, with_query
from steelyard.web.matrix_view import ARM_WORDS, band, look_words, models_query
from steelyard.web.model_names import ModelName, model_name

BOTH = "both"
SHOW_NAMES = {
    Show.EVIDENCE: "Evidence",
    Show.DIFFERENCES: "Against expected",
    Show.RENDERED: "Rendered",
    Show.RAW: "Raw",
}


@dataclass(frozen=True)
class Chosen:
    """What the address asks for; None is the default of each. `arm` may be "both", `trial` counts from 0."""

    show: Show | None = None
    arm: str | None = None
    trial: int = 0
    models: str | None = None


@dataclass(frozen=True)
class Link:
    """A choice on the page; `note` says in words what following it does, where the name does not."""

    name: str
    href: str
    current: bool
    note: str = ""


@dataclass(frozen=True)
class ModelLink:
    name: ModelName
    mark: Mark
    link: Link


@dataclass(frozen=True)
class ColumnView:
    name: ModelName
    answers: tuple[AnswerView, ...]


@dataclass(frozen=True)
class CasePage:
    """`columns` are the models side by side; the tuples of links are empty where there is nothing to choose.

    `evidence`: the outputs have the judges' quotes marked.
    """

    columns: tuple[ColumnView, ...]
    models: tuple[ModelLink, ...]
    shows: tuple[Link, ...]
    evidence: bool
    arms: tuple[Link, ...]
    trials: tuple[Link, ...]
    previous: str | None
    next: str | None
    back: str


def case_page(view: CaseView, chosen: Chosen) -> CasePage:
    """The page of these answers."""
    arms = tuple(dict.fromkeys(slot.arm for column in view.shown for slot in column.slots))
    trials = 1 + max((slot.trial for column in view.shown for slot in column.slots), default=0)
    arm = chosen.arm if chosen.arm in (*arms, BOTH) and len(arms) > 1 else view.compared_arm
    trial = min(chosen.trial, trials - 1)
    slots = {column.model: _picked(column, arm, trial) for column in view.shown}
    show = chosen.show or _first_show(view, [slot for found in slots.values() for slot in found])

    def address(
        *,
        index: int = view.index,
        show: Show | None = chosen.show,
        arm: str = arm,
        trial: int = trial,
        models: str | None = chosen.models,
    ) -> str:
        return with_query(
            case_url(view.run.id, index),
            models=models,
            show=show,
            arm=None if arm == view.compared_arm else arm,
            trial=None if trial == 0 else trial + 1,
            only=None if view.only is MatrixFilter.ALL else view.only.value,
        )

    arm_names = [(one, ARM_WORDS[one].capitalize()) for one in arms] + [(BOTH, "Both")]
    return CasePage(
        columns=tuple(
            ColumnView(
                model_name(column.model),
                tuple(answer_view(view, slot, show, _cell_of(column, slot.arm)) for slot in slots[column.model]),
            )
            for column in view.shown
        ),
        models=tuple(_model_links(view, lambda places: address(models=models_query(places)))),
        shows=tuple(Link(SHOW_NAMES[one], address(show=one), one is show) for one in _possible_shows(view)),
        evidence=show is Show.EVIDENCE,
        arms=tuple(Link(name, address(arm=one), one == arm) for one, name in arm_names) if len(arms) > 1 else (),
        trials=tuple(Link(str(one + 1), address(trial=one), one == trial) for one in range(trials))
        if trials > 1
        else (),
        previous=None if view.previous is None else address(index=view.previous),
        next=None if view.next is None else address(index=view.next),
        back=with_query(run_url(view.run.id), only=None if view.only is MatrixFilter.ALL else view.only.value)
        + "#matrix",
    )


def toggled(chosen: Sequence[int], place: int, most: int) -> list[int]:
    """The places once this one is pressed: taken out, put in, or in place of the last; never none."""
    if place in chosen:
        return [one for one in chosen if one != place] or [place]
    return [*chosen[: most - 1], place]


def mark_of(cell: MatrixCell) -> Mark:
    """A cell of the matrix as a mark."""
    quality = "" if cell.quality is None else f"quality {points(cell.quality)}, "
    return Mark(
        cell.look, cell.label, None if cell.quality is None else band(cell.quality), f"{quality}{look_words(cell)}"
    )


def _picked(column: CaseColumn, arm: str, trial: int) -> list[CaseSlot]:
    return [slot for slot in column.slots if slot.trial == trial and (arm in (slot.arm, BOTH))]


def _cell_of(column: CaseColumn, arm: str) -> MatrixCell:
    return next(cell for cell in column.cells if cell.arm == arm)


def _possible_shows(view: CaseView) -> list[Show]:
    shows = [Show.DIFFERENCES] if view.case.expected.text else []
    if view.run.judge is not None:
        shows.insert(0, Show.EVIDENCE)
    return [*shows, Show.RENDERED, Show.RAW]


def _first_show(view: CaseView, slots: Sequence[CaseSlot]) -> Show:
    if any(slot.answer is not None and slot.answer.judgements for slot in slots):
        return Show.EVIDENCE
    return Show.DIFFERENCES if view.case.expected.text else Show.RAW


def _model_links(view: CaseView, address: Callable[[Sequence[int]], str]) -> list[ModelLink]:
    chosen = [view.models.index(column.model) for column in view.shown]
    columns = {column.model: column for column in (*view.shown, *view.others)}
    links: list[ModelLink] = []
    for place, model in enumerate(view.models):
        name = model_name(model)
        shown = place in chosen
        after = toggled(chosen, place, MOST_MODELS)
        replaced = not shown and len(chosen) == MOST_MODELS
        note = "Hide it" if shown else f"Show it in place of {view.models[chosen[-1]]}" if replaced else "Show it too"
        mark = mark_of(_cell_of(columns[model], view.compared_arm))
        links.append(ModelLink(name, mark, Link(name.short, address(after), shown, note)))
    return links
