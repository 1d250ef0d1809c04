"""`steelyard skills`: add, list, lint, show, delete."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC
from pathlib import Path

from rich.cells import cell_len
from rich.text import Text

from steelyard.cli import exits
from steelyard.cli import text as words
from steelyard.cli.desk import open_desk
from steelyard.cli.grid import GAP, Column, fill, heading_lines, row, total_width
from steelyard.cli.guard import tell
from steelyard.cli.jsonout import STDOUT, check_target, write_json
from steelyard.cli.terminal import Terminal
from steelyard.domain.errors import InputError
from steelyard.services.certificates import mark_so_far
from steelyard.services.skills import CaseChange
from steelyard.skills.folder import LoadedSkill, find_skills, read_skill
from steelyard.storage.removal import Belongings
from steelyard.storage.skills import SkillRow

CASES_SHOWN = 20
MIN_NAME = 14


def add_skills(paths: Sequence[str]) -> int:
    """Keep each skill found; one that cannot be read does not keep the others out."""
    loaded, unread = _read_all(paths)

    async def body() -> list[tuple[SkillRow, CaseChange]]:
        done: list[tuple[SkillRow, CaseChange]] = []
        async with open_desk() as desk:
            for skill in loaded:
                done.append(await desk.add_skill(skill))  # noqa: PERF401 - a desk is asked for one after the other
        return done

    screen = Terminal().out
    for kept, change in asyncio.run(body()) if loaded else []:
        screen.line(
            f"Added {words.safe(kept.name)}: version {kept.digest[:12]} ({words.count(kept.versions, 'version')} kept),"
            f" {words.count(kept.cases, 'golden case')}."
        )
        if change.retired:
            screen.line(f"  {_retired(change.retired)}")
    for error in unread:
        tell(error)
    return exits.USAGE if unread else exits.OK


def _retired(keys: Sequence[str]) -> str:
    """Which golden cases the folder has no more."""
    more = f" and {len(keys) - CASES_SHOWN:,} more" if len(keys) > CASES_SHOWN else ""
    named = ", ".join(words.safe(key, 60) for key in keys[:CASES_SHOWN])
    return f"{words.count(len(keys), 'golden case')} of the folder retired, no longer in it: {named}{more}."


def list_skills(json_to: str | None) -> int:
    """The added skills, by name."""
    check_target(json_to)

    async def body() -> Sequence[SkillRow]:
        async with open_desk() as desk:
            return await desk.skills()

    rows = asyncio.run(body())
    terminal = Terminal(json_out=json_to == STDOUT)
    terminal.out.lines(_skills_table(rows, terminal.out.width))
    listed = [
        {"name": r.name, "description": r.description, "version": r.digest, "versions": r.versions, "cases": r.cases}
        for r in rows
    ]
    write_json({"schema": "steelyard.skills/1", "skills": listed}, json_to)
    return exits.OK


def lint_skills(paths: Sequence[str]) -> int:
    """Every finding, by skill; exit 2 when an error is among them."""
    loaded, unread = _read_all(paths)
    screen = Terminal().out
    errors = 0
    for skill in loaded:
        findings = [*skill.content.lint, *skill.findings]
        errors += sum(finding.level == "error" for finding in findings)
        said = words.count(len(findings), "remark") if findings else "nothing to remark"
        screen.line(
            Text(words.safe(skill.content.name), style="bold").append(
                f": {words.count(len(skill.cases), 'golden case')}, {said}", "not bold"
            )
        )
        for finding in findings:
            where = finding.file if finding.line is None else f"{finding.file}:{finding.line}"
            line = Text(f"  {finding.level}: ", style="red" if finding.level == "error" else "yellow")
            said = words.hang(words.safe(f"{finding.level}: {where}: {finding.message}"), screen.width - 2, 4)
            screen.line(line.append(said.removeprefix(f"{finding.level}: "), "default"))
    for error in unread:
        tell(error)
    return exits.USAGE if errors or unread else exits.OK


def show_skill(name: str) -> int:
    """An added skill: its version, its golden cases, its newest runs."""

    async def body() -> int:
        async with open_desk() as desk:
            found = await desk.shown_skill(name)
        kept, version, cases, runs = found.row, found.version, found.cases, found.runs
        screen = Terminal().out
        screen.line(words.safe(kept.name), "bold")
        if kept.description:
            screen.line(words.safe(kept.description))
        screen.line(
            f"Version {kept.digest[:12]} of {version.created_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC, one of"
            f" {kept.versions:,}; {len(version.prompt):,} characters are sent as the skill."
        )
        screen.line()
        screen.line(words.count(len(cases), "golden case"), "bold")
        shown = cases[:CASES_SHOWN]
        labels = [words.safe(case.case.case_id, 16) for case in shown]
        width = max((cell_len(label) for label in labels), default=0)
        for label, case in zip(labels, shown, strict=True):
            screen.line(f"  {fill(label, width)}  {words.safe(case.case.input, max(10, screen.width - width - 4))}")
        if len(cases) > CASES_SHOWN:
            screen.line(f"  and {len(cases) - CASES_SHOWN:,} more")
        screen.line()
        screen.line("Newest runs" if runs else "No runs yet", "bold")
        if not runs:
            screen.line(f"  steelyard run {words.safe(kept.name)} --model provider:name")
        for run in runs:
            leading = f", leading {words.safe(run.best_model)}" if run.best_model else ""
            if mark_so_far(run) is not None:
                leading += ", its judge accepted although it did not pass"
            status = f"{run.status}, waits" if run.left else run.status
            screen.line(f"  {str(run.id)[:8]}  {run.created_at.astimezone(UTC):%Y-%m-%d %H:%M}  {status}{leading}")
        return exits.OK

    return asyncio.run(body())


def delete_skill(name: str, *, yes: bool) -> int:
    """Delete a skill, or say what would go with it: then the exit code is that of a question left open."""

    async def body() -> Belongings:
        async with open_desk() as desk:
            return await desk.delete_skill(name, yes=yes)

    found = asyncio.run(body())
    screen = Terminal().out
    had = [words.count(found.versions, "version"), words.count(found.cases, "golden case")]
    if found.runs:
        spent = words.spent(found.spent_microcents, found.spent_is_lower_bound)
        had.append(f"{words.count(found.runs, 'run')} with {words.count(found.answers, 'answer')} ({spent})")
    if found.ratings:
        had.append(f"{words.count(found.ratings, 'rating')} by people")
    if found.uses:
        had.append(words.count(found.uses, "measured use"))
    if found.feedback:
        had.append(f"{words.count(found.feedback, 'piece')} of feedback")
    what = f"{words.safe(name)} with {', '.join(had)}"
    if yes:
        screen.line(words.hang(f"Deleted {what}.", screen.width, 2))
        return exits.OK
    screen.line(words.hang(f"This would delete {what}, for good. With --yes it is done.", screen.width, 2))
    return exits.USAGE


def _skills_table(rows: Sequence[SkillRow], width: int) -> list[Text]:
    if not rows:
        return [Text("No skills yet. Add some: steelyard skills add path/to/skill")]
    columns = [
        Column("Version", "", [r.digest[:12] for r in rows], left=True),
        Column("Versions", "", [f"{r.versions:,}" for r in rows]),
        Column("Cases", "", [f"{r.cases:,}" for r in rows]),
    ]
    if width - total_width(columns) - GAP < MIN_NAME:
        columns.pop(1)
    room = max(MIN_NAME, width - total_width(columns) - GAP)
    names = Column("Skill", "", [words.shorten(words.safe(r.name), room) for r in rows], left=True)
    table = [names, *columns]
    return [*heading_lines(table), *(row(table, index) for index in range(len(rows)))]


def _read_all(paths: Sequence[str]) -> tuple[list[LoadedSkill], list[InputError]]:
    """Every skill at or below the paths, and what kept others from being read."""
    loaded: list[LoadedSkill] = []
    unread: list[InputError] = []
    for path in (Path(text).expanduser() for text in paths):
        for item in (find_skills(path) if path.is_dir() else []) or [path]:
            try:
                loaded.append(read_skill(item))
            except InputError as error:
                unread.append(error)
    return loaded, unread
