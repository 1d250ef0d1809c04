"""The matrix of a run as its page draws it: headings, bands of colour, words for the ear, addresses. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from uuid import UUID

from markupsafe import Markup

from steelyard.domain.runs import Arm
from steelyard.services.case_view import MOST_MODELS
from steelyard.services.run_matrix import CellLook, MatrixCell, MatrixFilter, MatrixPage, MatrixRow
from steelyard.web.filters import plural, points, visible
from steelyard.web.links import case_url, run_url, with_query
from steelyard.web.model_names import short_names

ARM_WORDS = {Arm.WITH_SKILL.value: "with the skill", Arm.WITHOUT_SKILL.value: "without the skill"}
BANDS = 5
# Columns of cells that stand legibly side by side across the short side of a sheet.
COLUMNS_ON_PAPER = 12
FILTERS = (
    (MatrixFilter.ALL, "All cases"),
    (MatrixFilter.DIFFER, "Models differ"),
    (MatrixFilter.NOT_PASSED, "Not passed"),
    (MatrixFilter.FAILURES, "Failures"),
)
LOOK_WORDS = {
    CellLook.PASSED: "passed",
    CellLook.NOT_PASSED: "not passed",
    CellLook.GRADED: "graded",
    CellLook.FAILED: "the model failed, scored 0",
    CellLook.OUTAGE: "no answer, not scored",
    CellLook.UNGRADED: "answered, not graded",
    CellLook.WAITING: "waiting",
    CellLook.MISSING: "never called",
    CellLook.SPARED: "not called",
}


@dataclass(frozen=True)
class CellView:
    """One cell. `band` is 0 (lowest quality) to 4, None without a quality; `words` is for the ear and the tip.

    `first_arm`: a model's columns begin here.
    """

    href: str
    look: CellLook
    label: str
    band: int | None
    words: str
    first_arm: bool


@dataclass(frozen=True)
class RowView:
    """One case; `title` is hostile text. `named`: its key does not say its number, so it is shown beside it."""

    number: int
    key: str
    named: bool
    title: str
    family: str | None
    href: str
    cells: tuple[CellView, ...]

    @property
    def marks(self) -> Markup:
        """The row's cells as markup, each a link to its answers."""
        return _markup(
            f'<td{_start(cell)}><a class="mark"{_look(cell)} href="{escape(cell.href)}" title="{escape(cell.words)}">'
            f"{escape(cell.label)}</a></td>"
            for cell in self.cells
        )

    def printed(self, block: PaperBlock) -> Markup:
        """Those of one block as markup, without links."""
        return _markup(
            f'<td{_start(cell)}><span class="mark"{_look(cell)}>{escape(cell.label)}</span></td>'
            for cell in self.cells[block.start : block.stop]
        )


@dataclass(frozen=True)
class PaperBlock:
    """Models whose columns stand side by side on paper: rows' cells `start` to before `stop`."""

    models: tuple[str, ...]
    start: int
    stop: int


@dataclass(frozen=True)
class FilterLink:
    name: str
    href: str
    current: bool


@dataclass(frozen=True)
class MatrixView:
    """`models`, by short `names`, head `arms` columns each; rows `first` to `last` of `total`, from 1, are shown.

    `paper`: the blocks in which it is printed, none where all columns fit side by side.
    """

    models: tuple[str, ...]
    names: Mapping[str, str]
    arms: tuple[str, ...]
    paper: tuple[PaperBlock, ...]
    rows: tuple[RowView, ...]
    filters: tuple[FilterLink, ...]
    only: MatrixFilter
    looks: tuple[CellLook, ...]
    cases: int
    total: int
    first: int
    last: int
    previous: str | None
    next: str | None


def matrix_view(page: MatrixPage, run_id: UUID) -> MatrixView:
    """What the page shows of these rows."""
    models = tuple(dict.fromkeys(model for model, _ in page.columns))
    arms = tuple(dict.fromkeys(arm for _, arm in page.columns))
    only = None if page.only is MatrixFilter.ALL else page.only.value
    # Once a column: a page may have thousands of cells.
    queries = {
        model: with_query("", models=models_query(side_by_side(place, len(models))), only=only)
        for place, model in enumerate(models)
    }
    plain = with_query("", only=only)
    heads = {
        (model, arm): visible(f"{model}, {ARM_WORDS[arm]}" if len(arms) > 1 else model) for model, arm in page.columns
    }

    def address(only: MatrixFilter, offset: int | None = None) -> str:
        shown = None if only is MatrixFilter.ALL else only.value
        return with_query(run_url(run_id), only=shown, offset=offset or None)

    def row_of(row: MatrixRow) -> RowView:
        base = case_url(run_id, row.index)
        return RowView(
            number=row.index + 1,
            key=row.key,
            named=not says_number(row.key, row.index + 1),
            title=row.title,
            family=row.family,
            href=f"{base}{plain}",
            cells=tuple(
                _cell(cell, f"{base}{queries[cell.model]}", heads[cell.model, cell.arm], arms) for cell in row.cells
            ),
        )

    rows = tuple(row_of(row) for row in page.rows)
    previous, following = page.previous_offset, page.next_offset
    return MatrixView(
        models=models,
        names=short_names(models),
        arms=arms,
        paper=paper_blocks(models, len(arms)),
        rows=rows,
        filters=tuple(FilterLink(name, address(one), one is page.only) for one, name in FILTERS),
        only=page.only,
        looks=_seen(cell for row in rows for cell in row.cells),
        cases=page.cases,
        total=page.total,
        first=page.offset + 1,
        last=page.offset + len(rows),
        previous=None if previous is None else address(page.only, previous),
        next=None if following is None else address(page.only, following),
    )


def paper_blocks(models: Sequence[str], arms: int) -> tuple[PaperBlock, ...]:
    """The fewest blocks that fit a sheet, about equally wide; empty where one would do."""
    count = -(-len(models) // max(1, COLUMNS_ON_PAPER // max(1, arms)))
    if count < 2:
        return ()
    edges = [len(models) * block // count for block in range(count + 1)]
    return tuple(PaperBlock(tuple(models[low:high]), low * arms, high * arms) for low, high in pairwise(edges))


def says_number(key: str, number: int) -> bool:
    """Whether a case's key ends in that number, as case-007 does in 7."""
    digits = key[len(key.rstrip("0123456789")) :]
    return bool(digits) and digits.lstrip("0") == str(number)


def side_by_side(first: int, models: int) -> Sequence[int]:
    """The places of up to four models to show together, beginning with the one at `first`."""
    return [first, *(place for place in range(models) if place != first)][:MOST_MODELS]


def models_query(places: Sequence[int]) -> str:
    """`0-2-3`: places of a run's models in an address, where names would be long."""
    return "-".join(str(place) for place in places)


def read_models_query(given: str, models: Sequence[str]) -> list[str]:
    """The models of `models_query`, at most four; places that are none of the run's are left out."""
    known = {str(place): model for place, model in enumerate(models)}
    return [known[part] for part in dict.fromkeys(given.split("-")) if part in known][:MOST_MODELS]


def band(quality: float) -> int:
    """0-100 points to one of five bands of 20, the last with both its ends."""
    return min(BANDS - 1, max(0, int(quality // (100 / BANDS))))


def look_words(cell: MatrixCell) -> str:
    """What the cell is, in words; of one a race did not call for, why."""
    said = LOOK_WORDS[cell.look]
    if cell.spared is None:
        return said
    why = "dropped" if cell.spared.dropped else "the race was over"
    return f"{said}: {why} after {plural(cell.spared.cases, 'case')}"


def _markup(cells: Iterable[str]) -> Markup:
    # By hand, as a page may have thousands of cells: a template passes each piece through every block it is in.
    return Markup("".join(cells))  # noqa: S704 - every value of a cell is escaped or one of our own words


def _start(cell: CellView) -> str:
    return ' class="group-start"' if cell.first_arm else ""


def _look(cell: CellView) -> str:
    band = "" if cell.band is None else f' data-band="{cell.band}"'
    return f' data-look="{cell.look}"{band}'


def _cell(cell: MatrixCell, href: str, head: str, arms: Sequence[str]) -> CellView:
    quality = "" if cell.quality is None else f"quality {points(cell.quality)}, "
    kind = f" ({cell.failure_kind.replace('_', ' ')})" if cell.failure_kind else ""
    trials = f", mean of {cell.trials} trials" if cell.trials > 1 else ""
    return CellView(
        href=href,
        look=cell.look,
        label=cell.label,
        band=None if cell.quality is None else band(cell.quality),
        words=f"{head}: {quality}{look_words(cell)}{kind}{trials}",
        first_arm=len(arms) > 1 and cell.arm == arms[0],
    )


def _seen(cells: Iterable[CellView]) -> tuple[CellLook, ...]:
    """The looks the legend must explain, in their own order."""
    found = {cell.look for cell in cells}
    return tuple(look for look in CellLook if look in found)
