"""`steelyard demo`: the example skills on a small local model, from nothing to a verdict."""

from __future__ import annotations

import asyncio
import shlex
import shutil
import sys
from pathlib import Path

from rich.text import Text

from steelyard.bootstrap import open_workbench
from steelyard.cli import exits
from steelyard.cli import text as words
from steelyard.cli.announce import tell_estimate
from steelyard.cli.follow import code_of, follow, show, whole
from steelyard.cli.terminal import Terminal
from steelyard.domain.errors import SkillError
from steelyard.domain.models import ModelRef
from steelyard.services.demo import MAX_TOKENS, MODELS, examples
from steelyard.services.run_request import RunRequest
from steelyard.skills.folder import LoadedSkill, read_skills


def demo(folder: str | None, *, fresh: bool) -> int:
    """Benchmark every example skill and print its verdict."""
    place = examples() if folder is None else Path(folder).expanduser()
    skills = [skill for skill in read_skills(place) if skill.cases]
    if not skills:
        raise SkillError("holds no skill with golden cases.", file=str(place))
    return asyncio.run(_demo(skills, Terminal(), fresh=fresh))


async def _demo(skills: list[LoadedSkill], terminal: Terminal, *, fresh: bool) -> int:
    models = [ModelRef.parse(text) for text in MODELS]
    verdicts: list[tuple[str, str]] = []
    reused = planned = 0
    code = exits.OK
    terminal.say(
        Text(
            f"{words.count(len(skills), 'example skill')} on a small model that runs on this machine, at temperature"
            " 0 and 1, with and without the skill. Deterministic checks grade; no key and no network are needed."
        )
    )
    async with open_workbench(warm=models) as workbench:
        for number, skill in enumerate(skills, 1):
            request = RunRequest(
                content=skill.content,
                cases=skill.cases,
                models=models,
                judge=None,
                max_tokens=MAX_TOKENS,
                fresh=fresh,
                triggered_by="demo",
            )
            terminal.say()
            heading = Text(f"[{number}/{len(skills)}] {words.safe(skill.content.name)}", style="bold magenta")
            terminal.say(heading.append(f"  {words.safe(skill.content.description, 200)}", "not bold default"))
            tell_estimate(request, await workbench.estimate(workbench.tenant_id, request), terminal)
            started, asked = await whole(workbench.benchmarks.start(workbench.tenant_id, request), terminal)
            interrupted = await follow(workbench, started.run_id, terminal, interrupted=asked)
            report = await workbench.benchmarks.report(workbench.tenant_id, started.run_id)
            show(report, terminal)
            if interrupted:
                terminal.err.line("Interrupted; everything received is saved. `steelyard demo` goes on.", "yellow")
                return exits.INTERRUPTED
            verdicts.append((skill.content.name, report.sentence))
            reused, planned = reused + report.counts.reused, planned + report.counts.planned
            code = code or code_of(report)
    terminal.out.lines(_closing(verdicts, reused, planned))
    terminal.out.lines(what_next(skills[0].path))
    return code


def _closing(verdicts: list[tuple[str, str]], reused: int, planned: int) -> list[Text]:
    lines = [Text(), Text("Verdicts", style="bold underline")]
    for name, sentence in verdicts:
        lines.append(Text(f"{words.safe(name)}: ", style="bold").append(words.safe(sentence), "not bold"))
    if reused:
        lines.append(Text(f"{reused:,} of {planned:,} cells reused: called before, not called again."))
    else:
        lines.append(Text(f"All {planned:,} cells were called; run it again and they are reused."))
    return lines


def what_next(skill: Path | None) -> list[Text]:
    """Commands that work from where the person stands: by the path of an example, and of the command as it was found.

    Where the command is on the PATH its name will do.
    """
    command = "steelyard" if shutil.which("steelyard") else shlex.quote(_from_here(Path(sys.argv[0])))
    example = "path/to/skill" if skill is None else shlex.quote(_from_here(skill))
    lines = (
        "Benchmark this skill, or one of your own, on other models:",
        f"  {command} run {example} --model anthropic:claude-sonnet-5-5 --model openai:gpt-5.4",
        "Turn a provider on by its key:",
        "  ANTHROPIC_API_KEY, OPENAI_API_KEY or GEMINI_API_KEY",
        f"Other local models: {command} models install NAME (`{command} models` lists them)",
        f"See it in the browser: {command} serve --open",
        f"These runs again: {command} runs list",
    )
    shown = [Text(("  " if line.startswith("  ") else "") + words.safe(line)) for line in lines]
    return [Text(), Text("What next", style="bold underline"), *shown]


def _from_here(path: Path) -> str:
    """The path as it is typed here: relative to the current folder where it lies in it."""
    absolute = path.absolute()
    here = Path.cwd()
    return str(absolute.relative_to(here)) if absolute.is_relative_to(here) else str(absolute)
