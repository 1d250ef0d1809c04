"""GET /spend and /spend.csv: what a month's money went to. POST /settings/budgets: what may be spent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from uuid import UUID

from fastapi import APIRouter
from starlette.responses import Response

from steelyard.domain.actors import ActorKind
from steelyard.domain.errors import InputError
from steelyard.domain.spending import SpendKind
from steelyard.services.spend import Split
from steelyard.storage.spend_view import By, Slice, SpendRow
from steelyard.web.deps import Bench, Tenant
from steelyard.web.exports import csv_download
from steelyard.web.forms import Form, text
from steelyard.web.links import skill_url
from steelyard.web.pages.settings import BudgetForm, settings_page_of
from steelyard.web.rendering import Viewing

router = APIRouter()

_TITLES: dict[By, tuple[str, str, str]] = {
    "kind": ("What for", "Kind of call", ""),
    "skill": ("By skill", "Skill", "Every call about it, its judges’ and reviewers’ too."),
    "model": ("By model", "Model", "Answers alone: what the compared models took."),
    "judge": ("By judge", "Judge", "Judging, examinations and tie-breaks."),
    "member": ("By whom", "Started by", "Who started what was paid for."),
}


@dataclass(frozen=True)
class SpendLine:
    """A line of a table: its `share` of the table's money 0-1, and where it leads."""

    name: str
    note: str
    href: str | None
    spent_microcents: int
    is_lower_bound: bool
    calls: int
    share: float | None


@dataclass(frozen=True)
class SpendTable:
    """One split of the month."""

    by: By
    title: str
    heading: str
    about: str
    lines: tuple[SpendLine, ...]
    split: Split


@router.get("/spend")
async def spend_page(view: Viewing, bench: Bench, tenant: Tenant, month: str = "", before: str = "") -> Response:
    """`month` and `before` as 2026-11; what says nothing is left aside."""
    report = await bench.spend.report(tenant, _month(bench, month), months_before=_month(bench, before))
    return view.page(
        "pages/spend.html.jinja",
        report=report,
        stands=report.stands,
        tables=[_table(by, split) for by, split in report.splits.items()],
        whole=_whole(report.stands.month),
        before=before,
    )


@router.get("/spend.csv")
async def spend_csv(bench: Bench, tenant: Tenant, month: str = "") -> Response:
    """Every row of the month, this one where none is given."""
    chosen = _month(bench, month) or datetime.now(UTC).date().replace(day=1)
    return csv_download(bench.spend.rows(tenant, chosen), SpendRow, f"spend-{chosen:%Y-%m}.csv")


@router.post("/settings/budgets")
async def set_budgets(view: Viewing, bench: Bench, tenant: Tenant, form: Form) -> Response:
    """A blank amount is no limit."""
    month, run, refuse = text(form, "month"), text(form, "run"), text(form, "refuse_unpriced") == "1"
    try:
        await bench.budgets.set(tenant, month_usd=month, run_usd=run, refuse_unpriced=refuse)
    except InputError as error:
        typed = BudgetForm(month, run, refuse, error)
        return await settings_page_of(view, bench, tenant, budget_form=typed)
    return view.redirect("/settings#budgets")


def _month(bench: Bench, given: str) -> date | None:
    try:
        return bench.spend.month_of(given) if given else None
    except InputError:
        return None


def _whole(month: date) -> bool:
    """Whether the month is over."""
    return month < datetime.now(UTC).date().replace(day=1)


def _table(by: By, split: Split) -> SpendTable:
    title, heading, about = _TITLES[by]
    return SpendTable(
        by, title, heading, about, tuple(_line(by, line, split.share(line)) for line in split.lines), split
    )


def _line(by: By, line: Slice, share: float | None) -> SpendLine:
    name, note, href = line.name or line.key, "", None
    if by == "kind":
        name = SpendKind(line.key).words
    elif by == "skill":
        if line.name is None:
            name, note = "a deleted skill", line.key[:8]
        else:
            href = skill_url(line.name, UUID(line.key), "runs")
    elif by == "member":
        name, note = _member(line)
    else:
        href = "/models"
    return SpendLine(name, note, href, line.spent_microcents, line.unknown_calls > 0, line.calls, share)


def _member(line: Slice) -> tuple[str, str]:
    match ActorKind(line.key.split(" ")[0]):
        case ActorKind.LOCAL:
            return "The machine’s owner", ""
        case ActorKind.SCHEDULE:
            return "The schedule", "tested again by itself"
        case ActorKind.KEY:
            return line.name or line.key, "API key"
        case ActorKind.MEMBER:
            return line.name or line.key, ""
