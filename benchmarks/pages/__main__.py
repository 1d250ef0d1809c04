"""Server times of every page at scale: `python -m benchmarks.pages --home HOME`; writes docs/pages.md.

The home is one filled by benchmarks.pages.generate; without --home a temporary one is filled first (half an hour). It
exits with 1 when a page misses a bar, or first view is larger than promised.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import re
import subprocess
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from benchmarks.pages.known import Known, Scales, known_of
from benchmarks.pages.timing import Answer, Client, percentile
from benchmarks.pages.visits import Line, lines_of
from benchmarks.pages.waiting import sentence, waited
from benchmarks.site import clean_environment, of_model_server, serving, temporary_home
from benchmarks.workload import ROOT, write_between

P50_BAR_MS, P95_BAR_MS = 40.0, 100.0
FIRST_VIEW_BAR = 60_000
VISITS = 40
# The form has models to offer; nothing is called.
_KEYS = of_model_server("http://127.0.0.1:9")


@dataclass(frozen=True)
class Timed:
    """A line's answers: the first after the server's start, and the others."""

    line: Line
    first: Answer
    others: Sequence[Answer]

    @property
    def p50_ms(self) -> float:
        return percentile([answer.took_ms for answer in self.others], 0.5)

    @property
    def p95_ms(self) -> float:
        return percentile([answer.took_ms for answer in self.others], 0.95)

    @property
    def misses(self) -> bool:
        return self.line.barred and (self.p50_ms >= P50_BAR_MS or self.p95_ms >= P95_BAR_MS)


def measure(address: str, known: Known, *, visits: int, seed: int, only: str = "") -> list[Timed]:
    """Each line once in order on the fresh server, then all their visits mixed. Raises ValueError on a wrong answer."""
    lines = [line for line in lines_of(known) if re.search(only, line.name, re.I)]
    dice, client = Random(seed), Client(address)

    def ask(line: Line) -> Answer:
        visit = line.make(dice)
        answer = client.ask(visit)
        if answer.status != line.status:
            raise ValueError(f"{line.name}: {visit.path} answered {answer.status}")
        return answer

    try:
        first = [ask(line) for line in lines]
        order = [place for place in range(len(lines)) for _ in range(visits)]
        dice.shuffle(order)
        others: list[list[Answer]] = [[] for _ in lines]
        for place in order:
            others[place].append(ask(lines[place]))
    finally:
        client.close()
    return [Timed(*timed) for timed in zip(lines, first, others, strict=True)]


@dataclass(frozen=True)
class FirstView:
    """Bytes, gzipped, of what the first page makes a browser fetch."""

    script: int
    style: int


def first_view(address: str) -> FirstView:
    client = Client(address)
    try:
        page = client.text("/")
        script, style = (
            sum(client.ask_path(path).sent for path in re.findall(rf'(?:src|href)="(/static/[^"]+\.{ending})"', page))
            for ending in ("js", "css")
        )
    finally:
        client.close()
    return FirstView(script, style)


def table(rows: Sequence[Timed]) -> str:
    lines = ["| page | p50 | p95 | first | size | gzipped |", "|---|--:|--:|--:|--:|--:|"]
    for row in rows:
        answers = [row.first, *row.others]
        size = percentile([answer.size for answer in answers], 0.5)
        sent = percentile([answer.sent for answer in answers], 0.5)
        name = row.line.name if row.line.barred else f"*{row.line.name}*"
        mark = " **missed**" if row.misses else ""
        lines.append(
            f"| {name}{mark} | {row.p50_ms:.0f} ms | {row.p95_ms:.0f} ms | {row.first.took_ms:.0f} ms"
            f" | {size / 1000:.1f} kB | {sent / 1000:.1f} kB |"
        )
    return "\n".join(lines)


def about(scales: Scales, view: FirstView, visits: int, loads: tuple[float, float]) -> str:
    return (
        f"{scales.skills:,} skills, {scales.runs:,} runs of one of them, {scales.results:,} results,"
        f" {scales.measurements:,} measurements. {visits} visits a line, mixed. {_machine()}; load average"
        f" {loads[0]:.1f} before and {loads[1]:.1f} after; {datetime.now(UTC):%d %B %Y}.\n\n"
        f"First view: {view.script / 1000:.1f} kB of script and {view.style / 1000:.1f} kB of style, gzipped"
        f" ({(view.script + view.style) / 1000:.1f} kB of the {FIRST_VIEW_BAR / 1000:.0f} kB allowed)."
    )


def _machine() -> str:
    names = re.findall(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text()) if sys.platform == "linux" else []
    name = names[0] if names else platform.processor() or platform.machine()
    return f"{os.cpu_count()} processors ({name}), Python {platform.python_version()}"


@contextmanager
def _home(given: Path | None, fill: Sequence[str]) -> Generator[Path]:
    if given is not None:
        yield given
        return
    with temporary_home() as home:
        command = [sys.executable, "-m", "benchmarks.pages.generate", *fill]
        subprocess.run(command, cwd=ROOT, env=clean_environment(home), check=True)
        yield home


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, help="a STEELYARD_HOME that is filled already")
    parser.add_argument("--visits", type=int, default=VISITS, help=f"of each line ({VISITS})")
    parser.add_argument("--only", default="", help="only lines whose name matches; writes no page")
    parser.add_argument("--seed", type=int, default=1)
    options, fill = parser.parse_known_args()
    with _home(options.home, fill) as home:
        known = asyncio.run(known_of(home))
        before = os.getloadavg()[0]
        with serving(home, env=_KEYS) as address:
            rows = measure(address, known, visits=options.visits, seed=options.seed, only=options.only)
            view = first_view(address)
            beside = sentence(waited(address, known, seed=options.seed))
        loads = before, os.getloadavg()[0]
    text = f"{about(known.scales, view, options.visits, loads)}\n\n{beside}\n\n{table(rows)}"
    print(text)
    if not options.only:
        write_between(ROOT / "docs" / "pages.md", "pages", text)
    said = [f"{row.line.name}: p50 {row.p50_ms:.0f} ms, p95 {row.p95_ms:.0f} ms" for row in rows if row.misses]
    if view.script + view.style > FIRST_VIEW_BAR:
        said.append(f"first view has {view.script + view.style:,} bytes of script and style")
    if said:
        raise SystemExit("Not as promised:\n" + "\n".join(said))


if __name__ == "__main__":
    main()
