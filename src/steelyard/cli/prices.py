"""A run at the prices of another day, as a person reads it."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from steelyard.cli import text as words
from steelyard.cli.grid import GAP, Column, heading_lines, row, total_width
from steelyard.domain.money import dollars
from steelyard.services.repricing import ModelPrices, Repriced


def prices_lines(repriced: Repriced, width: int) -> Iterator[Text]:
    """What each model's average case cost then and costs at those prices; ranks that flip are marked."""
    yield Text()
    yield Text(f"At the prices of {repriced.day.isoformat()}", style="bold")
    models = repriced.models
    day = repriced.day.isoformat()
    columns = [
        Column("In the run", "$/case", [_money(one.then) for one in models]),
        Column("In the run", "rank", [_rank(one.rank_then) for one in models]),
        Column(day, "$/case", [_money(one.now) for one in models]),
        Column(day, "rank", [_rank(one.rank_now) + ("*" if one.flipped else "") for one in models]),
        Column("Change", "%", [_change(one) for one in models]),
    ]
    room = max(8, width - total_width(columns) - GAP)
    names = words.short_names([one.model for one in models], room)
    table = [Column("Model", "", names, left=True), *columns]
    yield from heading_lines(table)
    for index in range(len(models)):
        yield row(table, index)
    if any(one.flipped for one in models):
        yield Text("* another place in the order of costs than in the run", style="dim")
    yield from _decisions(repriced)


def _decisions(repriced: Repriced) -> Iterator[Text]:
    if not repriced.changed:
        yield Text("No average cost is another than it was.")
        return
    for what, then, now in (
        ("Cheapest", repriced.cheapest_then, repriced.cheapest_now),
        ("Cheapest good enough", repriced.good_enough_then, repriced.good_enough_now),
    ):
        name = "none" if now is None else words.safe(now)
        before = "none" if then is None else words.safe(then)
        same = then == now
        yield Text(
            f"{what}: {name}{', as in the run' if same else f' (in the run {before})'}",
            style="" if same else "bold yellow",
        )
    yield Text(words.safe(repriced.sentence_now))


def _money(microcents: int | None) -> str:
    return "unknown" if microcents is None else dollars(microcents)


def _rank(rank: int | None) -> str:
    return "–" if rank is None else str(rank)


def _change(one: ModelPrices) -> str:
    if one.percent is None:
        return "–" if one.changed else "0"
    return f"{one.percent:+,.0f}" if one.changed else "0"
