"""`steelyard runs`: list, show, resume, cancel."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from rich.text import Text

from steelyard.cli import exits
from steelyard.cli import text as words
from steelyard.cli.announce import tell_kept_budget
from steelyard.cli.desk import open_desk
from steelyard.cli.follow import conclude, show, whole
from steelyard.cli.grid import GAP, Column, heading_lines, row, total_width
from steelyard.cli.jsonout import STDOUT, check_target, write_json
from steelyard.cli.options import Output
from steelyard.cli.people import tell_people
from steelyard.cli.prices import prices_lines
from steelyard.cli.report import INTERRUPTED
from steelyard.cli.terminal import Terminal
from steelyard.domain.money import dollars
from steelyard.services.certificates import mark_so_far
from steelyard.services.selection import budget_microcents
from steelyard.storage.runs import RunRow, starter_json

MIN_NAME = 12
_MOST_REASONS = 3
_VERDICTS = {"best": "best", "tied": "tied", "not_enough": "not enough", "single": "single"}


def list_runs(skill: str | None, limit: int, json_to: str | None) -> int:
    """The newest runs first."""
    check_target(json_to)

    async def rows() -> Sequence[RunRow]:
        async with open_desk() as desk:
            return await desk.runs(skill, limit)

    found = asyncio.run(rows())
    terminal = Terminal(json_out=json_to == STDOUT)
    terminal.out.lines(runs_table(found, terminal.out.width))
    write_json({"schema": "steelyard.runs/1", "runs": [_row_json(run) for run in found]}, json_to)
    return exits.OK


def show_run(id_prefix: str, output: Output, *, prices: str | None = None) -> int:
    """One run's report; with `prices`, its costs at the prices of that day as well."""
    check_target(output.json)

    async def body() -> int:
        terminal = Terminal(json_out=output.json == STDOUT, quiet=output.quiet)
        async with open_desk() as desk:
            found = await desk.shown_run(id_prefix, prices)
        report, people, repriced = found.report, found.people, found.repriced
        show(report, terminal)
        tell_people(people, terminal)
        anew: dict[str, Any] = {}
        if repriced is not None:
            anew = {"prices": repriced.to_json()}
            if not terminal.quiet:
                terminal.out.lines(prices_lines(repriced, terminal.out.width))
        write_json(report.to_json() | {"people": people.to_json()} | anew, output.json)
        return exits.OK

    return asyncio.run(body())


def resume_run(
    id_prefix: str, budget: float | None, concurrency: int, output: Output, *, accept_judge: bool = False
) -> int:
    """Continue a run in the foreground."""
    check_target(output.json)
    limit = budget_microcents(budget)

    async def body() -> int:
        terminal = Terminal(json_out=output.json == STDOUT, quiet=output.quiet)
        async with open_desk(concurrency=concurrency) as desk:
            resuming = desk.resume(id_prefix, limit, accept_judge=accept_judge)
            run, asked = await whole(resuming, terminal)
            done, _ = await desk.done_cells(run.id)
            terminal.say(
                f"Continuing run {str(run.id)[:8]} of {words.safe(run.skill_name)}: {done:,} of {run.planned:,} cells"
                " have come to an end."
            )
            tell_kept_budget(None if limit is not None else run.budget_microcents, terminal)
            interrupted = await desk.follow(run.id, terminal, interrupted=asked)
            return await conclude(desk, run.id, terminal, output, interrupted=interrupted)

    return asyncio.run(body())


def cancel_run(id_prefix: str) -> int:
    """Stop a run."""

    async def body() -> UUID:
        async with open_desk() as desk:
            return await desk.cancel(id_prefix)

    short = str(asyncio.run(body()))[:8]
    Terminal().out.line(
        f"Run {short} is cancelled; its answers are kept. `steelyard runs resume {short}` continues it."
    )
    return exits.OK


def runs_table(runs: Sequence[RunRow], width: int) -> list[Text]:
    """One row per run; on a narrow screen its figures stand below its name."""
    if not runs:
        return [Text("No runs yet. Start one: steelyard run path/to/skill --model provider:name")]
    columns = [
        Column("ID", "", [str(run.id)[:8] for run in runs], left=True),
        Column("Started", "UTC", [_moment(run.started_at or run.created_at) for run in runs], left=True),
        Column("Status", "", [_status(run) for run in runs], left=True),
        Column("Verdict", "", [_verdict(run) for run in runs], left=True),
        Column("Models", "", [str(len(run.models)) for run in runs]),
        Column("Cells", "", [f"{run.planned:,}" for run in runs]),
        Column("Spent", "", [_spent(run) for run in runs]),
    ]
    if width - total_width(columns) - GAP < MIN_NAME:
        columns.pop(4)
    room = width - total_width(columns) - GAP
    if room >= MIN_NAME:
        names = Column("Skill", "", [words.shorten(words.safe(run.skill_name), room) for run in runs], left=True)
        table = [columns[0], names, *columns[1:]]
        lines = [*heading_lines(table), *(row(table, index) for index in range(len(runs)))]
    else:
        lines = [line for run in runs for line in _stacked(run, width)]
    if any(run.partial for run in runs):
        lines.append(Text("* partial: `steelyard runs resume ID` does what is left", style="dim"))
    lines += _waits_lines(runs, width)
    if any(run.unserved and not run.left for run in runs):
        lines.append(Text(f"{INTERRUPTED}: no worker serves it; `steelyard runs resume ID` goes on", style="dim"))
    if any(_marked(run) and run.verdict is not None for run in runs):
        lines.append(Text("† its judge was accepted although it did not pass its examination", style="dim"))
    return lines


def _stacked(run: RunRow, width: int) -> list[Text]:
    short = f"{str(run.id)[:8]}  "
    name = words.shorten(words.safe(run.skill_name), width - len(short))
    verdict = "no verdict" if run.verdict is None else _verdict(run)
    figures = (
        f"{_moment(run.started_at or run.created_at)} UTC, {_status(run)}, {verdict},"
        f" {words.count(len(run.models), 'model')}, {words.count(run.planned, 'cell')}, {_spent(run)}"
    )
    return [Text(short).append(name, "bold"), Text(" " * len(short) + words.hang(figures, width, len(short)))]


def _status(run: RunRow) -> str:
    fate = f"{run.status}, waits" if run.left else INTERRUPTED if run.unserved else run.status
    return fate + ("*" if run.partial else "")


def _waits_lines(runs: Sequence[RunRow], width: int) -> list[Text]:
    """Why those wait that nobody can serve: each reason once, with a run it is of."""
    reasons: dict[str, list[RunRow]] = {}
    for run in runs:
        if run.left:
            reasons.setdefault(run.left_why or "", []).append(run)
    lines: list[Text] = []
    for why, waiting in list(reasons.items())[:_MOST_REASONS]:
        first = str(waiting[0].id)[:8]
        of = "" if len(waiting) == 1 else f" and {len(waiting) - 1:,} more"
        said = f"{words.safe(why, 200).rstrip('.')} ({first}{of}). `steelyard runs show {first}` says what to do"
        lines.append(Text("waits: " + words.hang(said, width, len("waits: ")), style="dim"))
    if len(reasons) > _MOST_REASONS:
        lines.append(Text(f"waits: for {len(reasons) - _MOST_REASONS:,} reasons more", style="dim"))
    return lines


def _verdict(run: RunRow) -> str:
    if run.verdict is None:
        return "–"
    return _VERDICTS.get(str(run.verdict["statistics"]["kind"]), "–") + ("†" if _marked(run) else "")


def _marked(run: RunRow) -> bool:
    """Whether the run's grades count although its judge did not pass its examination."""
    return mark_so_far(run) is not None


def _spent(run: RunRow) -> str:
    if run.spent_is_lower_bound:
        return f"≥{dollars(run.spent_microcents)}" if run.spent_microcents else "unknown"
    return dollars(run.spent_microcents)


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M}"


def _row_json(run: RunRow) -> dict[str, Any]:
    return {
        "id": str(run.id),
        "skill": run.skill_name,
        "skill_version": run.skill_digest,
        "status": run.status,
        "unserved": run.unserved,
        "waits": run.waits,
        "left": run.left,
        "stop_cause": run.stop_cause,
        "partial": run.partial,
        "models": list(run.models),
        "started_by": starter_json(run),
        "planned": run.planned,
        "spent_microcents": run.spent_microcents,
        "spent_is_lower_bound": run.spent_is_lower_bound,
        "verdict": None if run.verdict is None else run.verdict["statistics"]["kind"],
        "best_model": run.best_model,
        "cheapest_model": run.cheapest_model,
        "created_at": run.created_at.isoformat(),
        "completed_at": None if run.completed_at is None else run.completed_at.isoformat(),
    }
